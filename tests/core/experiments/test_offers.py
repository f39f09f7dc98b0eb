"""What a run would take is told before anything is asked, and nothing is asked or written down for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from loopback import Loopback
from studio import settings_of

from tests.core.experiments.running import priced, ran
from tests.fresh import fresh
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.offers import Offer, offer
from workbench.core.experiments.runs import count_runs, results, runs
from workbench.core.experiments.specification import read_specification
from workbench.core.generate.counting import count_tokens
from workbench.core.library.database import Database

GRID = {"grid": {"form": ["ABA"], "duration": [20, 24]}}
BASE = {"name": "base", "provider": "openai", "variant": "base", "examples": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback(size=100_000) as server:
        yield server


@pytest.fixture
def database(tmp_path: Any) -> Iterator[Database]:
    made = fresh(tmp_path / "offers.sqlite3")
    yield made
    made.close()


def offered(server: Loopback, database: Database, *variants: Any, seeds: Any = (0,), **limits: Any) -> Offer:
    told = {"name": "x", "requests": GRID, "variants": variants, "seeds": seeds, "limits": limits}
    return offer(settings_of(server), database, read_specification(told))


def test_what_asks_no_model_costs_nothing(server: Loopback, database: Database) -> None:
    found = offered(server, database, {"name": "rules", "provider": "rules"}, {"name": "a", "provider": "adapt"})
    assert (found.requests, found.cells, found.may_cost, found.usd, found.seconds) == (2, 4, False, 0, None)
    assert count_runs(database) == 0


def test_a_price_is_that_of_questions_counted_and_of_answers_as_long_as_by_rule(
    server: Loopback, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    priced(monkeypatch, loop_large=(2.0, 8.0))
    before = len(server.seen)
    found = offered(server, database, BASE, BASE | {"name": "cheap", "batch": True}, seeds=(0, 1))
    share, cheap = found.shares
    assert share.tokens is not None
    assert share.usd == pytest.approx((share.tokens.into * 2 + share.tokens.out * 8) / 1e6)
    assert cheap.usd == pytest.approx((share.usd or 0) / 2)
    assert found.usd == pytest.approx((share.usd or 0) * 1.5)
    assert share.cells == 4
    assert len(server.seen) == before, "nothing is asked"
    run = ran(
        server, database, read_specification({"name": "x", "requests": GRID, "variants": [BASE], "seeds": (0, 1)})
    )
    said = sum(count_tokens(each.sample.raw, "loop-large").tokens for each in results(database, run.id))
    assert share.tokens.out == pytest.approx(said, rel=0.25), "as long as answers then are, about"


def test_a_price_that_is_not_known_is_not_made_up(server: Loopback, database: Database) -> None:
    found = offered(server, database, BASE, {"name": "mine", "endpoint": server.url, "model": "loop-small"})
    base, mine = found.shares
    assert (base.usd, base.may_cost, base.place) == (None, True, server.url)
    assert (mine.may_cost, mine.model) == (False, "loop-small")
    assert found.may_cost
    assert found.usd is None
    with pytest.raises(InvalidInputError, match="no budget can hold it"):
        offered(server, database, BASE, budget_usd=1.0)


def test_an_earlier_run_and_the_limits_tell_how_long_it_takes(server: Loopback, database: Database) -> None:
    assert offered(server, database, BASE).seconds is None
    slowed = offered(server, database, BASE, seeds=tuple(range(60)), requests_per_minute=60).seconds
    assert slowed == pytest.approx(60.0), "120 calls, of which 60 go through at once"
    ran(server, database, read_specification({"name": "x", "requests": GRID, "variants": [BASE]}))
    found = offered(server, database, BASE | {"name": "other"}, concurrency=1)
    assert found.shares[0].seconds
    assert found.seconds == pytest.approx(2 * found.shares[0].seconds)


def test_variants_that_are_asked_in_the_same_way_are_told(server: Loopback, database: Database) -> None:
    found = offered(server, database, BASE, BASE | {"name": "again"}, BASE | {"name": "warm", "temperature": 1.0})
    assert found.alike == (("base", "again"),)


def test_runs_are_found_by_words_of_their_name_number_and_curator(server: Loopback, database: Database) -> None:
    for name in ("evening walk", "100 % sure", "morning"):
        told = {
            "name": name,
            "requests": GRID,
            "variants": [{"name": "rules", "provider": "rules"}],
            "metrics": ["calls"],
        }
        ran(server, database, read_specification(told))
    assert [each.label for each in runs(database, words="walk EVENING 1")] == ["evening walk 1"]
    assert [each.label for each in runs(database, words="%")] == ["100 % sure 1"]
    assert count_runs(database, "ada") == 3
    assert count_runs(database, "nobody") == 0
    assert [each.label for each in runs(database, 1, offset=1)] == ["100 % sure 1"]
