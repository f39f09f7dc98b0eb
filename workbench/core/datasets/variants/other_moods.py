"""A piece at another tempo or in another mood, with the same tune, chords and form and a request that says so.

Tempo, loudness and the freedom of the performance are what a player changes in the expression of a piece whose notes
are given (Juslin 2001; Gabrielsson and Lindström 2010), so they are all that changes here (and, where a
tempo passes a threshold of ``compose.textures``, how densely the accompaniment is figured). What is said of the piece
has to stay true: words and numbers that the variant would contradict are reason to refuse it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from workbench.core.compose.mood import DYNAMICS, character
from workbench.core.datasets.variants.claims import Shift, claims_of, contradicted
from workbench.core.errors import InvalidInputError
from workbench.core.music.keys import Mode
from workbench.core.music.meters import DIVISIONS, meter_of
from workbench.core.music.request import MAX_DURATION, MIN_DURATION, Request
from workbench.core.music.structure import Dynamics, Humanize, MusicStructure

FACTORS = (0.84, 0.92, 1.09, 1.19)
"""By how much other tempos differ: more than the 6% that every listener notices, less than what makes another piece."""


@dataclass(frozen=True)
class Mood:
    """A change of expression. ``pace`` is a factor; ``loudness`` and ``rubato`` are in steps; the rest is added.

    ``mode`` is the only mode in which it is true; ``firm`` that words for the opposite rule it out altogether.
    """

    pace: float
    loudness: int
    arousal: float
    valence: float = 0.0
    rubato: int = 0
    peak: float = 0.0
    softness: float = 0.0
    mode: Mode | None = None
    firm: bool = False


MOODS: dict[str, Mood] = {
    # Slower and softer is calmer, faster and louder more stirred, in either mode.
    "calmer": Mood(0.94, -1, -0.15, peak=-0.05, softness=0.1),
    "stirred": Mood(1.06, 1, 0.15, peak=0.1, softness=-0.1),
    # Tenderness: slow, soft, free, with softened ends. Brilliance, a kind of joy: fast, loud, in strict time.
    "tender": Mood(0.96, -1, -0.1, rubato=1, softness=0.15, mode="major", firm=True),
    "brilliant": Mood(1.04, 1, 0.1, 0.1, rubato=-1, peak=0.1, softness=-0.1, mode="major", firm=True),
    # Sadness: slow, soft, free. Anger: fast, loud, in strict time, with ends that do not give.
    "sorrowful": Mood(0.96, -1, -0.1, -0.1, rubato=1, softness=0.15, mode="minor", firm=True),
    "driven": Mood(1.04, 1, 0.1, -0.1, rubato=-1, peak=0.1, softness=-0.15, mode="minor", firm=True),
}
"""The moods that a piece can be put in, after the cues of Juslin 2001 for tenderness, happiness, sadness and anger."""

_SLOWEST, _QUICKEST = 40, 220
_LEAST, _MOST = 0.8, 1.25
_FELT = (20, 300)
"""Beats a minute, as ``performance.tempo`` has them."""
_MINUETS = (84, 150)
"""Quarters a minute at which a minuet can be danced (the composer writes them at 96 to 132)."""
_RUBATO: tuple[Literal["none", "subtle", "expressive"], ...] = ("none", "subtle", "expressive")
_PLAIN = Humanize()
_TOLD = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?) quarters a minute")
_NUMBER = re.compile(r"(?<![\w.])-?\d")


def tempos(request: Request, structure: MusicStructure) -> tuple[str, ...]:
    """The other tempos that a piece can take, in quarters a minute."""
    values = dict.fromkeys(f"{round(structure.tempo * factor)}" for factor in FACTORS)
    return tuple(value for value in values if not why_not_at(request, structure, float(value)))


def moods(request: Request, structure: MusicStructure) -> tuple[str, ...]:
    """The moods that a piece can be put in."""
    return tuple(name for name, mood in MOODS.items() if not why_not_in(request, structure, mood))


def at_tempo(request: Request, structure: MusicStructure, value: str) -> tuple[Request, MusicStructure]:
    """The piece at another tempo: the same bars in other seconds, and as much more or less stirred as that makes it.

    Raises:
        InvalidInputError: no tempo, one out of reach, or one that something that is said contradicts.
    """
    tempo = float(value) if re.fullmatch(r"\d{2,3}(\.\d{1,3})?", value) else 0.0
    _refuse(why_not_at(request, structure, tempo), "/tempo")
    return _played(request, structure, tempo, _stirred_by(request, structure, tempo), request.valence)


def in_mood(request: Request, structure: MusicStructure, name: str) -> tuple[Request, MusicStructure]:
    """The piece in another mood: other dynamics, a slightly other tempo, a freer or stricter performance.

    Raises:
        InvalidInputError: no such mood, one out of the piece's reach, or one that something that is said contradicts.
    """
    if name not in MOODS:
        raise InvalidInputError(f"There is no mood {name[:20]!r}.", hint=f"Choose one of {', '.join(MOODS)}.")
    mood = MOODS[name]
    _refuse(why_not_in(request, structure, mood), "")
    tempo, arousal = round(structure.tempo * mood.pace), _within(request.arousal + mood.arousal, 0, 1)
    request, structure = _played(request, structure, tempo, arousal, _within(request.valence + mood.valence, -1, 1))
    sections = tuple(
        section.model_copy(update={"dynamics": level(section.dynamics or "mf", mood.loudness)})
        for section in structure.sections
    )
    plan = tuple(
        each.model_copy(update={"dynamics": level(each.dynamics, mood.loudness)}) if each.dynamics else each
        for each in request.section_plan
    )
    manner = request.humanize and manner_in(request.humanize, mood)
    return (
        request.model_copy(update={"section_plan": plan, "humanize": manner}),
        structure.model_copy(update={"sections": sections, "humanize": manner_in(structure.humanize or _PLAIN, mood)}),
    )


def level(dynamics: Dynamics, steps: int) -> Dynamics:
    """The marking some steps louder or softer; the softest and the loudest stay what they are."""
    return DYNAMICS[min(len(DYNAMICS) - 1, max(0, DYNAMICS.index(dynamics) + steps))]


def manner_in(manner: Humanize, mood: Mood) -> Humanize:
    """How a mood is performed that is without it performed in this manner."""
    rubato = _RUBATO[min(2, max(0, _RUBATO.index(manner.rubato) + mood.rubato))]
    return manner.model_copy(
        update={
            "rubato": rubato,
            "peak_boost": round(_within(manner.peak_boost + mood.peak, 0.05, 0.6), 2),
            "phrase_end_softness": round(_within(manner.phrase_end_softness + mood.softness, 0.05, 0.8), 2),
        }
    )


def why_not_at(request: Request, structure: MusicStructure, tempo: float) -> str:
    """Why a piece cannot be played at a tempo (quarters a minute); nothing where it can."""
    arousal = _stirred_by(request, structure, tempo)
    return _out_of_reach(request, structure, tempo) or _untrue(
        request, structure, Shift(_sign(tempo - structure.tempo), 0, 0, request.arousal, arousal)
    )


def why_not_in(request: Request, structure: MusicStructure, mood: Mood) -> str:
    """Why a piece cannot be put in a mood; nothing where it can."""
    if mood.mode and mood.mode != structure.tonality.mode:
        return f"This mood needs a {mood.mode} key."
    if mood.valence * request.valence <= 0 < abs(mood.valence) or (mood.mode == "major" and request.valence < 0):
        return f"The request's valence of {request.valence:g} is on the other side."
    arousal = _within(request.arousal + mood.arousal, 0, 1)
    if abs(arousal - request.arousal) < abs(mood.arousal) / 2:
        return "The piece is there already."
    marks = [section.dynamics or "mf" for section in structure.sections]
    moved = [level(mark, mood.loudness) for mark in marks]
    if moved == marks or len(set(moved)) == 1 < len(set(marks)):
        return f"Its dynamics cannot all become {'softer' if mood.loudness < 0 else 'louder'}."
    if request.timbre_arc is not None and _NUMBER.search(json.dumps(request.timbre_arc)):
        return "The request draws a curve of timbres in numbers."
    tempo = round(structure.tempo * mood.pace)
    return _out_of_reach(request, structure, tempo) or _untrue(
        request, structure,
        Shift(_sign(tempo - structure.tempo), mood.loudness, mood.rubato, request.arousal, arousal, mood.firm),
    )  # fmt: skip


def _played(
    request: Request, structure: MusicStructure, tempo: float, arousal: float, valence: float
) -> tuple[Request, MusicStructure]:
    """The piece at a tempo, with the mood that it then has."""
    factor = tempo / structure.tempo
    of_request: dict[str, Any] = {
        "duration": float(round(request.duration / factor)), "arousal": round(arousal, 2), "valence": round(valence, 2),
    }  # fmt: skip
    if request.tempo:
        of_request["tempo"] = tempo if request.tempo == structure.tempo else round(request.tempo * factor, 1)
    of_structure: dict[str, Any] = {"tempo": float(tempo)}
    reasoning = structure.reasoning or ""
    if reasoning:
        rest = claims_of(_TOLD.sub("", reasoning))
        # What else tells a tempo or a length in numbers would no longer be true: a piece can do without its reasoning.
        reasoning = "" if rest.tempo or rest.length else _TOLD.sub(f"{tempo:g} quarters a minute", reasoning)
    own = character(request.valence, request.arousal)
    if structure.character == own:
        # The composer's two words for a mood; where a person wrote others, they have been found to stay true.
        of_structure["character"] = character(valence, arousal)
        reasoning = reasoning.replace(f"{own.capitalize()}:", f"{of_structure['character'].capitalize()}:", 1)
    if structure.reasoning:
        of_structure["reasoning"] = reasoning or None
    return request.model_copy(update=of_request), structure.model_copy(update=of_structure)


def _stirred_by(request: Request, structure: MusicStructure, tempo: float) -> float:
    """The arousal that goes with a tempo: the composer's rule (``compose.mood``), by which arousal sets 60 to 144 beats
    a minute and valence ten more or less, read the other way round."""
    beats = 60 + 84 * request.arousal + 10 * request.valence
    return _within(request.arousal + (tempo / structure.tempo - 1) * beats / 84, 0, 1)


def _out_of_reach(request: Request, structure: MusicStructure, tempo: float) -> str:
    """What in numbers forbids a tempo."""
    low, high = _MINUETS if structure.form == "minuet-trio" else (_SLOWEST, _QUICKEST)
    faster = tempo > structure.tempo
    if not _SLOWEST <= tempo <= _QUICKEST or (tempo > high and faster) or (tempo < low and not faster):
        return f"{tempo:g} quarters a minute are out of reach."
    factor = tempo / structure.tempo
    if factor == 1 or not _LEAST <= factor <= _MOST:
        return f"{tempo:g} quarters a minute are " + ("what it has." if factor == 1 else "too far from what it has.")
    meter = meter_of(structure.time_signature)
    beats = tempo * DIVISIONS / (meter.bar if meter.name == "3/8" else meter.beat)
    if (beats > _FELT[1] and faster) or (beats < _FELT[0] and not faster):
        return f"{beats:.0f} beats a minute cannot be felt."
    if not MIN_DURATION <= round(request.duration / factor) <= MAX_DURATION:
        return f"A request cannot be for {request.duration / factor:.0f} s."
    if request.tempo and not _SLOWEST <= request.tempo * factor <= _QUICKEST:
        return "A request cannot be for such a tempo."
    if request.emotional_arc is not None and _NUMBER.search(json.dumps(request.emotional_arc)):
        return "The request draws a curve of moods in numbers."
    return ""


def _untrue(request: Request, structure: MusicStructure, shift: Shift) -> str:
    """What is said that would no longer be true."""
    for text in _said(request, structure):
        word = contradicted(text, shift)
        if word:
            return f"The piece is said to be {word.strip()!r}."
    return ""


def _said(request: Request, structure: MusicStructure) -> Iterator[str]:
    """Texts about the whole piece, and the names of its parts."""
    yield from (request.brief or "", request.theme or "", request.primary_genre or "", structure.title or "")
    yield from (*request.genre_palette, *request.motif_tags)
    if structure.character and structure.character != character(request.valence, request.arousal):
        yield structure.character
    for section in structure.sections:
        yield from (section.name, section.role or "")
    if request.emotional_arc is not None:
        yield json.dumps(request.emotional_arc, ensure_ascii=False)


def _refuse(why: str, field: str) -> None:
    if why:
        raise InvalidInputError(why, hint="Leave this variant out, or take what contradicts it out.", field=field)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _within(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))
