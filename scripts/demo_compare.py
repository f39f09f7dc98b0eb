"""One experiment from its file to its report, killed twice on the way: ``make demo-compare``.

The rules, adapted examples, a base model, its twin, a fine-tuned one and a tiny model that is trained here answer the
same held-out requests. The first three models are a server's on this machine that breaks a known share of its
cadences: the fine-tuned one more than the base, base and twin alike. The run is killed twice without a warning and goes
on; then it is looked at whether the planted difference was found, no other, and nothing was paid for twice. Everything
lies in a data folder of its own (``.data/demo-compare``), which a second run takes away first.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "tests" / "loopback")) if path not in sys.path]

from loopback import Loopback  # noqa: E402
from loopback_planted import Planted  # noqa: E402
from sqlalchemy import func, select  # noqa: E402

from scripts.demo_finetune import dataset, say, tiny_model, trained  # noqa: E402
from workbench.core.datasets.recipes import Ratios  # noqa: E402
from workbench.core.errors import WorkbenchError  # noqa: E402
from workbench.core.experiments import runs  # noqa: E402
from workbench.core.experiments.cells import cells  # noqa: E402
from workbench.core.experiments.metrics import all_metrics, metrics_named  # noqa: E402
from workbench.core.experiments.reports import Summary, summary  # noqa: E402
from workbench.core.experiments.requests import expand  # noqa: E402
from workbench.core.experiments.runs import Run  # noqa: E402
from workbench.core.experiments.statistics.verdicts import Comparison  # noqa: E402
from workbench.core.experiments.statistics.words import turned  # noqa: E402
from workbench.core.finetune import practice  # noqa: E402
from workbench.core.finetune.backends import make_backend  # noqa: E402
from workbench.core.finetune.lineage import served_name  # noqa: E402
from workbench.core.finetune.models import register  # noqa: E402
from workbench.core.finetune.serving.process import served  # noqa: E402
from workbench.core.library.database import Database, open_database  # noqa: E402
from workbench.core.library.experiment_tables import AnswerRow  # noqa: E402
from workbench.core.settings import Settings  # noqa: E402

FOLDER = ROOT / ".data" / "demo-compare"
BASE, TWIN, TUNED = "loop-base", "loop-twin", "ft:loop-base:acme::planted"
SHARES = {BASE: 0.1, TWIN: 0.1, TUNED: 0.4}
"""What share of the section cadences each model of the server breaks."""
PLANTED = SHARES[BASE] - SHARES[TUNED]
CADENCES = "cadences-sound-first"
"""The metric by which the planted difference is looked for: the share of the section cadences heard, first answer."""
AT_ONCE = 8
DELAY = 0.02
"""Seconds that the server takes for an answer."""
MOST_LOST = 4 * AT_ONCE
"""Answers that one kill may cost: those on their way, and those that came while others were being written down."""


@dataclass(frozen=True)
class Size:
    """How large the experiment is. No ``metrics`` are all."""

    pieces: int = 800
    held_out: float = 0.3
    requests: int = 200
    steps: int = practice.TRAINING["supervised"]["steps"]
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """What the experiment stands on: a database with a dataset and a registered model, and the servers that answer."""

    folder: Path
    database: Database
    server: Loopback
    specification: Path

    @property
    def questions(self) -> list[str]:
        """What the server was asked so far, all of each question."""
        return [str(each.body) for each in self.server.seen if each.path.endswith("/chat/completions")]

    @property
    def environment(self) -> dict[str, str]:
        """What the command line is told by its environment."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKBENCH_", "OPENAI_"))}
        return own | {
            "WORKBENCH_DATA_DIR": str(self.folder), "OPENAI_BASE_URL": self.server.url,
            "OPENAI_API_KEY": self.server.key, "WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": BASE,
        }  # fmt: skip

    @property
    def settings(self) -> Settings:
        """The same, for this process."""
        return Settings.model_validate(
            {name: value for name, value in self.environment.items() if name.startswith(("WORKBENCH_", "OPENAI_"))}
        )


@dataclass(frozen=True)
class Killed:
    """A kill: how many cells had ended, and how many answers of the server were lost."""

    done: int
    lost: int


