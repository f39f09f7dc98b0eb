"""Gates are read, are met by what was seen, and say how surely."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.experiments.reports.planted import METRICS, results
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.reports.gates import Gate, all_met, evaluate, require
from workbench.core.experiments.reports.summary import Summary, summary


@pytest.fixture(scope="module")
def told() -> Summary:
    return summary(results(), METRICS, against="base", facets=())


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("valid_before_repair>=0.98", ("", "valid-before-repair", ">=", 0.98)),
        (" tuned : valid-json ≥ 90% ", ("tuned", "valid-json", ">=", 0.9)),
        ("a>=b: c:errors<1", ("a>=b: c", "errors", "<", 1.0)),
        ("latency <= 2.5e1", ("", "latency", "<=", 25.0)),
    ],
)
def test_a_gate_is_read(text: str, gate: tuple[str, str, str, float]) -> None:
    found = require(text)
    assert (found.variant, found.metric, found.operator, found.bound) == gate


@pytest.mark.parametrize(
    "text",
    [
        "", "valid", "valid>=", ">=1", "valid=>0.9", "valid>=98", "valid>=-0.1", "valid>=nan", "latency>=inf",
        "valid>=1e999", "nothing>=1", "format>=1", "all>=1", "latency>=5%", "valid>=0.9;rm", "valid>=1.2.3",
        "v" * 400 + ">=1",
    ],
)  # fmt: skip
def test_what_is_no_gate_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as problem:
        require(text)
    assert problem.value.hint


@given(st.text(max_size=60))
def test_any_text_is_a_gate_or_refused(text: str) -> None:
    with suppress(InvalidInputError):
        assert isinstance(require(text), Gate)


def test_a_gate_holds_by_the_value_and_says_whether_the_interval_does(told: Summary) -> None:
    value = told.cells["tuned"]["valid-before-repair"].interval.value or 0.0
    low, close, high = evaluate([require(f"tuned:valid-before-repair>={bound}") for bound in (0.5, value, 0.99)], told)
    assert (low.met, low.surely) == (True, True)
    assert "Met: tuned:valid-before-repair>=0.5. tuned has" in low.words
    assert "the whole interval meets it" in low.words
    assert (close.met, close.surely) == (True, None)
    assert "95 % interval" in close.words
    assert "leaves it open" in close.words
    assert (high.met, high.surely) == (False, False)
    assert json.loads(json.dumps(low.to_dict()))["variant"] == "tuned"
    assert all_met([low, close])
    assert not all_met([low, close, high])


def test_a_gate_of_no_variant_is_of_all(told: Summary) -> None:
    (held,) = evaluate([require("valid-before-repair>=0.8")], told)
    assert not held.met
    assert held.variant in ("base", "same")
    assert "the farthest from it" in held.words


def test_a_gate_of_what_was_not_measured_is_not_met(told: Summary) -> None:
    (held,) = evaluate([require("valid-json>=0.1")], told)
    assert (held.met, held.interval) == (False, None)
    assert "no value" in held.words
    with pytest.raises(InvalidInputError, match="no variant"):
        evaluate([require("nobody:valid>=0.1")], told)


def test_an_average_on_the_bound_is_not_lost_to_rounding() -> None:
    assert Gate("", "valid", ">=", 0.3).meets(0.1 + 0.2)
    assert Gate("", "valid", "<=", 0.3).meets(0.1 + 0.2)
    assert not Gate("", "valid", ">", 0.3).meets(0.1 + 0.2)
