"""What a training would take, and each thing that stands against one, before anything is uploaded or spent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fine_tuning_jobs import Plan
from loopback import Loopback

from tests.core.datasets.conftest import rewritten
from tests.core.datasets.small_version import copied
from workbench.core.datasets.frozen import freeze
from workbench.core.datasets.review.marks import mark
from workbench.core.datasets.rows import Facts, Row
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.errors import InvalidInputError
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.offers import Offer, offer
from workbench.core.finetune.wishes import Wish, read_wish
from workbench.core.library.curation import find
from workbench.core.library.database import Database
from workbench.core.library.decisions import vote
from workbench.core.settings import Settings


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.forget()
    return running


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Database, Version]]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


@pytest.fixture
def settings(server: Loopback, tmp_path: Path) -> Settings:
    return settings_for(server, tmp_path)


def settings_for(server: Loopback, folder: Path) -> Settings:
    values = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key, "WORKBENCH_DATA_DIR": str(folder)}
    return Settings.model_validate(values)


def wished(version: Version, **more: Any) -> Wish:
    usual = {"backend": "openai", "model": "loop-large", "version": version.id, "epochs": 2, "held_out": False}
    return read_wish({**usual, **more})


def against(found: Offer) -> list[str]:
    return [each.message for each in found.against]


def test_an_offer_tells_what_a_training_takes(
    kept: tuple[Database, Version], settings: Settings, server: Loopback
) -> None:
    database, version = kept
    found = offer(database, settings, wished(version))
    train = [each for each in facts_of_version(database, version.id) if each.split == "train"]
    assert against(found) == []
    assert (found.rows, found.method, found.dataset) == (len(train), "supervised", version.label)
    assert found.tokens == sum(each.tokens_in + each.tokens_out for each in train)
    assert found.billed_tokens == 2 * found.tokens
    assert found.longest == max(each.tokens_in + each.tokens_out for each in train)
    assert (found.rights, found.uploads, found.place) == ("commercial_training", True, server.url)
    assert found.duration.seconds is None
    assert not server.tuning.files  # nothing was uploaded
    assert found.to_dict()["wish"]["model"] == "loop-large"


def test_a_model_with_a_price_says_what_it_costs_where_it_is_trained(
    kept: tuple[Database, Version], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(models=[{"id": "gpt-4.1-nano"}]) as server:
        wish = wished(kept[1], model="gpt-4.1-nano")
        elsewhere = offer(kept[0], settings_for(server, tmp_path), wish)
        monkeypatch.setattr(HostedTraining, "place", "https://api.openai.com/v1")
        found = offer(kept[0], settings_for(server, tmp_path), wish)
    assert elsewhere.usd is None  # nobody knows what a gateway takes; the list prices are told all the same
    assert elsewhere.prices[0].usd == found.usd == pytest.approx(found.tokens * 2 * 1.5 / 1e6)
    assert {each.provider for each in found.prices} == {"OpenAI"}
    assert any("6 January 2027" in each for each in found.warnings)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"model": "nobody"}, "does not know the model"),
        ({"model": ""}, "No base model is named"),
        ({"method": "dpo"}, "which are for supervised"),
        ({"epochs": 1.5}, "whole epochs"),
        ({"suffix": "s" * 65}, "65 characters"),
        ({"rank": 8}, "takes no setting rank"),
        ({"beta": 0.1}, "Beta is for dpo"),
    ],
)
def test_what_a_service_would_refuse_is_told_before(
    kept: tuple[Database, Version], settings: Settings, server: Loopback, wish: dict[str, Any], said: str
) -> None:
    found = offer(kept[0], settings, wished(kept[1], **wish))
    assert len(found.against) == 1
    assert said in found.against[0].message
    assert not server.tuning.files


def test_a_model_that_is_gone_and_one_that_goes_soon(kept: tuple[Database, Version], tmp_path: Path) -> None:
    with Loopback(
        models=[{"id": "old", "shutdown_date": "2026-01-01"}, {"id": "soon", "shutdown_date": "2999-01-01"}]
    ) as server:
        settings = settings_for(server, tmp_path)
        gone, soon = (offer(kept[0], settings, wished(kept[1], model=name)) for name in ("old", "soon"))
    assert against(gone) == ["old was shut down on 2026-01-01."]
    assert against(soon) == []
    assert any("2999-01-01" in each for each in soon.warnings)


def test_no_key_and_no_answer_are_told_as_such(kept: tuple[Database, Version], tmp_path: Path) -> None:
    bare = Settings.model_validate({"WORKBENCH_DATA_DIR": str(tmp_path)})
    assert "no key" in against(offer(kept[0], bare, wished(kept[1])))[0]
    dead = Settings.model_validate({"WORKBENCH_DATA_DIR": str(tmp_path), "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    assert against(offer(kept[0], dead, wished(kept[1]))) == ["The endpoint cannot be reached."]


def test_too_few_rows_rows_over_the_limit_and_rows_of_a_test_set(
    kept: tuple[Database, Version], settings: Settings, tmp_path: Path
) -> None:
    database, version = kept
    first = {each.key for each in list(facts_of_version(database, version.id))[:9]}

    def few(facts: Facts, row: Row) -> tuple[Facts, Row] | None:
        return (replace(facts, split="train"), row) if facts.key in first else None

    small = rewritten(database, version, few)
    assert "9 training rows; at least 10" in against(offer(database, settings, wished(small)))[0]

    def long(facts: Facts, row: Row) -> tuple[Facts, Row]:
        return replace(facts, tokens_in=70_000 if facts.key in first else facts.tokens_in), row

    with Loopback(models=[{"id": "gpt-4.1-nano"}]) as other:
        wish = wished(rewritten(database, version, long), model="gpt-4.1-nano")
        told = against(offer(database, settings_for(other, tmp_path), wish))
    assert any("longer than the 65,536 tokens" in each for each in told)

    def tested(facts: Facts, row: Row) -> tuple[Facts, Row]:
        return replace(facts, split="test" if facts.split == "train" else "train"), row

    freeze(database, rewritten(database, version, tested).id, name="gold", curator="ada")
    assert any("frozen test set gold" in each for each in against(offer(database, settings, wished(version))))


def test_rights_that_were_withdrawn_and_rows_that_were_excluded(
    kept: tuple[Database, Version], settings: Settings
) -> None:
    database, version = kept
    row = next(each for each in facts_of_version(database, version.id) if each.split == "train")
    mark(database, version.id, row.key, "exclude", curator="ada", text="It is dull.")
    assert any("1 row is excluded" in each for each in offer(database, settings, wished(version)).warnings)
    item = find(database, row.source.removeprefix("examples/"))
    assert item is not None
    item_without_rights(database, item.id, item.version)
    told = against(offer(database, settings, wished(version)))
    assert len(told) == 1
    assert "rights" in told[0]


def item_without_rights(database: Database, id: str, version: int) -> None:
    """The rights of an example are no longer known."""
    from sqlalchemy import update

    from workbench.core.library.tables import ExampleRow

    vote(database, id, "reject", curator="eve", version=version)
    with database.writing() as session:
        session.execute(update(ExampleRow).where(ExampleRow.id == id).values(rights={}))


def test_open_weights_without_a_licence_or_a_model_are_refused(
    kept: tuple[Database, Version], settings: Settings, tmp_path: Path
) -> None:
    database, version = kept
    wish = wished(version, backend="local", model=str(tmp_path / "none"))
    told = offer(database, settings, wish).against
    assert [each.field for each in told] == ["licence"]
    told = offer(database, settings, wish.model_copy(update={"licence": "MIT"})).against
    assert len(told) == 1
    assert "no model" in told[0].message


def test_a_disk_that_takes_no_file_is_told(kept: tuple[Database, Version], server: Loopback, tmp_path: Path) -> None:
    (tmp_path / "finetune").write_text("a file in the way")
    told = offer(kept[0], settings_for(server, tmp_path), wished(kept[1])).against
    assert "cannot be written" in told[0].message


@pytest.mark.parametrize("data", [None, [], {}, {"backend": "openai"}, {"epochs": "many"}])
def test_what_is_no_wish_is_refused_in_words(data: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_wish(data)
    assert refused.value.hint


def test_an_unknown_backend_or_version_is_refused(kept: tuple[Database, Version], settings: Settings) -> None:
    database, version = kept
    with pytest.raises(InvalidInputError, match="no backend"):
        offer(database, settings, wished(version, backend="magic"))
    with pytest.raises(InvalidInputError):
        offer(database, settings, wished(replace(version, id="nothing")))


def test_the_plan_of_the_server_does_not_matter_before_the_start(
    kept: tuple[Database, Version], settings: Settings, server: Loopback
) -> None:
    server.tuning.plan = Plan(available=False)
    assert against(offer(kept[0], settings, wished(kept[1]))) == []  # only a job tells; see test_following
