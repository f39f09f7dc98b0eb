"""A generation as a page shows it: the same whether it runs in this process or was read from the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from loopback import Loopback, Slow, Status
from studio import SHORT, settings_of

from workbench.core.compose import compose
from workbench.core.generate.generation import Kept, settings_for
from workbench.core.generate.jobs import Jobs
from workbench.core.generate.live import Live, Order
from workbench.core.library.database import Database
from workbench.core.library.generations import batch_of, beat, begin
from workbench.core.library.takes import Take, takes_of
from workbench.core.settings import Settings
from workbench.views import runs
from workbench.views.runs import Shown, facts_line, outcome_badge, shown_runs


class Place:
    """A process with generations, and what its pages show of them."""

    def __init__(self, database: Database, server: Loopback) -> None:
        self.database, self.server = database, server
        self.settings = settings_of(server)
        self.jobs = Jobs(self.settings, database)

    def start(self, *labels: str, kept: Kept | None = None, **changes: Any) -> str:
        order = Order(SHORT, settings_for(self.settings, seed=3, reasks=0, **changes), kept=kept)
        return self.jobs.start([replace(order, label=label) for label in labels or ("alone",)], "me")

    def ended(self, batch: str) -> tuple[Live, ...]:
        lives = self.jobs.batch(batch)
        assert all(self.jobs.wait(live.id, 20) for live in lives)
        return lives

    def until(self, live: Live, true: Callable[[Live], object]) -> None:
        assert self.server.until(lambda _: true(live), 20)

    def both(self, batch: str) -> tuple[Shown, Shown]:
        """What is shown of one generation by this process, and by one that reads it."""
        (live,), (record,) = self.jobs.batch(batch), batch_of(self.database, batch)
        return runs._from_live(live), runs._from_record(record)


@pytest.fixture
def place(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with Loopback() as server:
        place = Place(database, server)
        monkeypatch.setattr(runs, "jobs", lambda: place.jobs)
        monkeypatch.setattr(runs, "database", lambda: database)
        yield place
        place.jobs.close()


@pytest.mark.parametrize("provider", ["rules", "openai"])
def test_a_finished_generation_is_shown_alike_from_memory_and_from_the_database(place: Place, provider: str) -> None:
    batch = place.start(provider=provider)
    place.ended(batch)
    here, read = place.both(batch)
    assert here.seconds == pytest.approx(read.seconds, abs=0.6)
    passing: dict[str, Any] = {"seconds": 0, "phase": "", "characters": 0, "sections": 0, "plan": None}
    assert replace(here, **passing) == replace(read, **passing)
    assert here.structure is not None
    assert not here.running
    assert (here.message, here.why, here.unfit) == ("", "", 0)
    assert facts_line(here).startswith(":green-badge[Valid at the first try]  ·  0 errors,")
    assert ("tokens  ·  no price known" in facts_line(here)) == (provider == "openai")


def test_a_growing_piece_tells_how_far_it_is(place: Place) -> None:
    place.server.queue(Slow(0.03, 32))
    batch = place.start()
    (live,) = place.jobs.batch(batch)
    place.until(live, lambda live: live.sections and live.growing)
    (here,) = shown_runs(batch)
    assert here.running
    assert here.structure is not None
    words = runs._where(here)
    assert "The model writes" in words
    assert "section 2 of 3" in words
    assert "bars" in words
    place.jobs.stop(live.id)
    place.ended(batch)


def test_what_was_stopped_keeps_its_complete_sections(place: Place) -> None:
    place.server.queue(Slow(0.03, 32))
    batch = place.start()
    (live,) = place.jobs.batch(batch)
    place.until(live, lambda live: live.sections and live.growing)
    place.jobs.stop(live.id)
    place.ended(batch)
    here, read = place.both(batch)
    assert here.state == read.state == "stopped"
    assert here.structure == read.structure is not None
    assert here.message
    assert facts_line(here).endswith(" s"), "no badge and no findings for what is not finished"
    assert takes_of(place.database, "me")[0].change == "stopped"


def test_where_the_rules_stepped_in_the_page_says_why(place: Place) -> None:
    place.server.queue(Status(401))
    batch = place.start()
    place.ended(batch)
    here, read = place.both(batch)
    assert here.outcome == "fell-back"
    assert here.why == read.why
    assert "refuses" in here.why
    assert "Rules stepped in" in facts_line(here)
    assert outcome_badge(takes_of(place.database, "me")[0]) == ":orange-badge[Rules stepped in]"


def test_what_did_not_fit_between_locked_sections_is_counted(place: Place) -> None:
    base = compose(SHORT, seed=9)
    other = compose(SHORT.model_copy(update={"key": "f# minor", "duration": 60}), seed=4)
    place.server.answer = lambda _: other.to_json()
    batch = place.start(kept=Kept(base, frozenset({(0, None)})))
    place.ended(batch)
    here, read = place.both(batch)
    assert here.structure is not None
    assert here.structure.sections[0] == base.sections[0]
    assert here.unfit == read.unfit == len(base.sections) - 1


def test_variants_are_shown_in_their_order_also_by_another_process(place: Place, database: Database) -> None:
    batch = place.start("one", "two", "three", provider="rules")
    place.ended(batch)
    assert [run.label for run in shown_runs(batch)] == ["one", "two", "three"]
    other = Jobs(Settings(), database)
    place.jobs, own = other, place.jobs
    assert [run.label for run in shown_runs(batch)] == ["one", "two", "three"]
    assert all(run.structure is not None for run in shown_runs(batch))
    own.close()
    assert shown_runs("unknown") == []


def test_what_another_process_is_writing_is_shown_as_far_as_it_was_kept(place: Place) -> None:
    text = compose(SHORT, seed=1).to_json()
    begin(
        place.database, "run", "batch", 0, visitor="me", owner="elsewhere:1:abc", label="", request=SHORT.to_dict(),
        settings={},
    )  # fmt: skip
    beat(place.database, "elsewhere:1:abc", {"run": text[: len(text) * 2 // 3]})
    (shown,) = shown_runs("batch")
    assert shown.running
    assert shown.structure is not None
    assert 1 <= len(shown.structure.sections) < 4


def test_only_what_a_model_made_carries_a_badge(place: Place, make_take: Callable[..., Take]) -> None:
    assert outcome_badge(make_take()) == ""
    assert outcome_badge(make_take(generation_id="unknown")) == ""
    batch = place.start(provider="rules")
    place.ended(batch)
    assert outcome_badge(takes_of(place.database, "me")[0]) == ""
    batch = place.start()
    place.ended(batch)
    assert outcome_badge(takes_of(place.database, "me")[-1]) == ":green-badge[Valid at the first try]"
