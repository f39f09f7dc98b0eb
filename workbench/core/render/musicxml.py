"""A score as MusicXML 4.0 that notation programs read.

Written straight from the score's columns: music21's export takes seconds for a long piece and stumbles over several
voices in a stave. Numerals stand as lyrics under the lowest part: chord symbols make extra voices in some readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import gcd
from typing import NamedTuple
from xml.sax.saxutils import escape

from workbench.core.music.keys import Key, accidentals_of
from workbench.core.music.meters import DIVISIONS
from workbench.core.music.pitches import alter_of, octave_of, pitch_class_name, step_of
from workbench.core.music.score import Score, Voice
from workbench.core.render.labels import numeral_text
from workbench.core.render.notation import Pitch, Written, bars, write

_CLEFS = {"treble": ("G", 2), "bass": ("F", 4), "alto": ("C", 3), "tenor": ("C", 4)}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GROUP = (
    '<part-group type="start" number="1"><group-symbol>bracket</group-symbol>'
    "<group-barline>yes</group-barline></part-group>"
)


class _Line(NamedTuple):
    """A voice within its part: its number there, its stave (from 1), its signs bar by bar."""

    of: int
    number: int
    stave: int
    signs: list[list[Written]]


class _Part(NamedTuple):
    id: str
    name: str
    voices: tuple[Voice, ...]
    lines: tuple[_Line, ...]
    staves: int


def musicxml(score: Score) -> bytes:
    """The score as MusicXML text in UTF-8.

    One part a player; voices keep their staves, with a rest wherever a voice is silent (an empty bar's rest is hidden
    where another voice sounds in the stave). Section names are rehearsal marks; key signatures, dynamics and double
    bars stand where sections begin.
    """
    parts = _parts(score)
    lengths = {sign.length for part in parts for line in part.lines for bar in line.signs for sign in bar}
    unit = gcd(DIVISIONS, score.meter.bar, *lengths)
    figures = _figures(score)
    out = [_HEADER, '<score-partwise version="4.0">']
    if score.title:
        out.append(f"<work><work-title>{_text(score.title)}</work-title></work>")
    out.append("<identification><encoding><software>AIRIA Workbench</software></encoding></identification>")
    entries = "".join(_part_entry(part) for part in parts)
    if len(parts) > 1:
        entries = f'{_GROUP}{entries}<part-group type="stop" number="1"/>'
    out.append(f"<part-list>{entries}</part-list>")
    for part in parts:
        out.append(f'<part id="{part.id}">')
        # Under the lowest line of the last part a numeral is under everything it speaks of.
        lyric_line = part.lines[-1].number if part is parts[-1] else 0
        writer = _PartWriter(score, part, unit, figures if part is parts[-1] else {}, lyric_line, part is parts[0])
        out.extend(writer.measure(measure) for measure in range(score.measures))
        out.append("</part>")
    out.append("</score-partwise>\n")
    return "".join(out).encode()


def _parts(score: Score) -> list[_Part]:
    parts = []
    indices = sorted(range(len(score.voices)), key=lambda index: (score.voices[index].part, score.voices[index].staff))
    groups = [list(group) for _, group in groupby(indices, key=lambda index: score.voices[index].part)]
    names = [score.voices[group[0]].instrument.name for group in groups]
    for order, group in enumerate(groups):
        lines = []
        for stave in sorted({score.voices[index].staff for index in group}):
            members = [index for index in group if score.voices[index].staff == stave]
            lines += [
                _Line(index, stave * 4 + place + 1, stave + 1, [write(bar, score.meter) for bar in bars(score, index)])
                for place, index in enumerate(members)
            ]
        name = names[order]
        if names.count(name) > 1:
            name = f"{name} {names[: order + 1].count(name)}"
        parts.append(
            _Part(
                f"P{order + 1}",
                name,
                tuple(score.voices[index] for index in group),
                tuple(lines),
                max(line.stave for line in lines),
            )
        )
    return parts


def _part_entry(part: _Part) -> str:
    instrument = part.voices[0].instrument
    number = int(part.id[1:])
    channel = (number - 1) % 15 + 1
    return (
        f'<score-part id="{part.id}"><part-name>{_text(part.name)}</part-name>'
        f'<score-instrument id="{part.id}-I1"><instrument-name>{_text(instrument.name)}</instrument-name>'
        f'</score-instrument><midi-instrument id="{part.id}-I1"><midi-channel>{channel + (channel > 9)}</midi-channel>'
        f"<midi-program>{instrument.program + 1}</midi-program></midi-instrument></score-part>"
    )


def _figures(score: Score) -> dict[int, list[tuple[int, str]]]:
    """The numerals of each bar (from 0): where each stands, and its text; a new key is named before its first."""
    figures: dict[int, list[tuple[int, str]]] = {}
    key: Key | None = None
    for span in score.chords:
        text = numeral_text(span.numeral)
        if span.key != key:
            key = span.key
            tonic = pitch_class_name(key.tonic)
            tonic = (tonic[0].lower() if key.is_minor else tonic[0]) + tonic[1:].replace("b", "♭").replace("#", "♯")
            text = f"{tonic}: {text}"
        measure, within = divmod(span.start, score.meter.bar)
        figures.setdefault(measure, []).append((within, text))
    return figures


class _PartWriter:
    """Writes one part bar by bar, keeping what a reader keeps in mind: the key and the last bar's accidentals."""

    def __init__(
        self,
        score: Score,
        part: _Part,
        unit: int,
        figures: dict[int, list[tuple[int, str]]],
        lyric_line: int,
        is_first: bool,
    ) -> None:
        self.score, self.part, self.unit = score, part, unit
        self.figures, self.lyric_line, self.is_first = figures, lyric_line, is_first
        self.openings = {section.first_measure - 1: section for section in reversed(score.sections)}
        self.closings = {section.first_measure + section.measures - 2 for section in score.sections}
        self.key = score.sections[0].key if score.sections else score.key
        self.dynamics = ""
        self.altered: dict[int, set[tuple[str, int]]] = {}

    def measure(self, measure: int) -> str:
        """One bar, counted from 0."""
        bar = [f'<measure number="{measure + 1}">', self._attributes(measure), self._directions(measure)]
        accidentals = self._accidentals(measure)
        sounding = {
            stave: [line for line in self.part.lines if line.stave == stave and _sounds(line.signs[measure])]
            for stave in range(1, self.part.staves + 1)
        }
        for place, line in enumerate(self.part.lines):
            if place:
                bar.append(f"<backup><duration>{self.score.meter.bar // self.unit}</duration></backup>")
            bar.extend(self._line(line, measure, sounding[line.stave], accidentals))
        if measure == self.score.measures - 1:
            bar.append('<barline location="right"><bar-style>light-heavy</bar-style></barline>')
        elif measure in self.closings:
            bar.append('<barline location="right"><bar-style>light-light</bar-style></barline>')
        bar.append("</measure>")
        return "".join(bar)

    def _attributes(self, measure: int) -> str:
        opening = self.openings.get(measure)
        key_changes = opening is not None and opening.key != self.key
        if opening is not None:
            self.key = opening.key
        key = f"<key><fifths>{self.key.signature}</fifths><mode>{self.key.mode}</mode></key>"
        if measure:
            return f"<attributes>{key}</attributes>" if key_changes else ""
        meter = self.score.meter
        symbol = ' symbol="cut"' if meter.name == "2/2" else ""
        clefs = []
        for stave in range(1, self.part.staves + 1):
            name = next((v.clef for v in self.part.voices if v.staff == stave - 1), "treble")
            sign, row = _CLEFS.get(name, _CLEFS["treble"])
            number = f' number="{stave}"' if self.part.staves > 1 else ""
            clefs.append(f"<clef{number}><sign>{sign}</sign><line>{row}</line></clef>")
        staves = f"<staves>{self.part.staves}</staves>" if self.part.staves > 1 else ""
        return (
            f"<attributes><divisions>{DIVISIONS // self.unit}</divisions>{key}"
            f"<time{symbol}><beats>{meter.numerator}</beats><beat-type>{meter.denominator}</beat-type></time>"
            f"{staves}{''.join(clefs)}</attributes>"
        )

    def _directions(self, measure: int) -> str:
        out = []
        if measure == 0 and self.is_first:
            dot = "<beat-unit-dot/>" if self.score.meter.compound else ""
            unit = "half" if self.score.meter.name == "2/2" else "quarter"
            pace = self.score.tempo / (1.5 if dot else 2 if unit == "half" else 1)
            out.append(
                '<direction placement="above"><direction-type><metronome>'
                f"<beat-unit>{unit}</beat-unit>{dot}<per-minute>{round(pace, 1):g}</per-minute></metronome>"
                f'</direction-type>{self._stave(1)}<sound tempo="{round(self.score.tempo, 3):g}"/></direction>'
            )
        opening = self.openings.get(measure)
        if opening is None:
            return "".join(out)
        if self.is_first and opening.name:
            out.append(
                '<direction placement="above"><direction-type>'
                f"<rehearsal>{_text(opening.name)}</rehearsal></direction-type>{self._stave(1)}</direction>"
            )
        if opening.dynamics and opening.dynamics != self.dynamics:
            self.dynamics = opening.dynamics
            out.append(
                f'<direction placement="below"><direction-type><dynamics><{opening.dynamics}/></dynamics>'
                f"</direction-type>{self._stave(1)}</direction>"
            )
        return "".join(out)

    def _stave(self, stave: int) -> str:
        return f"<staff>{stave}</staff>" if self.part.staves > 1 else ""

    def _line(
        self, line: _Line, measure: int, sounding: Sequence[_Line], accidentals: dict[tuple[int, int, Pitch], str]
    ) -> Iterator[str]:
        lyrics = self._lyrics(line, measure)
        others = [other for other in sounding if other is not line]
        stem = ""
        if others and line in sounding:
            stem = f"<stem>{'up' if line is sounding[0] else 'down'}</stem>"
        leads = line is (sounding or [mate for mate in self.part.lines if mate.stave == line.stave])[0]
        for sign in line.signs[measure]:
            if not sign.pitches:
                # The leading voice shows its rests; another's only where the stave would fall silent.
                hidden = not leads and (not sounding or line not in sounding or _covered(sign, others, measure))
                yield self._rest(sign, line, hidden=hidden)
                continue
            lyric = lyrics.pop(sign.start, "")
            for place, pitch in enumerate(sign.pitches):
                accidental = accidentals.get((line.of, sign.start, pitch), "")
                yield (
                    self._note(sign, pitch, line, stem, accidental, first=place == 0) + lyric * (place == 0) + "</note>"
                )

    def _rest(self, sign: Written, line: _Line, *, hidden: bool) -> str:
        whole = sign.length == self.score.meter.bar
        show = ' print-object="no"' if hidden else ""
        rest = '<rest measure="yes"/>' if whole else "<rest/>"
        value = "" if whole else f"<type>{sign.value}</type>{'<dot/>' * sign.dots}{_modification(sign)}"
        return (
            f"<note{show}>{rest}<duration>{sign.length // self.unit}</duration><voice>{line.number}</voice>{value}"
            f"{self._stave(line.stave)}{_notations(sign, first=True)}</note>"
        )

    def _note(self, sign: Written, pitch: Pitch, line: _Line, stem: str, accidental: str, *, first: bool) -> str:
        """A note up to its notations; of a chord, ``first`` alone carries beams and tuplet brackets."""
        alter = alter_of(pitch.fifths)
        ties = '<tie type="stop"/>' * sign.tied_in + '<tie type="start"/>' * sign.tied_out
        beams = "".join(f'<beam number="{level}">{kind}</beam>' for level, kind in enumerate(sign.beams, 1) if first)
        return "".join(
            (
                "<note>" if first else "<note><chord/>",
                f"<pitch><step>{step_of(pitch.fifths)}</step>",
                f"<alter>{alter}</alter>" if alter else "",
                f"<octave>{octave_of(*pitch)}</octave></pitch><duration>{sign.length // self.unit}</duration>",
                f"{ties}<voice>{line.number}</voice><type>{sign.value}</type>{'<dot/>' * sign.dots}",
                f"<accidental>{accidental}</accidental>" if accidental else "",
                f"{_modification(sign)}{stem}{self._stave(line.stave)}{beams}{_notations(sign, first=first)}",
            )
        )

    def _lyrics(self, line: _Line, measure: int) -> dict[int, str]:
        """The bar's numerals by the note that carries each: the first that begins under it, or after it."""
        if line.number != self.lyric_line:
            return {}
        carriers = [sign.start for sign in line.signs[measure] if sign.pitches]
        lyrics: dict[int, str] = {}
        for at, text in self.figures.get(measure, ()):
            start = next((start for start in carriers if start >= at), carriers[-1] if carriers else None)
            if start is not None and start not in lyrics:
                lyrics[start] = f"<lyric><syllabic>single</syllabic><text>{_text(text)}</text></lyric>"
        return lyrics

    def _accidentals(self, measure: int) -> dict[tuple[int, int, Pitch], str]:
        """The accidentals of a bar, stave by stave in the order of reading; one recalls what the last bar altered."""
        signature = accidentals_of(self.key)
        shown: dict[tuple[int, int, Pitch], str] = {}
        for stave in range(1, self.part.staves + 1):
            current: dict[tuple[str, int], int] = {}
            recalled = self.altered.get(stave, set())
            altered: set[tuple[str, int]] = set()
            signs = [
                (s.start, line.of, s) for line in self.part.lines if line.stave == stave for s in line.signs[measure]
            ]
            for start, voice, sign in sorted(signs, key=lambda item: item[:2]):
                for pitch in sign.pitches:
                    place = (step_of(pitch.fifths), octave_of(*pitch))
                    alter = alter_of(pitch.fifths)
                    usual = signature.get(place[0], 0)
                    if alter != usual:
                        altered.add(place)
                    if sign.tied_in:
                        continue
                    if alter != current.get(place, usual) or (place in recalled and place not in current):
                        shown[voice, start, pitch] = _ACCIDENTALS[alter]
                    current[place] = alter
            self.altered[stave] = altered
        return shown


def _text(text: str) -> str:
    """A text as XML holds it: markup escaped, control characters that XML forbids left out."""
    return escape(_FORBIDDEN.sub("", text))


def _sounds(signs: Sequence[Written]) -> bool:
    return any(sign.pitches for sign in signs)


def _covered(rest: Written, others: Sequence[_Line], measure: int) -> bool:
    """Whether another voice of the stave sounds all through a rest."""
    at = rest.start
    for sign in sorted((s for line in others for s in line.signs[measure] if s.pitches), key=lambda s: s.start):
        if sign.start <= at:
            at = max(at, sign.start + sign.length)
    return at >= rest.start + rest.length


def _modification(sign: Written) -> str:
    if sign.tuplet is None:
        return ""
    actual, normal = sign.tuplet
    return (
        f"<time-modification><actual-notes>{actual}</actual-notes>"
        f"<normal-notes>{normal}</normal-notes></time-modification>"
    )


def _notations(sign: Written, *, first: bool) -> str:
    marks = '<tied type="stop"/>' * sign.tied_in + '<tied type="start"/>' * sign.tied_out
    if sign.edge and first:
        marks += f'<tuplet type="{sign.edge}" number="1"/>'
    return f"<notations>{marks}</notations>" if marks else ""
