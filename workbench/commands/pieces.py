"""From a structure to the bytes of its files, and to the lines that a terminal shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.core.errors import RenderingError

if TYPE_CHECKING:
    from workbench.core.music.structure import MusicStructure


def files_of(
    structure: MusicStructure, stem: str, formats: tuple[str, ...], failures: list[RenderingError]
) -> Iterator[tuple[str, bytes]]:
    """Each file's name and bytes. A rendering that fails goes to ``failures``; the others come all the same."""
    if "json" in formats:
        yield f"{stem}.json", structure.to_json().encode()
    wanted = [name for name in formats if name != "json"]
    if not wanted:
        return
    from workbench.core.render import export

    for name in wanted:
        try:
            yield from export.files(structure, stem, name)
        except RenderingError as problem:
            failures.append(problem)


def summary(structure: MusicStructure) -> str:
    """A piece in a few lines: what it is, and its sections."""
    from workbench.core.music.structure import section_measures

    tempo = f"{structure.tempo:g}"
    head = [structure.title or "A piece", structure.form, structure.tonality.pretty, structure.time_signature, tempo]
    lines = [" · ".join(part for part in head if part), ""]
    bar = 1
    for section in structure.sections:
        measures = section_measures(section)
        chords = " ".join(section.chord_progression[:8]) + (" …" if len(section.chord_progression) > 8 else "")
        lines.append(
            f"{section.name[:24]:24} bars {bar:>3} to {bar + measures - 1:<3} {section.tonality.pretty:10} "
            f"{section.cadence or '':8} {chords}"
        )
        bar += measures
    return "\n".join(lines)
