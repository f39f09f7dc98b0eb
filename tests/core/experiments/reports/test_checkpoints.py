"""Variants that are checkpoints of one training are found, by models or by names, and drawn over their steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.experiments.reports.planted import results
from tests.fresh import fresh
from workbench.core.experiments import runs
from workbench.core.experiments.metrics import METRICS
from workbench.core.experiments.reports.checkpoints import Line, Stage, lines_of, step_in
from workbench.core.experiments.reports.figures import curves_over_steps, grouped_intervals
from workbench.core.experiments.reports.summary import breakdown, column_of, summary
from workbench.core.experiments.requests import expand
from workbench.core.experiments.runs import Run
from workbench.core.experiments.specification import read_specification
from workbench.core.library.database import Database, now
from workbench.core.library.tuning_tables import TrainingMetricRow, TrainingRow, TunedModelRow


@pytest.fixture
def database(tmp_path: Any) -> Iterator[Database]:
    made = fresh(tmp_path / "workbench.sqlite3")
    yield made
    made.close()


def run_of(database: Database, *variants: dict[str, Any]) -> Run:
    specification = read_specification(
        {"name": "curves", "requests": {"list": [{"duration": 20}]}, "variants": list(variants)}
    )
    return runs.begin(database, specification, expand(specification), curator="ada", cells=len(variants))


def a_training(database: Database) -> None:
    """A training with a checkpoint at 100 and its end at 250, which are registered as well."""
    with database.writing() as session:
        session.add(
            TrainingRow(
                id="t" * 32, name="first tuning", backend="local", method="supervised", base="tiny", version_id="v",
                dataset_hash="0" * 64, plan={}, offer={}, state="succeeded", kept={}, beat_at=now(), created_at=now(),
                model="/models/end", checkpoints=[{"model": "/models/100", "step": 100}],
            )
        )  # fmt: skip
        session.flush()
        session.add(TrainingMetricRow(training_id="t" * 32, attempt=1, step=250, train_loss=0.1))
        for name, step in (("early", 100), ("end", None)):
            session.add(
                TunedModelRow(
                    id=name, name=name, model=f"served-{name}", training_id="t" * 32, share=0.0, state="candidate",
                    lineage={"training": "first tuning", "step": step}, created_at=now(),
                )
            )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tuned@200", ("tuned", 200)), ("tuned step 7", ("tuned", 7)), ("my_model_step_1000", ("my_model", 1000)),
        ("a-ckpt-step-83", ("a", 83)), ("Tuned Checkpoint 3", ("Tuned", 3)), ("@5", ("", 5)), ("gpt-4", None),
        ("two-step", None), ("footstep 5", None), ("tuned@", None), ("tuned@12345678901", None),
    ],
)  # fmt: skip
def test_a_step_is_read_from_a_name(name: str, found: tuple[str, int] | None) -> None:
    assert step_in(name) == found


def test_names_with_steps_make_a_line_by_rising_steps(database: Database) -> None:
    run = run_of(
        database, {"name": "tuned@200", "provider": "rules"}, {"name": "rules", "provider": "rules"},
        {"name": "tuned@100", "provider": "rules"}, {"name": "other@5", "provider": "rules"},
    )  # fmt: skip
    assert lines_of(database, run) == (Line("tuned", (Stage(100, "tuned@100"), Stage(200, "tuned@200"))),)


def test_registered_models_of_one_training_make_a_line_with_its_end_last(database: Database) -> None:
    a_training(database)
    run = run_of(database, {"name": "z", "registered": "end"}, {"name": "a", "registered": "early"})
    assert lines_of(database, run) == (Line("first tuning", (Stage(100, "a"), Stage(250, "z"))),)
    served = [{"name": "x", "model": f"ft:{'t' * 32}:100"}, {"name": "y", "model": "/models/end"}]
    assert lines_of(database, run_of(database, *served)) == (
        Line("first tuning", (Stage(100, "x"), Stage(250, "y"))),
    )  # fmt: skip


def test_what_is_asked_otherwise_is_another_line(database: Database) -> None:
    run = run_of(
        database, *(
            {"name": f"{kind}@{step}", "model": "m", "temperature": warm}
            for kind, warm in (("cold", 0.0), ("Cold", 1.0)) for step in (1, 2)
        ),
        {"name": "cold@3", "model": "m", "temperature": 0.5},
    )  # fmt: skip
    assert [each.name for each in lines_of(database, run)] == ["cold (cold@2)", "cold (Cold@2)"]
    assert lines_of(database, run_of(database, {"name": "rules", "provider": "rules"})) == ()


def test_figures_say_in_words_what_they_draw_and_plotly_takes_them() -> None:
    import plotly.graph_objects as go

    told = summary(results(30), ["valid", "latency", "valid-before-repair"], facets=())
    line = Line("a <b>line</b>", (Stage(10, "base"), Stage(20, "tuned"), Stage(30, "gone")))
    for metric in ("latency", "valid-before-repair"):
        column = column_of(METRICS[metric])
        points = line.intervals(told, metric)
        assert [step for step, _ in points] == [10, 20]
        curve = curves_over_steps({line.name: points, "none": ()}, column, "Over steps", dark=False)
        levels: dict[str, Any] = {}
        for each in breakdown(results(30), [METRICS[metric]], ["form"]):
            levels.setdefault(each.level, {})[each.variant] = each.interval
        bars = grouped_intervals(levels, ("base", "tuned", "same"), column, "By form", dark=True)
        for drawn in (curve, bars):
            go.Figure(drawn)  # plotly checks every property
        assert "step 20" in curve["layout"]["meta"]["description"]
        assert "ABA, tuned" in bars["layout"]["meta"]["description"]
        assert len({each["marker"]["symbol"] for each in bars["data"]}) == 3, "not by colour alone"
        assert "<b>line" not in str(curve["data"])
    empty = grouped_intervals({}, ("base",), column_of(METRICS["valid"]), "Nothing", dark=False)
    assert "Nothing to show" in empty["layout"]["meta"]["description"]
