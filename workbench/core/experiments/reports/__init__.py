"""Reports: what a run says, in tables, words, filters, gates, files and a page that stands alone."""

from workbench.core.experiments.reports.differences import Told, told_differences
from workbench.core.experiments.reports.filters import Filter, Pair, pairs_where, where
from workbench.core.experiments.reports.gates import Gate, Held, all_met, evaluate, require
from workbench.core.experiments.reports.summary import FACETS, Column, Summary, breakdown, summary

__all__ = [
    "FACETS",
    "Column",
    "Filter",
    "Gate",
    "Held",
    "Pair",
    "Summary",
    "Told",
    "all_met",
    "breakdown",
    "evaluate",
    "pairs_where",
    "require",
    "summary",
    "told_differences",
    "where",
]
