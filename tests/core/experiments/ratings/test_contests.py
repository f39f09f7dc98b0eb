"""Blind comparisons as they are kept: nothing is lost, nobody collides, and raters learn nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from tests.core.experiments.ratings.heard_run import VARIANTS, heard_run
from tests.fresh import fresh
from workbench.core.datasets.building.preferences import all_preferences
from workbench.core.datasets.withdrawn import examples_of
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.experiments.ratings.contests import (
    BlindContest,
    begin_contest,
    close_contest,
    contests,
    find_contest,
)
from workbench.core.experiments.ratings.judging import (
    Turn,
    answer,
    likely_next,
    pair_of_sound,
    progress_of,
    ratings_of,
    turn_of,
    undo_answer,
)
from workbench.core.experiments.ratings.kept_preferences import count_preferences, keep_preferences
from workbench.core.experiments.ratings.ratings import Answer
from workbench.core.experiments.ratings.sounds import Booth
from workbench.core.experiments.ratings.standings import standings_of
from workbench.core.library.database import Database
from workbench.core.library.experiment_tables import RunRow
from workbench.core.library.rights import Rights, own_rights

OWN = own_rights("Ada", "made for this test")
NONCOMMERCIAL = own_rights("Ada", "made for this test", "CC-BY-NC-4.0")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite file."""
    made = fresh(tmp_path / "workbench.sqlite3")
    yield made
    made.close()


def begun(database: Database, requests: int = 12, **options: Any) -> BlindContest:
    run = heard_run(database, requests, **{name: options.pop(name) for name in ("silent", "same") if name in options})
    return begin_contest(database, run, curator="ada", **options)


def turn(database: Database, contest: BlindContest, rater: str) -> Turn:
    found = turn_of(database, contest.id, rater)
    assert found is not None
    return found


def says(database: Database, contest: BlindContest, rater: str, best: tuple[str, ...] = VARIANTS) -> Turn:
    """Answer as one who likes variants in this order."""
    found = turn(database, contest, rater)
    better = "a" if best.index(found.pair.a) < best.index(found.pair.b) else "b"
    answer(database, contest.id, rater, Answer(found.blind.token, better, {"musicality": better}))  # type: ignore[arg-type, dict-item]
    return found


def test_a_comparison_from_its_beginning_to_its_ranking_in_each_database(database: Database) -> None:
    contest = begun(database, wanted=15, shared=1.0, repeats=0.1)
    assert contests(database, contest.run_id) == (contest,)
    assert contest.over.secret.hex() not in json.dumps(contest.to_dict()) + repr(contest)
    for _ in range(15):
        for rater in ("Ada", "Grace"):
            says(database, contest, rater)
    assert turn_of(database, contest.id, "Ada") is None
    said = ratings_of(database, contest.id)
    assert Counter(each.pair.rater for each in said) == {"Ada": 15, "Grace": 15}
    assert sum(each.pair.repeat for each in said) == 2
    assert [(each.rater, each.judged) for each in progress_of(database, contest.id)] == [("Ada", 15), ("Grace", 15)]
    found = standings_of(said, contest.variants)
    assert [each.variant for each in found.ranking.standings] == list(VARIANTS)
    assert "“alpha base” is better than “gamma rules”" in " ".join(found.words)
    assert "Raters agree" in found.words[-1]
    assert set(found.criteria) == {"musicality"}
    assert [each.consistent.value for each in found.raters] == [1.0, 1.0]
    json.dumps(found.to_dict(), allow_nan=False)
    assert close_contest(database, contest.id).closed_at is not None
    for refused in (
        lambda: turn_of(database, contest.id, "Eve"),
        lambda: undo_answer(database, contest.id, "Ada"),
        lambda: answer(database, contest.id, "Ada", Answer(said[0].pair.token, "tie")),
    ):
        with pytest.raises(InvalidInputError, match="closed"):
            refused()