@dataclass(frozen=True)
class Ended:
    """How the experiment came out: what the server was asked, and how many of its answers are in the database."""

    run: Run
    kills: tuple[Killed, ...]
    questions: Sequence[str]
    kept: int
    summary: Summary
    page: Path

    @property
    def paid_once(self) -> bool:
        """Whether each question was asked once, but for those whose answer a kill took before it was kept."""
        lost = [each.lost for each in self.kills]
        again = len(self.questions) - len(set(self.questions))
        return len(self.questions) == self.kept + sum(lost) and again == sum(lost) and max(lost) <= MOST_LOST

    def between(self, a: str, b: str, metric: str = CADENCES) -> Comparison:
        """A comparison of the summary, whichever of the two is its ``a``."""
        return next(each for each in self.summary.comparisons_of(metric) if {each.a, each.b} == {a, b})

    @property
    def finds_what_was_planted(self) -> bool:
        """Whether the fine-tuned model is found to be worse, by an interval that holds what was planted."""
        found = self.between("base", "tuned")
        seen = found.difference if found.b == "tuned" else turned(found.difference)
        return found.winner == "base" and seen.low is not None and seen.low <= PLANTED <= (seen.high or 0.0)

    @property
    def finds_no_other(self) -> bool:
        """Whether no difference is found between base and twin."""
        return self.between("base", "twin").verdict == "none"


def main() -> int:
    """Do all of it; 0 where everything came out as it was planted."""
    for name in [each for each in os.environ if each.startswith(("WORKBENCH_", "OPENAI_"))]:
        del os.environ[name]
    if problem := make_backend("local", Settings.model_validate({"WORKBENCH_DATA_DIR": str(FOLDER)})).ready():
        say(problem)
        return 2
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        with stage(FOLDER, Size()) as made:
            ended = experiment(made, seed=random.randrange(1000))
            return told(ended)
    except WorkbenchError as problem:
        say(f"It failed: {problem}")
        return 1


@contextmanager
def stage(folder: Path, size: Size) -> Iterator[Stage]:
    """Everything that the experiment needs, up to the file that says what is asked."""
    settings = Settings.model_validate({"WORKBENCH_DATA_DIR": str(folder)})
    folder.mkdir(parents=True, exist_ok=True)
    database = open_database(settings)
    try:
        split = Ratios(train=round(0.96 - size.held_out, 4), validation=0.04, test=size.held_out)
        version = dataset(database, size.pieces, practice.RECIPE.model_copy(update={"split": split}))
        bare = tiny_model(settings, database, version)
        training = trained(settings, database, version, bare, steps=size.steps)
        if training.model is None:
            raise WorkbenchError(f"The training {training.state}: {training.problem}", hint=training.hint)
        models = [{"id": name, "fine_tuned": name == TUNED} for name in SHARES]
        name = served_name(training.id)
        with (
            served({name: training.model}, log=folder / "serving.log") as url,
            Loopback(models=models, answer=Planted(SHARES), delay=DELAY, size=100_000) as server,
        ):
            register(database, name="tiny", model=name, endpoint=url, training=training.id, curator="demo")
            file = folder / "experiment.json"
            file.write_text(json.dumps(specification(version.id, size), indent=2) + "\n", "utf-8")
            yield Stage(folder, database, server, file)
    finally:
        database.close()


def specification(version: str, size: Size) -> dict[str, Any]:
    """What is asked of whom."""
    return {
        "name": "planted",
        "requests": {"dataset": version, "split": "test", "most": size.requests},
        "variants": [
            {"name": "rules", "provider": "rules"},
            {"name": "adapt", "provider": "adapt"},
            {"name": "base", "provider": "openai", "model": BASE, "examples": 0},
            {"name": "twin", "provider": "openai", "model": TWIN, "examples": 0},
            {"name": "tuned", "provider": "openai", "model": TUNED, "examples": 0},
            {"name": "tiny", "registered": "tiny"},
        ],
        "metrics": list(size.metrics),
        "limits": {"concurrency": AT_ONCE},
    }


