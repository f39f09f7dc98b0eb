"""A tuned model is registered with all that is known of it, once, and only where its licence and rights are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.datasets.small_version import copied, with_facts
from tests.core.finetune.tuned import ENDPOINT, a_model, a_training, actions
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.errors import InvalidInputError
from workbench.core.finetune.lineage import served_name
from workbench.core.finetune.models import (
    find_model,
    flagged,
    flags,
    model_named,
    models,
    read_endpoint,
    register,
)
from workbench.core.finetune.rollout import state
from workbench.core.finetune.trail import trail
from workbench.core.library.curation import find
from workbench.core.library.database import Database
from workbench.core.library.decisions import edit

Kept = tuple[Database, Version]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


def withdraw(database: Database, version: Version) -> str:
    """Take the rights of one of the version's pieces back; its source."""
    source = next(each.source for each in facts_of_version(database, version.id) if each.split == "train")
    item = find(database, source.removeprefix("examples/"))
    assert item is not None
    edit(database, item.id, curator="ada", version=item.version, rights=replace(item.rights, training=False))
    return source


def test_what_a_training_made_is_registered_with_its_lineage(kept: Kept) -> None:
    database, version = kept
    training = a_training(database, version.id)
    made = register(database, name="  First\n try ", training=training, note="for all", curator="ada")
    assert (made.name, made.model, made.endpoint) == ("First try", "ft:small-1::end", "https://api.example.org/v1")
    assert (made.base, made.version_id, made.dataset_hash) == ("small-1", version.id, version.id * 4)
    assert (made.state, made.licence, made.training_id) == ("candidate", "provider's terms", training)
    told = made.lineage
    assert (told["recipe"], told["plan"], told["step"]) == (version.recipe, {"epochs": 3}, None)
    assert told["metrics"]["train_loss"] == {"first": {"step": 0, "value": 4.0}, "last": {"step": 6, "value": 0.5}}
    assert told["metrics"]["valid_loss"] == {"first": {"step": 2, "value": 2.5}, "last": {"step": 4, "value": 1.5}}
    assert find_model(database, made.id) == made
    assert json.loads(json.dumps(made.to_dict()))["name"] == "First try"


def test_a_checkpoint_is_registered_with_the_losses_up_to_it(kept: Kept) -> None:
    training = a_training(kept[0], kept[1].id)
    made = register(kept[0], name="half", training=training, model="ft:small-1::two", curator="ada")
    assert (made.model, made.lineage["step"]) == ("ft:small-1::two", 2)
    assert made.lineage["metrics"]["train_loss"]["last"] == {"step": 2, "value": 2.0}
    assert made.lineage["metrics"]["points"] == 2


def test_a_model_in_a_folder_is_registered_by_the_name_that_it_is_served_under(kept: Kept, tmp_path: Path) -> None:
    database, version = kept
    folder, offer = str(tmp_path / "model"), {"licence": "MIT"}
    training = a_training(database, version.id, backend="local", endpoint="", model=folder, offer=offer)
    with pytest.raises(InvalidInputError, match="needs the endpoint") as caught:
        register(database, name="ours", training=training, curator="ada")
    assert caught.value.field == "endpoint"
    made = register(database, name="ours", training=training, endpoint=f"{ENDPOINT}/", curator="ada")
    assert (made.model, made.endpoint, made.licence) == (served_name(training), ENDPOINT, "MIT")
    assert made.lineage["result"] == folder
    other = register(database, name="by vLLM", training=training, model="theirs", endpoint=ENDPOINT, curator="ada")
    assert other.model == "theirs"


@pytest.mark.parametrize(
    ("changed", "given", "field"),
    [
        ({"state": "running"}, {}, "training"),
        ({"model": None}, {}, "training"),
        ({"version_id": "0" * 16}, {}, "training"),
        ({}, {"base": "another"}, "base"),
        ({}, {"version": "another"}, "version"),
        ({}, {"model": "ft:none-of-it"}, "model"),
        ({"backend": "ours"}, {}, "licence"),
        ({}, {"training": "none"}, "training"),
    ],
)
def test_a_training_that_made_nothing_to_register_is_refused(
    kept: Kept, changed: dict[str, Any], given: dict[str, Any], field: str
) -> None:
    training = a_training(kept[0], kept[1].id, **changed)
    with pytest.raises(InvalidInputError) as caught:
        register(kept[0], **{"name": "x", "training": training, "curator": "ada"} | given)
    assert caught.value.field == field
    assert caught.value.hint
    assert models(kept[0]) == ()


