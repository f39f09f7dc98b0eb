"""Fit: whether the piece is what the request asked for and what the plan laid out."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.keys import parse_key
from workbench.core.music.structure import section_measures

_REQUEST = "The request"
_PLAN = "The section plan"


@register("fit.as-asked", "error", source=_REQUEST)
def as_asked(piece: Piece) -> Iterator[Found]:
    """Key, meter and form are those of the request, where it names them."""
    request, structure = piece.request, piece.structure
    if request is None:
        return
    if request.key and parse_key(request.key) != piece.home:
        yield f"{request.key} was asked for, the piece is in {structure.key}.", "/key", None, f"Write {request.key}."
    if request.time_signature and request.time_signature != structure.time_signature:
        yield (
            f"{request.time_signature} was asked for, the piece is in {structure.time_signature}.",
            "/timeSignature",
            None,
            f"Write {request.time_signature}.",
        )
    if request.form and request.form != structure.form:
        yield f"A {request.form} was asked for, this is {structure.form}.", "/form", None, f"Write a {request.form}."


@register("fit.tempo", "warning", source=_REQUEST)
def tempo(piece: Piece) -> Iterator[Found]:
    """The tempo is the one asked for, within five per cent."""
    request = piece.request
    if request is not None and request.tempo and abs(piece.structure.tempo / request.tempo - 1) > 0.05:
        yield (
            f"{request.tempo:g} was asked for, the tempo is {piece.structure.tempo:g}.",
            "/tempo",
            None,
            (f"Write {request.tempo:g}."),
        )


@register("fit.period", "warning", source=_REQUEST)
def period(piece: Piece) -> Iterator[Found]:
    """The period is the one asked for."""
    request = piece.request
    if request is not None and request.period and piece.structure.period not in {None, request.period}:
        yield (
            f"{request.period} was asked for, this is {piece.structure.period}.",
            "/period",
            None,
            "Change the period.",
        )


@register("fit.duration", "warning", source=_REQUEST)
def duration(piece: Piece) -> Iterator[Found]:
    """The piece lasts as long as asked: within a bar, or within 15%."""
    request = piece.request
    if request is None:
        return
    bar = piece.meter.bar_quarters * 60 / piece.structure.tempo
    seconds = piece.structure.measures * bar
    if abs(seconds - request.duration) > max(bar * 1.01, 0.15 * request.duration):
        bars = round(request.duration / bar)
        yield (
            f"{request.duration:g} s were asked for, the piece lasts {seconds:.0f} s.",
            "/sections",
            None,
            (f"Write about {bars} bars."),
        )


@register("fit.mood-mode", "warning", source="Gabrielsson and Lindström 2010: mode follows valence")
def mood_mode(piece: Piece) -> Iterator[Found]:
    """A clearly dark mood is in minor, a clearly bright one in major, unless the request names the key."""
    request = piece.request
    if request is None or request.key:
        return
    if request.valence <= -0.5 and not piece.home.is_minor:
        yield f"A dark mood in {piece.home.pretty}.", "/key", None, "Choose a minor key."
    if request.valence >= 0.5 and piece.home.is_minor:
        yield f"A bright mood in {piece.home.pretty}.", "/key", None, "Choose a major key."


@register("fit.mood-tempo", "warning", source="Gabrielsson and Lindström 2010: tempo follows arousal")
def mood_tempo(piece: Piece) -> Iterator[Found]:
    """A calm mood is not quick and an agitated one not slow, unless the request names the tempo."""
    request = piece.request
    if request is None or request.tempo:
        return
    beats = piece.structure.tempo * 3360 / piece.meter.beat
    quick, slow = (150, 50) if not piece.meter.compound and piece.meter.denominator != 8 else (260, 36)
    if request.arousal <= 0.15 and beats > quick:
        yield f"A calm mood at {beats:.0f} beats a minute.", "/tempo", None, "Slow down."
    if request.arousal >= 0.85 and beats < slow:
        yield f"An agitated mood at {beats:.0f} beats a minute.", "/tempo", None, "Quicken."


@register("fit.plan-sections", "error", source=_PLAN)
def plan_sections(piece: Piece) -> Iterator[Found]:
    """The sections are those of the plan: as many, in order, with the planned keys and lengths."""
    if piece.plan is None:
        return
    planned, written = piece.plan.sections, piece.structure.sections
    if len(planned) != len(written):
        yield f"The plan has {len(planned)} sections, the piece {len(written)}.", "/sections", None, "Follow the plan."
    for index, (wanted, section) in enumerate(zip(planned, written, strict=False)):
        path, at = f"/sections/{index}", piece.first_measures[index]
        if section.tonality != wanted.key:
            yield f"{section.name} is planned in {wanted.key.pretty}.", f"{path}/key", at, f"Write {wanted.key.name}."
        if section_measures(section) != wanted.measures:
            yield (
                f"{section.name} is planned with {wanted.measures} bars.",
                f"{path}/measures",
                at,
                (f"Write {wanted.measures}."),
            )


@register("fit.plan-cadences", "warning", source=_PLAN)
def plan_cadences(piece: Piece) -> Iterator[Found]:
    """Each section closes as planned."""
    if piece.plan is None:
        return
    for index, (wanted, section) in enumerate(zip(piece.plan.sections, piece.structure.sections, strict=False)):
        last = wanted.phrases[-1].cadence or wanted.cadence
        told = (section.phrases[-1].cadence if section.phrases else None) or section.cadence
        if told is not None and told not in {wanted.cadence, last}:
            yield (
                f"{section.name} is planned to close with {wanted.cadence}, not {told}.",
                f"/sections/{index}/cadence",
                (piece.first_measures[index]),
                f"Close with {wanted.cadence}.",
            )


@register("fit.plan-phrases", "warning", source=_PLAN)
def plan_phrases(piece: Piece) -> Iterator[Found]:
    """Phrases, where they are written, have the planned lengths."""
    if piece.plan is None:
        return
    for index, (wanted, section) in enumerate(zip(piece.plan.sections, piece.structure.sections, strict=False)):
        if section.phrases:
            lengths = [phrase.measures for phrase in section.phrases]
            planned = [phrase.measures for phrase in wanted.phrases]
            if lengths != planned:
                yield (
                    f"{section.name} is planned in phrases of {planned}, not {lengths}.",
                    f"/sections/{index}/phrases",
                    piece.first_measures[index],
                    "Follow the plan.",
                )


@register("fit.motif-seed", "warning", source=_REQUEST)
def motif_seed(piece: Piece) -> Iterator[Found]:
    """A motif that the request gives is found in the piece: in a motif, a leitmotif or a tune."""
    request = piece.request
    if request is None or len(request.motif_seed) < 2:
        return
    wanted = tuple(str(degree) for degree in request.motif_seed[:4])
    lines = [tuple(map(str, motif.degrees)) for _, section, _ in piece.sections for motif in section.motifs]
    lines += [tuple(map(str, leitmotif.degrees)) for leitmotif in piece.structure.leitmotifs or ()]
    lines += [tuple(map(str, phrase.melody.degrees)) for _, _, phrase, _ in piece.written_phrases if phrase.melody]
    size = len(wanted)
    if not any(line[at : at + size] == wanted for line in lines for at in range(len(line) - size + 1)):
        yield "The motif that was asked for is not used.", "/sections/0/melody", 1, "Begin the first phrase with it."
