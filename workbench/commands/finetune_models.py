"""The part of ``finetune`` that is about tuned models: registering them, and who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workbench.commands import console
from workbench.commands.finetune_words import change_line, say_gate, tuned_line
from workbench.commands.library import library
from workbench.core.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.core.finetune.trail import RolloutChange
    from workbench.core.finetune.trainings import Training
    from workbench.core.library.database import Database

Named = Annotated[str, typer.Argument(metavar="MODEL", help="A tuned model's name, its id, or the beginning of it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[str, typer.Option("--as", help="Who does this, for the trail.")]
Note = Annotated[str, typer.Option(help="Why, for the trail.")]


def register(
    name: Annotated[str, typer.Option(help="What the model is called.")],
    training: Annotated[
        str, typer.Argument(metavar="[TRAINING]", help="The training that made it; none for one from elsewhere.")
    ] = "",
    model: Annotated[str, typer.Option(help="Its id at the endpoint; the training's result when not given.")] = "",
    checkpoint: Annotated[int | None, typer.Option(min=0, help="The checkpoint at this step of the training.")] = None,
    endpoint: Annotated[str, typer.Option(help="The address that serves it; needed for one trained here.")] = "",
    base: Annotated[str, typer.Option(help="The base model, for one from elsewhere.")] = "",
    version: Annotated[str, typer.Option(help="The dataset version, for one from elsewhere.")] = "",
    licence: Annotated[str, typer.Option(help="Its licence, where the training does not tell it.")] = "",
    note: Annotated[str, typer.Option(help="Anything worth knowing.")] = "",
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Register what a training made, or a model from elsewhere, as a candidate."""
    from workbench.core.finetune.models import register as add
    from workbench.core.finetune.trainings import training_named

    database = library()
    source = training_named(database, training) if training else None
    if checkpoint is not None:
        if source is None or model:
            raise InvalidInputError(
                "A checkpoint is of a training, and is a model by itself.", hint="Name the training; leave --model out."
            )
        model = _model_at(source, checkpoint)
    made = add(
        database, name=name, model=model, endpoint=endpoint, training=source.id if source else "", base=base,
        version=version, licence=licence, note=note, curator=who,
    )  # fmt: skip
    if as_json:
        console.print_json(made.to_dict())
    else:
        print(tuned_line(made, {}))
    return 0


def promote(
    model: Named,
    to: Annotated[str, typer.Argument(metavar="canary|live", help="Canary for a share of the requests, or live.")],
    share: Annotated[
        float | None, typer.Option(help="The canary's share, above 0 and at most 1.  [default: 0.1]")
    ] = None,
    override: Annotated[str, typer.Option(help="Why it goes live though the gate is shut; the trail keeps it.")] = "",
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Make a model canary or live, or give the canary another share. Exit 1 when the gate to live is shut."""
    from workbench.core.finetune import rollout
    from workbench.core.finetune.gate import gate, hindrances
    from workbench.core.finetune.models import model_named

    if share is not None and to == "live":
        raise InvalidInputError("Only a canary has a share.", hint="Leave --share out.")
    database = library()
    seen, found = rollout.state(database).seen, model_named(database, model)
    verdict = gate(database, found) if to == "live" and found.state != "live" else None
    reasons = hindrances(database, found) if to == "canary" else ()
    if verdict is not None:
        say_gate(verdict)
        reasons = () if verdict.open or (override.strip() and not verdict.final) else verdict.reasons
    if reasons:
        for reason in reasons:
            console.complain(reason)
        if verdict is not None and not verdict.final:
            console.note('The gate is shut. Score the model on a frozen test set, or say why: --override "WHY".')
        if as_json:
            console.print_json({"change": None, "reasons": list(reasons), "gate": verdict and verdict.to_dict()})
        return 1
    if share is not None and found.state == "canary":
        change = rollout.set_share(database, found.id, share, curator=who, seen=seen)
    else:
        change = rollout.promote(
            database, found.id, to, share=rollout.SHARE if share is None else share, override=override, curator=who,
            seen=seen,
        )  # fmt: skip
    if as_json:
        console.print_json({"change": change.to_dict(), "reasons": [], "gate": verdict and verdict.to_dict()})
        return 0
    return _told(database, change, as_json=False)


def rollback(note: Note = "", who: Who = "command line", as_json: Json = False) -> int:
    """Undo the last promotion, share or retirement; again for the one before it."""
    from workbench.core.finetune.rollback import roll_back

    database = library()
    return _told(database, roll_back(database, curator=who, note=note), as_json)


def retire(model: Named, note: Note = "", who: Who = "command line", as_json: Json = False) -> int:
    """Take a model out of use; where it was live the base model answers."""
    from workbench.core.finetune.models import model_named
    from workbench.core.finetune.rollout import retire as take_out

    database = library()
    return _told(database, take_out(database, model_named(database, model).id, curator=who, note=note), as_json)


def block(
    model: Named,
    reason: Annotated[str, typer.Option(help="Why it may not answer.")],
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Forbid a model to answer, at once and until it is unblocked."""
    from workbench.core.finetune.models import model_named
    from workbench.core.finetune.rollout import block as forbid

    database = library()
    return _told(database, forbid(database, model_named(database, model).id, reason=reason, curator=who), as_json)


def unblock(model: Named, note: Note = "", who: Who = "command line", as_json: Json = False) -> int:
    """Lift a block; the model is not brought back by that."""
    from workbench.core.finetune.models import model_named
    from workbench.core.finetune.rollout import unblock as allow

    database = library()
    return _told(database, allow(database, model_named(database, model).id, curator=who, note=note), as_json)


def trail(
    model: Annotated[str, typer.Option(help="Only the changes of this model.")] = "",
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=10_000, help="How many of the latest.")] = 50,
    as_json: Json = False,
) -> int:
    """List the changes of the rollout, newest first: who, when, what, and who answered from then on."""
    from workbench.core.finetune.models import model_named
    from workbench.core.finetune.trail import trail as changes

    database = library()
    found = changes(database, count, model=model_named(database, model).id if model else "")
    if as_json:
        console.print_json([each.to_dict() for each in found])
        return 0
    names = _names(database)
    for each in found:
        print(change_line(each, names))
    return 0


COMMANDS = (register, promote, rollback, retire, block, unblock, trail)
"""In the order in which they are needed."""


def _model_at(training: Training, step: int) -> str:
    """The model of a training's checkpoint.

    Raises:
        InvalidInputError: it has none at that step.
    """
    known = {int(each["step"]): str(each["model"]) for each in training.checkpoints}
    if step not in known:
        steps = ", ".join(map(str, sorted(known)))
        raise InvalidInputError(
            f"The training kept no checkpoint at step {step}.",
            hint=f"It has them at {steps}." if known else "It has none; register its result.",
        )
    return known[step]


def _told(database: Database, change: RolloutChange, as_json: bool) -> int:
    if as_json:
        console.print_json(change.to_dict())
    else:
        print(change_line(change, _names(database)))
    return 0


def _names(database: Database) -> dict[str, str]:
    from workbench.core.finetune.models import models

    return {each.id: each.name for each in models(database)}
