"""Plan adherence as it sounds: the piece is realized, and ``Hearing`` listens for what the plan asks for.

Numerals and tags are not believed: a PAC that is written and not heard is none. Where the notes cannot be realized
nothing of the plan sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from workbench.core.experiments.metrics.context import Context, Looked
from workbench.core.experiments.metrics.following import paired
from workbench.core.experiments.metrics.registry import SHARE, metric
from workbench.core.experiments.samples import Sample
from workbench.core.music.score import Score


def _cadences(piece: Looked) -> float:
    hearing = piece.hearing
    if hearing is None:
        return 0.0
    kept: list[bool] = []
    for wanted, at in paired(piece.sample.form, piece.structure):
        if at is None:
            kept.append(False)
            continue
        end = hearing.score.sections[at].end
        start = max(phrase.start for phrase in hearing.score.phrases if phrase.section == at)
        heard = hearing.cadences(start, end, wanted.key)
        kept.append(bool(heard & {wanted.cadence, wanted.phrases[-1].cadence}))
    return _share(kept)


def _phrases(piece: Looked) -> float | None:
    hearing = piece.hearing
    if hearing is None:
        return 0.0
    bar = hearing.score.meter.bar
    kept: list[bool] = []
    for section, at in paired(piece.sample.form, piece.structure):
        span = hearing.score.sections[at] if at is not None else None
        start = span.start if span is not None else 0
        for phrase in section.phrases:
            end = start + phrase.measures * bar
            if phrase.cadence is not None:
                inside = span is not None and end <= span.end
                kept.append(inside and phrase.cadence in hearing.cadences(start, end, section.key))
            start = end
    return _share(kept) if kept else None


def _bars(piece: Looked) -> float:
    hearing = piece.hearing
    if hearing is None:
        return 0.0
    score, planned = hearing.score, piece.sample.form.measures
    sounding = np.zeros(max(planned, score.measures), bool)
    first = score.onset // score.meter.bar
    last = (score.onset + score.duration - 1) // score.meter.bar
    for begin, end in set(zip(first.tolist(), last.tolist(), strict=True)):
        sounding[begin : end + 1] = True
    return float(sounding[:planned].sum()) / len(sounding)


def _keys(piece: Looked) -> float:
    hearing = piece.hearing
    if hearing is None:
        return 0.0
    kept: list[bool] = []
    for wanted, at in paired(piece.sample.form, piece.structure):
        span = hearing.score.sections[at] if at is not None else None
        heard = hearing.key(span.start, span.end) if span is not None else None
        kept.append(heard == (wanted.key.pitch_class, wanted.key.is_minor))
    return _share(kept)


def _final_tonic(piece: Looked) -> bool:
    hearing = piece.hearing
    if hearing is None:
        return False
    score = hearing.score
    tonic = piece.sample.form.sections[-1].key.pitch_class
    return _last_bass(score) % 12 == tonic and hearing.chord(len(score.chords) - 1)[0] == tonic


def _last_bass(score: Score) -> int:
    """The lowest note of those that sound at the very end."""
    release = score.onset + score.duration
    return int(score.midi[release == release.max()].min())


def plan_sounds_in(piece: Looked) -> float:
    """The mean of the shares of section cadences, phrase cadences and bars, and of whether it ends on the tonic."""
    parts = (_cadences, _phrases, _bars, _final_tonic)
    found = [float(value) for value in map(piece.once, parts) if value is not None]
    return sum(found) / len(found)


@metric("plan-sounds", kind="number", better="higher", unit=SHARE, family="plan", title="Plan kept as it sounds")
def plan_sounds(sample: Sample, context: Context) -> float | None:
    """How far the plan is heard in the notes: the mean of the shares of section cadences, phrase cadences and bars, and
    of whether the piece ends on its tonic."""
    return _of(plan_sounds_in, sample, context)


@metric(
    "plan-sounds-first", kind="number", better="higher", unit=SHARE, family="plan", title="Plan heard, first answer"
)
def plan_sounds_first(sample: Sample, context: Context) -> float | None:
    """How far the plan is heard in the first answer, before the model was asked again or the rules stepped in; 0 where
    no piece can be read from it."""
    return _of_first(plan_sounds_in, sample, context)


@metric("cadences-sound", kind="number", better="higher", unit=SHARE, family="plan", title="Section cadences heard")
def cadences_sound(sample: Sample, context: Context) -> float | None:
    """The share of the planned sections at whose end the planned cadence is heard in the planned key: for a PAC the
    dominant and then the tonic in the bass, the leading tone, and the tune on 1 (Caplin 1998, ch. 2)."""
    return _of(_cadences, sample, context)


@metric(
    "cadences-sound-first", kind="number", better="higher", unit=SHARE, family="plan",
    title="Section cadences heard, first answer",
)  # fmt: skip
def cadences_sound_first(sample: Sample, context: Context) -> float | None:
    """The same as the section cadences heard, in the first answer; 0 where no piece can be read from it."""
    return _of_first(_cadences, sample, context)


@metric(
    "phrase-cadences-sound", kind="number", better="higher", unit=SHARE, family="plan", title="Phrase cadences heard"
)
def phrase_cadences_sound(sample: Sample, context: Context) -> float | None:
    """The share of the planned phrase cadences that are heard in the bar where the plan has them."""
    return _of(_phrases, sample, context)


@metric("bars-sound", kind="number", better="higher", unit=SHARE, family="plan", title="Planned bars heard")
def bars_sound(sample: Sample, context: Context) -> float | None:
    """The share of the planned bars in which anything sounds; bars too many count against it."""
    return _of(_bars, sample, context)


@metric("keys-sound", kind="number", better="higher", unit=SHARE, family="plan", title="Planned keys heard")
def keys_sound(sample: Sample, context: Context) -> float | None:
    """The share of the planned sections whose notes fit their planned key better than the other 23 (Krumhansl 1990,
    ch. 4). This listener takes near keys for each other now and then, also in faultless music."""
    return _of(_keys, sample, context)


@metric("final-tonic-sounds", kind="rate", better="higher", family="plan", title="Ends on the tonic")
def final_tonic_sounds(sample: Sample, context: Context) -> bool | None:
    """The last sound is a chord on the tonic of the planned last key, with the tonic in the bass."""
    found = _of(_final_tonic, sample, context)
    return None if found is None else bool(found)


def _of(part: Callable[[Looked], float | None], sample: Sample, context: Context) -> float | None:
    piece = context.piece(sample)
    return None if piece is None else piece.once(part)


def _of_first(part: Callable[[Looked], float | None], sample: Sample, context: Context) -> float | None:
    if sample.valid_json is None:
        return None
    answer = context.answer(sample)
    return 0.0 if answer is None else answer.once(part)


def _share(kept: Iterable[bool]) -> float:
    facts = list(kept)
    return sum(facts) / len(facts)
