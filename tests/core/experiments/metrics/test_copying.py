"""Copies are known as copies, whatever key they are in; what differs is seen to differ."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from tests.core.experiments.metrics.pieces import changed, composed, sample_of
from workbench.core.datasets.rows import Row
from workbench.core.experiments.metrics import METRICS, SET_METRICS, Context, trained_on
from workbench.core.experiments.metrics.nearest import Nearest, likenesses
from workbench.core.experiments.samples import Sample, Value
from workbench.core.library.examples import load_examples
from workbench.core.library.likeness import fingerprint, likeness

EXAMPLES = load_examples()[:6]


def look(name: str, sample: Sample, context: Context | None = None) -> Value:
    return METRICS[name].look(sample, context or Context())


def test_an_example_given_back_in_another_key_is_a_copy() -> None:
    def transpose(data: dict[str, object]) -> None:
        data["tempo"] = 77

    copied = changed(EXAMPLES[2].structure, transpose)
    shown = sample_of(copied, shown=EXAMPLES)
    assert look("likeness-shown", shown) == pytest.approx(1)
    assert look("copies-shown", shown) is True


def test_an_own_piece_is_no_copy() -> None:
    own = composed(shown=EXAMPLES)
    found = look("likeness-shown", own)
    assert found is not None
    assert 0 <= found < 0.5
    assert look("copies-shown", own) is False
    assert look("likeness-shown", replace(own, shown=())) is None
    assert look("copies-shown", replace(own, shown=())) is None


def row(key: str, answer: str) -> Row:
    return Row(key, "chat", {}, (), answer, "", (), {"id": key}, (), {})


def test_a_training_row_given_back_is_a_copy() -> None:
    rows = [row(each.id, each.structure.to_json()) for each in EXAMPLES]
    known = trained_on([*rows, row("broken", "no piece"), row("list", "[]")])
    assert [id for id, _ in known] == [each.id for each in EXAMPLES]
    context = Context(training=known)
    learned = sample_of(EXAMPLES[4].structure)
    assert look("likeness-training", learned, context) == pytest.approx(1)
    assert look("copies-training", learned, context) is True
    own = composed()
    print_ = fingerprint(own.structure) if own.structure else None
    assert print_ is not None
    assert look("likeness-training", own, context) == pytest.approx(max(likeness(print_, each) for _, each in known))
    assert look("copies-training", own, context) is False
    assert look("likeness-training", own) is None


def test_many_are_compared_as_the_library_compares_two() -> None:
    prints = [fingerprint(each.structure) for each in EXAMPLES]
    table = likenesses(prints)
    for one, other in combinations(range(len(prints)), 2):
        assert table[one, other] == pytest.approx(likeness(prints[one], prints[other]), abs=1e-6)
    assert np.diag(table) == pytest.approx(1)
    assert likenesses([]).shape == (0, 0)
    assert Nearest(prints[1:]).likeness(prints[0]) == pytest.approx(table[0, 1:].max())
    assert Nearest([]).likeness(prints[0]) == 0.0


def of_all(name: str, samples: list[Sample]) -> Value:
    return SET_METRICS[name].look(samples, Context())


def test_a_variant_that_always_writes_the_same_has_no_diversity() -> None:
    same = [sample_of(EXAMPLES[0].structure, key=str(number)) for number in range(4)]
    assert of_all("diversity", same) == pytest.approx(0)
    assert of_all("distinct", same) == 0.25
    different = [sample_of(each.structure, key=each.id) for each in EXAMPLES]
    assert of_all("distinct", different) == 1.0
    found = of_all("diversity", different)
    assert found is not None
    assert 0.5 < found < 1
    assert of_all("diversity", different[::-1]) == found


def test_seeds_are_compared_within_their_request() -> None:
    one, other = (EXAMPLES[number].structure for number in (0, 1))
    asked = composed().request
    else_ = asked.model_copy(update={"duration": 90.0})
    samples = [
        sample_of(structure, request.model_copy(update={"seed": seed}), key=f"{seed} {request.duration}")
        for request, structure in ((asked, one), (else_, other))
        for seed in (1, 2)
    ]
    assert of_all("seed-diversity", samples) == pytest.approx(0)
    assert float(of_all("diversity", samples) or 0) > 0.3
    assert of_all("seed-diversity", samples[::2]) is None


def test_of_nothing_nothing_is_said() -> None:
    failed = replace(composed(), structure=None)
    assert of_all("diversity", []) is None
    assert of_all("diversity", [failed, composed()]) is None
    assert of_all("seed-diversity", [failed]) is None
    assert of_all("distinct", [failed]) is None
    assert of_all("distinct", [failed, composed()]) == 1.0


def test_of_very_many_the_same_ones_are_always_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.core.experiments.metrics.variety.MOST", 3)
    samples = [sample_of(each.structure, key=each.id) for each in EXAMPLES]
    found = of_all("diversity", samples)
    assert found == of_all("diversity", samples[::-1])
    assert of_all("distinct", samples) == 1.0
