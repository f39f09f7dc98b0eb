"""Motifs and what can be done to them (Schoenberg 1967, ch. 3)."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from workbench.core.music.degrees import MAX_DEGREE, Degree, DegreeValue, parse_degree, write_degree

Transformation = Literal[
    "theme",
    "sequence-up",
    "sequence-down",
    "inversion",
    "retrograde",
    "augmentation",
    "diminution",
    "fragmentation",
]
TRANSFORMATIONS: tuple[Transformation, ...] = get_args(Transformation)
"""``theme`` is the motif unchanged, as AIRIA writes it."""


class MotifCell(NamedTuple):
    """Degrees and their lengths in quarters, one for one."""

    degrees: tuple[DegreeValue, ...]
    rhythm: tuple[float, ...]


def transform(cell: MotifCell, transformation: str, *, steps: int = 1) -> MotifCell:
    """Apply a transformation; ``steps`` is how far a sequence moves, in scale steps.

    Rests stay rests. Inversion turns about the first sounding degree, retrograde reverses pitches and rhythm together,
    fragmentation keeps the first half (at least two notes). An unknown name leaves the motif as it is. A degree that
    would leave the three octaves either way is brought back by octaves.
    """
    degrees, rhythm = cell
    match transformation:
        case "sequence-up":
            return MotifCell(tuple(_shift(degree, steps) for degree in degrees), rhythm)
        case "sequence-down":
            return MotifCell(tuple(_shift(degree, -steps) for degree in degrees), rhythm)
        case "inversion":
            axis = next((parsed.position for degree in degrees if (parsed := parse_degree(degree))), 0)
            return MotifCell(tuple(_invert(degree, axis) for degree in degrees), rhythm)
        case "retrograde":
            return MotifCell(degrees[::-1], rhythm[::-1])
        case "augmentation":
            return MotifCell(degrees, tuple(value * 2 for value in rhythm))
        case "diminution":
            return MotifCell(degrees, tuple(value / 2 for value in rhythm))
        case "fragmentation":
            half = max(2, (len(degrees) + 1) // 2)
            return MotifCell(degrees[:half], rhythm[:half])
    return cell


def _shift(degree: DegreeValue, steps: int) -> DegreeValue:
    parsed = parse_degree(degree)
    return degree if parsed is None else _write(parsed.position + steps, parsed)


def _invert(degree: DegreeValue, axis: int) -> DegreeValue:
    parsed = parse_degree(degree)
    return degree if parsed is None else _write(2 * axis - parsed.position, parsed._replace(alter=-parsed.alter))


def _write(position: int, parsed: Degree) -> DegreeValue:
    while position >= MAX_DEGREE:
        position -= 7
    while position < -MAX_DEGREE:
        position += 7
    return write_degree(position, parsed.alter if parsed.fixed else 0)
