"""Chords: style, quality, function and harmonic rhythm."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from workbench.core.checks.piece import Piece, Place
from workbench.core.checks.profiles import families_of
from workbench.core.checks.registry import Found, register
from workbench.core.music.keys import Mode

_ASC = "Aldwell, Schachter and Cadwallader 2011"
_STYLES = ("baroque", "classical", "romantic", "modern")
_LATER = ("airia", "classical", "romantic")
_TONAL = ("airia", "baroque", "classical", "romantic")


@lru_cache(maxsize=8192)
def _missing(figure: str, mode: Mode, allowed: frozenset[str]) -> str:
    return ", ".join(sorted(families_of(figure, mode) - allowed))


def _outside(piece: Piece) -> Iterator[tuple[Place, str]]:
    seen: set[tuple[str, int]] = set()
    for place in piece.chords:
        missing = _missing(place.figure, place.key.mode, piece.profile.families)
        if missing and (place.figure, place.section) not in seen:
            seen.add((place.figure, place.section))
            yield place, missing


@register("chords.allowed", "error", source="AIRIA-BEYOND's music service", profiles=("airia",))
def allowed(piece: Piece) -> Iterator[Found]:
    """Only the numerals that the profile's service accepts: triads of the key in root position."""
    for place, missing in _outside(piece):
        yield f"{place.figure} is not allowed here ({missing}).", place.path, place.measure, "Use a triad of the key."


@register(
    "chords.in-style",
    "warning",
    source="Profiles of this workbench, after Piston 1978 and Kostka and Payne 2018",
    profiles=_STYLES,
)
def in_style(piece: Piece) -> Iterator[Found]:
    """The chord belongs to the profile's period; a foreign one may be meant, and then is worth a second look."""
    for place, missing in _outside(piece):
        yield (
            f"{place.figure} is unusual in the {piece.profile.id} style ({missing}).",
            place.path,
            place.measure,
            "Use a chord of the period, or choose another profile.",
        )


@register("chords.leading-tone-quality", "error", source=f"{_ASC}, ch. 2: the leading-tone triad is diminished")
def leading_tone_quality(piece: Piece) -> Iterator[Found]:
    """In major the triad on 7 is diminished: an undecorated ``vii`` is read as ``viio`` and must be written so."""
    for place in piece.chords:
        if (
            place.key.mode == "major"
            and place.figure.startswith("vii")
            and place.figure[3:4] not in {"o", "ø", "/", "°"}
        ):
            yield (
                f"{place.figure} is diminished in major.",
                place.path,
                place.measure,
                "Write viio (viiø7 with a seventh).",
            )


@register("chords.mode-quality", "warning", source=f"{_ASC}, ch. 2 and 22", profiles=_TONAL)
def mode_quality(piece: Piece) -> Iterator[Found]:
    """Lower-case iii and vi in minor name triads that no related key has; the mode's own are III and VI."""
    for place in piece.chords:
        head = place.figure.split("/")[0].rstrip("0123456789+o")
        if place.key.mode == "minor" and head in {"iii", "vi"} and not place.chord.is_applied:
            yield f"{place.figure} does not belong to minor.", place.path, place.measure, f"Write {head.upper()}."


@register(
    "chords.minor-dominant",
    "warning",
    source=f"{_ASC}, ch. 3: the dominant needs the leading tone",
    profiles=("airia", "classical", "romantic"),
)
def minor_dominant(piece: Piece) -> Iterator[Found]:
    """After the baroque a minor v does not lead to the tonic: before i stands V, with leading tone. Minor v is at home
    in descending basses (v6 to VI or iv6)."""
    for before, after in piece.pairs():
        if before.figure == "v" and after.chord.degree == 1 and not after.chord.is_applied:
            yield "Minor v stands where the dominant leads home.", before.path, before.measure, "Write V."