def experiment(on: Stage, *, seed: int, processes: int | None = None) -> Ended:
    """Run the file by the command line, kill it twice at moments that ``seed`` draws, let it go on, write the report.

    Raises:
        WorkbenchError: a command failed, or it ended before it could be killed.
    """
    lots = random.Random(seed)
    began = time.monotonic()
    more = [] if processes is None else ["--processes", str(processes)]
    first, second = lots.uniform(0.1, 0.45), lots.uniform(0.5, 0.8)
    kills = [_killed(on, ["run", str(on.specification), *more], first, lots.uniform(0, 0.2), 0)]
    run = runs.runs(on.database)[0]
    kills.append(_killed(on, ["resume", run.id, *more], second, lots.uniform(0, 0.2), kills[0].lost))
    _command(on, ["resume", run.id, *more])
    say(f"The run ended, with its two kills (moments by seed {seed}); {time.monotonic() - began:.0f} s")
    page = on.folder / "report.html"
    _command(on, ["report", run.id, "--out", str(page)])
    done = runs.find_run(on.database, run.id)
    assert done is not None
    names = done.ordered().metrics
    found = summary(list(runs.results(on.database, run.id)), metrics_named(names) if names else all_metrics())
    return Ended(done, tuple(kills), on.questions, _kept(on, run.id), found, page)


def _killed(on: Stage, words: Sequence[str], share: float, later: float, lost: int) -> Killed:
    """Kill a command without a warning when that share of the cells has ended, and so many seconds more are over."""
    with (on.folder / "commands.log").open("ab") as log:
        going = subprocess.Popen(_line(words), cwd=ROOT, env=on.environment, stdout=log, stderr=log)
        try:
            while going.poll() is None and not _reached(on, share):
                time.sleep(0.02)
            time.sleep(later)
            if going.poll() is not None:
                raise WorkbenchError("The run ended before it was killed.", hint=f"See {log.name}.")
            os.kill(going.pid, signal.SIGKILL)
        finally:
            if going.poll() is None:
                going.kill()
            going.wait()
    on.server.until(lambda each: not each.in_flight)
    run = runs.runs(on.database)[0]
    gone = len(on.questions) - _kept(on, run.id) - lost
    say(f"Killed when {run.done} of {run.cells} cells had ended: {gone} answers were on their way and are lost")
    return Killed(run.done, gone)


def _reached(on: Stage, share: float) -> bool:
    found = runs.runs(on.database)
    return bool(found) and found[0].done >= share * found[0].cells


def _kept(on: Stage, id: str) -> int:
    """The answers of the server that are in the database."""
    run = runs.find_run(on.database, id)
    assert run is not None
    wanted = run.ordered()
    own = {each.id for each in cells(wanted, expand(wanted, on.database).asked) if each.variant.model in SHARES}
    with on.database.reading() as session:
        counted = select(AnswerRow.cell_id, func.count()).where(AnswerRow.run_id == id).group_by(AnswerRow.cell_id)
        return sum(count for cell, count in session.execute(counted) if cell in own)


def _command(on: Stage, words: Sequence[str]) -> None:
    done = subprocess.run(_line(words), cwd=ROOT, env=on.environment, capture_output=True, text=True)
    if done.returncode:
        raise WorkbenchError(f"evaluate {words[0]} failed: {done.stderr.strip()[-500:]}")


def _line(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "workbench", "evaluate", *words]


def told(ended: Ended) -> int:
    """Print what was found; 1 where it is not what was planted."""
    run = ended.run
    say(f"{run.label}: {run.state}, {run.done} of {run.cells} cells, {run.failed} failed")
    lost = sum(each.lost for each in ended.kills)
    say(f"The server was asked {len(ended.questions)} times for {ended.kept} answers; {lost} were lost by the kills")
    for name in ended.summary.variants:
        row = ended.summary.cells[name]
        said = ", ".join(f"{metric} {row[metric].words}" for metric in ("valid-before-repair", CADENCES, "finished"))
        say(f"  {name:6} {said}")
    for a, b in (("base", "tuned"), ("base", "twin")):
        say(f"  {ended.summary.sentence(ended.between(a, b))}")
    checks = {
        "every cell has ended, and none failed": run.state == "done" and run.done == run.cells and not run.failed,
        "nothing that was kept was paid for twice": ended.paid_once,
        f"the planted difference of {PLANTED:+.0%} of the cadences is found": ended.finds_what_was_planted,
        "where none was planted, none is found": ended.finds_no_other,
    }
    for words, held in checks.items():
        say(f"{'Yes' if held else 'NO'}: {words}")
    say(f"The report: {ended.page} ({ended.page.stat().st_size:,} bytes)")
    return int(not all(checks.values()))


if __name__ == "__main__":
    sys.exit(main())
