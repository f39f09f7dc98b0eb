"""How often each check fires on real music: ``python -m benchmarks.calibration [--write]``.

The pieces are those that music21 carries: published RomanText analyses (Bach chorales with their tunes, Monteverdi's
madrigals, a Mozart movement and a Schütz motet) and Bach chorales whose harmony the workbench reads from the notes. A
folder of DCML tables (``--dcml``) gets a table of its own. ``--write`` puts the table into ``docs/calibration.md``.
The exit status is 1 when a work has an error or a warning fires on more than a third of the works.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workbench.core.checks import Finding, all_checks, check
from workbench.core.errors import InvalidInputError
from workbench.core.library.importers import read_dcml, read_homophony, read_romantext
from workbench.core.library.importers.analysis import Imported
from workbench.core.library.importers.tunes import notes_of_part, with_melody

DOCS = Path(__file__).parents[1] / "docs" / "calibration.md"
MOST = 1 / 3
"""No warning may fire on more than this share of the works."""
CHORALES = 60
"""How many chorales are read from their notes."""
_BWV = re.compile(r"^BWV: *(\d+(?:\.\d+)?)\s*$", re.MULTILINE)


class Work(NamedTuple):
    """A piece to be checked: its repertoire, a name, and the profile of its style."""

    repertoire: str
    name: str
    profile: str
    imported: Imported


@dataclass
class Rates:
    """What the checks said: works by repertoire, works with a finding by check and repertoire, and some messages."""

    works: Counter[str] = field(default_factory=Counter)
    hits: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def total(self) -> int:
        """How many works."""
        return sum(self.works.values())

    def add(self, work: Work, findings: Iterable[Finding]) -> None:
        """Count a work's findings, one a check."""
        self.works[work.repertoire] += 1
        first: dict[str, Finding] = {}
        for finding in findings:
            first.setdefault(finding.check, finding)
        for name, finding in first.items():
            self.hits[name][work.repertoire] += 1
            self.examples[name].append(f"{work.name}, bar {finding.measure}: {finding.message}")

    def share(self, name: str) -> float:
        """The share of all works that a check finds something in."""
        return sum(self.hits[name].values()) / max(1, self.total)


def analyses(part: int = 0, parts: int = 1) -> Iterator[Work]:
    """The published analyses; ``part`` of ``parts`` takes every so many, so that tests can share them out."""
    from music21 import corpus
    from music21.romanText import testFiles

    paths = sorted(path for path in corpus.getCorePaths() if path.suffix == ".rntxt")
    for path in paths[part::parts]:
        text = path.read_text("utf-8")
        imported = read_romantext(text)
        chorale = path.parent.name == "choraleAnalyses"
        if chorale:
            imported = _with_chorale_tune(imported, text)
        yield Work("Bach, analysed" if chorale else "Monteverdi", path.stem, "baroque", imported)
    if part == 0:
        yield Work("others", "Mozart, K. 279/1", "classical", read_romantext(testFiles.mozartK279))
        yield Work("others", "Schütz, SWV 23", "baroque", read_romantext(testFiles.swv23))


def _with_chorale_tune(imported: Imported, text: str) -> Imported:
    """An analysed chorale with its tune, where music21 has the same edition of it."""
    from music21 import corpus

    number = _BWV.search(text)
    if number is None:
        return imported
    try:
        score = corpus.parse(f"bach/bwv{number[1]}")
        return with_melody(imported, notes_of_part(score.parts[0], imported.timeline))
    except (corpus.corpora.CorpusException, InvalidInputError):
        return imported  # another key or numbering than the analysis


