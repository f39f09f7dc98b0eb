"""Measuring ends in plain values whatever the sample is like; metrics of one's own join from a file."""

from __future__ import annotations

import math
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.experiments.metrics.pieces import composed, phrase_of, sample_of
from workbench.core.checks import FAMILIES as CHECK_FAMILIES
from workbench.core.checks.findings import Finding, Report
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import (
    FAMILIES,
    METRICS,
    SET_METRICS,
    SHARE,
    Context,
    Metric,
    all_metrics,
    load_metrics,
    measure_sample,
    measure_set,
    metrics_named,
)
from workbench.core.experiments.metrics.measuring import plain_value
from workbench.core.experiments.metrics.registry import forget, metric
from workbench.core.library.examples import load_examples
from workbench.core.library.likeness import fingerprint


def test_every_metric_is_explained_and_of_a_family() -> None:
    for each in all_metrics():
        assert each.explanation.endswith("."), each.name
        assert each.family in FAMILIES
        assert each.title[0].isupper()
    assert {each.family for each in all_metrics()} == set(FAMILIES) - {"own"}
    assert {f"findings-{family}" for family in CHECK_FAMILIES} <= METRICS.keys()


def test_every_shipped_example_is_measured_without_a_problem() -> None:
    context = Context()
    for example in load_examples()[::4]:
        sample = sample_of(example.structure, example.request, shown=(example,), cost=0.01, first_token=0.2)
        found = measure_sample(sample, context)
        assert found.problems == {}
        assert found.values.keys() == METRICS.keys()
        for name, value in found.values.items():
            about = METRICS[name]
            assert value is None or type(value) is (bool if about.kind == "rate" else float), name
            if about.unit == SHARE and name != "duration-error" and value is not None:
                assert 0 <= value <= 1, name
        assert found.values["plan-kept"] is not None
        assert found.values["chords-in-style"] is not None
        assert found.values["chords-in-style"] > 0.8
        assert measure_sample(sample, Context()) == found


def test_format_says_what_became_of_the_first_answer() -> None:
    context = Context()
    fell_back = replace(
        composed(), valid_json=True, valid_schema=False, valid_piece=False, outcome="fell-back", calls=3, repairs=4,
        tokens_out=900, seconds=2.5,
    )  # fmt: skip
    found = measure_sample(fell_back, context, metrics_named(["format", "cost"])).values
    assert (found["valid-json"], found["valid-schema"], found["valid-before-repair"]) == (True, False, False)
    assert (found["fell-back"], found["re-asked"], found["first-try"], found["finished"]) == (True, True, False, True)
    assert (found["calls"], found["repairs"], found["tokens-out"], found["latency"]) == (3.0, 4.0, 900.0, 2.5)
    rules = replace(composed(), valid_json=None, valid_schema=None, valid_piece=None, calls=0, outcome="", raw="")
    found = measure_sample(rules, context, metrics_named(["format", "tokens_in"])).values
    assert found == {
        "finished": True,
        **dict.fromkeys(("valid-json", "valid-schema", "valid-before-repair", "first-try", "re-asked", "fell-back")),
        **dict.fromkeys(("repairs", "calls", "tokens-in")),
    }


def test_findings_are_counted_by_family() -> None:
    report = Report(
        "classical",
        (Finding("cadences.final", "error", "a"), Finding("cadences.tagged", "info", "b"),
         Finding("chords.in-style", "warning", "c"), Finding("voice-leading.fifths", "warning", "d")),
    )  # fmt: skip
    found = measure_sample(replace(composed(), report=report), Context(), metrics_named(["findings"])).values
    assert (found["errors"], found["warnings"], found["valid"]) == (1.0, 2.0, False)
    assert (found["findings-cadences"], found["findings-chords"], found["findings-voice-leading"]) == (1.0, 1.0, 1.0)
    assert found["findings-keys"] == 0.0


def test_chords_and_keys_are_judged_by_the_profile() -> None:
    sample = sample_of(phrase_of(["I", "Ger65", "V7", "I"], [3, 3, 2, 1], key="Db major"))
    for profile, chords, keys in (("classical", 1.0, 1.0), ("baroque", 0.75, 1.0), ("airia", 0.5, 0.0)):
        found = measure_sample(sample, Context(profile=profile)).values
        assert (found["chords-in-style"], found["keys-in-style"]) == (chords, keys), profile
    with pytest.raises(InvalidInputError, match="no profile 'rock'"):
        Context(profile="rock")


def test_a_piece_that_cannot_be_played_is_no_end_of_anything() -> None:
    good = composed()
    assert good.structure is not None
    section = good.structure.sections[0]
    phrases = tuple(each.model_copy(update={"chords": ("H7", "V")}) for each in section.phrases or ())
    mute = section.model_copy(update={"phrases": phrases})
    structure = good.structure.model_copy(update={"sections": (mute, *good.structure.sections[1:])})
    found = measure_sample(replace(good, structure=structure, raw="[[[", report=None), Context())
    assert found.problems == {}
    assert found.values["cadences-sound"] == 0.0
    assert found.values["final-tonic-sounds"] is False
    assert found.values["groove"] is None
    assert found.values["plan-keys"] == 1.0


def test_without_a_piece_only_what_was_tried_is_told() -> None:
    failed = replace(composed(), structure=None, report=None, raw="", error="no answer", outcome="")
    found = measure_sample(failed, Context())
    assert found.problems == {}
    assert found.values["finished"] is False
    assert found.values["errors"] is None
    assert found.values["groove"] is None


