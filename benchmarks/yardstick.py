"""The composer's music next to real music: ``python -m benchmarks.yardstick [--pieces N] [--list] [--json]``.

Composes pieces over all forms, periods, meters, keys and moods, measures what sounds, and prints it beside the same
measures of published annotations (DCML corpora). ``--notes FILE`` measures a DCML note table instead, to hold the
yardstick itself against music whose figures are known; ``--structures FILE`` measures structures that are realized.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks import measures, pieces
from benchmarks.spread import draw_requests
from workbench.core.music.request import Request

REAL: tuple[tuple[str, str, str, str], ...] = (
    # measure, Mozart sonatas, Beethoven sonatas, Corelli trio sonatas
    ("pieces", "54", "64", "149"),
    ("melody: step", ".54", "similar", "more"),
    ("melody: third", ".19", "similar", ""),
    ("melody: repeat", ".09", "similar", ""),
    ("melody: 4th-5th", ".10", "similar", ""),
    ("melody: 6th-octave", ".08", "similar", ""),
    ("melody: wider", "", "", ""),
    ("bars whose melody repeats an earlier bar", "23%", "24%", "8%"),
    ("bars whose rhythm repeats an earlier bar", "72%", "80%", "50%"),
    ("outer parallels per 100 moves", "3.3", "5.0", "0.5"),
    ("semitone clashes on downbeats", "3.0%", "3.1%", "1.2%"),
    ("phrases of 4 to 5 bars", "39%", "28%", ""),
    ("phrases of 8 to 9 bars", "23%", "26%", ""),
    ("cadences: PAC", "47%", "45%", "66%"),
    ("cadences: HC", "36%", "30%", "17%"),
    ("cadences: IAC", "6%", "21%", "13%"),
    ("cadences: DC", "3%", "", ""),
    ("cadences: other", "", "", ""),
    ("PAC on a root-position tonic", "98%", "99.8%", "98%"),
    ("PAC with the tune on 1", "", "", ""),
    ("HC on a root-position V triad", "94%", "70%", ""),
    ("last cadence: PAC", "98%", "70%", "76%"),
    ("last bar on the tonic", "", "", ""),
    ("melody rests (share of time)", "", "", ""),
    ("climax at (0 start, 1 end)", "", "", ""),
    ("climax notes in a piece (median)", "", "", ""),
    ("melody range in semitones (mean)", "", "", ""),
    ("longest run of a copied cell, bars (median)", "", "", ""),
    ("longest run of a copied cell, bars (worst)", "", "", ""),
    ("longest run of identical bars (worst)", "", "", ""),
    ("length off by, bars (worst)", "", "", ""),
    ("played length off by, % (mean)", "", "", ""),
)
PERIODS = ("all", "baroque", "classical", "romantic", "modern")


@dataclass
class Tally:
    """What a set of pieces adds up to."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    intervals: Counter[str] = field(default_factory=Counter)
    phrases: list[int] = field(default_factory=list)
    closings: list[measures.Closing] = field(default_factory=list)
    last: Counter[str] = field(default_factory=Counter)

    def add(self, piece: pieces.Piece, row: dict[str, Any]) -> None:
        """Take one piece in."""
        self.rows.append(row)
        self.intervals += measures.melody_intervals(piece)
        self.phrases += piece.phrases
        self.closings += [measures.closing(piece, close) for close in piece.closes]
        if piece.closes:
            self.last[piece.closes[-1].type] += 1

    def table(self) -> dict[str, str]:
        """Each measure as it is printed."""
        if not self.rows:
            return {}

        def ratio(name: str, scale: float = 1) -> float:
            top, bottom = (sum(row[name][place] for row in self.rows) for place in (0, 1))
            return scale * top / bottom if bottom else 0.0

        def column(name: str) -> list[float]:
            return [row[name] for row in self.rows if row.get(name) is not None] or [float("nan")]

        moves = self.intervals.total() or 1
        table = {"pieces": str(len(self.rows))}
        for kind in measures.INTERVALS:
            table[f"melody: {kind}"] = f"{self.intervals[kind] / moves:.2f}".replace("0.", ".", 1)
        table["bars whose melody repeats an earlier bar"] = f"{ratio('melody_again'):.0%}"
        table["bars whose rhythm repeats an earlier bar"] = f"{ratio('rhythm_again'):.0%}"
        table["outer parallels per 100 moves"] = f"{ratio('parallels', 100):.1f}"
        table["semitone clashes on downbeats"] = f"{ratio('clashes'):.1%}"
        if self.phrases:
            for low, high in ((4, 5), (8, 9)):
                share = sum(low <= length <= high for length in self.phrases) / len(self.phrases)
                table[f"phrases of {low} to {high} bars"] = f"{share:.0%}"
        table |= self._cadences()
        table["melody rests (share of time)"] = f"{mean(column('rests')):.0%}"
        table["climax at (0 start, 1 end)"] = f"{mean(column('climax')):.2f}"
        table["climax notes in a piece (median)"] = f"{median(column('climax_notes')):.0f}"
        table["melody range in semitones (mean)"] = f"{mean(column('range')):.0f}"
        table["longest run of a copied cell, bars (median)"] = f"{median(column('copied_run')):.0f}"
        table["longest run of a copied cell, bars (worst)"] = f"{max(column('copied_run')):.0f}"
        table["longest run of identical bars (worst)"] = f"{max(column('exact_run')):.0f}"
        table["length off by, bars (worst)"] = f"{max(column('bars_off')):.2f}"
        table["played length off by, % (mean)"] = f"{mean(column('played_off')):.1f}"
        return table

    def _cadences(self) -> dict[str, str]:
        if not self.closings:
            return {}
        table, count = {}, len(self.closings)
        types = Counter(closing.type for closing in self.closings)
        for type_ in ("PAC", "HC", "IAC", "DC"):
            table[f"cadences: {type_}"] = f"{types[type_] / count:.0%}"
        table["cadences: other"] = f"{(types['PC'] + types['PICARDY']) / count:.0%}"
        perfect = [closing for closing in self.closings if closing.type == "PAC"]
        half = [closing for closing in self.closings if closing.type == "HC"]
        if perfect:
            table["PAC on a root-position tonic"] = f"{mean(c.root_tonic for c in perfect):.0%}"
            table["PAC with the tune on 1"] = f"{mean(c.melody_on_tonic for c in perfect):.0%}"
        if half:
            table["HC on a root-position V triad"] = f"{mean(c.root_dominant_triad for c in half):.0%}"
        total = self.last.total() or 1
        table["last cadence: PAC"] = f"{(self.last['PAC'] + self.last['PICARDY']) / total:.0%}"
        table["last bar on the tonic"] = f"{mean(bool(row['closes']) for row in self.rows):.0%}"
        return table


