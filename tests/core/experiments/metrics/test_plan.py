"""The plan is kept, or not, as written and as it sounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.experiments.metrics.pieces import REQUEST, changed, composed, sample_of
from workbench.core.compose import plan
from workbench.core.experiments.metrics import Context, measure_sample, metrics_named
from workbench.core.experiments.metrics.following import paired
from workbench.core.experiments.samples import Sample

PLAN = metrics_named(["plan"])
REQUESTS = [
    REQUEST,
    REQUEST.model_copy(update={"key": "ab minor", "form": "rondo", "period": "romantic", "seed": 5, "duration": 60.0}),
    REQUEST.model_copy(update={"key": "Cb major", "form": "minuet-trio", "time_signature": "3/4", "seed": 2}),
    REQUEST.model_copy(update={"form": "binary", "time_signature": "6/8", "seed": 9, "duration": 20.0}),
]


def measured(sample: Sample) -> dict[str, Any]:
    found = measure_sample(sample, Context(), PLAN)
    assert not found.problems
    return dict(found.values)


def after(sample: Sample, change: Any) -> dict[str, Any]:
    assert sample.structure is not None
    return measured(sample_of(changed(sample.structure, change), sample.request))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: f"{each.form} {each.key}")
def test_a_piece_composed_by_the_plan_keeps_all_of_it_and_it_is_heard(request_: Any) -> None:
    found = measured(composed(request_))
    assert found.pop("keys-sound") >= 0.5  # the listener takes near keys for each other
    assert {name: value for name, value in found.items() if value != 1.0} == {}


@pytest.mark.parametrize("broken", [("V", "IV"), ("V", "iii"), ("I", "vi"), ("I", "IV6")], ids="-for-".join)
@pytest.mark.parametrize("request_", REQUESTS[:1] + REQUESTS[3:], ids=lambda each: each.form)
def test_a_broken_cadence_is_heard_though_every_tag_says_otherwise(request_: Any, broken: tuple[str, str]) -> None:
    sample = composed(request_)
    wrong, right = broken[1], broken[0]

    def break_it(data: dict[str, Any]) -> None:
        chords = data["sections"][-1]["phrases"][-1]["chords"]
        at = max(index for index, figure in enumerate(chords) if figure.rstrip("7") == right)
        chords[at] = wrong

    found = after(sample, break_it)
    assert found["plan-cadences"] == found["plan-kept"] == 1.0
    assert found["cadences-sound"] == pytest.approx(1 - 1 / len(sample.form.sections))
    assert found["plan-sounds"] < 1.0
    assert found["phrase-cadences-sound"] < 1.0


def test_a_tune_that_ends_on_3_makes_no_perfect_cadence() -> None:
    sample = composed()

    def lift(data: dict[str, Any]) -> None:
        tune = data["sections"][-1]["phrases"][-1]["melody"]
        last = max(index for index, degree in enumerate(tune["degrees"]) if degree != 0)
        total = sum(tune["rhythm"][last - 1 :])
        tune["degrees"] = [*tune["degrees"][: last - 1], 3]
        tune["rhythm"] = [*tune["rhythm"][: last - 1], total]

    assert after(sample, lift)["cadences-sound"] < 1.0


def test_what_is_written_elsewhere_counts_only_where_it_is() -> None:
    sample = composed()
    count = len(sample.form.sections)

    def other_key(data: dict[str, Any]) -> None:
        data["sections"][1]["key"] = "F# major"

    found = after(sample, other_key)
    assert found["plan-keys"] == pytest.approx(1 - 1 / count)
    assert found["plan-measures"] == found["plan-names"] == found["plan-phrases"] == 1.0
    assert found["keys-sound"] < 1.0

    def other_tag(data: dict[str, Any]) -> None:
        data["sections"][0]["phrases"][-1]["cadence"] = data["sections"][0]["cadence"] = "HC"

    assert after(sample, other_tag)["plan-cadences"] == pytest.approx(1 - 1 / count)

    def other_frame(data: dict[str, Any]) -> None:
        data["tempo"] = 60
        data["form"] = "rondo"

    assert after(sample, other_frame)["plan-frame"] == 0.5


def test_a_section_left_out_does_not_shift_the_others() -> None:
    sample = composed()
    count = len(sample.form.sections)

    def drop(data: dict[str, Any]) -> None:
        del data["sections"][1]

    found = after(sample, drop)
    for name in ("plan-sections", "plan-names", "plan-keys", "plan-measures", "plan-cadences", "cadences-sound"):
        assert found[name] == pytest.approx(1 - 1 / count), name
    assert found["bars-sound"] == pytest.approx(1 - sample.form.sections[1].measures / sample.form.measures)


def test_names_are_compared_as_people_read_them() -> None:
    sample = composed()

    def shout(data: dict[str, Any]) -> None:
        for section in data["sections"]:
            section["name"] = f" {section['name'].upper().replace(chr(39), '′')} "

    assert after(sample, shout)["plan-names"] == 1.0


def test_phrases_that_are_not_written_keep_nothing() -> None:
    def drop(data: dict[str, Any]) -> None:
        for section in data["sections"]:
            section.pop("phrases")

    found = after(composed(), drop)
    assert found["plan-phrases"] == 0.0
    assert found["plan-motifs"] == 0.0
    assert found["plan-measures"] == 1.0


def test_of_too_many_sections_the_planned_ones_are_found() -> None:
    sample = composed()
    assert sample.structure is not None

    def insert(data: dict[str, Any]) -> None:
        data["sections"].insert(0, {**data["sections"][0], "name": "Prelude"})

    longer = changed(sample.structure, insert)
    assert [at for _, at in paired(sample.form, longer)] == [1, 2, 3][: len(sample.form.sections)]
    nameless = longer.model_copy(
        update={"sections": tuple(each.model_copy(update={"name": "?"}) for each in longer.sections)}
    )
    assert [at for _, at in paired(sample.form, nameless)] == list(range(len(sample.form.sections)))


def test_the_first_answer_is_judged_by_itself() -> None:
    good = composed()
    assert good.structure is not None

    def worsen(data: dict[str, Any]) -> None:
        data["sections"].pop()

    worse = changed(good.structure, worsen)
    asked_again = measured(replace(good, raw=worse.to_json(), outcome="re-asked", calls=2, valid_piece=False))
    assert asked_again["plan-kept"] == 1.0
    assert asked_again["plan-kept-first"] == measured(sample_of(worse))["plan-kept"]
    assert asked_again["cadences-sound-first"] == measured(sample_of(worse))["cadences-sound"]
    nonsense = measured(replace(good, raw="I am sorry.", outcome="fell-back", valid_json=False))
    assert nonsense["plan-kept-first"] == nonsense["plan-sounds-first"] == 0.0
    nobody_asked = measured(replace(good, raw="", valid_json=None, valid_schema=None, valid_piece=None, calls=0))
    assert nobody_asked["plan-kept-first"] is None
    assert nobody_asked["cadences-sound-first"] is None


def test_of_nothing_nothing_is_said() -> None:
    found = measured(replace(composed(), structure=None, report=None, raw="", error="The model was not there."))
    assert set(found.values()) == {None, 0.0}
    assert found["plan-kept"] is None
    assert found["plan-kept-first"] == 0.0


@given(st.integers(0, 10_000), st.sampled_from(["ABA", "rondo", "binary", "sonata", "theme-variation"]))
def test_shares_of_any_piece_beside_any_plan_stay_between_0_and_1(seed: int, form: str) -> None:
    sample = replace(composed(), form=plan(REQUEST.model_copy(update={"form": form, "key": None, "seed": seed})))
    for name, value in measured(sample).items():
        assert value is None or 0 <= float(value) <= 1, name
