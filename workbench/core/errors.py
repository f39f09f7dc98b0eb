"""Every error this package raises on purpose.

    WorkbenchError
    ├── InvalidInputError          something that came from outside cannot be used
    │   ├── InputTooLargeError     too many bytes or too deeply nested to look at
    │   ├── InvalidRequestError    not a Request
    │   ├── InvalidStructureError  not a MusicStructure, or one that cannot become music
    │   └── TemplateError          a prompt template that cannot be read or filled
    ├── ModelError                 a model gave no answer that can be used
    │   ├── ModelUnreachableError  no connection, no answer in time, or a server that fails
    │   ├── ModelBusyError         too many requests, or the quota is used up
    │   ├── ModelRefusedError      the endpoint refuses the call, or the model declines
    │   └── ModelBrokeOffError     the answer broke off or is no answer; ``partial`` holds what came
    ├── AccessError                no token, a wrong one, or one that has used up its share
    ├── DatabaseError              what is kept cannot be read or written
    │   └── ConflictError          somebody else has changed it meanwhile
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


class TemplateError(InvalidInputError):
    """A prompt template cannot be read or filled; ``field`` names the part."""


class ModelError(WorkbenchError):
    """A model gave no answer that can be used.

    ``kind`` is a short word for the trace (``timeout``, ``http-429``), ``partial`` what had come of the answer.
    """

    def __init__(self, message: str, *, hint: str = "", kind: str = "", partial: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.partial = partial


class ModelUnreachableError(ModelError):
    """No connection, no answer in time, or a server that fails: the same call may work later."""


class ModelBusyError(ModelError):
    """Too many requests, or the quota is used up."""


class ModelRefusedError(ModelError):
    """The endpoint refuses the call (key, permission, model, parameters), or the model declines to answer."""


class ModelBrokeOffError(ModelError):
    """The answer broke off, or what came is no answer."""


class AccessError(WorkbenchError):
    """A call that may not be made: ``status`` is 401 or 429, ``retry_after`` in seconds where waiting helps."""

    def __init__(self, message: str, *, hint: str = "", status: int = 401, retry_after: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after = retry_after


class DatabaseError(WorkbenchError):
    """What is kept cannot be read or written."""


class ConflictError(DatabaseError):
    """Somebody else has changed it meanwhile; nothing was overwritten."""


class RenderingError(WorkbenchError):
    """One rendering of a piece failed; the piece itself is unharmed."""


class EngravingError(RenderingError):
    """The score could not be engraved."""


class SoundError(RenderingError):
    """The sound could not be rendered."""
