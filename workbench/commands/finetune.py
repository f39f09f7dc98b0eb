"""``finetune``: trainings from the command line, from what they would take to what they made, and their rollout."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.commands import console, finetune_models
from workbench.commands import finetune_options as asked
from workbench.commands.finetune_following import (
    Listening,
    Progress,
    begun,
    ended_well,
    following,
    looked_at,
    stay,
)
from workbench.commands.finetune_words import (
    base_line,
    compliance_rows,
    curve_table,
    plain_event,
    say_offer,
    training_line,
    training_rows,
    tuned_line,
)
from workbench.commands.library import library
from workbench.core.errors import InvalidInputError, WorkbenchError

if TYPE_CHECKING:
    from workbench.core.finetune.backends import BaseModel
    from workbench.core.finetune.trainings import Training
    from workbench.core.library.database import Database

app = typer.Typer(
    help="Train models on datasets, follow trainings, register what they made and roll it out.", no_args_is_help=True
)
Named = Annotated[str, typer.Argument(metavar="TRAINING", help="A training's id, the beginning of it, or its name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[str, typer.Option("--as", help="Who does this, for the trail.")]
Follow = Annotated[bool, typer.Option("--follow", help="Stay until it ends; Ctrl-C leaves it to go on by itself.")]


@app.command("backends")
def show_backends(as_json: Json = False) -> int:
    """List who can train, and what is missing where somebody cannot."""
    from workbench.core.finetune.backends import BACKENDS, make_backend
    from workbench.core.settings import load_settings

    settings = load_settings()
    rows = []
    for name in BACKENDS:
        backend = make_backend(name, settings)
        problem = backend.ready()
        rows.append(
            {
                "name": name, "title": backend.title, "explanation": backend.explanation, "place": backend.place,
                "remote": backend.remote, "ready": not problem, "problem": problem,
            }
        )  # fmt: skip
    if as_json:
        console.print_json(rows)
        return 0
    for row in rows:
        told = f"{row['title']}{' at ' if row['place'] else ''}{row['place']}: {row['problem'] or 'ready'}"
        print(f"{row['name']:8}  {console.one_line(told)}")
    return 0


@app.command("models")
def show_models(
    backend: Annotated[str, typer.Option(help="Only what this backend can tune.")] = "",
    tuned: Annotated[bool, typer.Option("--tuned", help="Only what was tuned; no backend is asked.")] = False,
    as_json: Json = False,
) -> int:
    """List the base models that can be tuned, and the tuned models with their place in the rollout."""
    from workbench.core.finetune.backends import BACKENDS, make_backend
    from workbench.core.finetune.models import flags, models
    from workbench.core.settings import load_settings

    settings, database = load_settings(), library()
    asking = [] if tuned else [make_backend(name, settings) for name in ([backend] if backend else BACKENDS)]
    base: list[tuple[str, BaseModel]] = []
    problems = {}
    for each in asking:
        try:
            problem = each.ready()
            base += [] if problem else [(each.name, model) for model in each.models()]
        except WorkbenchError as trouble:
            problem = str(trouble)
        if problem:
            problems[each.name] = problem
    made = () if backend else models(database)
    withdrawn = flags(database, made)
    if as_json:
        console.print_json(
            {
                "base": [{"backend": name, **asdict(model)} for name, model in base],
                "tuned": [model.to_dict() | {"flagged": withdrawn[model.id]} for model in made],
                "problems": problems,
            }
        )
        return 1 if backend and problems else 0
    for name, model in base:
        print(f"{name:8}  {base_line(model)}")
    for each_made in made:
        print(f"{'tuned':8}  {tuned_line(each_made, withdrawn[each_made.id])}")
    for name, problem in problems.items():
        console.complain(f"{name}: {problem}")
    return 1 if backend and problems else 0


@app.command("estimate")
def estimate(
    version: asked.Version, backend: asked.Backend, model: asked.Model, name: asked.Name = "",
    method: asked.Method = None, epochs: asked.Epochs = 3.0, batch_size: asked.Batch = None,
    learning_rate: asked.Rate = None, beta: asked.Beta = None, suffix: asked.Suffix = "", seed: asked.Seed = 0,
    held_out: asked.HeldOut = True, lora: asked.Lora = None, rank: asked.Rank = None, steps: asked.Steps = None,
    accumulate: asked.Accumulate = None, max_length: asked.MaxLength = None, licence: asked.Licence = "",
    cpu: asked.Cpu = False, processes: asked.Processes = 1, launch: asked.Launch = "", as_json: Json = False,
) -> int:  # fmt: skip
    """Show what a training would take: rows, tokens, price, time, limits, rights. Exit 1 when it cannot be started.

    Nothing is uploaded or spent.
    """
    wish = asked.wish_of(locals())  # before anything else has a name here
    from workbench.core.finetune.offers import offer
    from workbench.core.settings import load_settings

    found = offer(library(), load_settings(), wish)
    if as_json:
        console.print_json(found.to_dict())
    else:
        say_offer(found)
    return 1 if found.against else 0


@app.command("start")
def start(
    version: asked.Version, backend: asked.Backend, model: asked.Model, name: asked.Name = "",
    method: asked.Method = None, epochs: asked.Epochs = 3.0, batch_size: asked.Batch = None,
    learning_rate: asked.Rate = None, beta: asked.Beta = None, suffix: asked.Suffix = "", seed: asked.Seed = 0,
    held_out: asked.HeldOut = True, lora: asked.Lora = None, rank: asked.Rank = None, steps: asked.Steps = None,
    accumulate: asked.Accumulate = None, max_length: asked.MaxLength = None, licence: asked.Licence = "",
    cpu: asked.Cpu = False, processes: asked.Processes = 1, launch: asked.Launch = "",
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking.")] = False, follow: Follow = False,
    who: Who = "command line", as_json: Json = False,
) -> int:  # fmt: skip
    """Start a training, after showing what it takes and asking. It goes on when this command has ended."""
    wish = asked.wish_of(locals())  # before anything else has a name here
    if not yes and not sys.stdin.isatty():
        raise InvalidInputError(
            "A training is started only when somebody confirms it.",
            hint="Look at it with finetune estimate, then start it with --yes.",
        )
    from workbench.core.finetune.offers import offer
    from workbench.core.finetune.trainings import begin
    from workbench.core.settings import load_settings

    database = library()
    found = offer(database, load_settings(), wish)
    say_offer(found, sys.stderr)
    if found.against:
        if as_json:
            console.print_json({"id": None, "against": [asdict(each) for each in found.against]})
        return 1
    if not yes and not _confirmed("Start?"):
        console.note("Nothing was started.")
        return 1
    return _first_step(database, begin(database, found, curator=who), follow, as_json)


@app.command("status")
def status(
    training: Annotated[str, typer.Argument(metavar="[TRAINING]", help="One training; all when not given.")] = "",
    follow: Follow = False,
    as_json: Json = False,
) -> int:
    """Show how trainings stand, or one of them in full; each is asked for anew."""
    from workbench.core.finetune.trainings import training_named, trainings

    database = library()
    if training:
        one = training_named(database, training)
        code = stay(database, one, Progress(database)) if follow else 0
        return _told_in_full(database, _looked_at(database, one, again=not follow), as_json) or code
    if follow:
        raise InvalidInputError("Only one training can be followed.", hint="Name it: finetune status TRAINING.")
    with following(database) as follower, console.interruptible() as go_on:
        found = []
        for each in trainings(database):
            go_on()
            found.append(looked_at(follower, each))
    if as_json:
        console.print_json([each.to_dict() for each in found])
        return 0
    for each in found:
        print(training_line(each))
    return 0


@app.command("logs")
def logs(
    training: Named,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=2_000, help="How many of the latest.")] = 500,
    metrics: Annotated[bool, typer.Option("--metrics", help="Print the curves as CSV, in place of events.")] = False,
    follow: Follow = False,
    as_json: Json = False,
) -> int:
    """Print what was told of a training; with --follow as it comes in, curves and JSON at the end."""
    from workbench.core.finetune.trainings import events_of, metrics_of, training_named

    database = library()
    found = training_named(database, training)
    plain = not (metrics or as_json)
    told = Listening(database, count) if plain else Progress(database)
    code = stay(database, found, told) if follow else 0
    found = _looked_at(database, found, again=not follow)
    if plain:
        told(found)
    elif metrics:
        points = metrics_of(database, found.id)
        if as_json:
            console.print_json([asdict(point) for point in points])
        else:
            print("\n".join(curve_table(points)))
    else:
        console.print_json([plain_event(event) for event in events_of(database, found.id, count)])
    return code


@app.command("cancel")
def cancel(training: Named, as_json: Json = False) -> int:
    """Stop a training. A local one keeps a checkpoint and can be tried again from there."""
    from workbench.core.finetune.trainings import ask_to_cancel, training_named

    database = library()
    before = training_named(database, training)
    found = _looked_at(database, ask_to_cancel(database, before.id))
    if before.ended:
        console.note("It had ended before.")
    elif not found.ended:
        console.note("It is asked to stop, and does so soon.")
    if as_json:
        console.print_json(found.to_dict())
    else:
        print(training_line(found))
    return 0


@app.command("retry")
def retry(training: Named, follow: Follow = False, as_json: Json = False) -> int:
    """Begin a training again that failed or was stopped; nothing is uploaded twice."""
    from workbench.core.finetune.trainings import training_named, try_again

    database = library()
    return _first_step(database, try_again(database, training_named(database, training).id), follow, as_json)


@app.command("measure")
def measure(
    training: Named,
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="How many held-out requests each model is asked.")] = 50,
    as_json: Json = False,
) -> int:
    """Ask a training's model and the untuned one held-out requests, and count the answers that need no repair.

    No grammar holds them meanwhile. At a hosted service the requests are billed.
    """
    from workbench.core.finetune.measuring import measure_training
    from workbench.core.finetune.trainings import training_named
    from workbench.core.settings import load_settings

    database = library()
    found = training_named(database, training)
    with console.interruptible() as go_on:

        def told(who: str, done: int, total: int) -> None:
            go_on()
            if done % 10 == 0 or done == total:
                console.note(f"{who}: {done} of {total} requests")

        state = measure_training(database, load_settings(), found.id, rows=rows, told=told)
    if as_json:
        console.print_json(dict(state))
        return 0
    for name, words in compliance_rows(state):
        print(f"{name:9}{words}")
    return 0


for command in finetune_models.COMMANDS:
    app.command(command.__name__)(command)


def _confirmed(question: str) -> bool:
    """Whether somebody says yes; asked on standard error, so that standard output holds results alone."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _first_step(database: Database, training: Training, follow: bool, as_json: bool) -> int:
    """Hand a training to its backend, say which it is, and stay with it where that is wanted."""
    try:
        with following(database) as follower:
            found = begun(follower, training)
    except KeyboardInterrupt:
        console.note(f"It is kept: python -m workbench finetune status {training.id}")
        raise
    if not as_json:
        print(training_line(found), flush=True)
    if found.trouble and not found.ended and not follow:
        console.complain(f"It is not begun yet: {found.trouble} Look again with finetune status {found.id}.")
        code = 1
    elif follow:
        code = stay(database, found, Progress(database))
    else:
        code = ended_well(found)
    if as_json:
        console.print_json(_kept(database, found).to_dict())
    return code


def _looked_at(database: Database, training: Training, *, again: bool = True) -> Training:
    if not again:
        return _kept(database, training)
    with following(database) as follower:
        return looked_at(follower, training)


def _kept(database: Database, training: Training) -> Training:
    from workbench.core.finetune.trainings import find_training

    return find_training(database, training.id) or training


def _told_in_full(database: Database, training: Training, as_json: bool) -> int:
    from workbench.core.finetune.trainings import metrics_of

    points = metrics_of(database, training.id)
    if as_json:
        last: dict[str, Any] | None = asdict(points[-1]) if points else None
        console.print_json(training.to_dict() | {"last": last})
        return 0
    for name, words in training_rows(training, points):
        print(f"{name:9}{console.one_line(words)}")
    return 0
