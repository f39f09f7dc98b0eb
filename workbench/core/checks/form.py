"""Form: the sections a form needs, what returns and where, keys and proportions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.forms import FORMS
from workbench.core.music.structure import Section, section_measures

_GREEN = "Green 1979, ch. 5-11; Caplin 1998, part III"


def part_of(section: Section) -> str:
    """What a section is in its form, from its role or else its name: ``A``, ``B``, ``variation``, ``development`` …"""
    text = f"{section.role or ''} {section.name}".lower()
    for word in (
        "coda", "variation", "development", "recapitulation", "transition", "closing", "trio", "minuet", "episode",
        "refrain",
    ):  # fmt: skip
        if word in text:
            return word if word != "minuet" or "da capo" not in text else "da-capo"
    if re.match(r"^var", section.name.lower()):
        return "variation"
    if "exposition" in text:
        second = "secondary" in text or re.search(r"\(s\)|second|subordinate", text)
        return "exposition-second" if second else "exposition-first"
    letter = re.match(r"^([a-h])(?:['’′]+|\d+)?$", section.name.lower().strip())
    if letter:
        return letter[1].upper()
    if "theme" in text:
        return "theme"
    return section.name


def _parts(piece: Piece) -> list[str]:
    return [part_of(section) for section in piece.structure.sections]


@register("form.known", "info", source="Forms of this workbench")
def known(piece: Piece) -> Iterator[Found]:
    """The form is one that the workbench can describe; others are kept as text and only checked in general."""
    if piece.structure.form not in FORMS:
        yield f"{piece.structure.form!r} has no description here.", "/form", None, f"Known are {', '.join(FORMS)}."


@register("form.complete", "error", source=_GREEN)
def complete(piece: Piece) -> Iterator[Found]:
    """The sections that make the form are there: a middle in ABA, a refrain that comes back in a rondo, a theme and a
    variation, exposition, development and recapitulation, minuet and trio."""
    parts, form = _parts(piece), piece.structure.form
    body = [part for part in parts if part != "coda"]
    missing = ""
    if form in {"ABA", "minuet-trio", "rounded-binary"} and len(body) < 2:
        missing = "a contrasting part"
    elif form == "binary" and len(body) < 2:
        missing = "a second part"
    elif form == "rondo" and len(body) < 3:
        missing = "a refrain that returns"
    elif form == "theme-variation" and not any(part == "variation" for part in parts):
        missing = "a variation"
    elif form == "sonata" and len(body) >= 3 and "development" not in parts:
        missing = "a development"
    elif form == "sonata" and len(body) < 2:
        missing = "a recapitulation"
    if missing:
        yield f"A {form} needs {missing}.", "/sections", None, "Add the section, or name another form."


def _returns(piece: Piece) -> list[tuple[int, int]]:
    """Pairs (section, original) of what comes back: same letter, refrain, da capo, recapitulation."""
    pairs: list[tuple[int, int]] = []
    parts = _parts(piece)
    first: dict[str, int] = {}
    alike = {"da-capo": "minuet", "recapitulation": "exposition-first", "refrain": "refrain"}
    for index, (part, section) in enumerate(zip(parts, piece.structure.sections, strict=True)):
        secondary = part == "recapitulation" and ("secondary" in (section.role or "") or "(s)" in section.name.lower())
        wanted = "exposition-second" if secondary else alike.get(part, part)
        if part in {"variation", "coda", "episode", "transition", "closing", "development", "retransition"}:
            continue
        if (section.role or "") == "return" and "A" not in first and index:
            pairs.append((index, 0))
        elif wanted in first:
            pairs.append((index, first[wanted]))
        first.setdefault(part, index)
    return pairs


@register(
    "form.returns-in-tonic",
    "error",
    source="FACTS: rondo refrain and ternary return in the tonic; recapitulation in the tonic",
)
def returns_in_tonic(piece: Piece) -> Iterator[Found]:
    """What returns to round off the form returns in the key of the piece (or its parallel)."""
    if piece.structure.form not in FORMS:
        return
    for index, _ in _returns(piece):
        section = piece.structure.sections[index]
        if section.tonality.pitch_class != piece.home.pitch_class:
            yield (
                f"{section.name} returns in {section.tonality.pretty}.",
                f"/sections/{index}/key",
                piece.first_measures[index],
                f"Write {piece.home.name}.",
            )


@register("form.return-recognizable", "warning", source=_GREEN)
def return_recognizable(piece: Piece) -> Iterator[Found]:
    """A return begins as what it returns to: with the same first chords, or the same notes in the tune."""
    for index, original in _returns(piece):
        here, there = piece.structure.sections[index], piece.structure.sections[original]
        first = [place.figure.lower() for place in piece.chords if place.section == index][:2]
        then = [place.figure.lower() for place in piece.chords if place.section == original][:2]
        opening, model = _opening(here), _opening(there)
        if first and first != then and (not opening or opening != model):
            yield (
                f"{here.name} does not begin like {there.name}.",
                f"/sections/{index}",
                piece.first_measures[index],
                "Begin it with the same chords and the same motif.",
            )


def _opening(section: Section) -> tuple[object, ...]:
    if section.phrases and section.phrases[0].melody:
        return section.phrases[0].melody.degrees[:3]
    return section.motifs[0].degrees[:3] if section.motifs else ()


@register("form.second-subject-key", "warning", source="FACTS: sonata exposition I to V or i to III")
def second_subject_key(piece: Piece) -> Iterator[Found]:
    """The second subject of a sonata's exposition leaves the tonic: to V in major, to III or v in minor."""
    if piece.structure.form != "sonata":
        return
    home = piece.home
    fine = {home.on_degree(3, "major"), home.dominant} if home.is_minor else {home.dominant, home.on_degree(3, "minor")}
    fine |= {home.on_degree(6, "major" if home.is_minor else "minor"), home.on_degree(3, "major")}
    for index, part in enumerate(_parts(piece)):
        key = piece.structure.sections[index].tonality
        if part == "exposition-second" and key not in fine:
            yield (
                f"The second subject is in {key.pretty}.",
                f"/sections/{index}/key",
                piece.first_measures[index],
                f"Write {(home.on_degree(3, 'major') if home.is_minor else home.dominant).name}.",
            )