def test_a_page_that_is_loaded_again_shows_the_same_pair(database: Database) -> None:
    contest = begun(database)
    first = turn(database, contest, "Ada")
    says(database, contest, "Grace")
    assert turn(database, contest, " Ada ") == first
    assert first.blind.number == 1
    with pytest.raises(InvalidInputError, match="name"):
        turn_of(database, contest.id, "  ")


def test_raters_at_once_lose_nothing_and_hear_different_pairs(
    database: Database, at_once: Callable[..., list[Any]]
) -> None:
    contest = begun(database, 6, wanted=5, shared=0.0)
    names = ("Ada", "Ada", "Grace", "Edith", "Joan")
    shown = at_once(lambda number: turn(database, contest, names[number]), 5)
    assert shown[0] == shown[1], "one rater in two windows judges the same pair"
    assert len({(each.pair.request, each.pair.pieces) for each in shown}) == 4
    given = at_once(
        lambda number: answer(database, contest.id, names[number], Answer(shown[number].blind.token, "a")), 5
    )
    assert given[0] == given[1]
    at_once(lambda number: [says(database, contest, names[number + 1]) for _ in range(4)], 4)
    judged = {each.rater: each.judged for each in progress_of(database, contest.id)}
    assert judged == {"Ada": 5, "Grace": 5, "Edith": 5, "Joan": 5}
    numbers = [each.pair.number for each in ratings_of(database, contest.id) if each.pair.rater == "Ada"]
    assert numbers == [1, 2, 3, 4, 5]


def test_an_answer_counts_once_and_only_for_whom_the_pair_was_made(library: Database) -> None:
    contest, other = begun(library), begun(library)
    token = turn(library, contest, "Ada").blind.token
    strange = turn(library, other, "Ada").blind.token
    for rater, sent in (("Grace", token), ("Ada", strange), ("Ada", "0" * 48), ("Ada", "\x00" + token[1:])):
        with pytest.raises(InvalidInputError, match="no such pair for you"):
            answer(library, contest.id, rater, Answer(sent, "a"))
    first = answer(library, contest.id, "Ada", Answer(token, "a", {"fits": "b"}))
    assert answer(library, contest.id, "Ada", Answer(token, "a", {"fits": "b"})) == first
    with pytest.raises(ConflictError, match="already"):
        answer(library, contest.id, "Ada", Answer(token, "b"))
    assert undo_answer(library, contest.id, "Ada")
    assert turn(library, contest, "Ada").blind.token == token
    assert answer(library, contest.id, "Ada", Answer(token, "skip", {"fits": "b"})).criteria == {}
    assert not undo_answer(library, contest.id, "Grace")


def test_an_answer_taken_back_opens_its_pair_and_drops_the_next(library: Database) -> None:
    contest = begun(library)
    first = says(library, contest, "Ada")
    second = turn(library, contest, "Ada")
    assert undo_answer(library, contest.id, "Ada")
    assert turn(library, contest, "Ada") == first
    assert ratings_of(library, contest.id) == ()
    says(library, contest, "Ada")
    assert turn(library, contest, "Ada").blind.number == second.blind.number == 2


