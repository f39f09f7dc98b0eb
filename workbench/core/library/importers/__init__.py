"""Importers: one file a format. Each reads foreign text into an analysis, and ``assembly`` makes a structure of it."""

from workbench.core.library.importers.analysis import Imported, Source
from workbench.core.library.importers.dcml import read_dcml
from workbench.core.library.importers.homophony import read_homophony
from workbench.core.library.importers.romantext import read_romantext

__all__ = ["Imported", "Source", "read_dcml", "read_homophony", "read_romantext"]
