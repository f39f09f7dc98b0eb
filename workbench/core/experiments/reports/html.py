"""The report: one HTML file that anybody can open, with figures, sound and data in it, and nothing to load or run.

It holds no script and, by its own policy, may load nothing. Whatever people or models have written is escaped.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core.experiments.metrics import FAMILIES
from workbench.core.experiments.reports.charts import Scale, distribution_chart, intervals_chart, scale_of, whisker
from workbench.core.experiments.reports.drawing import Palette
from workbench.core.experiments.reports.exports import flat, write_whole
from workbench.core.experiments.reports.marks import LEGEND
from workbench.core.experiments.reports.sentences import standing_words
from workbench.core.experiments.reports.side_by_side import Shown, chosen_pairs, shown
from workbench.core.experiments.reports.summary import Cell, Column, Level, Summary, headlines
from workbench.core.experiments.results import Result
from workbench.core.experiments.specification import Specification, Variant
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import interval_words, span_words

if TYPE_CHECKING:
    from jinja2 import Template

MOST_BYTES = 12_000_000
"""Of the whole file: sound is left out first, then pairs, then the single results of the data."""
MOST_DATA = 4_000_000
PAIRS = 3
MOST_TOLD = 300
"""Sentences of a list that unfolds."""
_BETTER = {"higher": "Higher is better.", "lower": "Lower is better.", "": "Neither way is better."}
_PROVIDERS = {
    "rules": "composes by rule; no model is asked",
    "adapt": "adapts pieces of the library by rule; no model is asked",
}
_SPLITS = {
    "test": "from the part that is kept for tests, and that no model should have learned from",
    "validation": "from the part that is looked at while models are trained",
    "train": "from the part that models are trained on",
}
_KINDS = {"ft": "fine-tuned", "base": "not tuned", "": ""}


@dataclass(frozen=True)
class About:
    """What a report says of its run besides the results. ``made`` is a date for people, ``notes`` are sentences.

    ``dataset`` is what people call the dataset that was asked.
    """

    name: str
    made: str = ""
    specification: Specification | None = None
    notes: tuple[str, ...] = ()
    dataset: str = ""


def report_html(
    results: Iterable[Result], summary: Summary, about: About, *, pairs: int = PAIRS, sound: bool = True,
    most_bytes: int = MOST_BYTES,
) -> str:  # fmt: skip
    """The report as text. It shows up to so many ``pairs`` of pieces, with 20 seconds of ``sound`` each."""
    from markupsafe import Markup

    found = sorted(results, key=lambda each: each.position)
    palette = Palette()
    told = _told(found, summary, about)
    data = _data(found, summary, about)
    room = most_bytes - len(data["data"]) - 200_000
    shown_pairs = list(_within(found, summary, palette, pairs, sound, room))
    return _template().render(**told, **data, pairs=shown_pairs, palette=Markup(palette.css()))


def write_report(path: Path, results: Iterable[Result], summary: Summary, about: About, **options: Any) -> int:
    """Write the report to a file, whole or not at all; gives its bytes. ``options`` are those of ``report_html``.

    Raises:
        OSError: the file cannot be written; what was there before is unharmed.
    """
    text = report_html(results, summary, about, **options)
    return write_whole(path, [text.encode("utf-8", "replace")])


def _told(results: Sequence[Result], summary: Summary, about: About) -> dict[str, Any]:
    shown_columns = [each for each in summary.columns if _has_value(summary, each)]
    settled = [words for _, words in summary.open_questions]
    return {
        "title": about.name,
        "made": about.made,
        "asked": list(_asked(results, summary, about)),
        "variants": [_variant(each, summary, about) for each in summary.variants],
        "notes": [*about.notes, *summary.notes],
        "lead": _lead(summary),
        "main": list(_main(summary)),
        "findings": _at_most(summary.findings),
        "open": _at_most(settled),
        "counts": {"findings": f"{len(summary.findings):,}", "open": f"{len(settled):,}"},
        "cautions": list(dict.fromkeys(_cautions(summary))),
        "confidence": f"{100 * (1 - summary.alpha):g}",
        "family": f"{summary.family:,}",
        "correction": {"holm": "Holm", "benjamini-hochberg": "Benjamini and Hochberg"}.get(
            summary.correction, "not corrected"
        ),
        "charts": list(_charts(summary)),
        "legend": list(LEGEND.items()),
        "against": summary.against or "the others",
        "families": list(_families(summary, shown_columns)),
        "breakdowns": list(_breakdowns(summary)),
        "distributions": list(_distributions(results, summary)),
    }


def _asked(results: Sequence[Result], summary: Summary, about: About) -> Iterator[str]:
    requests = len({each.request for each in results})
    seeds = len({each.seed for each in results})
    times = f", each with {seeds} seeds" if seeds > 1 else ""
    variants = len(summary.variants)
    yield (
        f"{requests:,} requests for pieces of music were put to {variants} "
        f"{'variant' if variants == 1 else 'variants'}{times}: who is best, and how sure may one be?"
    )
    specification = about.specification
    if specification is not None:
        wanted = specification.requests
        if wanted.dataset:
            yield f"The requests are from the dataset {about.dataset or wanted.dataset}, {_SPLITS[wanted.split]}."
        elif wanted.grid is not None:
            yield f"The requests are combinations: {', '.join(wanted.grid.levels).replace('_', ' ')}."
        else:
            yield "The requests are a list of one's own."
    for facet in ("form", "period", "mood"):
        levels = sorted({each.facets.get(facet, "") for each in results} - {""})
        if levels:
            yield f"{facet.capitalize()}s asked for: {', '.join(levels[:12])}{' …' if len(levels) > 12 else ''}."


def _variant(name: str, summary: Summary, about: About) -> dict[str, str]:
    tally = summary.tallies[name]
    known = about.specification.variants if about.specification is not None else ()
    words = next((_variant_words(each) for each in known if each.name == name), "")
    return {"name": name, "words": words, "cells": f"{tally.cells:,}", "failed": f"{tally.failed:,}"}


def _variant_words(variant: Variant) -> str:
    if variant.provider in _PROVIDERS:
        return _PROVIDERS[variant.provider] + (", then the editor" if variant.editor else "")
    parts = [_model_words(variant)]
    parts += [f"prompt template {variant.template}"] if variant.template else []
    if variant.examples is not None:
        parts.append(f"shown {variant.examples or 'no'} {'example' if variant.examples == 1 else 'examples'}")
    parts += [f"temperature {variant.temperature:g}"] if variant.temperature is not None else []
    parts += ["then the editor"] if variant.editor else []
    return ", ".join(parts)


def _model_words(variant: Variant) -> str:
    if variant.registered:
        return f"the fine-tuned model {variant.registered}, asked as it was trained"
    kind = _KINDS[variant.variant]
    if variant.model:
        return f"the model {variant.model}" + (f" ({kind})" if kind else "")
    return f"the model of the settings{f', {kind}' if kind else ''}"


def _at_most(lines: Sequence[str]) -> list[str]:
    """The first lines, and how many more there are."""
    left = len(lines) - MOST_TOLD
    return [*lines[:MOST_TOLD], *([f"and {left:,} more: see all measures, below."] if left > 0 else [])]


def _main(summary: Summary) -> Iterator[dict[str, str]]:
    """What each of the main measures says of all variants, in one line."""
    for name in headlines(summary.columns):
        column, compared = summary.column(name), summary.comparisons_of(name)
        if column is not None and compared:
            yield {"title": column.title, "words": standing_words(compared)}


def _lead(summary: Summary) -> str:
    found, noise = sum(each.found for each in summary.comparisons), len(summary.open_questions)
    if not summary.comparisons:
        return "There is only one variant to measure, so nothing is compared."
    none = sum(each.verdict == "none" for each in summary.comparisons)
    few = len(summary.comparisons) - found - noise - none
    parts = [f"a difference was found in {found:,}", f"{noise:,} may be noise", f"no difference was found in {none:,}"]
    if few:
        parts.append(f"for {few:,} there are too few requests to tell")
    return f"Of {len(summary.comparisons):,} comparisons: {', '.join(parts)}."


def _cautions(summary: Summary) -> Iterator[str]:
    for each in summary.comparisons:
        if each.found or each.verdict == "noise":
            column = summary.column(each.measure.name)
            title = column.title if column is not None else each.measure.name
            yield from (f"{title}, {each.b} against {each.a}: {words}" for words in each.cautions)


def _has_value(summary: Summary, column: Column) -> bool:
    return any(summary.cells[variant][column.name].interval.value is not None for variant in summary.variants)


def _charts(summary: Summary) -> Iterator[dict[str, Any]]:
    from markupsafe import Markup

    for name in headlines(summary.columns):
        column = summary.column(name)
        if column is None or not _has_value(summary, column):
            continue
        rows = [(variant, summary.cells[variant][name].interval) for variant in summary.variants]
        yield {**_column(column), "svg": Markup(intervals_chart(rows, column))}


def _column(column: Column) -> dict[str, str]:
    return {"title": column.title, "explanation": column.explanation, "better": _BETTER[column.better]}


def _families(summary: Summary, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    for family, title in FAMILIES.items():
        rows = [each for each in columns if each.family == family]
        if rows:
            yield {"title": title, "rows": [_row(each, summary) for each in rows]}


def _row(column: Column, summary: Summary) -> dict[str, Any]:
    cells = [summary.cells[variant][column.name] for variant in summary.variants]
    scale = scale_of([each.interval for each in cells], column)
    return {**_column(column), "cells": [_cell(each, column, scale) for each in cells]}


def _cell(cell: Cell, column: Column, scale: Scale | None) -> dict[str, Any]:
    return {**_value(cell.interval, cell.words, column, scale), "shape": cell.mark.shape, "words": cell.mark.words}


def _value(seen: Interval, words: str, column: Column, scale: Scale | None) -> dict[str, Any]:
    from markupsafe import Markup

    if seen.value is None:
        return {"value": "no value", "span": "", "whisker": "", "count": ""}
    count = f"{seen.requests:,} {'request' if seen.requests == 1 else 'requests'}"
    alike = seen.note and seen.low == seen.high
    span = seen.note.rstrip(".") if alike else span_words(seen, column.kind, column.unit)
    return {
        "value": words.partition(" (")[0], "span": span, "count": count,
        "whisker": Markup(whisker(seen, scale)),
    }  # fmt: skip


def _breakdowns(summary: Summary) -> Iterator[dict[str, Any]]:
    by_metric: dict[str, dict[str, dict[str, dict[str, Level]]]] = {}
    for each in summary.levels:
        by_facet = by_metric.setdefault(each.metric, {}).setdefault(each.facet, {})
        by_facet.setdefault(each.level, {})[each.variant] = each
    for metric, facets in by_metric.items():
        column = summary.column(metric)
        if column is None:
            continue
        scale = scale_of([each.interval for each in summary.levels if each.metric == metric], column)
        parts = [
            {"name": facet, "rows": [_level(level, row, summary, column, scale) for level, row in levels.items()]}
            for facet, levels in facets.items()
        ]
        yield {"title": column.title, "facets": ", ".join(facets), "parts": parts}


def _level(
    level: str, row: Mapping[str, Level], summary: Summary, column: Column, scale: Scale | None
) -> dict[str, Any]:
    cells = []
    for variant in summary.variants:
        seen = row[variant].interval if variant in row else None
        words = "" if seen is None else interval_words(seen, column.kind, column.unit)
        cells.append(None if seen is None else _value(seen, words, column, scale))
    return {"level": level, "cells": cells}


def _distributions(results: Sequence[Result], summary: Summary) -> Iterator[dict[str, Any]]:
    from markupsafe import Markup

    wanted = [summary.column(name) for name in headlines(summary.columns)]
    for column in wanted:
        if column is None or column.kind == "rate":
            continue
        values = {
            variant: [
                float(value) for each in results
                if each.variant == variant and (value := each.values.get(column.name)) is not None
            ]
            for variant in summary.variants
        }  # fmt: skip
        svg = distribution_chart(values, column)
        if svg:
            yield {"title": column.title, "svg": Markup(svg)}


def _within(
    results: Sequence[Result], summary: Summary, palette: Palette, most: int, sound: bool, room: int
) -> Iterator[Shown]:
    """Pairs while there is room for them, without sound where that alone is too much."""
    for why, pair in chosen_pairs(results, summary, most):
        one = shown(why, pair, summary, palette, sound=sound)
        if _size(one) > room and sound:
            one = shown(why, pair, summary, palette, sound=False)
        if _size(one) > room:
            return
        room -= _size(one)
        yield one


def _size(pair: Shown) -> int:
    return sum(len(side.plan) + len(side.roll) + len(side.sound) + sum(map(len, side.text)) for side in pair.sides)


def _data(results: Sequence[Result], summary: Summary, about: About) -> dict[str, str]:
    """What can be downloaded: all as JSON, packed where it is large, without the single results where it is huge."""
    whole: dict[str, Any] = {"name": about.name, "made": about.made, "summary": summary.to_dict()}
    if about.specification is not None:
        whole["specification"] = about.specification.to_dict()
    rows = [flat(each, summary.columns, texts=False) for each in results]
    words = f"the summary, and the values of all {len(rows):,} answers, as JSON."
    text = json.dumps({**whole, "results": rows}, ensure_ascii=False).encode("utf-8", "backslashreplace")
    kind, ending = "application/json", "json"
    if len(text) > MOST_DATA // 4:
        text, kind, ending = gzip.compress(text, mtime=0), "application/gzip", "json.gz"
    if len(text) > MOST_DATA:
        text = gzip.compress(json.dumps(whole, ensure_ascii=False).encode("utf-8", "backslashreplace"), mtime=0)
        words = f"the summary as JSON. The {len(rows):,} answers are too many for this file: export them."
    return {"data": b64encode(text).decode(), "type": kind, "file": f"results.{ending}", "data_words": words}


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = Path(__file__).with_name("report.html").read_text("utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(source)
