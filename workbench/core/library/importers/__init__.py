"""Importers: one registered file a format. Each reads foreign files, and says what it read and what it guessed.

``read_any`` finds the format; analyses are made into structures by ``assembly``, scores are listened to first.
"""

from workbench.core.library.importers.analysis import Fact, Imported, Source
from workbench.core.library.importers.batch import Arrived, Failure, Outcome, Skipped, digest_of, import_many
from workbench.core.library.importers.dcml import read_dcml
from workbench.core.library.importers.homophony import read_homophony
from workbench.core.library.importers.registry import (
    File,
    Format,
    ImportedPiece,
    all_formats,
    format_of,
    importer,
    read_any,
)
from workbench.core.library.importers.romantext import read_romantext

__all__ = [
    "Arrived", "Fact", "Failure", "File", "Format", "Imported", "ImportedPiece", "Outcome", "Skipped", "Source",
    "all_formats", "digest_of", "format_of", "import_many", "importer", "read_any", "read_dcml", "read_homophony",
    "read_romantext",
]  # fmt: skip
