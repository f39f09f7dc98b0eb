"""The measures of a MusicXML part: notes with their places, and what is written between them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from xml.etree.ElementTree import Element

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.scores import MAX_BAR, MAX_NOTES
from workbench.core.music.keys import Mode
from workbench.core.music.pitches import STEPS, fifths_of

_HINT = "Export the score again from a notation program."
_NUMBER = re.compile(r"\s*-?\d{1,8}(\.\d{1,6})?\s*")
_SEMITONES = dict(zip(STEPS, (0, 2, 4, 5, 7, 9, 11), strict=True))
_UNITS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
_DOUBLE = {"light-light", "light-heavy", "heavy-light", "heavy-heavy"}


class Sound(NamedTuple):
    """A note in its measure: onset from the measure's beginning, sounding pitch, voice and stave, ties."""

    onset: Fraction
    duration: Fraction
    midi: int
    fifths: int
    voice: str
    stave: int
    tied_in: bool
    tied_out: bool


@dataclass
class Measure:
    """A measure of one part. ``meter`` and ``signature`` are set where they change; ``length`` is what it holds.

    ``closes`` and ``opens`` say that a double bar or repeat sign stands at its end or its beginning; ``endings`` are
    the numbers of the brackets over it.
    """

    number: str
    implicit: bool
    meter: str = ""
    signature: tuple[int, Mode | None] | None = None
    length: Fraction = Fraction(0)
    sounds: list[Sound] = field(default_factory=list)
    pauses: list[Fraction] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    tempo: float | None = None
    closes: bool = False
    opens: bool = False
    endings: tuple[str, ...] = ()
    jumps: bool = False


class _Transposition(NamedTuple):
    semitones: int = 0
    fifths: int = 0


class PartReader:
    """Reads a part measure by measure, keeping what holds on: divisions, transposition, the endings that are open."""

    def __init__(self) -> None:
        self._divisions = Fraction(1)
        self._transposition = _Transposition()
        self._endings: tuple[str, ...] = ()
        self.has_unpitched = False
        self.count = 0

    def read(self, element: Element) -> Measure:
        """One measure.

        Raises:
            InputTooLargeError: more notes than a part has.
            InvalidInputError: a number is none, or the measure is endless.
        """
        measure = Measure(
            number=(element.get("number") or "")[:12],
            implicit=element.get("implicit") == "yes" or (element.get("number") or "").startswith("X"),
            endings=self._endings,
        )
        at = onset = Fraction(0)
        for child in element:
            match child.tag:
                case "note":
                    if child.find("grace") is not None or child.find("cue") is not None:
                        continue
                    length = self._length(child)
                    if child.find("chord") is None:
                        onset, at = at, at + length
                    self._note(child, measure, onset, length)
                case "backup":
                    at = max(Fraction(0), at - self._length(child))
                case "forward":
                    at += self._length(child)
                case "attributes":
                    self._attributes(child, measure)
                case "direction" | "sound":
                    self._direction(child, measure)
                case "barline":
                    self._barline(child, measure)
            measure.length = max(measure.length, at)
            if self.count > MAX_NOTES:
                raise InputTooLargeError(f"A part has over {MAX_NOTES:,} notes.", hint="Import one movement at a time.")
            if measure.length > MAX_BAR:
                raise InvalidInputError(
                    f"Bar {measure.number[:8]} is over {MAX_BAR} quarters long.", hint=_HINT, field="measure"
                )
        return measure

    def _length(self, element: Element) -> Fraction:
        length = _number(element, "duration", "0") / self._divisions
        if length < 0:
            raise InvalidInputError("A note has a negative length.", hint=_HINT, field="duration")
        return length

    def _note(self, note: Element, measure: Measure, onset: Fraction, length: Fraction) -> None:
        if any(each.find("fermata") is not None for each in note.findall("notations")):
            measure.pauses.append(onset + length)
        pitch = note.find("pitch")
        if pitch is None or not length:
            self.has_unpitched = self.has_unpitched or note.find("unpitched") is not None
            return
        step = (pitch.findtext("step") or "").strip().upper()
        alter, octave = round(_number(pitch, "alter", "0")), round(_number(pitch, "octave", "4"))
        if step not in _SEMITONES or not -3 <= alter <= 3 or not -1 <= octave <= 10:
            raise InvalidInputError(f"{step[:8]!r} with octave {octave} is no pitch.", hint=_HINT, field="pitch")
        midi = 12 * (octave + 1) + _SEMITONES[step] + alter + self._transposition.semitones
        self.count += 1
        ties = {tie.get("type") for tie in note.findall("tie")}
        if 0 <= midi <= 127:
            measure.sounds.append(
                Sound(
                    onset,
                    length,
                    midi,
                    fifths_of(step, alter) + self._transposition.fifths,
                    (note.findtext("voice") or "1").strip()[:8],
                    round(_number(note, "staff", "1")),
                    "stop" in ties,
                    "start" in ties,
                )
            )

    def _attributes(self, attributes: Element, measure: Measure) -> None:
        if attributes.find("divisions") is not None:
            self._divisions = _number(attributes, "divisions", "1")
            if not 0 < self._divisions <= 100_000:
                raise InvalidInputError("The divisions of a quarter make no sense.", hint=_HINT, field="divisions")
        transpose = attributes.find("transpose")
        if transpose is not None:
            chromatic = round(_number(transpose, "chromatic", "0"))
            diatonic = transpose.find("diatonic")
            steps = None if diatonic is None else round(_number(transpose, "diatonic", "0"))
            octaves = round(_number(transpose, "octave-change", "0"))
            self._transposition = _Transposition(chromatic + 12 * octaves, _fifths_between(chromatic, steps))
        key = attributes.find("key")
        if key is not None and key.find("fifths") is not None:
            fifths = round(_number(key, "fifths", "0")) + self._transposition.fifths
            mode = (key.findtext("mode") or "").strip().lower()
            if -7 <= fifths <= 7:
                measure.signature = fifths, ("major" if mode == "major" else "minor" if mode == "minor" else None)
        time = attributes.find("time")
        if time is not None and time.find("senza-misura") is None:
            measure.meter = _meter(time)

    def _direction(self, direction: Element, measure: Measure) -> None:
        for sound in direction.iter("sound"):
            tempo = sound.get("tempo")
            if tempo and _NUMBER.fullmatch(tempo) and 5 <= float(tempo) <= 1000:
                measure.tempo = measure.tempo or float(tempo)
            measure.jumps = measure.jumps or bool(sound.get("dacapo") or sound.get("dalsegno"))
        for metronome in direction.iter("metronome"):
            unit, pace = _UNITS.get((metronome.findtext("beat-unit") or "").strip()), metronome.findtext("per-minute")
            if unit is not None and pace and _NUMBER.fullmatch(pace) and 5 <= float(pace) <= 1000:
                dotted = 1.5 if metronome.find("beat-unit-dot") is not None else 1.0
                measure.tempo = measure.tempo or float(pace) * unit * dotted
        measure.headings += [each.text for each in direction.iter("rehearsal") if each.text and each.text.strip()]
        measure.words += [each.text for each in direction.iter("words") if each.text and each.text.strip()]

    def _barline(self, barline: Element, measure: Measure) -> None:
        left = barline.get("location") == "left"
        repeat = barline.find("repeat")
        direction = None if repeat is None else repeat.get("direction")
        strong = (barline.findtext("bar-style") or "").strip() in _DOUBLE
        if left:
            measure.opens = measure.opens or direction == "forward" or strong
        else:
            measure.closes = measure.closes or direction == "backward" or strong
        for ending in barline.findall("ending"):
            numbers = tuple(re.findall(r"\d{1,2}", ending.get("number") or ""))
            if ending.get("type") == "start":
                self._endings = measure.endings = numbers or ("1",)
            else:
                self._endings = ()


