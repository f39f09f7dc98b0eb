"""The musical elements that two pieces are compared by, and what a sample is found by without reading it again.

Where two pieces are the same in an element their signatures of it are the same, and else they differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from workbench.core.experiments.samples import Sample
from workbench.core.library.database import storable
from workbench.core.music.structure import MusicStructure

Element = Literal[
    "cadences", "chords", "key", "section keys", "meter", "tempo", "form", "sections", "phrases", "tune", "texture"
]
BREAK = "\x1f"
"""Between two texts that are searched, so that nothing is found across them."""
_LETTERS = 12
"""Hexadecimal digits of a signature: of a million pairs that differ one in 280 million seems the same."""


def _of_sections(name: str) -> Callable[[MusicStructure], Any]:
    return lambda piece: [getattr(section, name) for section in piece.sections]


def _of_phrases(own: str, name: str) -> Callable[[MusicStructure], Any]:
    """Something of each section, and of each phrase in it."""
    return lambda piece: [
        (getattr(section, own), [getattr(phrase, name) for phrase in section.phrases or ()])
        for section in piece.sections
    ]


ELEMENTS: Mapping[Element, Callable[[MusicStructure], Any]] = {
    "cadences": _of_phrases("cadence", "cadence"),
    "chords": _of_phrases("chord_progression", "chords"),
    "key": lambda piece: piece.key,
    "section keys": _of_sections("key"),
    "meter": lambda piece: piece.time_signature,
    "tempo": lambda piece: piece.tempo,
    "form": lambda piece: piece.form,
    "sections": _of_phrases("name", "measures"),
    "phrases": lambda piece: [
        [(phrase.label, phrase.role, phrase.measures) for phrase in section.phrases or ()] for section in piece.sections
    ],
    "tune": _of_phrases("melody", "melody"),
    "texture": _of_sections("texture"),
}
"""What is compared of two pieces, section by section in order: a section more or less differs in all of them."""


def signatures(piece: MusicStructure) -> dict[str, str]:
    """A short hash of every element."""
    return {name: _signature(part(piece)) for name, part in ELEMENTS.items()}


def texts_of(sample: Sample) -> Iterator[str]:
    """The texts that are searched, besides the request's key: brief, theme, title, model, error."""
    title = sample.structure.title if sample.structure is not None else None
    for text in (sample.request.brief, sample.request.theme, title, sample.model, sample.error):
        if text:
            yield text


def words_of(sample: Sample) -> str:
    """Those texts as one, without the case of letters."""
    return BREAK.join(text.casefold().replace(BREAK, " ") for text in texts_of(sample))


def traits_of(sample: Sample) -> dict[str, Any]:
    """What a sample is told apart by, as JSON: its model, title, searched words, and the signatures of its elements.

    There are no signatures where there is no piece.
    """
    piece = sample.structure
    return {
        "model": storable(sample.model), "title": storable((piece.title if piece is not None else None) or ""),
        "words": storable(words_of(sample)), "elements": {} if piece is None else signatures(piece),
    }  # fmt: skip


def _signature(part: Any) -> str:
    told = json.dumps(_plain(part), separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:_LETTERS]


def _plain(part: Any) -> Any:
    """A part as JSON, the same for what is equal: 4 and 4.0 are one number."""
    if isinstance(part, float):
        return int(part) if part.is_integer() else part
    if isinstance(part, list | tuple):
        return [_plain(each) for each in part]
    dump = getattr(part, "model_dump", None)
    return _plain(list(dump().values())) if dump is not None else part
