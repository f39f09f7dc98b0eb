"""What ``finetune`` says of offers, trainings, models and changes of the rollout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from workbench.commands import console

if TYPE_CHECKING:
    from workbench.core.finetune.backends import BaseModel
    from workbench.core.finetune.gate import Gate
    from workbench.core.finetune.models import TunedModel
    from workbench.core.finetune.offers import Offer
    from workbench.core.finetune.trail import Places, RolloutChange
    from workbench.core.finetune.training import Event, Metric
    from workbench.core.finetune.trainings import Training

CURVES: Mapping[str, str] = {
    "train_loss": "loss", "valid_loss": "held-out loss", "train_accuracy": "accuracy",
    "valid_accuracy": "held-out accuracy",
}  # fmt: skip
"""The curves by what people call them."""


def say_offer(found: Offer, file: TextIO | None = None) -> None:
    """An offer line by line, to ``file`` or standard output; what stands against it on standard error."""
    wish = found.wish
    on = f"{found.held_out:,} held out" if wish.held_out else "none held out"
    length = f"longest row {found.longest:,}" + (f" of {found.limit:,}" if found.limit else "")
    epochs = ("epochs", f"{wish.epochs:g}, {found.billed_tokens:,} tokens in all")
    rows: list[tuple[str, str]] = [
        ("dataset", f"{found.dataset}  {found.dataset_hash[:16]}"),
        ("model", wish.model),
        ("backend", f"{wish.backend} at {found.place}" if found.place else wish.backend),
        ("method", found.method),
        ("rows", f"{found.rows:,} to train on, {on}"),
        ("tokens", f"{found.tokens:,}{'' if found.exact else ' (estimated)'}, {length}"),
        ("steps", f"{wish.steps:,}") if wish.steps else epochs,
        *(("price", f"{each.provider}: {each.words}") for each in found.prices),
        *([] if found.prices else [("price", "not known here: look it up at the provider")]),
        ("time", found.duration.words),
        ("licence", found.licence or "not known"),
        ("rights", f"built for {found.rights.replace('_', ' ')}"),
        ("upload", "the rows leave this machine" if found.uploads else "nothing leaves this machine"),
        *([("goes on", found.until)] if found.until else []),
        *([("launch", _launch(found))] if not found.uploads else []),
    ]  # fmt: skip
    for name, words in rows:
        print(f"{name:9}{console.one_line(words)}", file=file or sys.stdout)
    for words in found.warnings:
        console.note(f"note: {words}")
    for each in found.against:
        console.complain(f"{each.message} {each.hint}".strip())


def training_line(training: Training) -> str:
    """A training in one line."""
    state = f"{training.state}{' ?' if training.trouble else ''}"
    return f"{training.id}  {state:11}  {training.created_at:%Y-%m-%d %H:%M}  {console.one_line(training.name)}"


def training_rows(training: Training, points: Sequence[Metric]) -> Iterator[tuple[str, str]]:
    """A training in full, each row with its name."""
    yield "training", f"{training.id}  {training.name}"
    attempt = f" (attempt {training.tries})" if training.tries > 1 else ""
    raw = f", told as {training.raw}" if training.raw and training.raw != training.state else ""
    yield "state", f"{training.state}{raw}{attempt}"
    if training.trouble:
        yield "trouble", training.trouble
    if training.problem:
        yield "problem", f"{training.problem} {training.hint}".strip()
    yield "backend", f"{training.backend} at {training.endpoint}" if training.endpoint else training.backend
    yield "model", f"{training.base} by {training.method}"
    yield "dataset", f"{training.offer.get('dataset', training.version_id)}  {training.dataset_hash[:16]}"
    if training.plan.get("launch"):
        yield "launch", str(training.plan["launch"])
    if points:
        yield "curves", curve_words(points)
    if training.model:
        yield "made", training.model
    for each in training.checkpoints:
        yield "step", f"{each.get('step')}: {each.get('model')}"
    if training.trained_tokens is not None:
        yield "tokens", f"{training.trained_tokens:,}"
    if training.seconds is not None:
        yield "time", f"{training.seconds:,.0f} seconds"
    yield from compliance_rows(training.compliance or {})
    yield "begun", f"{training.created_at:%Y-%m-%d %H:%M} UTC by {training.curator}"
    if training.ended_at:
        yield "ended", f"{training.ended_at:%Y-%m-%d %H:%M} UTC"


def compliance_rows(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How well the untuned and the tuned model keep to the format, as far as that was measured."""
    from workbench.core.finetune.compliance import Compliance

    for subject in ("base", "tuned"):
        if state.get(subject):
            yield subject, Compliance.from_dict(state[subject]).words
    if state.get("state") == "failed":
        yield "measured", f"not to the end: {state.get('message', '')}"


