"""Metrics: what is measured of an answered request, and of all that one variant answered. One function a metric.

Every module of this package is read when it is imported, so that a new file alone adds its metrics.
"""

from importlib import import_module
from pkgutil import iter_modules

from workbench.core.experiments.metrics.context import Context, Looked, trained_on
from workbench.core.experiments.metrics.measuring import Measured, measure_sample, measure_set
from workbench.core.experiments.metrics.plugins import load_metrics
from workbench.core.experiments.metrics.registry import (
    FAMILIES,
    METRICS,
    SET_METRICS,
    SHARE,
    Metric,
    SetMetric,
    all_metrics,
    metric,
    metrics_named,
    set_metric,
)

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "FAMILIES",
    "METRICS",
    "SET_METRICS",
    "SHARE",
    "Context",
    "Looked",
    "Measured",
    "Metric",
    "SetMetric",
    "all_metrics",
    "load_metrics",
    "measure_sample",
    "measure_set",
    "metric",
    "metrics_named",
    "set_metric",
    "trained_on",
]