def chorales(count: int = CHORALES, part: int = 0, parts: int = 1) -> Iterator[Work]:
    """Chorales read from their notes, spread over all that music21 has; those that cannot be read are passed over."""
    from music21 import corpus

    paths = sorted(
        path
        for path in corpus.getCorePaths()
        if path.parent.name == "bach" and path.suffix == ".mxl" and re.fullmatch(r"bwv[\d.]+\.mxl", path.name)
    )
    step = max(1, len(paths) // count)
    for path in paths[::step][:count][part::parts]:
        try:
            imported = read_homophony(corpus.parse(path), title=path.stem, composer="Bach", period="baroque")
        except InvalidInputError:
            continue
        yield Work("Bach, machine-read", path.stem, "baroque", imported)


def dcml(folder: Path) -> Iterator[Work]:
    """The DCML tables of a folder: ``NAME.harmonies.tsv`` and, where it is there, ``NAME.notes.tsv``."""
    for path in sorted(folder.glob("*.harmonies.tsv")):
        name = path.name.removesuffix(".harmonies.tsv")
        tune = path.with_name(f"{name}.notes.tsv")
        period = "baroque" if name.startswith("op0") else "classical"
        imported = read_dcml(
            path.read_text("utf-8"), tune.read_text("utf-8") if tune.exists() else None, title=name, period=period
        )
        yield Work("DCML", name, period, imported)


def rate(works: Iterable[Work]) -> Rates:
    """Check every work in its profile."""
    rates = Rates()
    for work in works:
        rates.add(work, check(work.imported.structure, profile=work.profile).findings)
    return rates


def faults(rates: Rates) -> list[str]:
    """Checks that real music does not bear: errors on any work, warnings on more than a third."""
    found = []
    for each in all_checks():
        share = rates.share(each.id)
        if (each.severity == "error" and share > 0) or (each.severity == "warning" and share > MOST):
            found.append(f"{each.id} ({each.severity}) on {share:.0%}")
            found += [f"    {example}" for example in rates.examples[each.id][:3]]
    return found


def table(rates: Rates) -> str:
    """The rates as a Markdown page."""
    repertoires = sorted(rates.works)
    lines = [
        "# How often each check fires on real music",
        "",
        "<!-- Written by python -m benchmarks.calibration --write. -->",
        "",
        "What masters do often is no error, and no check warns on more than a third of their works. The pieces are",
        "those that music21 carries: published Roman-numeral analyses (RomanText), and chorales whose harmony the",
        "workbench reads from the notes. Each is checked in the profile of its style; a figure is the share of works",
        "in which a check finds something at least once.",
        "",
        "What an analysis does not say is not put to the test here: it has no roles of phrases, no motifs but the",
        "tune, no request. Madrigals have no written tune: theirs is what the workbench writes over their harmony.",
        "",
        "| | " + " | ".join(repertoires) + " | all |",
        "|---" * (len(repertoires) + 2) + "|",
        "| works | " + " | ".join(str(rates.works[name]) for name in repertoires) + f" | {rates.total} |",
        "",
        "| check | severity | " + " | ".join(repertoires) + " | all |",
        "|---" * (len(repertoires) + 3) + "|",
    ]
    quiet = []
    for each in sorted(all_checks(), key=lambda one: -rates.share(one.id)):
        if not rates.share(each.id):
            quiet.append(f"`{each.id}`")
            continue
        shares = [f"{rates.hits[each.id][name] / rates.works[name]:.0%}" for name in repertoires]
        lines.append(f"| `{each.id}` | {each.severity} | {' | '.join(shares)} | {rates.share(each.id):.0%} |")
    lines += ["", f"Silent on all of them: {', '.join(sorted(quiet))}.", ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--chorales", type=int, default=CHORALES, help="how many chorales to read from their notes")
    parser.add_argument("--dcml", type=Path, help="a folder of DCML tables, printed and never written into the docs")
    parser.add_argument("--write", action="store_true", help="write docs/calibration.md")
    options = parser.parse_args(arguments)
    works = [*analyses(), *chorales(options.chorales)]
    rates = rate(works)
    page = table(rates)
    print(page)
    if options.write:
        DOCS.parent.mkdir(exist_ok=True)
        DOCS.write_text(page, "utf-8")
    wrong = faults(rates)
    if options.dcml:
        own = rate(dcml(options.dcml))
        print(table(own))
        wrong += [f"DCML: {fault}" for fault in faults(own)] if own.total > 2 else []
    print("\n".join(wrong) or "No error, and no warning on more than a third of the works.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
