"""States, methods and sums of trainings and models in words."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.datasets.costs import dollars
from workbench.core.finetune.backends import BACKENDS
from workbench.core.finetune.models import TunedModel
from workbench.core.finetune.offers import Offer
from workbench.core.finetune.trainings import Training
from workbench.views.details import plain

METHODS = {"supervised": "supervised", "dpo": "preferences (DPO)"}
_STATES = {
    "preparing": ("blue", "hourglass_top", "Being prepared"),
    "queued": ("blue", "schedule", "Waiting for its turn"),
    "running": ("violet", "model_training", "Training"),
    "paused": ("orange", "pause_circle", "Paused by the backend"),
    "succeeded": ("green", "check", "Done"),
    "failed": ("red", "close", "Failed"),
    "cancelled": ("gray", "stop_circle", "Stopped"),
    "unknown": ("orange", "question_mark", "Its state is not known here"),
}
_PLACES = {
    "candidate": ("blue", "inventory_2", "Candidate"),
    "canary": ("orange", "science", "Canary"),
    "live": ("green", "check_circle", "Live"),
    "retired": ("gray", "archive", "Retired"),
}


def state_badge(training: Training) -> str:
    """How a training stands, as Markdown."""
    color, icon, words = _STATES.get(training.state, _STATES["unknown"])
    if training.cancel and not training.ended:
        color, icon, words = "orange", "stop_circle", "Being stopped"
    if training.state == "unknown" and training.raw:
        words = f"{words}: {plain(training.raw)}"
    return f":{color}-badge[:material/{icon}: {words}]"


def place_badges(model: TunedModel, gone: int) -> str:
    """A model's place in the rollout and what is against it, as Markdown; ``gone`` counts withdrawn sources."""
    color, icon, words = _PLACES[model.state]
    share = f", {percent(model.share)} of the requests" if model.state == "canary" else ""
    badges = [f":{color}-badge[:material/{icon}: {words}{share}]"]
    if gone:
        badges.append(":red-badge[:material/gavel: rights withdrawn]")
    if model.blocked:
        badges.append(":red-badge[:material/block: blocked]")
    return " ".join(badges)


def backend_words(name: str) -> str:
    """A backend's title; its name where it is no longer there."""
    return BACKENDS[name].title if name in BACKENDS else name


def percent(share: float) -> str:
    """A share, 0 to 1: ``10 %``, ``2.5 %``."""
    return f"{100 * share:.4g} %"


def start_words(offer: Offer) -> str:
    """What stands on the button that starts a training: where it costs something, how much."""
    if not offer.uploads:
        return "Start training"
    # What is for free in the table is so on one's own machine; a service sends a bill.
    sums = sorted(each.usd for each in offer.prices if each.usd)
    if not sums:
        return "Start, though the price is not known"
    least, most = dollars(sums[0]), dollars(sums[-1])
    about = "" if least.startswith("under") else "about "
    return f"Start and spend {about}{least}" + ("" if least == most else f" to {most}")


def seconds_words(seconds: float) -> str:
    """A length of time: ``48 s``, ``12 min 5 s``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def table(rows: Sequence[tuple[str, str]]) -> str:
    """A Markdown table of names and values; what is empty is left out."""
    lines = [f"| :gray[{name}] | {value} |" for name, value in rows if value]
    if not lines:
        return ""
    return "\n".join([lines[0], "|---|---|", *lines[1:]])
