"""What there is to read below one piece of a run or two: differences, findings, values, first answers, and the cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.metrics import FAMILIES
from workbench.core.experiments.reports.by_section import by_section, place_in_section
from workbench.core.experiments.reports.differences import Told, told_differences
from workbench.core.experiments.reports.values import NONE, column_named, gap_words, value_words
from workbench.core.experiments.results import Result
from workbench.core.experiments.runs import Run, find_result
from workbench.core.generate.repairs import Repair
from workbench.core.generate.sanitize import sanitize
from workbench.core.library.curation import Approved
from workbench.core.music.differences import MAX_DIFFERENCES
from workbench.views.component import component
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.findings import counts_words, findings_list

MAX_SHOWN = 60_000
"""Characters of an answer that are shown."""
MAX_LINES = 60
_LIST = component("differences_list")
_VALID = (("valid_json", "strict JSON"), ("valid_schema", "fits the schema"), ("valid_piece", "without errors"))


def differences(a: Result, b: Result, group: str) -> None:
    """What B has instead of A, by section; a click moves the players of the group."""
    one, other = a.sample.structure, b.sample.structure
    if one is None or other is None:
        lacking = " and ".join(letter for letter, each in (("A", one), ("B", other)) if each is None)
        st.markdown(f"There is nothing to compare: {lacking} failed.")
        return
    told = told_differences(one, other)
    if not told:
        words = (
            "A and B are the same piece." if one == other else "The music of A and B is the same; only words differ."
        )
        st.success(words, icon=":material/equal:")
        return
    st.markdown("What B has instead of A; bars are counted in B, and of what only A has in A.")
    if len(told) >= MAX_DIFFERENCES:
        st.markdown(quiet(f"The first {MAX_DIFFERENCES} differences."))
    sections = [
        {
            "title": each.title,
            "bars": "" if each.bars is None else f"bars {each.bars[0]} to {each.bars[1]}",
            "lines": [_line(line) for line in each.lines],
        }
        for each in by_section(told, one, other)
    ]
    _LIST(key="pieces_differences", data={"group": group, "sections": sections})


def _line(told: Told) -> dict[str, Any]:
    """A cadence is heard where it closes, all else where it begins."""
    bar = None if told.bars is None else told.bars[1 if told.element == "cadence" else 0]
    return {"element": told.element, "place": place_in_section(told), "words": told.words, "bar": bar}


def findings(results: Sequence[Result], pieces: Sequence[str]) -> None:
    """The findings of each beside each other; a click on a bar moves the players."""
    for at, (result, column) in enumerate(zip(results, st.columns(len(results), gap="medium"), strict=True)):
        with column:
            _head(results, at)
            report = result.sample.report
            if report is None:
                st.markdown("There is no piece that could be checked.")
                continue
            st.markdown(quiet(counts_words(report)))
            findings_list(report, pieces[at], key=f"pieces_findings_{at}")


def values(results: Sequence[Result]) -> None:
    """Every metric's value, family by family, and of two what B is against A."""
    names = list(dict.fromkeys(name for each in results for name in each.values))
    families: dict[str, list[str]] = {}
    silent = 0
    for name in names:
        column = column_named(name)
        told = [value_words(each.values.get(name), column) for each in results]
        if all(each == NONE for each in told):
            silent += 1
            continue
        cells = [column.title, *told]
        if len(results) == 2:
            cells.append(" ".join(gap_words(results[0].values.get(name), results[1].values.get(name), column)).strip())
        families.setdefault(column.family, []).append(f"| {' | '.join(map(plain, cells))} |")
    letters = [f"{letter}: {each.variant}" for letter, each in zip("AB", results, strict=False)]
    head = [*letters, "B against A"] if len(results) == 2 else [results[0].variant]
    for family in (each for each in FAMILIES if each in families):
        lines = [f"| {FAMILIES[family]} | {' | '.join(map(plain, head))} |", "|---" * (len(head) + 1) + "|"]
        st.markdown("\n".join([*lines, *families[family]]))
    if silent:
        st.markdown(quiet(f"{silent} metric{'' if silent == 1 else 's'} with no value here."))
    for each, why in {name: why for result in results for name, why in result.problems.items()}.items():
        st.markdown(quiet(plain(f"{column_named(each).title}: {why}")))