def curve_words(points: Sequence[Metric]) -> str:
    """How far the curves are: the last step, and the last value of each."""
    found = [f"step {points[-1].step:,}"]
    for name, words in CURVES.items():
        last = next((value for each in reversed(points) if (value := getattr(each, name)) is not None), None)
        if last is not None:
            found.append(f"{words} {last:.4g}")
    return ", ".join(found)


def curve_table(points: Iterable[Metric]) -> Iterator[str]:
    """The curves as CSV; what is not measured at a step stays empty."""
    yield ",".join(("step", *CURVES))
    for point in points:
        values = (getattr(point, name) for name in CURVES)
        yield ",".join((str(point.step), *("" if value is None else repr(value) for value in values)))


def event_words(event: Event) -> str:
    """An event in one line."""
    return console.one_line(f"{event.at:%Y-%m-%d %H:%M:%S} {event.level} {event.message}")


def plain_event(event: Event) -> dict[str, Any]:
    """An event as JSON."""
    return {**event.__dict__, "at": event.at.isoformat()}


def why_failed(training: Training) -> str:
    """Why a training came to nothing."""
    if training.state == "cancelled":
        return "The training was stopped."
    return f"The training failed: {training.problem or training.raw or 'it is not told why.'} {training.hint}".strip()


def base_line(model: BaseModel) -> str:
    """A model that can be tuned, in one line."""
    told = [
        ", ".join(model.methods), f"{model.limit:,} tokens" if model.limit else "",
        model.licence or "licence not known", f"goes on {model.until}" if model.until else "", model.note,
    ]  # fmt: skip
    return f"{console.one_line(model.id):24}  {console.one_line('; '.join(each for each in told if each))}"


def tuned_line(model: TunedModel, withdrawn: Mapping[str, str]) -> str:
    """A tuned model in one line."""
    state = f"{model.state} {model.share:.0%}" if model.state == "canary" else model.state
    flags = [*(["blocked"] if model.blocked else []), *(["rights withdrawn"] if withdrawn else [])]
    made = f"{model.base}; {model.lineage.get('dataset') or 'dataset not known'}; {model.licence}"
    marked = f"; {', '.join(flags).upper()}" if flags else ""
    return f"{model.id}  {state:11}  {console.one_line(model.name):24}  {console.one_line(made)}{marked}"


def say_gate(found: Gate) -> None:
    """What the gate found, on standard error."""
    for each in found.compared:
        sign = "worse than" if each.worse else "no worse than"
        console.note(
            f"{each.measure.replace('_', ' ')} {each.value:.1%}, {sign} {each.against} {each.other:.1%}, "
            f"on test {each.test} ({each.rows} rows)"
        )  # fmt: skip
    for words in found.cautions:
        console.note(f"note: {words}")


def change_line(change: RolloutChange, names: Mapping[str, str]) -> str:
    """A change of the rollout in one line."""
    what = f"{change.action} {_called(change.model_id, names)}" + (
        f" (undoes {change.undoes})" if change.undoes else ""
    )
    why = "".join(f"; {word}: {text}" for word, text in (("override", change.override), ("note", change.note)) if text)
    told = (
        f"{change.id}  {change.at:%Y-%m-%d %H:%M}  {change.curator}  {what}: {places_words(change.after, names)}{why}"
    )
    return console.one_line(told)


def places_words(places: Places, names: Mapping[str, str]) -> str:
    """Who answers: the live model, and the canary with its share."""
    live = _called(places.live, names) if places.live else "the base model"
    canary = f", {_called(places.canary, names)} {places.share:.0%}" if places.canary else ""
    return f"{live} live{canary}"


def _called(id: str | None, names: Mapping[str, str]) -> str:
    return names.get(id or "", id or "nobody")


def _launch(found: Offer) -> str:
    from workbench.core.finetune.wishes import usual_launch

    return found.wish.launch or usual_launch()
