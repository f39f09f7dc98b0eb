"""What a run over a frozen test set has found out is what the gate compares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Loopback, NotMusic

from tests.core.experiments.running import ran
from tests.core.experiments.small_split import TESTED, a_version
from tests.core.finetune.tuned import a_model
from tests.fresh import fresh
from workbench.core.datasets.frozen import freeze
from workbench.core.errors import InvalidInputError
from workbench.core.experiments import runs
from workbench.core.experiments.reports.files import about_run
from workbench.core.experiments.requests import Expanded
from workbench.core.experiments.scoring import write_scores
from workbench.core.experiments.specification import read_specification
from workbench.core.finetune.models import BASE, TunedModel
from workbench.core.finetune.scores import newest_scores
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

SMALL = "small-music-7"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "workbench.sqlite3")
    load_built_in(made, load_examples())
    yield made
    made.close()


def told(dataset: str, **requests: object) -> dict[str, object]:
    return {
        "name": "gate", "requests": {"dataset": dataset, **requests}, "metrics": ["finished"],
        "variants": [
            {"name": "rules", "provider": "rules"},
            {"name": "base", "variant": "base", "examples": 0, "reasks": 0},
            {"name": "base again", "variant": "base", "examples": 1, "reasks": 0},
            {"name": "ours", "registered": "ours"},
        ],
    }  # fmt: skip


def test_the_gate_gets_the_scores_of_the_tuned_and_the_base_model(database: Database) -> None:
    version = a_version(database)
    freeze(database, version.id, name="held out", curator="ada")
    with Loopback(size=100_000) as server, Loopback(key="none", models=[{"id": SMALL}], size=100_000) as elsewhere:
        model: TunedModel = a_model(database, "ours", model=SMALL, endpoint=elsewhere.url)
        elsewhere.queue(NotMusic())
        part = ran(server, database, read_specification(told(version.id, most=2)))
        assert part.state == "done"
        assert newest_scores(database, model.id) == {}, "a part of the test set scores nothing"
        elsewhere.forget()
        elsewhere.queue(NotMusic())
        run = ran(server, database, read_specification(told(version.id)))
    assert (run.state, run.message, run.version_id) == ("done", "", version.id)
    ours, base = newest_scores(database, model.id)["held out"], newest_scores(database, BASE)["held out"]
    assert (ours.rows, base.rows) == (len(TESTED), len(TESTED))
    assert ours.format_compliance == pytest.approx(2 / 3)
    assert base.format_compliance == 1
    assert ours.plan_adherence == pytest.approx(base.plan_adherence * 2 / 3, abs=0.05)
    assert base.details["variant"] == "base"
    assert (ours.source, ours.details["label"]) == (f"experiment {run.id}", run.label)
    assert about_run(database, run).dataset == "small 1", "a report says what people call the test set"


def test_only_a_run_that_is_done_scores(database: Database) -> None:
    version = a_version(database)
    specification = read_specification(told(version.id))
    run = runs.begin(database, specification, Expanded((), version), curator="ada", cells=12)
    for id in (run.id, "nobody"):
        with pytest.raises(InvalidInputError, match="Only a run that is done"):
            write_scores(database, id)
