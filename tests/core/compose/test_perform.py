"""Performances breathe, keep their length and shape their phrases."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.core.compose import compose, perform, realize
from workbench.core.music.request import Request
from workbench.core.music.score import Score
from workbench.core.music.structure import Humanize

PLAIN = Humanize(rubato="none", velocity_curve="flat", peak_boost=0, phrase_end_softness=0)
FREE = Humanize(rubato="expressive", velocity_curve="phrase", peak_boost=0.5, phrase_end_softness=0.6)


@pytest.fixture(scope="module")
def score() -> Score:
    return realize(compose(Request(seed=4, form="ABA", period="romantic", duration=80)))


@pytest.mark.parametrize("manner", [PLAIN, FREE, None])
def test_a_performance_lasts_as_long_as_the_score_says(score: Score, manner: Humanize | None) -> None:
    played = perform(score, humanize=manner)
    bar = score.meter.bar_quarters * 60 / score.tempo
    assert abs(played.seconds - score.seconds) < 0.6 * bar
    assert played.seconds >= score.seconds - 0.05


def test_the_tempo_map_rises_and_inverts(score: Score) -> None:
    played = perform(score, humanize=FREE)
    assert (np.diff(played.times) > 0).all()
    for position in (0, score.length // 3, score.length):
        assert played.position_at(played.seconds_at(position)) == pytest.approx(position, abs=2)


def test_rubato_moves_beats_and_none_does_not(score: Score) -> None:
    beats = np.diff(perform(score, humanize=PLAIN).times[: -score.meter.beats - 1])
    free = np.diff(perform(score, humanize=FREE).times[: -score.meter.beats - 1])
    assert beats.max() - beats.min() < 1e-9
    assert free.max() / free.min() > 1.1


def test_the_end_slows_down(score: Score) -> None:
    times = np.diff(perform(score).times)
    assert times[-1] > 1.1 * np.median(times)


def test_notes_start_in_order_and_sound(score: Score) -> None:
    played = perform(score, humanize=FREE, seed=3)
    assert (played.end > played.start).all()
    assert (played.start >= 0).all()
    assert ((played.velocity >= 1) & (played.velocity <= 127)).all()


def test_phrases_swell_and_soften(score: Score) -> None:
    played = perform(score, humanize=FREE)
    swelled = 0
    for number, phrase in enumerate(score.phrases):
        tune = (score.phrase == number) & (score.voice == 0)
        where = (score.onset[tune] - phrase.start) / (phrase.end - phrase.start)
        middle = played.velocity[tune][(where > 0.4) & (where < 0.8)]
        end = played.velocity[tune][where >= 0.8]
        if len(middle) and len(end):
            swelled += middle.mean() > end.mean()
    assert swelled >= len(score.phrases) * 0.7


def test_the_tune_stands_out(score: Score) -> None:
    played = perform(score)
    assert played.velocity[score.voice == 0].mean() > played.velocity[score.voice != 0].mean() + 5


def test_the_same_seed_plays_the_same(score: Score) -> None:
    assert np.array_equal(perform(score, seed=1).start, perform(score, seed=1).start)
    assert not np.array_equal(perform(score, seed=1).start, perform(score, seed=2).start)


def test_louder_markings_sound_louder() -> None:
    structure = compose(Request(seed=2))
    loud, soft = (
        structure.model_copy(
            update={"sections": tuple(section.model_copy(update={"dynamics": mark}) for section in structure.sections)}
        )
        for mark in ("ff", "pp")
    )
    assert perform(realize(loud)).velocity.mean() > perform(realize(soft)).velocity.mean() + 30
