"""Keys: what the profile allows, how sections are related, where the piece begins and ends."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.forms import FORMS
from workbench.core.music.keys import Key, parse_key
from workbench.core.music.pitches import step_of


def related_keys(home: Key) -> tuple[Key, ...]:
    """The keys whose signatures differ by at most one accidental from ``home``'s, and its parallel."""
    if home.is_minor:
        near = [(3, "major"), (4, "minor"), (5, "minor"), (6, "major"), (7, "major")]
    else:
        near = [(2, "minor"), (3, "minor"), (4, "major"), (5, "major"), (6, "minor")]
    return (home, home.parallel, *(home.on_degree(degree, mode) for degree, mode in near))  # type: ignore[arg-type]


@register("keys.allowed", "error", source="AIRIA-BEYOND's music service", profiles=("airia",))
def allowed(piece: Piece) -> Iterator[Found]:
    """Every key is one that the profile's service accepts."""
    places = [(piece.structure.key, "/key", 1)]
    places += [(section.key, f"{path}/key", piece.first_measures[i]) for i, section, path in piece.sections]
    for name, path, measure in places:
        if name not in piece.profile.keys:
            yield (
                f"{name} is not among the keys of this profile.",
                path,
                measure,
                "Transpose to a key with fewer accidentals.",
            )


@register(
    "keys.misspelled",
    "error",
    source="Aldwell, Schachter and Cadwallader 2011, ch. 1: the relative major of c minor is E♭",
)
def misspelled(piece: Piece) -> Iterator[Found]:
    """A section's key is not a semitone beside the related key of the same letter and mode: in c minor, E major stands
    where E-flat major, the relative, is meant."""
    near = related_keys(piece.home)
    for index, section, path in piece.sections:
        key = section.tonality
        if key in near or any(key.pitch_class == other.pitch_class and key.mode == other.mode for other in near):
            continue
        meant = [other for other in near if step_of(other.tonic) == step_of(key.tonic) and other.mode == key.mode]
        if meant and abs(meant[0].pitch_class - key.pitch_class) % 12 in (1, 11):
            yield (
                f"{section.name} is in {key.pretty}; what is related to {piece.home.pretty} is {meant[0].pretty}.",
                f"{path}/key",
                piece.first_measures[index],
                f"Write {meant[0].name}.",
            )


@register("keys.related", "warning", source="Green 1979, ch. 2; 89% of Mozart's local keys are I, V, vi or IV")
def related(piece: Piece) -> Iterator[Found]:
    """Sections lie in the home key, its parallel, or a key whose signature differs by one accidental (two where the
    form is free). Distant keys are a romantic colour, and then a choice."""
    near = {(key.pitch_class, key.mode) for key in related_keys(piece.home)}
    for index, section, path in piece.sections:
        key = section.tonality
        reach = 4 if piece.profile.id in {"romantic", "modern"} else 1 if piece.structure.form in FORMS else 2
        wide = piece.home.distance(key) <= reach
        if (key.pitch_class, key.mode) not in near and not wide:
            yield (
                f"{key.pretty} is far from {piece.home.pretty}.",
                f"{path}/key",
                piece.first_measures[index],
                "Choose V, IV, vi, ii, iii or the parallel key (in minor III, VI, iv, v, VII).",
            )


@register("keys.begins-home", "warning", source="Caplin 1998, ch. 1")
def begins_home(piece: Piece) -> Iterator[Found]:
    """In a form with known parts the first section is in the key of the piece."""
    first = piece.structure.sections[0]
    if piece.structure.form not in FORMS:
        return  # a free form may begin on its way home, as many chorales do
    if first.tonality.pitch_class != piece.home.pitch_class:
        yield (
            f"The piece is in {piece.home.pretty} and begins in {first.tonality.pretty}.",
            "/sections/0/key",
            1,
            (f"Write {piece.home.name}."),
        )


@register("keys.returns-home", "warning", source="Caplin 1998, ch. 1; every sonata movement in FACTS' table")
def returns_home(piece: Piece) -> Iterator[Found]:
    """The last section is in the key of the piece, or in its parallel key."""
    index, last, path = piece.sections[-1]
    if last.tonality.pitch_class != piece.home.pitch_class:
        yield (
            f"The piece is in {piece.home.pretty} and ends in {last.tonality.pretty}.",
            f"{path}/key",
            piece.first_measures[index],
            f"Write {piece.home.name}.",
        )


@register("keys.tonicization-within-reach", "warning", source="Aldwell, Schachter and Cadwallader 2011, ch. 26")
def tonicization_within_reach(piece: Piece) -> Iterator[Found]:
    """Applied chords lean on a degree whose triad is major or minor: never on the diminished seventh degree (or the
    second in minor)."""
    for place in piece.chords:
        barred = {7} if place.key.mode == "major" else {2}
        if place.chord.target in barred:
            yield (
                f"{place.figure} leans on a diminished triad.",
                place.path,
                place.measure,
                "Lean on a degree with a stable triad.",
            )


@register("keys.stays-home", "info", source="Green 1979, ch. 4")
def stays_home(piece: Piece) -> Iterator[Found]:
    """A longer piece in several sections goes somewhere: some section or applied chord leaves the home key."""
    if len(piece.structure.sections) < 3 or piece.structure.measures < 32:
        return
    away = any(section.tonality != piece.home for section in piece.structure.sections)
    if not away and not any(place.chord.is_applied for place in piece.chords):
        yield "Every section stays in the home key.", "/sections", 1, "Set a middle section in a related key."


@register("keys.signature-practical", "info", source="Playing practice: six accidentals at most")
def signature_practical(piece: Piece) -> Iterator[Found]:
    """Signatures of seven accidentals have an easier enharmonic twin."""
    for index, section, path in piece.sections:
        key = section.tonality
        if abs(key.signature) == 7:
            twin = Key(key.tonic - 12 if key.signature > 0 else key.tonic + 12, key.mode)
            yield (
                f"{key.pretty} has seven accidentals.",
                f"{path}/key",
                piece.first_measures[index],
                f"Consider {parse_key(twin.name).pretty}.",
            )
