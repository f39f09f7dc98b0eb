"""Cost: how long it took, how many tokens, and how much money."""

from __future__ import annotations

from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.metrics.registry import metric
from workbench.core.experiments.samples import Sample


@metric("latency", kind="number", better="lower", unit="s", family="cost")
def latency(sample: Sample, _: Context) -> float | None:
    """Seconds until the piece was there, all calls and repairs together; nothing where nobody took the time."""
    return sample.seconds or None


@metric("first-token", kind="number", better="lower", unit="s", family="cost", title="First token after")
def first_token(sample: Sample, _: Context) -> float | None:
    """Seconds from the first call to the first token of its answer."""
    return sample.first_token


@metric("tokens-in", kind="count", better="lower", family="cost", unit="tokens")
def tokens_in(sample: Sample, _: Context) -> float | None:
    """Tokens that the model read, over all calls; nothing where nobody counted them."""
    return float(sample.tokens_in) if _counted(sample) else None


@metric("tokens-out", kind="count", better="lower", family="cost", unit="tokens")
def tokens_out(sample: Sample, _: Context) -> float | None:
    """Tokens that the model wrote, over all calls; nothing where nobody counted them."""
    return float(sample.tokens_out) if _counted(sample) else None


@metric("price", kind="number", better="lower", unit="US$", family="cost")
def price(sample: Sample, _: Context) -> float | None:
    """What the calls cost, in US dollars; nothing where no price is known."""
    return sample.cost


def _counted(sample: Sample) -> bool:
    return bool(sample.tokens_in or sample.tokens_out)
