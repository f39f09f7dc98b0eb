"""Curves are read as services write them, and nothing that they write breaks the reading."""

from __future__ import annotations

import base64
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.finetune.backends.openai_answers import day, moment, seconds_between
from workbench.core.finetune.backends.openai_curves import merged, metric_of, read_result
from workbench.core.finetune.training import Metric

OPENAI = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n1,2.5,0.25,,\n2,1.5,0.5,1.75,0.375\n"
AZURE = (
    b"step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,full_valid_loss\r\n"
    b"1,2.5,0.25,-,,\r\n2,1.5,0.5,,0.375,1.75\r\n"
)
POINTS = (Metric(1, 2.5, None, 0.25), Metric(2, 1.5, 1.75, 0.5, 0.375))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
NAMES = st.sampled_from(["step", "train_loss", "valid_loss", "train_accuracy", "valid_mean_token_accuracy"])


@pytest.mark.parametrize(
    "data",
    [OPENAI, AZURE, base64.b64encode(OPENAI), b"\xef\xbb\xbf" + OPENAI],
    ids=["openai", "azure", "base64", "bom"],
)
def test_a_result_file_is_read(data: bytes) -> None:
    assert read_result(data) == POINTS


@pytest.mark.parametrize(
    ("data", "point"),
    [
        ({"step": 3, "train_loss": 1.5}, Metric(3, 1.5)),
        ({"step": "3", "train_loss": "1.5"}, Metric(3, 1.5)),
        ({"step": 3, "train_mean_token_accuracy": 1.5, "valid_loss": 2}, Metric(3, valid_loss=2.0)),
        ({"step": 3, "train_loss": math.nan}, None),
        ({"step": 3, "train_loss": True}, None),
        ({"step": -1, "train_loss": 1.5}, None),
        ({"train_loss": 1.5}, None),
        ({"step": 3}, None),
        ("step 3", None),
        (None, None),
    ],
)
def test_a_point_is_what_has_a_step_and_a_value(data: Any, point: Metric | None) -> None:
    assert metric_of(data) == point


def test_two_words_on_one_step_fill_each_other() -> None:
    assert merged([Metric(2, 1.0), Metric(1, 2.0), Metric(2, 9.0, 3.0)]) == (Metric(1, 2.0), Metric(2, 1.0, 3.0))


@given(st.dictionaries(NAMES, JSON))
def test_no_event_breaks_the_reading(data: dict[str, Any]) -> None:
    point = metric_of(data)
    if point is not None:
        values = [value for name, value in vars(point).items() if name != "step" and value is not None]
        assert point.step >= 0
        assert values
        assert all(math.isfinite(value) for value in values)


@given(st.binary(max_size=200), st.booleans())
def test_no_file_breaks_the_reading(data: bytes, headed: bool) -> None:
    found = read_result(b"step,train_loss\n" * headed + data)
    assert [point.step for point in found] == sorted({point.step for point in found})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2027-01-14", "2027-01-14"), ("2027-01-14T00:00:00Z", "2027-01-14"), (1_799_884_800, "2027-01-14"),
     (None, ""), ("soon", ""), (10**30, ""), (True, "")],
)  # fmt: skip
def test_a_day_is_read_or_left_out(value: object, expected: str) -> None:
    assert day(value) == expected


def test_times_are_in_utc_and_odd_ones_are_none() -> None:
    assert moment(1_767_225_600).isoformat() == "2026-01-01T00:00:00+00:00"
    assert moment("now") == moment(10**30) == moment(None)
    assert (seconds_between(10, 15), seconds_between(15, 10), seconds_between(None, 10)) == (5.0, None, None)
