"""A piece in another key: which keys it can take, and the words that go with it.

Degrees and numerals count from the tonic and stay. Every name of a key or a note moves with the piece, in the title
and the reasoning as in the request; a name that may be something else is refused, not guessed at, and a reasoning with
such a name left out. What the instrumentation says (clarinet in B flat) is about instruments and stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from workbench.core.compose.edits import transpose
from workbench.core.compose.realize import reference_tonic
from workbench.core.datasets.variants.named_keys import DoubtError, Move, move_between, moved_text, names_a_key, stay
from workbench.core.errors import InvalidInputError
from workbench.core.music.keys import ALL_KEYS, Key, make_key, parse_key
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

_REQUEST_TEXTS, _TEXTS = ("brief", "theme"), ("title", "character")


def other_keys(request: Request, structure: MusicStructure) -> tuple[tuple[Key, bool], ...]:
    """The keys that a piece can be put in, at most one for each of the eleven other tonics, upwards from its own.

    Each is spelled with the fewest accidentals, at home and then in all sections; the bool says whether the tune keeps
    its octaves from section to section. None where words about keys leave a doubt.
    """
    home = structure.tonality
    try:
        _words(request, structure, stay(structure))
    except InvalidInputError:
        return ()
    found = []
    for interval in range(1, 12):
        alike = [
            key for key in ALL_KEYS if key.mode == home.mode and (key.pitch_class - home.pitch_class) % 12 == interval
        ]
        for key in sorted(alike, key=lambda key: _cost(key, structure)):
            respelled = _cost(key, structure)[1] or abs(key.signature) == 7
            if not respelled or _can_be_spelled(key, structure):
                found.append((key, _keeps_octaves(key, structure)))
                break
    return tuple(found)


def in_key(request: Request, structure: MusicStructure, name: str) -> tuple[Request, MusicStructure]:
    """The piece transposed: local keys move by one interval on the line of fifths, words and request follow.

    Raises:
        InvalidInputError: not a key of the piece's mode, the piece's own, one in which a local key reads as a slip, or
            words that may name a key and may not.
    """
    moved = transpose(structure, name)
    if moved.tonality.pitch_class == structure.tonality.pitch_class:
        raise InvalidInputError(
            f"The piece is in {structure.tonality.pretty}.", hint="Choose another key.", field="/key"
        )
    move = move_between(structure, moved)
    of_request, of_structure = _words(request, structure, move)
    if request.key:
        of_request["key"] = move.key(parse_key(request.key)).name
    if any(section.key for section in request.section_plan):
        of_request["section_plan"] = tuple(
            section.model_copy(update={"key": move.key(parse_key(section.key)).name}) if section.key else section
            for section in request.section_plan
        )
    return request.model_copy(update=of_request), moved.model_copy(update=of_structure)


def _words(request: Request, structure: MusicStructure, move: Move) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changes in the texts of the request and of the structure.

    Raises:
        InvalidInputError: they leave a doubt.
    """
    try:
        of_request = {name: moved_text(text, move) for name in _REQUEST_TEXTS if (text := getattr(request, name))}
        of_structure: dict[str, Any] = {
            name: moved_text(text, move) for name in _TEXTS if (text := getattr(structure, name))
        }
        if structure.leitmotifs and any(each.meaning for each in structure.leitmotifs):
            of_structure["leitmotifs"] = tuple(
                each.model_copy(update={"meaning": moved_text(each.meaning, move)}) if each.meaning else each
                for each in structure.leitmotifs
            )
        if structure.reasoning:
            of_structure["reasoning"] = _reasoning(structure.reasoning, move)
    except DoubtError as doubt:
        raise InvalidInputError(
            f"{str(doubt)[:60]!r} may name a key or a note, and may not.",
            hint="Name keys in full, such as E♭ major, or leave them out of the texts.",
        ) from None
    names = "\n".join(_names(request, structure))
    if _names_a_key(names):
        raise InvalidInputError(
            "A section, a tag or an arc is named after a key.", hint="Give it a name that says what it does instead."
        )
    return of_request, of_structure


def _reasoning(text: str, move: Move) -> str | None:
    """The reasoning, the one text that a piece can do without, is left out where it leaves a doubt."""
    try:
        return moved_text(text, move)
    except DoubtError:
        return None


def _names(request: Request, structure: MusicStructure) -> Iterator[str]:
    """Names that are referred to and therefore stay."""
    for section in structure.sections:
        yield from (section.name, section.role or "", section.texture or "")
        for phrase in section.phrases or ():
            yield from (phrase.label or "", phrase.role or "")
    yield from (leitmotif.tag for leitmotif in structure.leitmotifs or ())
    yield from (*request.motif_tags, *request.genre_palette, request.primary_genre or "")
    for planned in request.section_plan:
        yield from (planned.name, planned.role or "", planned.texture or "")
    for arc in (request.emotional_arc, request.timbre_arc, request.personality_axes):
        if arc is not None:
            yield json.dumps(arc, ensure_ascii=False)


_names_a_key = lru_cache(maxsize=1024)(names_a_key)


def _local(structure: MusicStructure) -> list[Key]:
    return [structure.tonality, *(section.tonality for section in structure.sections)]


def _moved(key: Key, structure: MusicStructure) -> list[tuple[Key, Key]]:
    """The local keys before and after, with the piece in a key."""
    interval = key.tonic - structure.tonality.tonic
    return [(local, make_key(local.tonic + interval, local.mode)) for local in _local(structure)]


def _cost(key: Key, structure: MusicStructure) -> tuple[int, int, int]:
    """Accidentals of the home key, sections that are respelled on the way, accidentals of all sections."""
    interval, moved = key.tonic - structure.tonality.tonic, _moved(key, structure)
    respelled = sum(new.tonic - old.tonic != interval for old, new in moved)
    return abs(key.signature), respelled, sum(abs(new.signature) for _, new in moved)


def _can_be_spelled(key: Key, structure: MusicStructure) -> bool:
    """Whether no section reads as a slip for a nearer key, as it may beside one that is respelled."""
    try:
        transpose(structure, key.name)
    except InvalidInputError:
        return False
    return True


def _keeps_octaves(key: Key, structure: MusicStructure) -> bool:
    """Whether all sections move by one interval: a tune counts from its section's tonic between C4 and B4."""
    return len({reference_tonic(new) - reference_tonic(old) for old, new in _moved(key, structure)}) == 1