def test_a_context_goes_to_another_process() -> None:
    example = load_examples()[0]
    context = Context(reference=(example.structure,), training=(("a", fingerprint(example.structure)),))
    sample = composed()
    here = measure_sample(sample, context)
    assert context.expected is not None
    there = measure_sample(pickle.loads(pickle.dumps(sample)), pickle.loads(pickle.dumps(context)))
    assert here == there


def test_samples_do_not_get_each_others_music() -> None:
    context = Context()
    names = metrics_named(["pitch-entropy", "plan-kept"])
    samples = [sample_of(each.structure, each.request, key=each.id) for each in load_examples()[:12]]
    together = [measure_sample(each, context, names).values for each in samples]
    assert together == [measure_sample(each, Context(), names).values for each in samples]


def test_names_are_looked_up_with_a_hint() -> None:
    assert [each.name for each in metrics_named(["valid_before_repair", "groove", "groove"])] == [
        "valid-before-repair", "groove",
    ]  # fmt: skip
    assert {each.name for each in metrics_named(["variety"])} == set(SET_METRICS)
    assert len(metrics_named(["all"])) == len(METRICS) + len(SET_METRICS)
    with pytest.raises(InvalidInputError) as problem:
        metrics_named(["groov"])
    assert "groove" in problem.value.hint
    with pytest.raises(InvalidInputError, match="no metric"):
        metrics_named(["?" * 5000])
    with pytest.raises(InvalidInputError):
        metrics_named([3])  # type: ignore[list-item]


def test_names_and_kinds_are_demanded() -> None:
    for bad in (
        {"name": "Groove"}, {"name": "groove"}, {"name": "plan"}, {"name": "x" * 61}, {"kind": "share"},
        {"better": "up"}, {"family": "mine"}, {"name": "variant"}, {"name": "period"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"mine|groove|plan|x{60}|Groove|variant|period"):
            metric(**{"name": "mine", "kind": "rate", **bad})(lambda *_: True)  # type: ignore[arg-type]
    assert "mine" not in METRICS


def own(look: Any, kind: Any = "number") -> Metric:
    return Metric("own", kind, "", "", "own", "Own", "Own.", "here", look)


def test_a_metric_that_fails_keeps_its_reason() -> None:
    def fails(*_: object) -> float:
        raise ZeroDivisionError("division by zero")

    def endless(sample: object, context: object) -> float:
        return endless(sample, context)

    for look, kind, reason in (
        (fails, "number", "ZeroDivisionError"), (endless, "number", "RecursionError"),
        (lambda *_: math.nan, "number", "finite"), (lambda *_: "high", "number", "finite"),
        (lambda *_: 0.5, "rate", "yes or no"), (lambda *_: -1, "count", "whole number"),
    ):  # fmt: skip
        found = measure_sample(composed(), Context(), [own(look, kind)])
        assert found.values == {"own": None}
        assert reason in found.problems["own"]
    assert measure_set([], Context(), [own(fails)]).values == {}


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_values_are_plain_or_refused(value: object) -> None:
    for kind in ("rate", "number", "count"):
        try:
            found = plain_value(own(None, kind), value)
        except (ValueError, OverflowError):
            continue
        assert found is None or type(found) is (bool if kind == "rate" else float)
        assert found is None or math.isfinite(found)


OWN = '''
from workbench.core.experiments.metrics import metric, set_metric

@metric("own-sections", kind="count")
def sections(sample, context):
    """How many sections there are."""
    return len(sample.structure.sections)

@set_metric("own-size")
def size(samples, context):
    """How many samples there are."""
    return len(samples)
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Any:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    yield path
    for name in [name for name in sys.modules if name.startswith("own_metrics_") or name == "own_for_import"]:
        forget(name)
        del sys.modules[name]


def test_metrics_of_ones_own_come_from_a_file(plugin: Path) -> None:
    assert load_metrics(plugin) == ("own-sections", "own-size")
    assert load_metrics(str(plugin)) == ("own-sections", "own-size")  # again: they replace themselves
    sample = composed()
    assert sample.structure is not None
    found = measure_sample(sample, Context(), metrics_named(["own"]))
    assert found.values == {"own-sections": float(len(sample.structure.sections))}
    assert measure_set([sample] * 3, Context(), metrics_named(["own"])).values == {"own-size": 3.0}
    assert METRICS["own-sections"].explanation == "How many sections there are."


def test_metrics_of_ones_own_come_from_a_module(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin.rename(plugin.with_name("own_for_import.py"))
    monkeypatch.syspath_prepend(str(plugin.parent))
    assert load_metrics("own_for_import") == ("own-sections", "own-size")
    assert load_metrics("own_for_import") == ("own-sections", "own-size")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("x = 1", "registers no metric"),
        (OWN + OWN.replace("own-size", "groove"), "two metrics"),
        (OWN.replace("own-sections", "groove"), "two metrics are called 'groove'"),
    ],
)
def test_a_file_that_fails_leaves_nothing(plugin: Path, text: str, said: str) -> None:
    plugin.write_text(text)
    before = dict(METRICS)
    with pytest.raises(InvalidInputError) as problem:
        load_metrics(plugin)
    assert said in problem.value.message
    assert problem.value.hint
    assert dict(METRICS) == before


@pytest.mark.parametrize("wanted", ["nowhere.py", "nowhere_module", "a b", "", "../own", "os"])
def test_what_cannot_be_found_is_refused(wanted: str) -> None:
    with pytest.raises(InvalidInputError) as problem:
        load_metrics(wanted)
    assert problem.value.hint
