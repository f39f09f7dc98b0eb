"""Cadences: each one that is tagged must be written in the numerals and sound in the realized notes.

The judge here is not the composer: it reads numerals and listens to the notes of any structure.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.core.checks.piece import Close, Piece, Place
from workbench.core.checks.registry import Found, register

_CAPLIN = "Caplin 1998, ch. 3; rates in FACTS: PAC on a root-position tonic 98% (Mozart)"
_TONIC = {"PAC", "IAC", "PICARDY", "PC"}


def _dominant_before(close: Close) -> Place | None:
    """The chord before the arrival, a cadential six-four on the way passed over."""
    at = close.arrival - 1
    return close.chords[at] if at >= 0 else None


def _is_dominant(place: Place | None) -> bool:
    return (
        place is not None
        and not place.chord.is_applied
        and place.chord.degree in (5, 7)
        and (place.chord.leading is not None or place.figure in {"I64", "i64"})
    )


@register("cadences.authentic-written", "error", source=_CAPLIN)
def authentic_written(piece: Piece) -> Iterator[Found]:
    """A PAC or Picardy close is V or V7 to the tonic, both in root position; repeats of the tonic after the close are
    looked through."""
    for close in piece.closes:
        if close.tag not in {"PAC", "PICARDY"}:
            continue
        last, before = close.chords[close.arrival], _dominant_before(close)
        if last.chord.degree != 1 or last.chord.is_applied or last.chord.inversion:
            yield (
                f"The {close.tag} ends on {last.figure}.",
                close.path,
                close.measure,
                "End on the tonic in root position.",
            )
        elif not _is_dominant(before) or before is None or before.chord.degree != 5:
            shown = before.figure if before else "nothing"
            yield (
                f"The {close.tag} comes from {shown}.",
                close.path,
                close.measure,
                "Let V or V7 come before the tonic.",
            )
        elif before.chord.inversion:
            yield (
                f"{before.figure} is inverted; a {close.tag} needs V in root position.",
                close.path,
                close.measure,
                "Write V or V7, or call it IAC.",
            )


@register("cadences.imperfect-written", "error", source=_CAPLIN)
def imperfect_written(piece: Piece) -> Iterator[Found]:
    """An IAC goes from a dominant, in any position, to the tonic."""
    for close in piece.closes:
        if close.tag != "IAC":
            continue
        last, before = close.chords[close.arrival], _dominant_before(close)
        if last.chord.degree != 1 or last.chord.is_applied:
            yield f"The IAC ends on {last.figure}.", close.path, close.measure, "End on the tonic."
        elif not _is_dominant(before):
            shown = before.figure if before else "nothing"
            yield f"The IAC comes from {shown}.", close.path, close.measure, "Let a dominant come before the tonic."


@register(
    "cadences.half-written", "error", source="Caplin 1998, ch. 3; HC on a root V triad 94% (Mozart), V7 16% (Beethoven)"
)
def half_written(piece: Piece) -> Iterator[Found]:
    """A half cadence rests on the major dominant in root position. Minor v holds no leading tone and gives none."""
    for close in piece.closes:
        if close.tag != "HC":
            continue
        last = close.chords[-1]
        if last.chord.degree != 5 or last.chord.is_applied:
            yield f"The half cadence ends on {last.figure}.", close.path, close.measure, "End on V."
        elif last.chord.leading is None:
            yield (
                f"{last.figure} has no leading tone; a half cadence rests on major V.",
                last.path,
                last.measure,
                "Write V.",
            )
        elif last.chord.inversion:
            yield f"{last.figure} does not rest; V stands in root position.", last.path, last.measure, "Write V."


@register(
    "cadences.half-plain", "info", source="FACTS: Beethoven rests on V7 in 16% of his half cadences, Mozart hardly ever"
)
def half_plain(piece: Piece) -> Iterator[Found]:
    """A half cadence usually rests on the triad: a seventh pushes on."""
    for close in piece.closes:
        if close.tag == "HC" and close.chords[-1].chord.degree == 5 and len(close.chords[-1].chord.tones) > 3:
            yield (
                "The half cadence rests on a seventh chord.",
                close.path,
                close.measure,
                "Write V without its seventh.",
            )


@register("cadences.phrygian", "info", source="FACTS: 52% of Corelli's half cadences are iv6 to V")
def phrygian(piece: Piece) -> Iterator[Found]:
    """A half cadence from iv6 in minor is a Phrygian one: the bass falls a semitone to the dominant."""
    for close in piece.closes:
        before = _dominant_before(close)
        if close.tag == "HC" and close.phrase.key.is_minor and before is not None and before.figure in {"iv6", "iv65"}:
            yield "A Phrygian half cadence.", close.path, close.measure, ""


@register("cadences.deceptive-written", "error", source="Caplin 1998, ch. 3: V to vi where the tonic was due")
def deceptive_written(piece: Piece) -> Iterator[Found]:
    """A deceptive cadence prepares the tonic and does not give it in root position: V goes to vi (VI in minor), or to
    another chord that holds the tonic note."""
    for close in piece.closes:
        if close.tag != "DC":
            continue
        last, before = close.chords[-1], close.chords[-2] if len(close.chords) > 1 else None
        if not _is_dominant(before):
            yield "No dominant leads to the deceptive cadence.", close.path, close.measure, "Let V come before vi."
        elif last.chord.degree == 1 and last.chord.inversion == 0 and not last.chord.is_applied:
            yield (
                "The deceptive cadence gives the tonic after all.",
                close.path,
                close.measure,
                "End on vi (VI in minor).",
            )


@register("cadences.plagal-written", "error", source="Caplin 1998, ch. 3: IV to I, after the real close")
def plagal_written(piece: Piece) -> Iterator[Found]:
    """A plagal cadence goes from IV (or ii, or a mixture of them) to the tonic."""
    for close in piece.closes:
        if close.tag != "PC":
            continue
        last = close.chords[-1]
        before = next((p for p in reversed(close.chords[:-1]) if p.chord.degree != 1), None)
        if last.chord.degree != 1:
            yield f"The plagal cadence ends on {last.figure}.", close.path, close.measure, "End on the tonic."
        elif before is None or before.chord.function != "S":
            shown = before.figure if before else "nothing"
            yield f"The plagal cadence comes from {shown}.", close.path, close.measure, "Let IV come before the tonic."


@register("cadences.picardy-written", "error", source="Aldwell, Schachter and Cadwallader 2011, ch. 3")
def picardy_written(piece: Piece) -> Iterator[Found]:
    """A Picardy third is a major tonic at the end of music in minor."""
    for close in piece.closes:
        if close.tag == "PICARDY":
            last = close.chords[-1]
            if not close.phrase.key.is_minor:
                yield "A Picardy third needs a minor key.", close.path, close.measure, "Call it PAC."
            elif last.chord.quality != "major":
                yield f"{last.figure} is not major.", last.path, last.measure, "Write I."


class _Heard:
    """What sounds at the arrival of a cadence: lowest and highest pitch classes, and all of them."""

    def __init__(self, piece: Piece, close: Close) -> None:
        score = piece.score
        assert score is not None
        goal = close.chords[close.arrival if close.tag != "HC" else -1]
        self.goal = goal
        start = goal.start
        on = (score.onset <= start) & (score.onset + score.duration > start)
        self.melody = score.midi[on & (score.voice == 0)]
        after = (score.onset >= start) & (score.onset < close.chords[-1].end) & (score.voice == 0)
        self.settled = score.midi[after][-1:]
        self.low = int(score.midi[on].min()) if on.any() else -1
        inside = (score.onset < goal.end) & (score.onset + score.duration > start)
        self.classes = {midi % 12 for midi in score.midi[inside].tolist()}
        self.tonic = close.phrase.key.pitch_class

    def bass_is(self, semitones: int) -> bool:
        return self.low >= 0 and (self.low - self.tonic) % 12 == semitones

    def tune_settles_on(self, semitones: int) -> bool:
        """Whether the tune's last note of the close is this one: 3 2 1 over the final bass arrives on 1."""
        return any((int(midi) - self.tonic) % 12 == semitones for midi in self.settled)

    def tune_is(self, *semitones: int) -> bool:
        return any((int(midi) - self.tonic) % 12 in semitones for midi in self.melody[-1:])


