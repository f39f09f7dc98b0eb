"""Write workbench/core/music/numerals.json: what music21 says of the numerals that the workbench itself writes.

Those are the commonest. A test keeps the file in step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from workbench.core.compose.progressions import COMMON, EXTRA, FORMULAS, SEQUENCES, TO_MAJOR, TO_MINOR
from workbench.core.generate.prompt import CHORDS
from workbench.core.library.examples import load_examples
from workbench.core.music.keys import Mode
from workbench.core.music.numerals import normalize_figure, read_with_music21

FILE = Path(__file__).resolve().parents[1] / "workbench" / "core" / "music" / "numerals.json"
MODES: tuple[Mode, ...] = ("major", "minor")


def figures() -> list[str]:
    """Every figure that the composer can write, that prompts name and that the library which ships holds, and the
    triads and sevenths of both modes in all positions."""
    names = {figure for table in (COMMON, *EXTRA.values()) for figure in table}
    names |= {figure for table in (COMMON, *EXTRA.values()) for row in table.values() for figure in row}
    names |= {figure for kinds in FORMULAS.values() for row in kinds.values() for chords, _ in row for figure in chords}
    names |= {figure for runs in SEQUENCES.values() for run in runs for figure in run}
    names |= {*TO_MINOR, *TO_MINOR.values(), *TO_MAJOR, *TO_MAJOR.values()}
    names |= {
        f"{root}{position}"
        for root in ("I", "ii", "IV", "V", "vi", "i", "iv", "VI", "III", "v")
        for position in ("", "6", "64")
    }
    names |= {
        f"V{position}{goal}"
        for position in ("", "6", "7", "65", "43", "42")
        for goal in ("", "/ii", "/iii", "/IV", "/iv", "/V", "/vi", "/VI", "/III")
    }
    names |= {f"{chord}/{goal}" for chord in ("viio6", "viio7") for goal in ("ii", "iv", "vi", "III", "V")}
    names |= {figure for kinds in CHORDS.values() for figure in kinds} | {"viio7", "viio65"}
    names |= {str(figure) for example in load_examples() for figure in written(example.structure.to_dict())}
    return sorted(names)


def written(part: object) -> Iterator[str]:
    """The chords that a piece's JSON holds, wherever they are."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from value if name == "chords" and isinstance(value, list) else written(value)
    elif isinstance(part, list):
        for each in part:
            yield from written(each)


def table() -> dict[str, list[object]]:
    """Tones, bass and quality by mode and normalized figure."""
    result: dict[str, list[object]] = {}
    for mode in MODES:
        for figure in figures():
            text = normalize_figure(figure, mode)
            try:
                result[f"{mode} {text}"] = list(read_with_music21(text, mode))
            except ValueError:
                continue
    return dict(sorted(result.items()))


def text() -> str:
    """The file's text, one numeral a line."""
    rows = [f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(row)}" for name, row in table().items()]
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
