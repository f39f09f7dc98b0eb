"""The events of a Standard MIDI File, read with care: notes by part, and its tempi, meters, keys and texts."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from importlib import import_module
from typing import Any, NamedTuple

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.scores import MAX_NOTES
from workbench.core.library.importers.texts import shown
from workbench.core.music.keys import Key, parse_key

MAX_MIDI = 1_000_000
"""Bytes; a long movement has two hundred thousand."""
MAX_QUARTERS = 16_000
_DRUMS = 9
_ENDLESS = re.compile(rb"[\x80-\xff]{1000}")
"""A number in so many bytes takes mido minutes; texts in other scripts have shorter runs."""
_HINT = "Export it again as a Standard MIDI File of type 0 or 1."


class Stroke(NamedTuple):
    """A note: onset and end in quarters as they were played, and its MIDI number."""

    onset: float
    end: float
    midi: int


class Track(NamedTuple):
    """One channel of one track."""

    name: str
    strokes: tuple[Stroke, ...]


class Events(NamedTuple):
    """A file's content. Places are in quarters; a tempo is in quarters a minute."""

    tracks: tuple[Track, ...]
    tempi: tuple[tuple[float, float], ...]
    meters: tuple[tuple[Fraction, str], ...]
    keys: tuple[tuple[Fraction, Key], ...]
    markers: tuple[tuple[float, str], ...]
    title: str
    rights: str
    drums: bool


def read_events(data: bytes) -> Events:
    """Take a MIDI file apart.

    Raises:
        InputTooLargeError: more notes or a longer time than a movement has.
        InvalidInputError: broken, timed in seconds, or of independent patterns (type 2).
    """
    file = _opened(data)
    if file.type == 2:
        raise InvalidInputError("The file holds independent patterns (type 2), not one piece.", hint=_HINT)
    if not 0 < file.ticks_per_beat < 0x8000:
        raise InvalidInputError("The file counts in seconds, so it has no beats.", hint=_HINT)
    reader = _Reader(file.ticks_per_beat)
    for number, track in enumerate(file.tracks):
        reader.read(number, track)
    return reader.events()


def _opened(data: bytes) -> Any:
    if _ENDLESS.search(data):
        raise InvalidInputError("The MIDI file holds a number without end.", hint=_HINT)
    mido, meta = import_module("mido"), import_module("mido.midifiles.meta")
    try:
        return mido.MidiFile(file=io.BytesIO(data), clip=True)
    except (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, meta.KeySignatureError) as problem:
        what = shown(str(problem), 80) or "it breaks off"
        raise InvalidInputError(f"The MIDI file is broken: {what}.", hint=_HINT) from problem


class _Reader:
    """Gathers the events of all tracks."""

    def __init__(self, ticks: int) -> None:
        self._ticks = ticks
        self._names: dict[int, str] = {}
        self._strokes: dict[tuple[int, int], list[Stroke]] = {}
        self._tempi: list[tuple[float, float]] = []
        self._meters: list[tuple[Fraction, str]] = []
        self._keys: list[tuple[Fraction, Key]] = []
        self._markers: list[tuple[float, str]] = []
        self._rights: list[str] = []
        self._count = 0
        self._drums = False

    def read(self, number: int, track: Any) -> None:
        at = 0
        sounding: dict[tuple[int, int], float] = {}
        for message in track:
            at += message.time
            if at > MAX_QUARTERS * self._ticks:
                raise InputTooLargeError(
                    f"The file is over {MAX_QUARTERS:,} quarters long.", hint="Import one movement at a time."
                )
            if message.type in {"note_on", "note_off"}:
                self._note(number, message, at / self._ticks, sounding)
            elif message.is_meta:
                self._meta(number, message, at)
        for (channel, midi), onset in sounding.items():  # never let go
            self._keep(number, channel, Stroke(onset, onset + 1, midi))

    def _note(self, number: int, message: Any, at: float, sounding: dict[tuple[int, int], float]) -> None:
        if message.channel == _DRUMS:
            self._drums = True
            return
        string = message.channel, message.note
        onset = sounding.pop(string, None)
        if onset is not None and at > onset:
            self._keep(number, message.channel, Stroke(onset, at, message.note))
        if message.type == "note_on" and message.velocity:
            sounding[string] = at

    def _keep(self, number: int, channel: int, stroke: Stroke) -> None:
        self._count += 1
        if self._count > MAX_NOTES:
            raise InputTooLargeError(f"The file has over {MAX_NOTES:,} notes.", hint="Import one movement at a time.")
        self._strokes.setdefault((number, channel), []).append(stroke)

    def _meta(self, number: int, message: Any, at: int) -> None:
        place = Fraction(at, self._ticks)
        match message.type:
            case "track_name":
                self._names.setdefault(number, _text(message.name))
            case "set_tempo" if message.tempo > 0:
                self._tempi.append((float(place), 60e6 / message.tempo))
            case "time_signature" if 1 <= message.numerator <= 64 and message.denominator in (1, 2, 4, 8, 16, 32):
                self._meters.append((place, f"{message.numerator}/{message.denominator}"))
            case "key_signature":
                self._keys.append((place, parse_key(message.key)))
            case "marker" | "cue_marker" if len(self._markers) < 2000:
                self._markers.append((float(place), _text(message.text)))
            case "copyright" if len(self._rights) < 20:
                self._rights.append(_text(message.text))

    def events(self) -> Events:
        """Everything, in order of time."""
        tracks = tuple(
            Track(self._names.get(number, ""), tuple(sorted(strokes)))
            for (number, _), strokes in sorted(self._strokes.items())
        )
        silent = 0 not in {number for number, _ in self._strokes} and len(self._strokes) > 0
        return Events(
            tracks,
            tuple(sorted(self._tempi)),
            tuple(sorted(dict(self._meters).items())),
            tuple(sorted(dict(self._keys).items())),
            tuple(sorted(self._markers)),
            self._names.get(0, "") if silent else "",
            " ".join(self._rights),
            self._drums,
        )


def _text(text: str) -> str:
    """A text event, which says nothing of its encoding: UTF-8 where it can be."""
    raw = text[:400].encode("latin-1", "replace")
    try:
        return shown(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return shown(raw.decode("latin-1"))