@register("form.contrast", "warning", source=_GREEN)
def contrast(piece: Piece) -> Iterator[Found]:
    """A contrasting section differs from the first in key, texture, dynamics, harmony or motif."""
    first = piece.structure.sections[0]
    for index, part in enumerate(_parts(piece)):
        section = piece.structure.sections[index]
        if index == 0 or part not in {"B", "C", "D", "trio", "episode"}:
            continue
        same = (
            section.key == first.key
            and section.chord_progression == first.chord_progression
            and (section.texture, section.dynamics) == (first.texture, first.dynamics)
            and section.melody == first.melody
        )
        if same:
            yield (
                f"{section.name} does not contrast with {first.name}.",
                f"/sections/{index}",
                piece.first_measures[index],
                "Give it another key, motif or texture.",
            )


@register("form.variations-vary", "warning", source="Green 1979, ch. 7")
def variations_vary(piece: Piece) -> Iterator[Found]:
    """A variation does not repeat its theme to the letter."""
    parts = _parts(piece)
    theme = piece.structure.sections[0]
    for index, part in enumerate(parts):
        section = piece.structure.sections[index]
        if part != "variation" or index == 0:
            continue
        told = section.phrases == theme.phrases if section.phrases else section.melody == theme.melody
        same = (section.texture, section.key, section.dynamics) == (theme.texture, theme.key, theme.dynamics)
        if told and same and section.chord_progression == theme.chord_progression:
            yield (
                f"{section.name} is the theme again.",
                f"/sections/{index}",
                piece.first_measures[index],
                "Vary the tune.",
            )


@register(
    "form.proportions", "warning", source="Green 1979: parts of a form balance; codas and transitions are shorter"
)
def proportions(piece: Piece) -> Iterator[Found]:
    """In a form with known parts no main section is over four times as long as another."""
    if piece.structure.form not in FORMS:
        return
    small = {"coda", "transition", "retransition", "closing", "variation"}
    parts = _parts(piece)
    main = [
        (section_measures(section), index)
        for index, section in enumerate(piece.structure.sections)
        if parts[index] not in small
    ]
    if len(main) >= 2 and max(main)[0] > 4 * min(main)[0]:
        long, short = max(main), min(main)
        sections = piece.structure.sections
        yield (
            f"{sections[long[1]].name} has {long[0]} bars, {sections[short[1]].name} {short[0]}.",
            f"/sections/{short[1]}/measures",
            piece.first_measures[short[1]],
            "Balance the sections.",
        )


@register("form.coda-last", "warning", source="Caplin 1998, ch. 12")
def coda_last(piece: Piece) -> Iterator[Found]:
    """A coda comes after everything else: it is what is said when the form is complete."""
    parts = _parts(piece)
    if "coda" in parts[:-1]:
        index = parts.index("coda")
        yield (
            "Music goes on after the coda.",
            f"/sections/{index}",
            piece.first_measures[index],
            "Move the coda to the end.",
        )