@register("cadences.authentic-sounds", "error", source=_CAPLIN, needs_score=True)
def authentic_sounds(piece: Piece) -> Iterator[Found]:
    """A perfect authentic cadence is heard: at its arrival the tonic is in the bass and in the tune, which may come to
    it through an appoggiatura."""
    for close in piece.closes:
        if close.tag not in {"PAC", "PICARDY"}:
            continue
        heard = _Heard(piece, close)
        if not heard.bass_is(0):
            yield "The tonic is not in the bass where the cadence arrives.", close.path, close.measure, "End on I."
        elif len(heard.melody) and not heard.tune_is(0) and not heard.tune_settles_on(0):
            yield "The tune does not arrive on 1.", close.path, close.measure, "End the tune on 1 or 8, or call it IAC."


@register("cadences.half-sounds", "warning", source="Caplin 1998, ch. 3", needs_score=True)
def half_sounds(piece: Piece) -> Iterator[Found]:
    """A half cadence is heard: the dominant is in the bass and the leading tone sounds with it."""
    for close in piece.closes:
        if close.tag != "HC":
            continue
        heard = _Heard(piece, close)
        thin = piece.score is not None and piece.score.sections[close.phrase.section].texture == "contrapuntal"
        if not heard.bass_is(7):
            yield "The dominant is not in the bass where the cadence arrives.", close.path, close.measure, "End on V."
        elif not thin and (heard.tonic + 11) % 12 not in heard.classes:
            yield "The leading tone is missing in the half cadence.", close.path, close.measure, "Write V, not v."


