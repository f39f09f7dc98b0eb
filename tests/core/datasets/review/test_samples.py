"""A sample is drawn by lot, judged row by row, and says with its interval how much of the whole is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.datasets.small_version import copied
from workbench.core.datasets.review.audits import error_rate
from workbench.core.datasets.review.browsing import RowFilters
from workbench.core.datasets.review.samples import STRATA, Sample, draw_sample, find_sample, judge, samples_of
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.library.database import Database

Kept = tuple[Database, Version]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


def drawn(kept: Kept, count: int = 10, **more: Any) -> Sample:
    return draw_sample(kept[0], kept[1].id, count, curator="ada", **more)


def test_the_same_seed_draws_the_same_rows_and_more_keep_them(kept: Kept) -> None:
    first = drawn(kept, 8, seed=5)
    assert drawn(kept, 8, seed=5).keys == first.keys
    assert drawn(kept, 20, seed=5).keys[:8] == first.keys
    assert drawn(kept, 8, seed=6).keys != first.keys
    assert len(set(first.keys)) == 8
    assert {each.key for each in facts_of_version(kept[0], kept[1].id)} >= set(first.keys)


def test_where_there_are_fewer_rows_all_are_drawn(kept: Kept) -> None:
    assert len(drawn(kept, 2_000).keys) == kept[1].rows


@pytest.mark.parametrize("by", STRATA[1:])
def test_each_stratum_is_looked_into(kept: Kept, by: str) -> None:
    facts = {each.key: getattr(each, by) for each in facts_of_version(kept[0], kept[1].id)}
    found = drawn(kept, 30, by=by)
    assert found.sizes == Counter(facts.values())
    assert found.strata == {key: facts[key] for key in found.keys}
    if len(found.sizes) <= 30:
        assert set(found.strata.values()) == set(facts.values())


def test_one_may_draw_from_what_is_seen_alone(kept: Kept) -> None:
    found = drawn(kept, 50, filters=RowFilters(form="rondo", derived=False))
    facts = {each.key: each for each in facts_of_version(kept[0], kept[1].id)}
    assert {(facts[key].form, facts[key].derived) for key in found.keys} == {("rondo", False)}
    assert sum(found.sizes.values()) == len(found.keys)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("count", {"count": 0}),
        ("count", {"count": -1}),
        ("count", {"count": 2_001}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": 2**63}),
        (None, {"by": "digest"}),
        (None, {"filters": RowFilters(form="no such form")}),
    ],
)
def test_what_cannot_be_drawn_is_told(kept: Kept, field: str | None, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        drawn(kept, **more)
    assert (caught.value.field or None) == field
    assert caught.value.hint
    assert samples_of(kept[0], kept[1].id) == ()


def test_nothing_is_drawn_from_a_version_that_is_not_there(kept: Kept) -> None:
    with pytest.raises(InvalidInputError):
        draw_sample(kept[0], "0000", 5, curator="ada")


def test_verdicts_are_written_down_and_the_rate_follows(kept: Kept) -> None:
    database, version = kept
    sample = drawn(kept, 10, seed=1)
    assert sample.rate is None
    assert sample.next_key == sample.keys[0]
    for number, key in enumerate(sample.keys):
        verdict = "wrong" if number in (2, 5) else "right"
        sample = judge(database, sample.id, key, verdict, curator="bob", version=sample.version, note="c\x00adence")
    assert sample.next_key is None
    assert sample.wrong == 2
    assert sample.rate == error_rate(2, 10, version.rows)
    assert sample.rate is not None
    assert sample.rate.words.startswith("2 of 10 wrong: 20 % (95 % interval ")
    assert sample.results[sample.keys[2]]["note"] == "cadence"
    assert find_sample(database, sample.id) == sample
    assert sample.to_dict()["error_rate"]["words"] == sample.rate.words


def test_a_later_verdict_replaces_an_earlier_one(kept: Kept) -> None:
    sample = drawn(kept)
    once = judge(kept[0], sample.id, sample.keys[0], "wrong", curator="ada", version=sample.version)
    twice = judge(kept[0], sample.id, sample.keys[0], "right", curator="bob", version=once.version)
    assert (once.wrong, twice.wrong, len(twice.results)) == (1, 0, 1)


def test_who_judges_what_somebody_else_has_judged_since_is_told(kept: Kept) -> None:
    sample = drawn(kept)
    after = judge(kept[0], sample.id, sample.keys[0], "wrong", curator="ada", version=sample.version)
    with pytest.raises(ConflictError):
        judge(kept[0], sample.id, sample.keys[1], "right", curator="bob", version=sample.version)
    assert find_sample(kept[0], sample.id) == after


@pytest.mark.parametrize("key", ["", "nobody", "\x00\ud800"])
def test_only_drawn_rows_are_judged(kept: Kept, key: str) -> None:
    sample = drawn(kept)
    with pytest.raises(InvalidInputError):
        judge(kept[0], sample.id, key, "right", curator="ada", version=sample.version)
    with pytest.raises(InvalidInputError):
        judge(kept[0], "no such sample", sample.keys[0], "right", curator="ada", version=1)
    with pytest.raises(InvalidInputError):
        judge(kept[0], sample.id, sample.keys[0], "maybe", curator="ada", version=1)  # type: ignore[arg-type]


def test_the_rate_of_a_sample_by_stratum_weighs_each_and_names_what_nobody_saw(kept: Kept) -> None:
    database, _ = kept
    sample = drawn(kept, 30, by="form")
    first = next(key for key in sample.keys if sample.strata[key] == "rondo")
    sample = judge(database, sample.id, first, "wrong", curator="ada", version=sample.version)
    assert sample.rate is not None
    assert sample.rate.unseen == ("ABA",)
    assert "not looked into: ABA" in sample.rate.words
    other = next(key for key in sample.keys if sample.strata[key] == "ABA")
    sample = judge(database, sample.id, other, "right", curator="ada", version=sample.version)
    assert sample.rate is not None
    share = sample.sizes["rondo"] / sum(sample.sizes.values())
    assert sample.rate.rate == pytest.approx(share)
    assert sample.rate.low < share < sample.rate.high


def test_the_samples_of_a_version_are_listed_newest_first(kept: Kept) -> None:
    one, other = drawn(kept), drawn(kept, by="mode")
    assert samples_of(kept[0], kept[1].id) == (other, one)
    assert samples_of(kept[0], "0000") == ()
    assert find_sample(kept[0], "") is None
