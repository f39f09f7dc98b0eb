"""States, progress, sums and faults of runs in words."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.core.datasets.costs import dollars
from workbench.core.experiments.runs import Run
from workbench.views.details import plain
from workbench.views.finetune.wording import seconds_words

_STATES = {
    "queued": ("blue", "schedule", "Waiting"),
    "running": ("violet", "play_circle", "Running"),
    "paused": ("orange", "pause_circle", "Paused"),
    "done": ("green", "check", "Done"),
    "stopped": ("gray", "stop_circle", "Stopped"),
    "interrupted": ("orange", "power_off", "Interrupted"),
    "failed": ("red", "close", "Failed"),
}
_FAULTS = {
    "cell": "the request could not be answered",
    "connection": "the endpoint could not be reached",
    "timeout": "no answer came in time",
    "http-400": "the endpoint refused the call",
    "http-401": "the key was not taken",
    "http-403": "the key may not do this",
    "http-404": "there is no such model or address",
    "http-413": "the question was too long",
    "http-422": "the endpoint did not understand the call",
    "http-429": "the endpoint was asked too often",
    "no-model": "there is no such model",
    "call": "the call failed",
}


def state_badge(run: Run) -> str:
    """How a run stands, as Markdown."""
    color, icon, words = _STATES.get(run.state, ("orange", "question_mark", run.state))
    return f":{color}-badge[:material/{icon}: {words}]"


def progress_words(run: Run) -> str:
    """``24 of 24 cells, 1 failed``."""
    failed = f", {run.failed:,} failed" if run.failed else ""
    return f"{run.done:,} of {run.cells:,} cells{failed}"


def spent_words(run: Run) -> str:
    """What was spent, of what may be; empty where nothing costs anything."""
    limits = run.specification.get("limits")
    budget = limits.get("budget_usd") if isinstance(limits, Mapping) else None
    if not run.spent and not budget:
        return ""
    return plain(f"{dollars(run.spent)} spent" + (f" of {dollars(budget)}" if budget else ""))


def left_words(run: Run) -> str:
    """How long it will take from now on, where that is known."""
    return f"about {seconds_words(run.remaining)} left" if run.state == "running" and run.remaining is not None else ""


def fault_words(fault: str, count: int) -> str:
    """Some failed cells of one kind in a sentence."""
    why = _FAULTS.get(fault) or ("the endpoint had an error" if fault.startswith("http-5") else f"{fault or 'unknown'}")
    return f"{count:,} failed: {why}."


def by_whom(run: Run) -> str:
    """Who began it, without the letters that tell visits apart."""
    return run.curator.partition(" ·")[0]