def test_failed_cells_and_pieces_that_are_the_same_are_not_compared(library: Database) -> None:
    contest = begun(library, 4, silent="beta tuned", same=2, wanted=1_000)
    assert set(contest.over.pieces) == {"r0", "r1"}
    assert set(contest.over.pieces["r0"]) == {"alpha base", "gamma rules"}
    assert contest.wanted == 1 + 3, "nobody is asked for more pairs than there are"
    few = begin_contest(library, heard_run(library), curator="", variants=VARIANTS[:2], requests=3)
    assert (len(few.over.pieces), few.variants) == (3, VARIANTS[:2])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"wanted": 0}, "wanted is out of range"),
        ({"shared": 1.5}, "shared is out of range"),
        ({"repeats": 0.9}, "repeats is out of range"),
        ({"requests": 10**9}, "requests is out of range"),
        ({"variants": ["nobody", "alpha base"]}, "no variant 'nobody'"),
        ({"variants": ["alpha base"]}, "alone"),
    ],
)
def test_what_cannot_be_compared_is_refused(library: Database, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        begin_contest(library, heard_run(library, 1), curator="", **options)


def test_a_run_without_two_pieces_cannot_be_compared(library: Database) -> None:
    with pytest.raises(InvalidInputError, match="nothing to compare"):
        begin_contest(library, heard_run(library, 2, same=2), curator="")
    assert find_contest(library, "nothing\x00") is None
    with pytest.raises(InvalidInputError, match="no such comparison"):
        turn_of(library, "nothing", "Ada")


def test_sounds_go_by_tokens_that_were_shown_and_by_nothing_else(library: Database) -> None:
    contest = begun(library, 2)
    shown = turn(library, contest, "Ada")
    coming = likely_next(library, contest.id, "Ada")
    booth = Booth(library)
    assert coming is not None
    ahead = booth.prepare(contest.id, coming)
    heard = booth.heard(contest.id, shown.pair)
    sound = booth.sound(contest.id, shown.blind.a)
    assert sound is not None
    assert sound == heard.sounds.result()[shown.pair.piece_a]
    assert sound.startswith(b"OggS")
    assert not any(name.encode() in sound for name in (*VARIANTS, "Title"))
    assert heard.seen[shown.pair.piece_a].notes
    assert pair_of_sound(library, contest.id, shown.blind.b) == (shown.pair, "b")
    for token in ("", "nothing", shown.pair.piece_a, shown.blind.token, shown.blind.a + "\ud800"):
        assert booth.sound(contest.id, token) is None
    assert booth.sound("another", shown.blind.a) is None
    assert ahead is booth.prepare(contest.id, coming)
    assert len(ahead.result(20).sounds.result(20)) == 2


def test_what_raters_agree_on_becomes_pairs_with_the_rights_that_are_said(database: Database) -> None:
    contest = begun(database, 4, wanted=12, shared=1.0)
    for _ in range(12):
        for rater in ("Ada", "Grace"):
            says(database, contest, rater)
    kept = keep_preferences(database, contest.id)
    assert (kept.pairs, kept.with_rights, kept.faulty) == (12, 0, 0)
    assert "no rights yet" in kept.words
    assert list(all_preferences(database, ["ratings"])) == []
    some = dict.fromkeys(VARIANTS[:2], OWN)
    assert keep_preferences(database, contest.id, rights=some).with_rights == 4
    pairs = list(all_preferences(database, ["ratings"]))
    assert len(pairs) == 4
    for pair in pairs:
        assert pair.rejected is not None
        assert (pair.origin, pair.rights) == ("rating", OWN)
        assert pair.structure.tempo == pair.rejected.tempo - 1, "the first variant's piece is the slower one"
        assert pair.why == "2 of 2 raters preferred it, heard blind."
        assert examples_of(pair.id) == ()
    narrower = {"alpha base": OWN, "beta tuned": NONCOMMERCIAL}
    assert keep_preferences(database, contest.id, rights=narrower).with_rights == 4
    assert list(all_preferences(database, ["ratings"])) == [], "the rejected piece's rights are narrower"
    assert count_preferences(database, contest.id) == 12
    with pytest.raises(InvalidInputError, match="not complete"):
        keep_preferences(database, contest.id, rights={"alpha base": Rights(OWN.layers[:1])})
    with pytest.raises(InvalidInputError, match="not compared"):
        keep_preferences(database, contest.id, rights={"nobody": OWN})
    with database.writing() as session:
        session.execute(delete(RunRow).where(RunRow.id == contest.run_id))
    assert find_contest(database, contest.id) is None
    assert count_preferences(database, contest.id) == 0
