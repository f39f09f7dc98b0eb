"""Every error this package raises on purpose.

    WorkbenchError
    ├── InvalidInputError          something that came from outside cannot be used
    │   ├── InputTooLargeError     too many bytes or too deeply nested to look at
    │   ├── InvalidRequestError    not a Request
    │   └── InvalidStructureError  not a MusicStructure, or one that cannot become music
    └── RenderingError             a piece is fine, but one way to show it failed
        ├── EngravingError
        └── SoundError

Each holds a message for a person and a ``hint`` with the next step. Pages show both, the command
line prints both in one line, the HTTP API returns both.
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """Something went wrong that a person can be told about, and what to do next (``hint``)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInputError(WorkbenchError):
    """Input from outside cannot be used; ``field`` names where (a JSON pointer, may be empty)."""

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class InputTooLargeError(InvalidInputError):
    """Input is refused before it is parsed: too long or nested too deeply."""


class InvalidRequestError(InvalidInputError):
    """The input is not a valid Request."""


class InvalidStructureError(InvalidInputError):
    """The input is not a valid MusicStructure."""


class RenderingError(WorkbenchError):
    """One rendering of a piece failed; the piece itself is unharmed."""


class EngravingError(RenderingError):
    """The score could not be engraved."""


class SoundError(RenderingError):
    """The sound could not be rendered."""
