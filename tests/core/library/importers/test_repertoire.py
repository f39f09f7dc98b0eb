"""More than a hundred real works pass the checks without an error, and no warning fires on more than a third."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.calibration import analyses, chorales
from workbench.core.checks import all_checks, check
from workbench.core.compose.realize import realize

pytestmark = pytest.mark.no_cover  # what it covers is covered by others, and measuring makes it twice as long
PARTS = 8
PAGE = Path(__file__).parents[4] / "docs" / "calibration.md"
_ROW = re.compile(r"^\| `([\w.-]+)` \| (\w+) \|.* (\d+)% \|$", re.MULTILINE)


@pytest.mark.parametrize("part", range(PARTS))
def test_analysed_works_have_no_error(part: int) -> None:
    works = list(analyses(part, PARTS))
    assert len(works) >= 68 // PARTS
    for work in works:
        report = check(work.imported.structure, profile=work.profile)
        assert report.valid, f"{work.name}: {report.findings[0].message}"
        assert realize(work.imported.structure).measures == work.imported.structure.measures


@pytest.mark.parametrize("part", range(PARTS))
def test_chorales_read_from_their_notes_have_no_error(part: int) -> None:
    works = list(chorales(40, part, PARTS))
    assert len(works) >= 4
    for work in works:
        report = check(work.imported.structure, profile=work.profile)
        assert report.valid, f"{work.name}: {report.findings[0].message}"


def test_the_page_of_rates_covers_a_hundred_works_and_bears_them_out() -> None:
    page = PAGE.read_text("utf-8")
    works = re.search(r"^\| works \|.* (\d+) \|$", page, re.MULTILINE)
    assert works is not None
    assert int(works[1]) >= 100
    severities = {each.id: each.severity for each in all_checks()}
    rows = _ROW.findall(page)
    assert len(rows) >= 10
    for name, severity, share in rows:
        assert severities.get(name) == severity, f"{name} changed: run python -m benchmarks.calibration --write"
        assert severity != "error" or int(share) == 0, name
        assert severity != "warning" or int(share) <= 33, name