@register("chords.retrogression", "warning", source="Piston 1978, ch. 3; Kostka and Payne 2018, ch. 7", profiles=_TONAL)
def retrogression(piece: Piece) -> Iterator[Found]:
    """A root-position dominant does not fall back to a root-position subdominant, unless a phrase ends between."""
    for before, after in piece.pairs():
        plain = not (before.chord.is_applied or after.chord.is_applied)
        back = before.chord.degree == 5 and after.chord.degree in (2, 4) and after.chord.function == "S"
        rooted = before.chord.inversion == 0 and after.chord.inversion == 0 and len(after.chord.tones) == 3
        if plain and back and rooted and before.phrase == after.phrase and before.figure in {"V", "V7"}:
            yield (
                f"{before.figure} falls back to {after.figure}.",
                after.path,
                after.measure,
                "Go on to I or vi, or put the chord in inversion.",
            )


@register("chords.applied-resolves", "warning", source=f"{_ASC}, ch. 26: applied chords resolve")
def applied_resolves(piece: Piece) -> Iterator[Found]:
    """An applied dominant goes to its target, to another chord that leans on it, or on round the circle of fifths; it
    is not stranded."""
    for before, after in piece.pairs():
        chord = before.chord
        if not chord.is_applied or chord.leading is None:
            continue
        goal = chord.leading - 5  # the target's root on the line of fifths
        reached = after.chord.root in (goal, goal + 3, goal - 3, goal - 4, goal + 4) or goal in after.chord.tones
        same = after.chord.target == chord.target
        circle = after.chord.is_applied and after.chord.root in (goal, chord.root - 1, chord.root - 7)
        cadential = chord.target == 5 and after.figure in {"I64", "i64", "Cad64"}
        if not (reached or same or circle or cadential):
            yield (
                f"{before.figure} is not resolved by {after.figure}.",
                before.path,
                before.measure,
                "Let the chord that it leans on follow.",
            )


@register("chords.leading-chord-resolves", "warning", source=f"{_ASC}, ch. 8", profiles=_TONAL)
def leading_chord_resolves(piece: Piece) -> Iterator[Found]:
    """A diminished chord on the leading tone goes to the tonic, to the dominant, or through a sequence by fifths."""
    for before, after in piece.pairs():
        chord = before.chord
        if chord.is_applied or chord.root != 5:
            continue
        fine = after.chord.degree in (1, 5, 7, 3, 6) or after.chord.is_applied or 0 in after.chord.tones
        if not fine:
            yield f"{before.figure} goes to {after.figure}.", before.path, before.measure, "Let I follow."


@register("chords.six-four-resolves", "warning", source=f"{_ASC}, ch. 10", profiles=_TONAL)
def six_four_resolves(piece: Piece) -> Iterator[Found]:
    """A tonic six-four is cadential (V follows), passing or pedal (the bass moves by step or stays); it never jumps."""
    for before, after in piece.pairs():
        if before.figure in {"I64", "i64"} and after.chord.degree != 5:
            bass = (after.chord.bass - before.chord.bass) * 7 % 12
            if bass not in (0, 1, 2, 10, 11) and after.chord.degree != 1:
                yield (
                    f"{before.figure} leaps to {after.figure}.",
                    before.path,
                    before.measure,
                    "Let V follow, or put the tonic in another position.",
                )


@register("chords.augmented-sixth-resolves", "warning", source=f"{_ASC}, ch. 29")
def augmented_sixth_resolves(piece: Piece) -> Iterator[Found]:
    """An augmented sixth opens to the octave on the dominant: V or the cadential six-four follows, or another
    pre-dominant that keeps the bass."""
    for before, after in piece.pairs():
        if before.figure.startswith(("Ger", "It", "Fr")):
            chord = after.chord
            if not (chord.degree in (5, 7) or after.figure in {"I64", "i64"} or after.chord.function in {"S", "D"}):
                yield f"{before.figure} goes to {after.figure}.", before.path, before.measure, "Let V or I64 follow."