def measure(piece: pieces.Piece) -> dict[str, Any]:
    """One piece's own figures."""
    parallels, moves, places = measures.outer_parallels(piece)
    where, times = measures.climax(piece)
    pitches = [note.midi for note in piece.melody]
    return {
        "title": piece.title,
        "bars": len(piece.bars),
        "notes": len(piece.notes),
        "melody_again": measures.repeated_melody(piece),
        "rhythm_again": measures.repeated_rhythm(piece),
        "parallels": (parallels, moves),
        "parallel_bars": [piece.bar_of(place) + 1 for place in places],
        "clashes": measures.downbeat_clashes(piece),
        "rests": measures.rest_share(piece),
        "climax": where,
        "climax_notes": times,
        "range": max(pitches) - min(pitches),
        "copied_run": measures.copied_run(piece),
        "exact_run": measures.exact_run(piece),
        "closes": measures.final_bar_closes(piece),
    }


def compose_and_measure(request: Request) -> tuple[pieces.Piece, dict[str, Any]]:
    """Compose by the rules, realize, perform, measure."""
    from workbench.core.compose import compose, perform, realize

    score = realize(compose(request))
    piece = pieces.from_score(score)
    row = measure(piece)
    bar_seconds = score.meter.bar_quarters * 60 / score.tempo
    row["bars_off"] = abs(score.seconds - request.duration) / bar_seconds
    row["played_off"] = 100 * abs(perform(score).seconds - request.duration) / request.duration
    row["request"] = request.to_dict()
    return piece, row


