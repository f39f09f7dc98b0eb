"""Listening to a score: which chords and cadences sound, told from the notes alone.

Nothing here reads numerals, tags or what a voice was meant for: of what the composer wrote it takes the moments at
which the harmony changes. Chords are heard by templates (Pardo and Birmingham 2002, Algorithms for Chordal Analysis),
keys by the profiles of Krumhansl and Kessler (Krumhansl 1990, ch. 2 and 4); what makes a cadence is Caplin 1998, ch. 2.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Key
from workbench.core.music.score import Score

_QUALITIES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("major", (0, 4, 7)),
    ("minor", (0, 3, 7)),
    ("diminished", (0, 3, 6)),
    ("dominant", (0, 4, 7, 10)),
    ("half-diminished", (0, 3, 6, 10)),
    ("diminished-seventh", (0, 3, 6, 9)),
)
_TEMPLATES = np.zeros((12 * len(_QUALITIES), 12))
for _number, (_, _tones) in enumerate(_QUALITIES):
    for _root in range(12):
        _TEMPLATES[_number * 12 + _root, [(_root + _tone) % 12 for _tone in _tones]] = 1.0
_BASS = 0.5
"""What the bass adds to its tone: it tells the root where the upper voices leave it open."""
_TUNE = 0.5
"""What a note of the tune counts for beside one of the harmony: it has passing and leaning notes."""
_ROOT = 1e-3
"""Of chords that fit equally well the one whose root sounds longest is heard."""
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_PROFILES = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
_PROFILES = (_PROFILES - _PROFILES.mean(axis=1, keepdims=True)) / _PROFILES.std(axis=1, keepdims=True)
"""Of these the one is heard that correlates most with what sounds."""
_SILENT = 128

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


class Hearing:
    """A score as it is heard. Times are in divisions, pitch classes in semitones above C."""

    def __init__(self, score: Score) -> None:
        self.score = score
        self._starts = np.array([span.start for span in score.chords], np.int64)
        self._known: dict[tuple[int, int, Key], frozenset[CadenceType]] = {}

    @cached_property
    def _heard(self) -> tuple[Floats, Floats, Whole]:
        """For each span of harmony, how long each pitch class sounds (as a part of it), the same without the tune, and
        the bass at its start."""
        score, starts = self.score, self._starts
        ends = np.array([span.end for span in score.chords], np.int64)
        parts = np.zeros((2, len(starts), 12))
        bass = np.full(len(starts), _SILENT, np.int64)
        lowest = bass.copy()
        onset, release = score.onset.astype(np.int64), score.onset.astype(np.int64) + score.duration
        first = np.searchsorted(starts, onset, "right") - 1
        last = np.searchsorted(starts, release - 1, "right") - 1
        for further in range(int((last - first).max(initial=0)) + 1):
            here = (first + further <= last) & (first + further >= 0)
            span, midi = first[here] + further, score.midi[here]
            sounds = np.minimum(release[here], ends[span]) - np.maximum(onset[here], starts[span])
            share = sounds / np.maximum(1, ends[span] - starts[span])
            np.add.at(parts, ((score.voice[here] == 0).astype(np.int64), span, midi % 12), share)
            np.minimum.at(lowest, span, midi)
            begun = onset[here] <= starts[span]
            np.minimum.at(bass, span[begun], midi[begun])
        return parts[0] + _TUNE * parts[1], parts[0], np.where(bass < _SILENT, bass, lowest)

    @cached_property
    def _chords(self) -> tuple[Whole, Whole]:
        """The root and the number of the quality of each span, as they sound."""
        weights, _, bass = self._heard
        firmer = weights.copy()
        sounding = np.nonzero(bass < _SILENT)[0]
        firmer[sounding, bass[sounding] % 12] += _BASS
        missing = _TEMPLATES.sum(axis=1) - (firmer > 0).astype(float) @ _TEMPLATES.T
        fit = 2 * firmer @ _TEMPLATES.T - firmer.sum(axis=1, keepdims=True) - missing
        fit += _ROOT * np.tile(firmer, len(_QUALITIES))
        best = fit.argmax(axis=1)
        return best % 12, best // 12

    def chord(self, span: int) -> tuple[int, str]:
        """The root (a pitch class) and the quality that are heard in a span of harmony."""
        roots, qualities = self._chords
        return int(roots[span]), _QUALITIES[int(qualities[span])][0]

    def key(self, start: int, end: int) -> tuple[int, bool] | None:
        """The key that fits best what sounds between two moments: its tonic, and whether it is minor."""
        score = self.score
        sounds = np.minimum(score.onset + score.duration, end) - np.maximum(score.onset, start)
        weights = np.bincount(score.midi % 12, np.maximum(0, sounds), minlength=12)
        if not weights.any() or np.ptp(weights) == 0:
            return None
        best = int((_PROFILES @ (weights - weights.mean())).argmax())
        return best % 12, best >= 12

    def cadences(self, start: int, end: int, key: Key) -> frozenset[CadenceType]:
        """What the music that ends at a moment may be heard as in a key; nothing where it is no cadence.

        ``start`` is where its phrase begins: before that no tonic is taken for the arrival.
        """
        where = (start, end, key)
        if where not in self._known:
            self._known[where] = self._cadences(start, end, key)
        return self._known[where]

    def _cadences(self, start: int, end: int, key: Key) -> frozenset[CadenceType]:
        last = int(np.searchsorted(self._starts, end - 1, "right")) - 1
        if last < 0 or self._heard[2][last] == _SILENT:
            return frozenset()
        tonic = key.pitch_class
        arrival = last
        while self._is_tonic(arrival, tonic) and arrival and self._starts[arrival] > start:
            if not self._is_tonic(arrival - 1, tonic):
                break
            arrival -= 1
        led = arrival > 0 and self._is_dominant(arrival - 1, tonic)
        if self._is_tonic(last, tonic):
            if led:
                return self._authentic(arrival, last, end, key)
            plagal = arrival > 0 and self._bass(last, tonic) == 0 and self._is_subdominant(arrival - 1, tonic)
            return frozenset({"PC"} if plagal else ())
        if self._rests_on_five(last, tonic):
            return frozenset({"HC"})
        holds = self._heard[0][last][tonic] > 0
        return frozenset({"DC"} if led and holds else ())

    def _authentic(self, arrival: int, last: int, end: int, key: Key) -> frozenset[CadenceType]:
        tonic = key.pitch_class
        rooted = self._bass(arrival, tonic) == 0 and self._rests_on_five(arrival - 1, tonic)
        avoids = self._bass(arrival, tonic) != 0
        imperfect: frozenset[CadenceType] = frozenset({"IAC", "DC"} if avoids else {"IAC"})
        on_one = self._tune_on(tonic, int(self._starts[arrival]), end) if rooted else ()
        if not any(on_one):
            return imperfect
        third = self._heard[0][last][[(tonic + 4) % 12, (tonic + 3) % 12]]
        perfect: CadenceType = "PICARDY" if key.is_minor and third[0] > third[1] else "PAC"
        return frozenset({perfect}) if all(on_one) else imperfect | {perfect}

    def _tune_on(self, tonic: int, arrival: int, end: int) -> tuple[bool, ...]:
        """Whether the tune is on the tonic where the bass arrives, and in the end; the top voice where it is silent."""
        score = self.score
        held = (score.onset <= arrival) & (score.onset + score.duration > arrival)
        later = (score.onset >= arrival) & (score.onset < end)
        tune = score.voice == 0
        heard = [*score.midi[held & tune][-1:].tolist(), *score.midi[later & tune][-1:].tolist()]
        if not heard and held.any():
            heard = [int(score.midi[held].max())]
        return tuple(midi % 12 == tonic for midi in heard)

    def _bass(self, span: int, tonic: int) -> int:
        """The bass of a span in semitones above a tonic, -1 where it is silent."""
        midi = int(self._heard[2][span])
        return (midi - tonic) % 12 if midi < _SILENT else -1

    def _is_tonic(self, span: int, tonic: int) -> bool:
        root, quality = self.chord(span)
        return root == tonic and quality in {"major", "minor"}

    def _is_dominant(self, span: int, tonic: int) -> bool:
        """A chord on 5, or a diminished one on 7; or what else leads home: the leading tone without the tonic over a
        bass of such a chord. In thin textures a chord on 5 may be without a third."""
        root, quality = self.chord(span)
        above = (root - tonic) % 12
        if quality == "diminished-seventh":
            return (above - 11) % 3 == 0
        if above == 11 and quality in {"diminished", "half-diminished"}:
            return True
        raised, natural = (tonic + 11) % 12, (tonic + 10) % 12
        weights, harmony, bass = self._heard[0][span], self._heard[1][span], self._bass(span, tonic)
        if harmony[natural] > harmony[raised] or weights[natural] > weights[raised]:
            return False  # a minor chord, whatever the tune has over it
        if above == 7:
            return True
        leading, against = weights[raised], weights[tonic]
        return bool(leading >= against if bass == 7 else leading > against and bass in {2, 5, 11})

    def _rests_on_five(self, span: int, tonic: int) -> bool:
        return self._bass(span, tonic) == 7 and self._is_dominant(span, tonic)

    def _is_subdominant(self, span: int, tonic: int) -> bool:
        root, quality = self.chord(span)
        above = (root - tonic) % 12
        return (
            above == 5 or (above == 2 and quality not in {"major", "dominant"}) or (above == 1 and quality == "major")
        )
