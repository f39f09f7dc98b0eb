"""Dividing a section into phrases: periods, sentences, hybrids, small ternaries, sequences, codettas.

After Caplin, *Classical Form* (1998), ch. 3 to 5 (tight-knit themes), 6 (small ternary), 8 to 11 (looser sections) and
12 (codettas). Four bars are the norm and not the law: odd lengths are made by stretching the end of a phrase.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from workbench.core.music.cadences import CadenceType
from workbench.core.music.motifs import Transformation

LOOSE_ROLES = frozenset({"development", "retransition", "transition", "contrasting-middle"})
CLOSING_ROLES = frozenset({"coda", "closing"})


class PhraseShape(NamedTuple):
    """A phrase to be written. ``model`` is the phrase in this section that it takes after, and ``likeness`` how:
    ``opening`` begins the same, ``whole`` repeats it varied, ``sequence`` is it on another degree."""

    label: str
    role: str
    measures: int
    cadence: CadenceType | None
    model: int | None = None
    likeness: str = ""
    motif: str = "m1"
    transformation: Transformation | None = None


def divide(
    bars: int, role: str, period: str, cadence: CadenceType, rng: random.Random, *, minor: bool = False, scale: int = 1
) -> tuple[PhraseShape, ...]:
    """Phrases that fill ``bars``, the last with the section's own cadence.

    With ``scale`` 2 two written bars are felt as one, as in quick dances, so that phrases of eight bars are the norm.
    """
    if scale > 1 and bars >= 4 * scale:
        shapes = [
            shape._replace(measures=shape.measures * scale)
            for shape in divide(bars // scale, role, period, cadence, rng, minor=minor)
        ]
        shapes[-1] = shapes[-1]._replace(measures=shapes[-1].measures + bars % scale)
        return tuple(shapes)
    if role in CLOSING_ROLES:
        shapes = _codettas(bars, cadence, rng)
    elif role in LOOSE_ROLES and bars >= 4:
        shapes = _sequences(bars, cadence, rng)
    else:
        shapes = _theme(bars, period, cadence, rng, minor)
    return tuple(shape._replace(label=_label(shapes, index)) for index, shape in enumerate(shapes))


def _label(shapes: list[PhraseShape], index: int) -> str:
    """a, b, c for new material; a′, a″ for what takes after it."""
    letters: dict[int, str] = {}
    primes: dict[int, int] = {}
    label = ""
    for position, shape in enumerate(shapes[: index + 1]):
        root = position
        while (model := shapes[root].model) is not None:
            root = model
        if root not in letters:
            letters[root] = chr(ord("a") + len(letters) % 26)
            primes[root] = 0
            label = letters[root]
        else:
            primes[root] += 1
            label = letters[root] + "′" * min(primes[root], 3)
        if shape.model is None and shape.role == "codetta":
            label = letters[root]
    return label


def _weaker(cadence: CadenceType, rng: random.Random) -> CadenceType:
    """What an antecedent may close with before ``cadence``."""
    return "HC" if cadence in {"IAC", "DC", "PC"} or rng.random() < 0.8 else "IAC"


def _theme(bars: int, period: str, cadence: CadenceType, rng: random.Random, minor: bool) -> list[PhraseShape]:
    if bars <= 2:
        return [PhraseShape("", "cadential", bars, cadence)]
    if bars <= 6:
        return [PhraseShape("", "phrase", bars, cadence)]
    if bars <= 11:
        return _pair(bars, period, cadence, rng)
    if bars <= 13:
        third = bars // 3
        return [
            PhraseShape(
                "",
                "antecedent" if cadence not in {"HC", "DC"} else "presentation",
                third,
                "HC" if cadence != "HC" else None,
            ),
            PhraseShape("", "continuation", third, None, motif="m1", transformation="fragmentation"),
            PhraseShape(
                "",
                "consequent" if cadence not in {"HC", "DC"} else "cadential",
                bars - 2 * third,
                cadence,
                model=0,
                likeness="opening",
            ),
        ]
    groups = _groups(bars, period, rng)
    if len(groups) == 2:
        return _double(groups, period, cadence, rng)
    return _ternary(groups, period, cadence, rng, minor)


def _groups(bars: int, period: str, rng: random.Random) -> list[int]:
    """Group lengths near eight bars (six to nine by period) that sum to ``bars``, even ones first."""
    near = {"baroque": 7, "classical": 8, "romantic": 8, "modern": 7}.get(period, 8)
    count = max(2, round(bars / near))
    size = bars // count
    if size % 2 and size > 5 and period in {"classical", "romantic"}:
        size -= 1
    lengths = [size] * count
    rest = bars - size * count
    position = count - 1
    while rest > 0:
        step = min(rest, 4 if period == "classical" and rest >= 4 else 2 if rest >= 2 and period != "modern" else 1)
        lengths[position] += step
        rest -= step
        position = (position - 1) % count
    if period == "modern" and count > 2:
        first = rng.randrange(count - 1)
        if lengths[first] > 5:
            lengths[first] -= 1
            lengths[first + 1] += 1
    return lengths


def _pair(
    bars: int, period: str, cadence: CadenceType, rng: random.Random, *, base: int = 0, model: int | None = None
) -> list[PhraseShape]:
    """Two phrases: a period, a sentence or a hybrid. ``base`` is the index of the first one in its section."""
    first = bars // 2
    if first % 2 and bars - first > 4 and period in {"classical", "romantic"} and first > 3:
        first -= 1
    second = bars - first
    kinds = {
        "baroque": ("fortspinnung", "fortspinnung", "sentence", "period"),
        "classical": ("period", "period", "sentence", "sentence", "hybrid"),
        "romantic": ("sentence", "hybrid", "period"),
        "modern": ("hybrid", "fortspinnung", "sentence"),
    }
    kind = rng.choice(kinds.get(period, kinds["classical"]))
    if cadence in {"HC", "DC"} and kind != "fortspinnung":
        kind = "sentence"  # nothing is weaker than these, so no antecedent can lead to one
    like = {"model": model, "likeness": "whole" if model is not None else ""}
    if kind == "period":
        return [
            PhraseShape("", "antecedent", first, _weaker(cadence, rng), **like),  # type: ignore[arg-type]
            PhraseShape("", "consequent", second, cadence, model=base, likeness="opening"),
        ]
    if kind == "hybrid":
        return [
            PhraseShape("", "antecedent", first, "HC", **like),  # type: ignore[arg-type]
            PhraseShape("", "continuation", second, cadence, transformation="fragmentation"),
        ]
    if kind == "fortspinnung":
        if bars >= 8:
            opening, spin = first - 1, 3 if bars < 10 else 4
            return [
                PhraseShape("", "vordersatz", opening, "IAC" if cadence != "HC" else None, **like),  # type: ignore[arg-type]
                PhraseShape("", "fortspinnung", spin, None, transformation="sequence-down"),
                PhraseShape("", "cadential", bars - opening - spin, cadence, motif="m2"),
            ]
        return [
            PhraseShape("", "vordersatz", first, "IAC" if cadence != "HC" else None, **like),  # type: ignore[arg-type]
            PhraseShape("", "fortspinnung", second, cadence, transformation="sequence-down"),
        ]
    return [
        PhraseShape("", "presentation", first, None, **like),  # type: ignore[arg-type]
        PhraseShape("", "continuation", second, cadence, transformation="fragmentation"),
    ]


def _double(groups: list[int], period: str, cadence: CadenceType, rng: random.Random) -> list[PhraseShape]:
    """Two groups: the first closes more weakly, the second begins like it or goes its own way."""
    middle: CadenceType = "HC" if cadence == "IAC" or (cadence != "HC" and rng.random() < 0.5) else "IAC"
    shapes = _pair(groups[0], period, middle, rng)
    base = len(shapes)
    parallel = rng.random() < 0.6
    second = _pair(groups[1], period, cadence, rng, base=base, model=0 if parallel else None)
    if not parallel:
        second[0] = second[0]._replace(motif="m2")
    return shapes + second


def _ternary(
    groups: list[int], period: str, cadence: CadenceType, rng: random.Random, minor: bool
) -> list[PhraseShape]:
    """Three groups or more: a theme, contrasting middles that end open, and the theme again at the end."""
    shapes = _pair(groups[0], period, "PAC", rng)
    theme = list(shapes)
    for number, size in enumerate(groups[1:-1]):
        base = len(shapes)
        if number % 2 == 0:
            first = max(2, size // 2)
            shapes += [
                PhraseShape("", "contrasting", first, None, motif="m2"),
                PhraseShape(
                    "", "contrasting", size - first, "HC", model=base, likeness="sequence", motif="m2",
                    transformation="sequence-up" if rng.random() < 0.5 else "sequence-down",
                ),
            ]  # fmt: skip
        else:
            again = _pair(size, period, "DC" if minor and rng.random() < 0.5 else "IAC", rng, base=base, model=0)
            shapes += again
    base = len(shapes)
    size = groups[-1]
    same_size = sum(shape.measures for shape in theme) == size
    if len(theme) == 2 and same_size and cadence not in {"HC", "DC"}:
        for index, shape in enumerate(theme):
            ends = index == len(theme) - 1
            shapes.append(shape._replace(model=index, likeness="whole", cadence=cadence if ends else shape.cadence))
        return shapes
    return shapes + _pair(size, period, cadence, rng, base=base, model=0)


def _sequences(bars: int, cadence: CadenceType, rng: random.Random) -> list[PhraseShape]:
    """Model, sequences, fragmentation, and the goal: how developments and transitions go (Caplin, ch. 10)."""
    shapes: list[PhraseShape] = []
    goal = 2 if bars < 8 else 4 if bars < 20 else 6
    left = bars - goal
    turn = 0
    while left > 0:
        size = 4 if left >= 8 or left == 4 else min(left, 3 if left == 6 else left if left < 6 else 4)
        if left >= 2 * size:
            base = len(shapes)
            motif = "m1" if turn % 2 == 0 else "m2"
            upwards: Transformation = rng.choice(("sequence-up", "sequence-down"))
            shapes.append(
                PhraseShape("", "model", size, None, motif=motif, transformation=rng.choice((None, "inversion")))
            )
            shapes.append(
                PhraseShape("", "sequence", size, None, base, "sequence", motif=motif, transformation=upwards)
            )
            left -= 2 * size
        else:
            shapes.append(PhraseShape("", "continuation", left, None, motif="m1", transformation="fragmentation"))
            left = 0
        turn += 1
    shapes.append(PhraseShape("", "cadential" if cadence != "HC" else "standing-on-the-dominant", goal, cadence))
    return shapes


def _codettas(bars: int, cadence: CadenceType, rng: random.Random) -> list[PhraseShape]:
    """Codettas, each closing again, the later ones shorter."""
    if bars <= 5:
        return [PhraseShape("", "codetta", bars, cadence, transformation="fragmentation")]
    first = 4 if bars >= 8 else bars // 2
    shapes = [PhraseShape("", "codetta", first, cadence if cadence != "PC" else "PAC", motif="m1")]
    left = bars - first
    while left > 5:
        shapes.append(
            PhraseShape("", "codetta", 4 if left >= 8 else left // 2, "PAC" if cadence != "HC" else "HC", 0, "whole")
        )
        left -= shapes[-1].measures
    ends: CadenceType = rng.choice((cadence, "PC")) if cadence == "PAC" else cadence
    shapes.append(PhraseShape("", "codetta", left, ends, motif="m2"))
    return shapes