def _number(element: Element, tag: str, default: str) -> Fraction:
    text = element.findtext(tag)
    if text is None or not text.strip():
        text = default
    number = _fraction(text) if len(text) < 40 else None
    if number is None:
        raise InvalidInputError(f"{text[:20]!r} is no number.", hint=_HINT, field=tag)
    return number


@lru_cache(maxsize=4096)
def _fraction(text: str) -> Fraction | None:
    return Fraction(text.strip()) if _NUMBER.fullmatch(text) else None


def _meter(time: Element) -> str:
    """``3/4``; several pairs (2/4 + 3/4) are added up."""
    beats = [_sum(each.text) for each in time.findall("beats")]
    units = [_sum(each.text) for each in time.findall("beat-type")]
    if not beats or len(beats) != len(units) or not all(1 <= beat <= 64 for beat in beats):
        raise InvalidInputError("A time signature has no numbers.", hint=_HINT, field="time")
    unit = max(units)
    if any(each not in (1, 2, 4, 8, 16, 32) for each in units):
        raise InvalidInputError("A time signature counts in no note value.", hint=_HINT, field="time")
    return f"{sum(beat * unit // each for beat, each in zip(beats, units, strict=True))}/{unit}"


def _sum(text: str | None) -> int:
    numbers: Iterable[str] = re.findall(r"\d{1,3}", (text or "")[:40])
    return sum(map(int, numbers))


def _fifths_between(semitones: int, steps: int | None) -> int:
    """How far a transposition moves along the line of fifths."""
    near = sorted(range(-12, 13), key=abs)
    for fifths in near:
        if (7 * fifths - semitones) % 12 == 0 and (steps is None or (4 * fifths - steps) % 7 == 0):
            return fifths
    return next(fifths for fifths in near if (7 * fifths - semitones) % 12 == 0)
