"""The gate opens for a score on a whole frozen test that is no worse than the one of the model that answers now."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.core.datasets.small_version import copied, with_facts
from tests.core.finetune.test_models import withdraw
from tests.core.finetune.tuned import REASON, a_model, a_training
from workbench.core.datasets.frozen import freeze
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.errors import InvalidInputError
from workbench.core.finetune.gate import Gate, gate, leaked
from workbench.core.finetune.models import TunedModel, find_model, register
from workbench.core.finetune.rollout import block, promote, state
from workbench.core.finetune.scores import Score, scores_of, write_score
from workbench.core.library.database import Database

Kept = tuple[Database, Version]
ROWS = 2
"""Test rows of the small version."""


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    freeze(database, version.id, name="first", curator="ada")
    yield database, version
    database.close()


def score(database: Database, subject: str, form: float, plan: float, rows: int = ROWS, test: str = "first") -> Score:
    return write_score(
        database, subject=subject, test=test, rows=rows, format_compliance=form, plan_adherence=plan, details={},
        source="test",
    )  # fmt: skip


def tuned(kept: Kept, name: str = "A", version: Version | None = None) -> TunedModel:
    """A model that was trained on the version."""
    training = a_training(kept[0], (version or kept[1]).id, model=f"ft:{name}")
    return register(kept[0], name=name, training=training, curator="ada")


def live(kept: Kept, name: str = "live") -> TunedModel:
    model = tuned(kept, name)
    promote(kept[0], model.id, "live", curator="ada", override=REASON)
    return model


def judged(database: Database, model: TunedModel) -> Gate:
    """The gate, which has to say why it is shut, and only then."""
    again = find_model(database, model.id)
    assert again is not None
    found = gate(database, again)
    assert found.open == (not found.reasons)
    assert json.loads(json.dumps(found.to_dict()))["open"] == found.open
    return found


def test_without_a_frozen_test_the_gate_is_shut(tmp_path: Path) -> None:
    database, version = copied(tmp_path)
    model = tuned((database, version))
    assert judged(database, model).reasons == ("There is no frozen test set to compare on.",)
    database.close()


def test_without_a_score_the_gate_is_shut_and_an_override_opens_it(kept: Kept) -> None:
    model = tuned(kept)
    found = judged(kept[0], model)
    assert found.reasons == ("It has no score on a frozen test set.",)
    assert not found.final


def test_where_nothing_is_live_and_the_base_has_no_score_a_score_opens_it(kept: Kept) -> None:
    model = tuned(kept)
    score(kept[0], model.id, 0.1, 0.1)
    found = judged(kept[0], model)
    assert found.open
    assert "nothing to compare with" in found.cautions[0]


@pytest.mark.parametrize(
    ("form", "plan", "opens"),
    [(0.8, 0.6, True), (0.9, 0.7, True), (0.79, 1.0, False), (1.0, 0.59, False)],
)
@pytest.mark.parametrize("rival", ["base", "live"])
def test_it_opens_where_neither_measure_is_below_the_present_model(
    kept: Kept, rival: str, form: float, plan: float, opens: bool
) -> None:
    score(kept[0], live(kept).id if rival == "live" else "base", 0.8, 0.1 + 0.2 + 0.3)  # a last bit above 0.6
    model = tuned(kept)
    score(kept[0], model.id, form, plan)
    found = judged(kept[0], model)
    assert found.open == opens
    assert [each.measure for each in found.compared] == ["format_compliance", "plan_adherence"]
    if opens:
        promote(kept[0], model.id, "live", curator="ada")
        now = state(kept[0])
        assert now.live is not None
        assert now.live.id == model.id


def test_the_reason_names_both_numbers_and_the_test(kept: Kept) -> None:
    score(kept[0], live(kept).id, 0.82, 0.6)
    model = tuned(kept)
    score(kept[0], model.id, 0.71, 0.59999)
    assert judged(kept[0], model).reasons == (
        "Format compliance 71.0% is below the live model's (live) 82.0% on test first (2 rows).",
        "Plan adherence 59.999% is below the live model's (live) 60.000% on test first (2 rows).",
    )


def test_the_live_model_counts_rather_than_the_base_and_has_to_be_scored_on_the_same_test(kept: Kept) -> None:
    rival = live(kept)
    score(kept[0], "base", 0.1, 0.1)
    model = tuned(kept)
    score(kept[0], model.id, 0.9, 0.9)
    assert judged(kept[0], model).reasons == (
        "There is no score of the live model live on the same whole test (first).",
    )
    other = with_facts(kept[0], list(facts_of_version(kept[0], kept[1].id))[3:], "other")
    freeze(kept[0], other.id, name="second", curator="ada")
    score(kept[0], rival.id, 0.1, 0.1, test="second")
    assert not judged(kept[0], model).open
    score(kept[0], model.id, 0.9, 0.9, test="second")
    assert judged(kept[0], model).open
    score(kept[0], rival.id, 0.95, 0.1)
    assert not judged(kept[0], model).open, "worse on one of two tests is worse"


def test_the_newest_score_of_a_test_counts(kept: Kept) -> None:
    score(kept[0], "base", 0.5, 0.5)
    model = tuned(kept)
    for form, opens in ((0.9, True), (0.4, False), (0.5, True)):
        score(kept[0], model.id, form, 0.5)
        assert judged(kept[0], model).open == opens
    assert [each.format_compliance for each in scores_of(kept[0], model.id)] == [0.5, 0.4, 0.9]


def test_a_score_on_a_part_of_the_test_does_not_count(kept: Kept) -> None:
    model = tuned(kept)
    score(kept[0], model.id, 1, 1, rows=1)
    assert judged(kept[0], model).reasons == ("The score on test first does not count: it is of 1 of its 2 rows.",)
    score(kept[0], "base", 1, 1, rows=1)
    score(kept[0], model.id, 0.1, 0.1)
    assert judged(kept[0], model).compared == (), "nor does such a score of the model that it is compared with"


def test_a_score_on_what_was_trained_on_does_not_count(kept: Kept) -> None:
    database, version = kept
    facts = [replace(each, split="train") for each in facts_of_version(database, version.id)]
    everything = with_facts(database, facts, "everything")
    assert leaked(database, version.id, version.id) == 0
    assert leaked(database, everything.id, version.id) == 2
    model = tuned(kept, "A", everything)
    further = a_model(database, "further", base=model.model, version=version.label)
    for each in (model, further):
        score(database, each.id, 1, 1)
        assert judged(database, each).reasons == (
            "The score on test first does not count: 2 pieces of the test are in what it was trained on.",
        )


def test_what_was_trained_on_by_way_of_another_version_is_found(kept: Kept) -> None:
    database, version = kept
    facts = list(facts_of_version(database, version.id))
    [tested, _] = [each for each in facts if each.split == "test"]
    again = replace(tested, split="train", source=f"{version.id}/{tested.source}", key=f"{version.id}/{tested.key}")
    second = with_facts(database, [again], "second")
    assert leaked(database, second.id, version.id) == 1


def test_a_model_of_which_nobody_knows_the_dataset_passes_with_a_caution(kept: Kept) -> None:
    model = a_model(kept[0])
    score(kept[0], model.id, 1, 1)
    found = judged(kept[0], model)
    assert found.open
    assert any("trained on" in each for each in found.cautions)


def test_withdrawn_rights_and_blocks_shut_the_gate_for_good(kept: Kept) -> None:
    database, version = kept
    model, other = tuned(kept), tuned(kept, "B")
    for each in (model, other):
        score(database, each.id, 1, 1)
        assert judged(database, each).open
    block(database, other.id, reason="It swears.", curator="ada")
    assert judged(database, other).final
    withdraw(database, version)
    found = judged(database, model)
    assert found.final
    assert "were withdrawn" in found.reasons[0]
    for place in ("live", "canary"):
        with pytest.raises(InvalidInputError, match="were withdrawn"):
            promote(database, model.id, place, curator="ada", override=REASON)
    assert state(database).live is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"subject": "none"}, "subject"),
        ({"test": "none"}, "test"),
        ({"rows": 0}, "rows"),
        ({"format_compliance": 1.01}, "format_compliance"),
        ({"format_compliance": math.nan}, "format_compliance"),
        ({"plan_adherence": -0.1}, "plan_adherence"),
    ],
)
def test_a_score_that_cannot_be_is_refused(kept: Kept, given: dict[str, Any], field: str) -> None:
    good: dict[str, Any] = {
        "subject": "base", "test": "first", "rows": 2, "format_compliance": 0.5, "plan_adherence": 0.5, "details": {},
        "source": "test",
    }  # fmt: skip
    with pytest.raises(InvalidInputError) as caught:
        write_score(kept[0], **good | given)
    assert caught.value.field == field
    assert scores_of(kept[0], "base") == ()