GOOD = {"name": "A", "model": "ft:a", "base": "small-1", "licence": "MIT"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " \n"}, "name"),
        ({"name": "Base"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"model": ""}, "model"),
        ({"model": "x" * 401}, "model"),
        ({"model": "a\x07b"}, "model"),
        ({"base": ""}, "base"),
        ({"licence": ""}, "licence"),
        ({"licence": "x" * 121}, "licence"),
        ({"version": "none"}, "version"),
        ({"endpoint": "ftp://host/v1"}, "endpoint"),
        ({"endpoint": "http://ada:secret@host/v1"}, "endpoint"),
        ({"endpoint": "https://host/v1?key=secret"}, "endpoint"),
        ({"endpoint": "http://host:port/v1"}, "endpoint"),
        ({"endpoint": "http:///v1"}, "endpoint"),
        ({"endpoint": "http://[::1/v1"}, "endpoint"),
        ({"endpoint": f"http://host/{'x' * 500}"}, "endpoint"),
    ],
)
def test_what_cannot_be_registered_by_hand_is_refused(kept: Kept, given: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        register(kept[0], **GOOD | given, curator="ada")
    assert caught.value.field == field
    assert caught.value.hint
    assert "secret" not in str(caught.value)
    assert models(kept[0]) == ()


@given(st.one_of(st.text(max_size=40), st.builds("http://{}".format, st.text(max_size=40))))
def test_an_endpoint_is_an_address_without_secrets_or_refused(text: str) -> None:
    try:
        found = read_endpoint(text)
    except InvalidInputError:
        return
    if found:
        parts = urlsplit(found)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert parts.username is None
        assert not parts.query
        assert read_endpoint(found) == found


def test_a_name_and_a_model_are_registered_once(kept: Kept) -> None:
    database, _ = kept
    first = a_model(database)
    for more, field in (({"model": "ft:other"}, "name"), ({"name": "B", "model": "ft:A"}, "model")):
        with pytest.raises(InvalidInputError) as caught:
            a_model(database, **more)
        assert caught.value.field == field
    assert models(database) == (first,)
    a_model(database, "B", model="ft:A", endpoint="http://127.0.0.1:9/v1")
    assert len(models(database)) == 2


def test_a_registration_is_in_the_trail_but_changes_nothing_that_others_see(kept: Kept) -> None:
    made = a_model(kept[0])
    [told] = trail(kept[0])
    assert (told.action, told.model_id, told.curator, told.before) == ("register", made.id, "ada", told.after)
    assert state(kept[0]).seen == 0
    assert actions(kept[0]) == ["register"]


def test_a_model_is_found_by_its_name_its_id_and_the_beginning_of_it(kept: Kept) -> None:
    one, _ = a_model(kept[0], "One"), a_model(kept[0], "Two")
    for wanted in (one.id, one.id[:6], " One "):
        assert model_named(kept[0], wanted) == one
    for wanted in ("", "none", one.id[:3], "\x00", "One Two"):
        with pytest.raises(InvalidInputError) as caught:
            model_named(kept[0], wanted)
        assert caught.value.field == "model"
    assert find_model(kept[0], "none") is None


def test_what_was_withdrawn_is_neither_registered_nor_overlooked_later(kept: Kept) -> None:
    database, version = kept
    training = a_training(database, version.id)
    made = register(database, name="before", training=training, curator="ada")
    further = a_model(database, "further", base=made.model)
    apart = a_model(database, "apart")
    assert flagged(database, made) == {}
    assert flags(database, models(database)) == {each.id: {} for each in (made, further, apart)}
    source = withdraw(database, version)
    for each in (made, further):
        assert list(flagged(database, each)) == [source]
    assert flags(database, models(database)) == {
        made.id: flagged(database, made), further.id: flagged(database, made), apart.id: {}
    }  # fmt: skip
    for more in ({"training": training, "model": "ft:small-1::two"}, GOOD | {"version": version.label}):
        with pytest.raises(InvalidInputError, match="were withdrawn"):
            register(database, **{"name": "after", "curator": "ada"} | more | {"name": "after"})
    with pytest.raises(InvalidInputError, match="were withdrawn"):
        a_model(database, "after", base="ft:small-1::four")
    assert len(models(database)) == 3


def test_models_that_were_tuned_from_each_other_in_a_circle_are_read_to_an_end(kept: Kept) -> None:
    database, version = kept
    other = with_facts(database, list(facts_of_version(database, version.id))[3:], "other")
    one = a_model(database, "one", base="ft:two", version=version.label)
    two = a_model(database, "two", base="ft:one", version=other.label)
    source = withdraw(database, version)
    assert source in flagged(database, one)
    assert source in flagged(database, two)
