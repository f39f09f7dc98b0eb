"""``python -m benchmarks [NAME…]``: how fast things are beside their targets, then how the music measures up.

Every module here that has a function ``benchmarks()`` takes part: it gives (name, what to call, target in seconds) for
each thing to be measured. A ratio above 1 is slower than the target.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
import time
from collections.abc import Callable
from statistics import median

import benchmarks

Benchmark = tuple[str, Callable[[], object], float]
BUDGET = 3.0
"""Seconds that one measurement may take; it is repeated at least three times."""


def discover() -> tuple[list[Benchmark], list[str]]:
    """All benchmarks, module by module, and the modules that could not be loaded."""
    found: list[Benchmark] = []
    broken: list[str] = []
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name == "__main__":
            continue
        try:
            offered = getattr(importlib.import_module(f"benchmarks.{module.name}"), "benchmarks", None)
            found += offered() if callable(offered) else []
        except Exception as error:  # one that is broken must not hide the others
            broken.append(f"{module.name}: {type(error).__name__}: {error}")
    return found, broken


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Best and median seconds, after one call to warm up; the collector is off while the clock runs."""
    call()
    seconds: list[float] = []
    gc.collect()
    gc.disable()
    try:
        while len(seconds) < 3 or (sum(seconds) < BUDGET and len(seconds) < 200):
            started = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - started)
    finally:
        gc.enable()
    return min(seconds), median(seconds)


def main(names: list[str]) -> int:
    """Print both tables; 1 when a target is missed or a benchmark fails."""
    found, broken = discover()
    wanted = [item for item in found if not names or any(name.lower() in item[0].lower() for name in names)]
    print(f"{'':58}{'best':>12}{'median':>12}{'target':>12}{'ratio':>8}")
    missed = 0
    for name, call, target in wanted:
        try:
            best, middle = timed(call)
        except Exception as error:  # told in the table
            broken.append(f"{name}: {type(error).__name__}: {error}")
            continue
        ratio = best / target
        missed += ratio > 1
        mark = "  SLOW" if ratio > 1 else ""
        print(f"{name:58}{best:>11.4f}s{middle:>11.4f}s{target:>11.4f}s{ratio:>8.2f}{mark}", flush=True)
    if not names:
        from benchmarks import yardstick

        print("\nThe composer's music beside real music\n")
        missed += yardstick.main([])
    for line in broken:
        print(f"FAILED {line}", file=sys.stderr)
    return 1 if missed or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
