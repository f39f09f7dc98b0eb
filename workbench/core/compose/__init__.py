"""Plan a form, compose by rule, realize a structure to notes, perform notes."""

from workbench.core.compose.perform import perform
from workbench.core.compose.realize import realize

__all__ = ["perform", "realize"]
