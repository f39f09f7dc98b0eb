"""Pieces derived from a piece, with the request changed to match: other keys, other tempos, other moods.

Degrees, numerals, meter and form stay as they are. A change after which something that is said of the piece would no
longer be true is not made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from workbench.core.datasets.recipes import Augmentation
from workbench.core.datasets.rows import Change, Changes, digest_of
from workbench.core.datasets.variants.other_keys import in_key, other_keys
from workbench.core.datasets.variants.other_moods import at_tempo, in_mood, moods, tempos
from workbench.core.errors import InvalidInputError
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

_Step = Callable[[Request, MusicStructure, str], tuple[Request, MusicStructure]]
_STEPS: dict[str, _Step] = {"key": in_key, "tempo": at_tempo, "mood": in_mood}


def variants(request: Request, structure: MusicStructure, wanted: Augmentation, *, salt: str) -> tuple[Changes, ...]:
    """What to try on a source: other keys, then other tempos and moods at home, then these in the other keys.

    Which keys, tempos and moods is decided by ``salt``, so that sources differ; keys in which the tune keeps its
    octaves from section to section come before those in which it does not. What the piece cannot take is left out, so
    there may be fewer than wanted. No piece is derived.
    """
    keys: list[Change] = []
    if wanted.keys:
        offered = [(not keeps, Change("key", key.name)) for key, keeps in other_keys(request, structure)]
        keys = [change for _, change in sorted(offered, key=lambda each: (each[0], _drawn(each[1], salt)))]
        keys = keys[: wanted.keys]
    ways = [
        *_some("tempo", tempos(request, structure) if wanted.tempos else (), wanted.tempos, salt),
        *_some("mood", moods(request, structure) if wanted.moods else (), wanted.moods, salt),
    ]
    return (*((key,) for key in keys), *((way,) for way in ways), *((key, way) for key in keys for way in ways))


def derive(request: Request, structure: MusicStructure, changes: Changes) -> tuple[Request, MusicStructure]:
    """The request and the piece after the changes, made one after the other. The request loses its id and seed.

    Raises:
        InvalidInputError: a change is not known, changes nothing, is out of the piece's reach, or would make something
            untrue that is said of the piece: words about keys, tempo or mood, a length, a curve of moods in numbers.
    """
    request = request.model_copy(update={"id": None, "seed": None})
    for change in changes:
        step = _STEPS.get(change.kind)
        if step is None:
            raise InvalidInputError(
                f"There is no change {change.kind[:20]!r}.", hint=f"A change is one of {', '.join(_STEPS)}."
            )
        request, structure = step(request, structure, change.value)
    return request, structure


def _some(kind: str, values: Iterable[str], count: int, salt: str) -> list[Change]:
    return sorted((Change(kind, value) for value in values), key=lambda change: _drawn(change, salt))[:count]


def _drawn(change: Change, salt: str) -> str:
    return digest_of(f"{salt}\n{change}")