def answers(results: Sequence[Result]) -> None:
    """What the model said first, word for word, and what of it was repaired."""
    for at, (result, column) in enumerate(zip(results, st.columns(len(results), gap="medium"), strict=True)):
        with column:
            _head(results, at)
            sample = result.sample
            if not sample.raw:
                st.markdown("No model was asked, or none answered.")
                continue
            marks = [
                f"{':material/check:' if known else ':material/close:'} {words if known else f'not {words}'}"
                for name, words in _VALID
                if (known := getattr(sample, name)) is not None
            ]
            st.markdown("Before any repair: " + ", ".join(marks) if marks else quiet("Nothing is known of it."))
            _repaired(result)
            cut = len(sample.raw) > MAX_SHOWN
            st.code(sample.raw[:MAX_SHOWN], language="json" if sample.valid_json else None, wrap_lines=True, height=420)
            if cut:
                st.markdown(quiet(f"The first {MAX_SHOWN:,} of {len(sample.raw):,} characters."))


def _repaired(result: Result) -> None:
    """What of the format was repaired, and what the piece has instead of the first answer's music."""
    sample = result.sample
    try:
        first, repairs, _ = sanitize(sample.raw, request=sample.request)
    except WorkbenchError as problem:
        st.markdown(f"It could not be used: {plain(problem.message)}")
        return
    if repairs:
        title = f"{len(repairs)} repair{'' if len(repairs) == 1 else 's'} of the format"
        _listed(title, [_repair_words(each) for each in repairs])
    else:
        st.markdown("The format needed no repair.")
    if sample.structure is not None and sample.outcome != "fell-back":
        later = [plain(each.line) for each in told_differences(first, sample.structure)]
        if later:
            how = "answered anew or mended" if sample.calls > 1 else "mended"
            count = f"{len(later)} change{'' if len(later) == 1 else 's'}"
            _listed(f"{count} on the way to the piece: {how}", later)


def _listed(title: str, lines: Sequence[str]) -> None:
    with st.expander(title):
        st.markdown("\n".join(f"- {each}" for each in lines[:MAX_LINES]))
        if len(lines) > MAX_LINES:
            st.markdown(quiet(f"The first {MAX_LINES} of {len(lines)}."))


def _repair_words(repair: Repair) -> str:
    where = f" {quiet(plain(repair.path))}" if repair.path else ""
    return f"{plain(repair.why)}{where}"


def requests(run: Run, results: Sequence[Result]) -> None:
    """What was asked, of whom and how, what the prompt showed, and what it took."""
    examples = {each.id: each for each in Approved(database())()}
    told = [_facts(run, find_result(database(), run.id, each.position, examples) or each) for each in results]
    head = [f"{letter}: {each.variant}" for letter, each in zip("AB", results, strict=False)]
    lines = [f"| | {' | '.join(map(plain, head if len(results) > 1 else [results[0].variant]))} |"]
    lines.append("|---" * (len(results) + 1) + "|")
    lines += [
        f"| {name} | {' | '.join(plain(each.get(name) or NONE) for each in told)} |"
        for name in told[0]
        if any(each.get(name) for each in told)
    ]
    st.markdown("\n".join(lines))
    with st.expander("The request as JSON"):
        asked = json.dumps(results[0].sample.request.to_dict(), ensure_ascii=False, indent=2)
        st.code(asked, language="json", wrap_lines=True)


def _facts(run: Run, result: Result) -> Mapping[str, str]:
    sample = result.sample
    variant = next((each for each in run.specification["variants"] if each["name"] == result.variant), {})
    temperature = variant.get("temperature")
    return {
        "Brief": (sample.request.brief or "")[:400],
        "Asked": " ".join(filter(None, (sample.provider, sample.model))),
        "Kind": {"ft": "fine-tuned", "base": "base"}.get(sample.variant, sample.variant) if sample.calls else "",
        "Template": str(variant.get("template") or "the usual one" if sample.calls else ""),
        "Temperature": f"{temperature:g}" if sample.calls and isinstance(temperature, int | float) else "",
        "Examples shown": ", ".join(each.id for each in sample.shown) or ("none" if sample.calls else ""),
        "Editor": "yes" if variant.get("editor") else "",
        "Calls": f"{sample.calls}",
        "Repairs": f"{sample.repairs}" if sample.calls else "",
        "Tokens": f"{sample.tokens_in:,} in, {sample.tokens_out:,} out" if sample.calls else "",
        "Cost": "" if sample.cost is None else f"${sample.cost:.4f}",
        "Time": f"{sample.seconds:.2f} s",
        "First token": "" if sample.first_token is None else f"after {sample.first_token:.2f} s",
        "Error": sample.error[:1000],
        "Cell": result.cell,
    }


def _head(results: Sequence[Result], at: int) -> None:
    name = plain(results[at].variant)
    st.markdown(f"**{name}**" if len(results) == 1 else f"**{'AB'[at]}: {name}**")