@register("chords.seventh-prepared", "info", source=f"{_ASC}, ch. 23", profiles=("baroque", "classical"))
def seventh_prepared(piece: Piece) -> Iterator[Found]:
    """The seventh of a chord other than the dominant is heard in the chord before. Later styles are free in this."""
    for before, after in piece.pairs():
        chord = after.chord
        free = chord.seventh is None or chord.function == "D" or before.key != after.key
        if not free and chord.seventh not in before.chord.tones:
            yield (
                f"The seventh of {after.figure} is not prepared.",
                after.path,
                after.measure,
                "Hold it over from the chord before, or leave it out.",
            )


@register("chords.harmonic-rhythm", "warning", source="Swain 2002; slower than a chord in eight bars is a drone")
def harmonic_rhythm(piece: Piece) -> Iterator[Found]:
    """Chords change at a pace that can be heard: none lasts over eight bars or less than a tenth of a second."""
    beat = 60 / piece.structure.tempo / 3360
    at = 0
    places = piece.chords
    while at < len(places):
        end = at
        while (
            end + 1 < len(places)
            and places[end + 1].figure == places[at].figure
            and places[end + 1].section == places[at].section
        ):
            end += 1
        bars = (places[end].end - places[at].start) / piece.meter.bar
        if bars > 8:
            yield (
                f"{places[at].figure} lasts {bars:g} bars.",
                places[at].path,
                places[at].measure,
                "Let the harmony move.",
            )
        for place in places[at : end + 1]:
            if (place.end - place.start) * beat < 0.1:
                yield (
                    f"{place.figure} is gone before it is heard.",
                    place.path,
                    place.measure,
                    "Give it at least a beat.",
                )
        at = end + 1


@register("chords.monotony", "warning", source="Variety: real phrases of eight bars hold five or more different chords")
def monotony(piece: Piece) -> Iterator[Found]:
    """A section does not turn round the same few chords throughout: no loop is stated more than four times running."""
    for index, section, path in piece.sections:
        figures = [place.figure for place in piece.chords if place.section == index]
        for size in range(1, 5):
            if len(figures) < size * 5:
                continue
            longest = run = 1
            for at in range(size, len(figures) - size + 1, size):
                run = run + 1 if figures[at : at + size] == figures[at - size : at] else 1
                longest = max(longest, run)
            if longest > 4:
                loop = " ".join(figures[:size])
                yield (
                    f"{section.name} turns {longest} times round {loop}.",
                    f"{path}/chordProgression",
                    piece.first_measures[index],
                    "Vary the progression: another pre-dominant, an inversion, a tonicization.",
                )
                break


@register(
    "chords.quickens", "info", source="Swain 2002; Caplin 1998, ch. 3: cadences accelerate harmony", profiles=_TONAL
)
def quickens(piece: Piece) -> Iterator[Found]:
    """Harmony quickens towards cadences: over a piece, chords before arrivals are shorter than those that open."""
    before, opening = [], []
    for close in piece.closes:
        inside = close.chords
        if close.arrival >= 2 and len(inside) >= 4:
            before.append(inside[close.arrival - 1].end - inside[close.arrival - 1].start)
            opening.append(inside[0].end - inside[0].start)
    if len(before) >= 4 and sum(before) > sum(opening):
        yield (
            "Harmony does not quicken towards its cadences.",
            "/sections",
            1,
            "Use two chords in the bar before the close.",
        )


@register("chords.opens-clearly", "info", source="Caplin 1998, ch. 3: themes open with tonic prolongation")
def opens_clearly(piece: Piece) -> Iterator[Found]:
    """The piece opens on the tonic or on the dominant."""
    if piece.chords and piece.chords[0].chord.degree not in (1, 5):
        place = piece.chords[0]
        yield f"The piece opens on {place.figure}.", place.path, 1, "Open on I, or on V as an upbeat."