@register("cadences.others-sound", "warning", source="Caplin 1998, ch. 3", needs_score=True)
def others_sound(piece: Piece) -> Iterator[Found]:
    """Imperfect, plagal and deceptive cadences are heard: the bass has the tonic or third (IAC), the tonic (PC), and
    not the tonic (DC)."""
    for close in piece.closes:
        if close.tag not in {"IAC", "PC", "DC"}:
            continue
        heard = _Heard(piece, close)
        fine = {
            "IAC": heard.bass_is(0) or heard.bass_is(3) or heard.bass_is(4) or heard.bass_is(7),
            "PC": heard.bass_is(0),
            "DC": not heard.bass_is(0),
        }[close.tag]
        if not fine:
            yield (
                f"The bass does not make a {close.tag}.",
                close.path,
                close.measure,
                "Change the last chord's position.",
            )


@register(
    "cadences.final",
    "warning",
    source="FACTS: the last cadence is a PAC in 53 of 54 Mozart movements, 45 of 64 Beethoven",
)
def final(piece: Piece) -> Iterator[Found]:
    """The last chord of the piece is the tonic."""
    if not piece.chords:
        return
    last = piece.chords[-1]
    if last.chord.degree != 1 or last.chord.is_applied:
        yield f"The piece ends on {last.figure}.", last.path, last.measure, "End with V7 and I."


@register("cadences.final-strong", "info", source="FACTS, as cadences.final")
def final_strong(piece: Piece) -> Iterator[Found]:
    """The piece closes with a perfect authentic cadence, or with a plagal one after it."""
    tags = [close.tag for close in piece.closes]
    if tags and tags[-1] not in {"PAC", "PICARDY"} and not (tags[-1] == "PC" and "PAC" in tags[-3:]):
        close = piece.closes[-1]
        yield f"The piece closes with {close.tag}.", close.path, close.measure, "Close with a PAC."


@register("cadences.tagged", "info", source="Design of this workbench: plans are made of cadences")
def tagged(piece: Piece) -> Iterator[Found]:
    """Sections say how they close, so that the plan can be checked."""
    for index, section, path in piece.sections:
        last = section.phrases[-1].cadence if section.phrases else None
        if section.cadence is None and last is None:
            yield f"{section.name} does not say how it closes.", path, piece.first_measures[index], "Add a cadence."


@register("cadences.variety", "info", source="FACTS: no repertoire has over 71% of one type")
def variety(piece: Piece) -> Iterator[Found]:
    """Among many cadences, not all are alike: open ones make closed ones felt."""
    tags = [close.tag for close in piece.closes]
    if len(tags) >= 6 and len(set(tags)) == 1:
        yield f"All {len(tags)} cadences are {tags[0]}.", "/sections", 1, "End some phrases with half cadences."
