"""Plan adherence as written: what share of the plan's facts the structure keeps, 0 to 1.

A fact about a section that was not written is not kept. Where the plan leaves something open, open is what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from workbench.core.compose.plan import PhrasePlan
from workbench.core.experiments.metrics.context import Context, Looked
from workbench.core.experiments.metrics.following import paired, plain_name
from workbench.core.experiments.metrics.registry import SHARE, metric
from workbench.core.experiments.samples import Sample
from workbench.core.music.structure import Phrase, section_measures


def _sections(piece: Looked) -> float:
    planned, written = len(piece.sample.form.sections), len(piece.structure.sections)
    return min(planned, written) / max(planned, written)


def _names(piece: Looked) -> float:
    return _share(
        at is not None and plain_name(piece.structure.sections[at].name) == plain_name(wanted.name)
        for wanted, at in paired(piece.sample.form, piece.structure)
    )


def _measures(piece: Looked) -> float:
    return _share(
        at is not None and section_measures(piece.structure.sections[at]) == wanted.measures
        for wanted, at in paired(piece.sample.form, piece.structure)
    )


def _keys(piece: Looked) -> float:
    return _share(
        at is not None and piece.structure.sections[at].tonality == wanted.key
        for wanted, at in paired(piece.sample.form, piece.structure)
    )


def _cadences(piece: Looked) -> float:
    kept: list[bool] = []
    for wanted, at in paired(piece.sample.form, piece.structure):
        section = piece.structure.sections[at] if at is not None else None
        last = section.phrases[-1].cadence if section is not None and section.phrases else None
        told = last or (section.cadence if section is not None else None)
        kept.append(told is not None and told in {wanted.cadence, wanted.phrases[-1].cadence})
    return _share(kept)


def _phrases(piece: Looked) -> float:
    kept: list[bool] = []
    for wanted, phrase in _phrase_pairs(piece):
        if wanted is None or phrase is None:
            kept += [False] * 3
        else:
            kept += [phrase.measures == wanted.measures, _same(phrase.role, wanted.role)]
            kept.append(phrase.cadence == wanted.cadence)
    return _share(kept)


def _motifs(piece: Looked) -> float | None:
    kept: list[bool] = []
    for wanted, phrase in _phrase_pairs(piece):
        if wanted is not None and wanted.motif:
            use = phrase.motif if phrase is not None else None
            how = {None if each == "theme" else each for each in (wanted.transformation, use and use.transformation)}
            kept += [use is not None and _same(use.ref, wanted.motif), use is not None and len(how) == 1]
    return _share(kept) if kept else None


def _phrase_pairs(piece: Looked) -> Iterator[tuple[PhrasePlan | None, Phrase | None]]:
    """Planned phrases beside written ones, section by section, in order; what is too many stands alone."""
    for section, at in paired(piece.sample.form, piece.structure):
        written = (piece.structure.sections[at].phrases or ()) if at is not None else ()
        for number in range(max(len(section.phrases), len(written))):
            yield (
                section.phrases[number] if number < len(section.phrases) else None,
                written[number] if number < len(written) else None,
            )


_PARTS: tuple[Callable[[Looked], float], ...] = (_sections, _names, _measures, _keys, _cadences, _phrases)


def plan_kept_by(piece: Looked) -> float:
    """The mean of the six shares: sections, names, measures, keys, cadences, phrases."""
    return sum(piece.once(part) for part in _PARTS) / len(_PARTS)


@metric("plan-kept", kind="number", better="higher", unit=SHARE, family="plan", title="Plan kept as written")
def plan_kept(sample: Sample, context: Context) -> float | None:
    """How far the piece keeps the plan as written: the mean of the shares of sections, names, measures, keys, cadences
    and phrases."""
    return _of(plan_kept_by, sample, context)


@metric("plan-kept-first", kind="number", better="higher", unit=SHARE, family="plan", title="Plan kept, first answer")
def plan_kept_first(sample: Sample, context: Context) -> float | None:
    """How far the first answer keeps the plan, before the model was asked again or the rules stepped in; 0 where no
    piece can be read from it."""
    if sample.valid_json is None:
        return None
    answer = context.answer(sample)
    return 0.0 if answer is None else answer.once(plan_kept_by)


@metric("plan-sections", kind="number", better="higher", unit=SHARE, family="plan", title="Planned sections")
def plan_sections(sample: Sample, context: Context) -> float | None:
    """As many sections as planned: the smaller number over the larger."""
    return _of(_sections, sample, context)


@metric("plan-names", kind="number", better="higher", unit=SHARE, family="plan", title="Planned names")
def plan_names(sample: Sample, context: Context) -> float | None:
    """The share of the planned sections that have their planned name."""
    return _of(_names, sample, context)


@metric("plan-measures", kind="number", better="higher", unit=SHARE, family="plan", title="Planned measures")
def plan_measures(sample: Sample, context: Context) -> float | None:
    """The share of the planned sections that have exactly their planned length in bars."""
    return _of(_measures, sample, context)


@metric("plan-keys", kind="number", better="higher", unit=SHARE, family="plan", title="Planned keys")
def plan_keys(sample: Sample, context: Context) -> float | None:
    """The share of the planned sections that are written in their planned local key."""
    return _of(_keys, sample, context)


@metric("plan-cadences", kind="number", better="higher", unit=SHARE, family="plan", title="Planned cadence tags")
def plan_cadences(sample: Sample, context: Context) -> float | None:
    """The share of the planned sections whose last cadence tag is the planned one."""
    return _of(_cadences, sample, context)


@metric("plan-phrases", kind="number", better="higher", unit=SHARE, family="plan", title="Planned phrases")
def plan_phrases(sample: Sample, context: Context) -> float | None:
    """The share of the phrase plan that is kept: length, role and cadence of each phrase. A phrase too many keeps
    nothing, nor does a section that writes no phrases."""
    return _of(_phrases, sample, context)


@metric("plan-motifs", kind="number", better="higher", unit=SHARE, family="plan", title="Planned motifs")
def plan_motifs(sample: Sample, context: Context) -> float | None:
    """The share of the phrases that name their planned motif, and of those that name what is to be done to it."""
    piece = context.piece(sample)
    return None if piece is None else _motifs(piece)


@metric(
    "plan-frame", kind="number", better="higher", unit=SHARE, family="plan", title="Planned key, meter, form, tempo"
)
def plan_frame(sample: Sample, context: Context) -> float | None:
    """Which of four things about the whole piece are as planned: key, meter, form, and tempo within five per cent."""
    return _of(_frame, sample, context)


def _frame(piece: Looked) -> float:
    manner, structure = piece.sample.form.manner, piece.structure
    return _share((
        structure.tonality == manner.key, structure.time_signature == manner.meter.name,
        _same(structure.form, piece.sample.form.form), abs(structure.tempo / manner.tempo - 1) <= 0.05,
    ))  # fmt: skip


def _of(part: Callable[[Looked], float], sample: Sample, context: Context) -> float | None:
    piece = context.piece(sample)
    return None if piece is None else piece.once(part)


def _same(one: str | None, other: str | None) -> bool:
    return plain_name(one or "") == plain_name(other or "")


def _share(kept: Iterable[bool]) -> float:
    facts = list(kept)
    return sum(facts) / len(facts)
