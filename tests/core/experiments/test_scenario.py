"""One experiment from its file to its report, killed twice on the way; the same on a Dask cluster.

It is ``make demo-compare`` with fewer requests, a model that learned for a shorter time, and fewer metrics.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from distributed import LocalCluster

from scripts.demo_compare import CADENCES, PLANTED, SHARES, Ended, Size, Stage, experiment, stage
from tests.core.experiments.running import FEW_METRICS, found
from tests.core.finetune.local_material import trains
from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.specification import read_specification

pytestmark = trains
SMALL = Size(120, 0.35, 24, 150, (*FEW_METRICS, CADENCES, "latency", "first-token"))
THERE = 8
"""Requests that a cluster is asked, too."""
VARIANTS = ["rules", "adapt", "base", "twin", "tuned", "tiny"]


def test_an_experiment_finds_what_was_planted_though_it_is_killed_twice(tmp_path: Path) -> None:
    """One test, so that the model is trained once, however tests are spread over processes."""
    with stage(tmp_path, SMALL) as made:
        ended = experiment(made, seed=8, processes=0)
        every_cell_ended_and_nothing_was_paid_for_twice(ended, made)
        the_planted_difference_is_found_and_no_other(ended)
        the_report_says_so_in_words(ended)
        a_cluster_of_two_processes_finds_the_same(ended, made)


def every_cell_ended_and_nothing_was_paid_for_twice(ended: Ended, made: Stage) -> None:
    """An answer is lost if a kill comes while it is on its way, or before it is written down; such a one alone is asked
    for again."""
    run = ended.run
    assert (run.state, run.done, run.failed) == ("done", SMALL.requests * len(VARIANTS), 0)
    assert 0 < ended.kills[0].done < ended.kills[1].done < run.cells
    assert ended.paid_once, ended.kills
    assert ended.kept == SMALL.requests * len(SHARES)
    results = found(made.database, run)
    assert len({each.cell for each in results}) == run.cells
    tiny = [each.sample for each in results if each.variant == "tiny"]
    assert all(each.calls == 1 and each.raw for each in tiny)
    assert sum(bool(each.valid_schema) for each in tiny) > len(tiny) / 2


def the_planted_difference_is_found_and_no_other(ended: Ended) -> None:
    assert ended.finds_what_was_planted, ended.between("base", "tuned")
    assert ended.finds_no_other, ended.between("base", "twin")
    assert ended.summary.variants == tuple(VARIANTS)
    twins = [each for each in ended.summary.comparisons if {each.a, each.b} == {"base", "twin"}]
    assert len(twins) >= 4
    assert not any(each.found for each in twins if each.measure.name not in ("latency", "first-token"))


def the_report_says_so_in_words(ended: Ended) -> None:
    page = ended.page.read_text("utf-8")
    worse = ended.between("base", "tuned")
    assert PLANTED < 0
    assert worse.words.startswith("base is better: ")
    assert ended.summary.sentence(worse) in page
    assert "no difference was found in " in page
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in page


def a_cluster_of_two_processes_finds_the_same(ended: Ended, made: Stage) -> None:
    """Some of the same requests: a smaller sample of a split is a part of every larger one."""
    wanted = json.loads(made.specification.read_text("utf-8"))
    wanted["requests"]["most"] = THERE
    specification = read_specification(wanted)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        settings = made.settings.model_copy(update={"scheduler": cluster.scheduler_address})
        run = run_now(settings, made.database, order(settings, made.database, specification, curator="ada").id)
    assert (run.state, run.done) == ("done", THERE * len(VARIANTS))
    here = {each.cell: replace(each, position=0) for each in found(made.database, ended.run)}
    there = {each.cell: replace(each, position=0) for each in found(made.database, run)}
    assert len(there) == run.cells
    assert there == {cell: here[cell] for cell in there}
