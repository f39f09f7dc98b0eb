"""A cell runs through the pipeline; what the first answer was, what came out and what it took are in its sample."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import (
    Cut,
    EchoModel,
    Empty,
    Hang,
    HangMidStream,
    Leaky,
    Loopback,
    Malformed,
    NotMusic,
    Refuse,
    Say,
    Status,
    WrongPiece,
)
from studio import SHORT, TUNED, settings_of

from tests.core.experiments.small_split import TESTED, a_version
from tests.core.finetune.tuned import a_model
from tests.fresh import fresh
from workbench.core.checks import Finding, Report
from workbench.core.compose import compose, plan
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.answering import Answered, answer_cell, workshop_of
from workbench.core.experiments.asking import ask, first_call
from workbench.core.experiments.cells import Cell, cell_id
from workbench.core.experiments.heard import QUIET, Halted, Ledger, Said, read_said
from workbench.core.experiments.requests import Asked, expand
from workbench.core.experiments.samples import Sample
from workbench.core.experiments.specification import Variant, read_specification
from workbench.core.experiments.storing import read_sample, sample_to_dict
from workbench.core.experiments.variants import Ready, prepare
from workbench.core.finetune.rollout import block
from workbench.core.generate.generation import Workshop
from workbench.core.generate.providers import Call
from workbench.core.generate.wire import wire_text
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.tuned import Taught
from workbench.core.music.request import Request

SMALL, PLAIN = "small-music-7", "plain-music-9"


@dataclass
class Bench:
    """A workshop whose variants are asked one cell after the other."""

    server: Loopback
    elsewhere: Loopback
    database: Database
    workshop: Workshop
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def ready(self, **variant: Any) -> Ready:
        return prepare(Variant.model_validate({"name": "a"} | variant), self.workshop, self.database)

    def ask(
        self, asked: Asked | None = None, *, ledger: Ledger = QUIET, before: Sequence[Said] = (), **variant: Any
    ) -> Answered:
        """One cell; whatever comes of it can be kept and read again, and tells no secret."""
        ready, asked = self.ready(**{"examples": 0} | variant), asked or Asked("short", SHORT)
        cell = Cell(cell_id(asked, ready.variant, 3), 0, ready.variant, 3)
        found = self.runner.run(answer_cell(cell, asked, ready, ledger=ledger, before=before))
        told = json.dumps(sample_to_dict(found.sample), allow_nan=False)
        for secret in (self.server.key, TUNED, SMALL, self.elsewhere.url):
            assert secret not in told
        assert read_sample(json.loads(told), {each.id: each for each in ready.workshop.examples()}) == found.sample
        assert (found.sample.structure is None) == bool(found.sample.error) == bool(found.fault)
        return found

    def sample(self, *args: Any, **variant: Any) -> Sample:
        return self.ask(*args, **variant).sample


@contextmanager
def bench_of(server: Loopback, elsewhere: Loopback, database: Database, **changes: Any) -> Iterator[Bench]:
    made = Bench(server, elsewhere, database, workshop_of(settings_of(server, **changes), database, concurrency=4))
    try:
        yield made
    finally:
        made.runner.run(made.workshop.providers.close())
        made.runner.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    database = fresh(tmp_path_factory.mktemp("bench") / "workbench.sqlite3")
    load_built_in(database, load_examples())
    with (
        Loopback() as server,
        Loopback(key="none", models=[{"id": SMALL}, {"id": PLAIN}]) as elsewhere,
        bench_of(server, elsewhere, database) as made,
    ):
        yield made
    database.close()


@pytest.fixture
def bench(shared: Bench) -> Bench:
    shared.server.forget()
    shared.elsewhere.forget()
    return shared


@pytest.fixture(scope="module")
def ours(shared: Bench) -> str:
    """The name of a registered model that answers at another endpoint."""
    return a_model(shared.database, "ours", model=SMALL, endpoint=shared.elsewhere.url).name


def models_asked(server: Loopback) -> list[str]:
    return [seen.body["model"] for seen in server.seen if seen.body]


# Who is asked -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["rules", "adapt"])
def test_rules_and_adapting_ask_no_model(bench: Bench, provider: str) -> None:
    made = bench.sample(provider=provider)
    assert (made.outcome, made.provider, made.variant, made.model) == ("first-try", provider, "base", "")
    assert (made.raw, made.valid_json, made.valid_schema, made.valid_piece) == ("", None, None, None)
    assert (made.calls, made.tokens_in, made.cost, made.first_token, made.shown) == (0, 0, 0.0, None, ())
    assert made.seconds > 0
    assert made.report is not None
    assert made.report.valid
    assert bench.server.seen == []


def test_the_base_model_is_asked_with_the_seed_and_examples(bench: Bench) -> None:
    made = bench.sample(variant="base", examples=2, temperature=0.25)
    assert (made.outcome, made.provider, made.variant, made.model) == ("first-try", "openai", "base", "loop-large")
    assert (made.valid_json, made.valid_schema, made.valid_piece) == (True, True, True)
    assert made.structure is not None
    assert json.loads(made.raw)["key"] == made.structure.key
    assert (made.calls, made.repairs, len(made.shown), made.cost) == (1, 0, 2, None)
    assert made.tokens_in > 500 < made.tokens_out
    assert 0 < (made.first_token or 0) <= made.seconds
    body = bench.server.seen[0].body
    assert body is not None
    assert (body["seed"], body["temperature"]) == (3, 0.25)


def test_the_fine_tuned_model_is_asked_alone(bench: Bench) -> None:
    assert bench.sample(variant="ft").model == "fine-tuned"
    bench.server.queue(WrongPiece())
    made = bench.sample(variant="ft")
    assert (made.outcome, made.variant, made.valid_schema, made.valid_piece) == ("fell-back", "ft", True, False)
    assert models_asked(bench.server) == [TUNED, TUNED], "no base model stands in for it"


def test_a_registered_model_is_asked_at_its_endpoint_and_gets_no_key(bench: Bench, ours: str) -> None:
    for _ in range(6):  # more bad answers than open a circuit
        bench.elsewhere.queue(NotMusic())
        assert bench.sample(registered=ours).outcome == "fell-back"
    made = bench.sample(registered=ours)
    assert (made.outcome, made.provider, made.variant) == ("first-try", "openai", "ft")
    assert made.model.startswith("fine-tuned ")
    assert models_asked(bench.elsewhere) == [SMALL] * 7
    assert models_asked(bench.server) == []
    assert bench.server.key not in str([seen.headers for seen in bench.elsewhere.seen])


def test_a_model_at_an_endpoint_of_its_own_is_asked_there_like_any_other(bench: Bench) -> None:
    own = {"endpoint": bench.elsewhere.url, "model": PLAIN}
    bench.elsewhere.queue(NotMusic())
    ready = bench.ready(**own)
    assert (ready.attempt.variant, ready.attempt.label) == ("base", PLAIN)
    cell = Cell("a", 0, ready.variant, 3)
    made = bench.runner.run(answer_cell(cell, Asked("short", SHORT), ready)).sample
    assert (made.outcome, made.variant, made.model, made.calls) == ("re-asked", "base", PLAIN, 2)
    assert (made.valid_json, made.valid_schema) == (True, False)
    assert bench.sample(**own, variant="ft").model == "fine-tuned"
    assert bench.server.seen == []
    assert bench.server.key not in str([seen.headers for seen in bench.elsewhere.seen])


def test_the_settings_own_tuned_model_is_not_mistaken_for_a_registered_one(bench: Bench, ours: str) -> None:
    with bench_of(bench.server, bench.elsewhere, bench.database, WORKBENCH_MODEL_FT=SMALL) as same:
        assert same.sample(registered=ours).outcome == "first-try"
    assert len(bench.elsewhere.seen) == 1
    assert bench.server.seen == []


def test_it_is_settled_once_who_is_asked(bench: Bench) -> None:
    ready = bench.ready(variant="base", template="default")
    assert ready.settings.template == "default@1"
    assert ready.settings.prompted
    assert not bench.ready(variant="base").settings.prompted, "a tuned model is asked as it was trained"
    rollout = bench.workshop.rollout
    bench.workshop.rollout = lambda: pytest.fail("the rollout is not read again")
    try:
        cell = Cell("a", 0, ready.variant, 3)
        assert bench.runner.run(answer_cell(cell, Asked("short", SHORT), ready)).sample.error == ""
    finally:
        bench.workshop.rollout = rollout


def test_a_registered_model_is_asked_as_it_was_trained_unless_a_prompt_is_chosen(bench: Bench) -> None:
    taught = a_version(bench.database, name="taught", recipe={"template": "default", "examples": 1, "system": False})
    a_model(bench.database, "taught", model=f"{SMALL}-2", endpoint=bench.elsewhere.url, version=taught.id)
    usual, chosen = bench.ready(registered="taught"), bench.ready(registered="taught", template="default")
    assert usual.attempt.taught == chosen.attempt.taught == Taught("default@1", 1, system=False)
    for ready, roles in (
        (usual, ["user", "assistant", "user"]),
        (chosen, ["system", *["user", "assistant"] * 2, "user"]),
    ):
        call = bench.runner.run(first_call(Cell("a", 0, ready.variant, 3), Asked("short", SHORT), ready))
        assert call is not None
        assert [message.role for message in call.messages] == roles


@pytest.mark.parametrize(
    ("variant", "changes", "said"),
    [
        ({"registered": "nobody"}, {}, "no tuned model"),
        ({"template": "gone"}, {}, "There is no template 'gone'"),
        ({"variant": "ft"}, {"WORKBENCH_MODEL_FT": None}, "'a' wants the fine-tuned model, and there is none"),
        ({"variant": "base"}, {"WORKBENCH_MODEL_BASE": None}, "'a' names no model, nor do the settings"),
        ({"provider": "openai"}, {"WORKBENCH_MODEL_BASE": None}, "'a' names no model, nor do the settings"),
    ],
)
def test_who_cannot_be_asked_is_told_before_anything_runs(
    bench: Bench, variant: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    with (
        bench_of(bench.server, bench.elsewhere, bench.database, **changes) as other,
        pytest.raises(InvalidInputError, match=said),
    ):
        other.ready(**variant)


def test_a_model_that_may_answer_nobody_is_refused_and_one_that_knows_the_test_told(bench: Bench) -> None:
    database = bench.database
    tested = a_version(database)
    learned = a_version(database, ("rondo-baroque-spring",), learned=TESTED[:2], name="other")
    knowing = a_model(database, "knowing", version=learned.id)
    innocent = a_model(database, "innocent", version=a_version(database, ("aba-modern-village",), name="third").id)
    for model, said in ((innocent, ()), (knowing, ("2 pieces of the test split are in what knowing was trained on.",))):
        variant = Variant(name="a", registered=model.id)
        assert prepare(variant, bench.workshop, database, tested=tested).cautions == said
    block(database, knowing.id, reason="It swears", curator="ada")
    with pytest.raises(InvalidInputError, match=r"'a' may not answer\. knowing is blocked: It swears"):
        bench.ready(registered="knowing")


# The first answer ---------------------------------------------------------------------------------------------------

GOOD = wire_text(compose(SHORT, seed=3))


@pytest.mark.parametrize(
    ("answer", "flags", "outcome", "calls"),
    [
        (Say(GOOD), (True, True, True), "first-try", 1),
        (Say(f"Here it is:\n{GOOD}"), (False, False, False), "repaired", 1),
        (Say(GOOD.replace('"key"', '"music_key"', 1)), (True, False, False), "repaired", 1),
        (Malformed(), (False, False, False), "repaired", 1),
        (NotMusic(), (True, False, False), "re-asked", 2),
        (WrongPiece(), (True, True, False), "re-asked", 2),
        (Say("[" * 70), (False, False, False), "re-asked", 2),
        (Empty(), (False, False, False), "re-asked", 2),
        (Refuse(), (False, False, False), "re-asked", 2),
        (Cut(0.5), (False, False, False), "re-asked", 2),
    ],
    ids=["good", "prose", "spelling", "malformed", "no music", "another piece", "deep", "empty", "refused", "cut"],
)
def test_what_the_first_answer_was_is_told_before_any_repair(
    bench: Bench, answer: Any, flags: tuple[bool, bool, bool], outcome: str, calls: int
) -> None:
    bench.server.queue(answer)
    made = bench.sample(variant="base")
    assert ((made.valid_json, made.valid_schema, made.valid_piece), made.outcome, made.calls) == (flags, outcome, calls)
    assert (made.repairs > 0) == (outcome == "repaired")
    if isinstance(answer, Say):
        assert made.raw == answer.text


def test_a_model_that_never_does_well_falls_back_and_that_is_a_result(bench: Bench) -> None:
    bench.server.queue(*[NotMusic()] * 2)
    made = bench.sample(variant="base", reasks=1)
    assert (made.outcome, made.provider, made.model, made.calls) == ("fell-back", "openai", "loop-large", 2)
    assert made.structure is not None


def test_an_answer_that_tells_a_secret_is_cleaned(bench: Bench) -> None:
    bench.server.queue(EchoModel(), Leaky())
    assert bench.sample(variant="ft").raw
    assert bench.sample(variant="ft").error


def test_cells_that_run_at_the_same_time_do_not_mix(bench: Bench) -> None:
    ready, adapt = bench.ready(variant="base", examples=2), bench.ready(provider="adapt")
    asked = [Asked(name, Request(form=name, duration=20)) for name in ("ABA", "binary", "rondo")]
    cells = [Cell(f"{at}", at % 3, ready.variant if at % 2 else adapt.variant, at) for at in range(12)]

    async def one(cell: Cell) -> Sample:
        found = await answer_cell(cell, asked[cell.asked], ready if cell.variant == ready.variant else adapt)
        return replace(found.sample, seconds=0, first_token=None)

    async def together() -> list[Sample]:
        return await asyncio.gather(*map(one, cells))

    made = bench.runner.run(together())
    assert made == [bench.runner.run(one(cell)) for cell in cells]
    assert [each.request.form for each in made] == [asked[cell.asked].key for cell in cells]


# What cannot be asked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [400, 401, 404])
def test_an_endpoint_that_refuses_is_a_failed_cell_and_says_nothing_of_the_model(bench: Bench, code: int) -> None:
    bench.server.queue(Status(code))
    found = bench.ask(variant="base")
    assert (found.fault, found.down) == (f"http-{code}", code != 400)
    made = found.sample
    assert (made.raw, made.valid_json, made.outcome, made.report, made.calls) == ("", None, "", None, 1)
    assert made.error


def test_an_endpoint_that_is_down_is_a_failed_cell(bench: Bench) -> None:
    found = bench.ask(model="m", endpoint="http://127.0.0.1:9/v1")
    assert (found.fault, found.down) == ("connection", True)
    assert found.sample.error.startswith("The endpoint cannot be reached.")


def test_an_endpoint_that_goes_down_after_a_bad_answer_is_a_failed_cell_with_that_answer(bench: Bench) -> None:
    bench.server.queue(NotMusic(), Status(401))
    found = bench.ask(variant="base")
    assert (found.fault, found.sample.calls, found.sample.valid_json) == ("http-401", 2, True)
    assert found.sample.raw


@pytest.mark.parametrize(("late", "fault"), [(Hang(30), "timeout"), (HangMidStream(0.4, 30), "")], ids=str)
def test_silence_is_the_endpoint_s_fault_and_an_endless_answer_the_model_s(bench: Bench, late: Any, fault: str) -> None:
    bench.server.queue(late)
    with bench_of(bench.server, bench.elsewhere, bench.database, WORKBENCH_MODEL_TIMEOUT=0.4) as hasty:
        found = hasty.ask(variant="base")
    assert found.fault == fault
    assert (found.sample.valid_json, found.sample.outcome) == ((None, "") if fault else (False, "fell-back"))


def test_what_breaks_is_recorded_and_never_raised(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Ledger):
        async def before(self, cell: str, call: Call) -> None:  # noqa: ARG002
            raise ZeroDivisionError(bench.server.key)

    found = bench.ask(variant="base", ledger=Broken())
    assert (found.fault, found.sample.error) == ("cell", "It failed: ZeroDivisionError.")
    monkeypatch.setattr("workbench.core.generate.judging.plan", lambda *_, **__: 1 / 0)
    assert bench.ask(provider="rules").sample.error == "It failed: ZeroDivisionError."


def test_a_cell_that_is_cancelled_ends_as_any_task_does(bench: Bench) -> None:
    bench.server.queue(Hang(30))
    ready = bench.ready(variant="base")

    async def cancelled() -> None:
        task = asyncio.create_task(answer_cell(Cell("a", 0, ready.variant, 3), Asked("short", SHORT), ready))
        while not bench.server.in_flight:
            await asyncio.sleep(0.005)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        bench.runner.run(cancelled())


# What may be seen ---------------------------------------------------------------------------------------------------


def test_what_is_held_out_is_neither_shown_nor_adapted_unless_that_is_wanted(bench: Bench) -> None:
    version = a_version(bench.database, name="held out")
    wanted = read_specification(
        {"name": "a", "requests": {"dataset": version.id}, "variants": [{"name": "a", "provider": "rules"}]}
    )
    asked = next(each for each in expand(wanted, bench.database).asked if "elise" in each.key)
    short = replace(asked, request=asked.request.model_copy(update={"duration": 30}))
    shown = {each.id for each in bench.sample(short, variant="base", examples=3).shown}
    assert len(shown) == 3
    assert not shown & set(TESTED)
    spoilt = bench.sample(short, variant="base", examples=3, ban_held_out=False)
    assert "rondo-classical-elise" in {each.id for each in spoilt.shown}
    ready = bench.ready(provider="adapt")
    adapter = ready.adapter(short.banned)
    assert adapter is not None
    assert adapter is ready.adapter(short.banned)
    assert not {each.id for each in adapter._examples()} & set(TESTED)
    assert bench.ready(provider="adapt", ban_held_out=False).adapter(short.banned) is None
    honest, copied = bench.sample(short, provider="adapt"), bench.sample(short, provider="adapt", ban_held_out=False)
    assert honest.structure != copied.structure


# Paying once --------------------------------------------------------------------------------------------------------


class Book(Ledger):
    """Writes down what it hears, and lets only so many calls through."""

    def __init__(self, most: int = 9, first: int = 0) -> None:
        self.most, self.first, self.begun = most, first, 0
        self.said: list[Said] = []

    async def before(self, cell: str, call: Call) -> None:
        assert call.messages
        assert cell
        if self.begun >= self.most:
            raise Halted
        self.begun += 1

    async def after(self, cell: str, number: int, said: Said) -> None:  # noqa: ARG002
        assert number == self.first + len(self.said)
        self.said.append(read_said(json.loads(json.dumps(said.to_dict()))))


def test_what_was_said_before_a_kill_is_not_asked_again(bench: Bench) -> None:
    bench.server.queue(NotMusic())
    book = Book(most=1)
    with pytest.raises(Halted):
        bench.ask(variant="base", ledger=book)
    assert len(book.said) == len(bench.server.seen) == 1
    second = Book(first=1)
    made = bench.sample(variant="base", ledger=second, before=book.said)
    assert (made.outcome, made.calls, len(second.said), second.begun) == ("re-asked", 2, 1, 1)
    assert len(bench.server.seen) == 2
    again = bench.sample(variant="base", before=[*book.said, Said(second.said[0].text, "stop")])
    assert len(bench.server.seen) == 2
    assert (again.raw, again.structure) == (made.raw, made.structure)


def test_errors_are_said_again_as_they_were(bench: Bench) -> None:
    book = Book()
    bench.server.queue(Refuse("No."), Status(401))
    first = bench.ask(variant="base", ledger=book)
    assert [each.is_the_models for each in book.said] == [True, False]
    seen = len(bench.server.seen)
    again = bench.ask(variant="base", before=book.said)
    assert (again.fault, again.sample.error) == (first.fault, first.sample.error)
    assert len(bench.server.seen) == seen


def test_questions_may_be_made_and_asked_ahead(bench: Bench) -> None:
    ready, asked = bench.ready(variant="base"), Asked("short", SHORT)
    cell = Cell("a", 0, ready.variant, 3)
    call = bench.runner.run(first_call(cell, asked, ready))
    assert call is not None
    assert bench.server.seen == []
    said = bench.runner.run(ask(call, ready))
    ahead = bench.runner.run(answer_cell(cell, asked, ready, before=[said])).sample
    at_once = bench.runner.run(answer_cell(cell, asked, ready)).sample
    assert replace(ahead, seconds=0, first_token=0) == replace(at_once, seconds=0, first_token=0)
    assert bench.server.seen[0].body == bench.server.seen[1].body
    bench.server.queue(Status(404))
    assert bench.runner.run(ask(call, ready)).kind == "http-404"
    rules = bench.ready(provider="rules")
    assert bench.runner.run(first_call(Cell("a", 0, rules.variant, 3), asked, rules)) is None


@pytest.mark.parametrize("data", [{}, {"tokens": 3}, {"tokens": [1, 2, True], "seconds": "x", "first_token": None}])
def test_what_is_no_answer_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        read_said(data)


# Keeping ------------------------------------------------------------------------------------------------------------


def test_examples_that_have_changed_since_are_left_out(bench: Bench) -> None:
    made = bench.sample(variant="base", examples=2)
    kept = sample_to_dict(made)
    assert read_sample(kept).shown == ()
    one, two = made.shown
    changed = replace(one, structure=two.structure)
    assert read_sample(kept, {one.id: changed, two.id: two}).shown == (two,)


def test_a_sample_that_was_damaged_is_refused(bench: Bench) -> None:
    made = bench.sample(provider="rules")
    found = Report("classical", (Finding("fit.key", "error", "No.", "/key", 3, "Mend it."), Finding("a.b", "info", "")))
    kept = sample_to_dict(replace(made, report=found))
    assert read_sample(kept).report == found
    changes: tuple[dict[str, Any], ...] = (
        {"form": {}}, {"request": 3}, {"structure": {}}, {"shown": [1]}, {"seconds": "1"}, {"cost": float("nan")},
        {"valid_json": 1}, {"calls": True}, {"report": {"profile": "x", "findings": [[1]]}}, {"key": None},
        {"form": kept["form"] | {"manner": kept["form"]["manner"] | {"meter": {"name": "9/9"}}}},
    )  # fmt: skip
    for change in changes:
        with pytest.raises(InvalidInputError, match="no sample"):
            read_sample(kept | change)
    for name in kept:
        with pytest.raises(InvalidInputError):
            read_sample({other: value for other, value in kept.items() if other != name})


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, st.sampled_from(["form", "shown", "calls", "key", "request", "structure", "report"]))
def test_no_json_breaks_the_reading_of_samples(value: Any, name: str) -> None:
    kept = sample_to_dict(Sample("a", SHORT, plan(SHORT, seed=1)))
    assert read_sample(kept).form == plan(SHORT, seed=1)
    try:
        found = read_sample(kept | {name: value})
    except InvalidInputError:
        return
    json.dumps(sample_to_dict(found))


def test_requests_that_contradict_themselves_still_get_a_piece(bench: Bench) -> None:
    odd = Request(duration=20, rhythm_seed=(8, 8, 8, 8), motif_seed=(1, 1, 1, 1))
    assert bench.sample(Asked("odd", odd), provider="rules").structure is not None
