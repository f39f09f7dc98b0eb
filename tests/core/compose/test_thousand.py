"""A thousand requests, drawn evenly over everything that can be asked for, all become pieces that can be played."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from music21 import converter

from benchmarks.pieces import untied
from benchmarks.spread import draw_requests
from workbench.core.compose import compose, perform, realize
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS
from workbench.core.music.meters import DIVISIONS, TIME_SIGNATURES
from workbench.core.music.pitches import pitch_class
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.score import Score
from workbench.core.render.midi import midi_bytes
from workbench.core.render.musicxml import musicxml

PIECES, CHUNKS = 1000, 20
pytestmark = pytest.mark.no_cover  # what it covers is covered by others, and measuring makes it three times as long
READ_BACK = tuple(range(7, PIECES, 20))
"""Fifty, none of them one of the longest: music21 takes long to read a thousand bars."""


@lru_cache(maxsize=1)
def thousand() -> list[Request]:
    return draw_requests(PIECES, seed=20, shortest=20, longest=600, extremes=True)


def test_the_thousand_are_drawn_evenly() -> None:
    requests = thousand()
    # One in twenty-five is an extreme, which takes its meter and tempo from elsewhere.
    for name, values in (("form", FORM_IDS), ("period", PERIODS), ("key", [key.name for key in ALL_KEYS])):
        counts = Counter(getattr(request, name) for request in requests)
        counts.pop(None, None)
        assert set(counts) == set(values)
        assert max(counts.values()) - min(counts.values()) <= 1
    meters = Counter(request.time_signature for request in requests)
    assert set(meters) == {*TIME_SIGNATURES, None}
    assert min(meters.values()) >= PIECES // 9 - 20
    assert any(request.key is None for request in requests)
    assert {(request.valence > 0, request.arousal > 0.5) for request in requests} == {
        (bright, loud) for bright in (True, False) for loud in (True, False)
    }
    assert any(
        request.duration == 20 and request.tempo == 40 and request.time_signature == "12/8" for request in requests
    )
    assert any(
        request.duration == 600 and request.tempo == 220 and request.time_signature == "3/8" for request in requests
    )


def assert_playable(score: Score) -> None:
    """Every note lies in its bar, its player's range and its own voice, and is spelled as it sounds."""
    assert len(score)
    assert score.onset.min() >= 0
    assert (score.duration > 0).all()
    assert (score.onset + score.duration).max() <= score.length
    classes = np.array([pitch_class(int(fifths)) for fifths in score.fifths])
    assert (classes == score.midi % 12).all()
    for index, voice in enumerate(score.voices):
        own = score.voice == index
        if not own.any():
            continue
        low, high = int(score.midi[own].min()), int(score.midi[own].max())
        assert voice.instrument.low <= low, f"{voice.name}: {low} is below the {voice.instrument.name}"
        assert high <= voice.instrument.high, f"{voice.name}: {high} is above the {voice.instrument.name}"
        ends: dict[int, int] = {}
        reached = 0
        for onset, duration in zip(score.onset[own].tolist(), score.duration[own].tolist(), strict=True):
            assert ends.setdefault(onset, onset + duration) == onset + duration, f"{voice.name}: a chord of two lengths"
            if onset + duration > reached:
                assert onset >= reached, f"{voice.name}: notes overlap at {onset / DIVISIONS}"
                reached = onset + duration


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_request_becomes_a_piece(chunk: int) -> None:
    failures = []
    for index in range(chunk, PIECES, CHUNKS):
        request = thousand()[index]
        try:
            assert_becomes_a_piece(request)
        except Exception as error:  # all that fail are told at once
            failures.append(f"{index}: {type(error).__name__}: {error} <- {request.to_json()}")
    assert not failures, f"{len(failures)} failed\n" + "\n".join(failures)


def assert_becomes_a_piece(request: Request) -> None:
    structure = compose(request)
    assert read_structure(structure.to_json()) == structure
    assert structure.form == request.form
    if request.key:
        assert structure.key == request.key
    if request.time_signature:
        assert structure.time_signature == request.time_signature
    score = realize(structure)
    assert score.measures == structure.measures
    bar_seconds = score.meter.bar_quarters * 60 / score.tempo
    assert abs(score.seconds - request.duration) <= bar_seconds + 1e-6, f"{score.seconds} for {request.duration}"
    assert_playable(score)
    performance = perform(score)
    assert (performance.start >= 0).all()
    assert (performance.end > performance.start).all()
    assert performance.velocity.min() >= 1
    assert performance.velocity.max() <= 127
    assert midi_bytes(performance).startswith(b"MThd")


def written(score: Score) -> Counter[Any]:
    """Each note of a score: (onset, duration, spelled pitch)."""
    return Counter((note.onset, note.duration, note.name) for note in score.notes)


def read_back(data: bytes) -> tuple[Counter[Any], set[int], list[list[tuple[int, int]]]]:
    """Notes as ``written`` has them, how many bars the parts have, and each part's key signatures by bar."""
    score = converter.parseData(data.decode(), format="musicxml")
    notes: Counter[Any] = Counter()
    bars, keys = set(), []
    for part in score.parts:
        measures = part.getElementsByClass("Measure")
        bars.add(len(measures))
        keys.append(
            [
                (measure.number, signature.sharps)
                for measure in measures
                for signature in measure.recurse().getElementsByClass("KeySignature")
            ]
        )
        notes += Counter(
            (onset, length, pitch.nameWithOctave.replace("-", "b")) for onset, length, pitch in untied(part)
        )
    return notes, bars, keys


@pytest.mark.parametrize("start", range(0, len(READ_BACK), 5))
def test_musicxml_reads_back_as_it_was_written(start: int) -> None:
    for index in READ_BACK[start : start + 5]:
        request = thousand()[index]
        score = realize(compose(request))
        notes, bars, keys = read_back(musicxml(score))
        assert bars == {score.measures}, request.to_json()
        assert notes == written(score), request.to_json()
        for signatures in keys:
            for section in score.sections:
                valid = [sharps for measure, sharps in signatures if measure <= section.first_measure]
                assert valid[-1] == section.key.signature, f"{section.name}: {request.to_json()}"