def survey(count: int, *, seed: int = 1) -> tuple[dict[str, Tally], list[str]]:
    """Tallies over all pieces and by period, and what could not be composed."""
    tallies = {period: Tally() for period in PERIODS}
    failed = []
    for request in draw_requests(count, seed=seed):
        try:
            piece, row = compose_and_measure(request)
        except Exception as error:  # the table must come out: what failed is listed under it
            failed.append(f"{type(error).__name__}: {error} <- {request.to_json()}")
            continue
        for name in ("all", request.period or "classical"):
            tallies[name].add(piece, row)
    return tallies, failed


def table_text(columns: dict[str, dict[str, str]]) -> str:
    """The table, real music first."""
    lines = [f"{'':45}{'Mozart':>9}{'Beethoven':>10}{'Corelli':>9} |" + "".join(f"{name:>11}" for name in columns)]
    lines.append("-" * len(lines[0]))
    for name, *real in REAL:
        ours = "".join(f"{column.get(name, ''):>11}" for column in columns.values())
        lines.append(f"{name:45}{real[0]:>9}{real[1]:>10}{real[2]:>9} |{ours}")
    return "\n".join(lines)


def listing(tally: Tally) -> str:
    """One line a piece, the most doubtful first."""
    lines = []
    for row in sorted(tally.rows, key=lambda row: -(row["copied_run"] + 5 * row["parallels"][0] + row["clashes"][0])):
        again = row["melody_again"][0] / (row["melody_again"][1] or 1)
        lines.append(
            f"cell run {row['copied_run']:2}  same bars {row['exact_run']:2}  again {again:4.0%}  parallels "
            f"{row['parallels'][0]:3} {row['parallel_bars'][:4]}  clashes {row['clashes'][0]:3}/{row['clashes'][1]:3}  "
            f"closes {'yes' if row['closes'] else 'NO '}  {json.dumps(row.get('request') or row['title'])}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a piece could not be composed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.yardstick", description=__doc__.partition("\n")[0])
    parser.add_argument("--pieces", type=int, default=60, help="how many pieces to compose (60)")
    parser.add_argument("--seed", type=int, default=1, help="another spread of requests")
    parser.add_argument("--list", action="store_true", help="also a line for each piece, the most doubtful first")
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    parser.add_argument("--notes", nargs="+", type=Path, help="measure these DCML .notes.tsv tables instead")
    parser.add_argument("--structures", nargs="+", type=Path, help="realize and measure these structures instead")
    chosen = parser.parse_args(arguments)
    failed: list[str] = []
    if chosen.notes:
        tallies = {}
        for path in chosen.notes:
            piece = pieces.from_dcml(path.read_text("utf-8"), path.stem.removesuffix(".notes"))
            tallies[piece.title[:10]] = Tally()
            tallies[piece.title[:10]].add(piece, measure(piece))
    elif chosen.structures:
        from workbench.core.compose import realize
        from workbench.core.music.reading import read_structure

        tallies = {"all": Tally()}
        for path in chosen.structures:
            piece = pieces.from_score(realize(read_structure(path.read_bytes())))
            tallies["all"].add(piece, measure(piece) | {"title": path.stem})
    else:
        try:
            import workbench.core.compose

            _ = workbench.core.compose.compose
        except (ImportError, AttributeError) as error:
            print(f"The composer is not there yet ({error}).", file=sys.stderr)
            return 1
        tallies, failed = survey(chosen.pieces, seed=chosen.seed)
    columns = {name: tally.table() for name, tally in tallies.items()}
    print(json.dumps(columns, indent=2) if chosen.json else table_text(columns))
    if chosen.list:
        for tally in [tallies["all"]] if "all" in tallies else tallies.values():
            print("\n" + listing(tally))
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
