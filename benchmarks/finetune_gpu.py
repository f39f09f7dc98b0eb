"""The practice recipe at a size that wants one GPU: ``python -m benchmarks.finetune_gpu``.

Whole pieces in place of outlines, ten times as many, and a model of ten million parameters. In whole pieces every
phrase has to be filled exactly by its tune and its chords, which the tiny model of the tests does not learn. It is no
part of ``make bench``: without a GPU it takes hours, so it says that there is none and ends, unless ``--cpu`` insists.
The exit status is 1 when the held-out loss has not fallen by four fifths, or fewer than seven in ten held-out requests
get an answer that fits the schema before any repair, with no grammar.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workbench.core.datasets.building.build import build
from workbench.core.datasets.files.export import export
from workbench.core.datasets.versions import Version, bodies
from workbench.core.finetune.backends.local import LocalBackend
from workbench.core.finetune.compliance import Compliance, endpoint_asker, measure
from workbench.core.finetune.local.asking import has_gpu
from workbench.core.finetune.practice import RECIPE, compose_practice, outline
from workbench.core.finetune.serving.process import served
from workbench.core.finetune.training import ENDED, Metric, Order
from workbench.core.library.database import Database
from workbench.core.music.structure import MusicStructure
from workbench.core.settings import Settings

ROOT = Path(__file__).parents[1]
FALLEN, FIT = 0.8, 0.7
MOST_TOKENS = 3000
Found = TypeVar("Found")


def without_rest(structure: MusicStructure) -> MusicStructure:
    """A whole piece, without what the wire format cannot say."""
    gone = dict.fromkeys(("harmonic_rhythm", "harmonic_functions"))
    return structure.model_copy(update={"sections": tuple(each.model_copy(update=gone) for each in structure.sections)})


def train(given: argparse.Namespace, files: Path, folder: Path, version: Version) -> tuple[Path, tuple[Metric, ...]]:
    """Make a model, train it, tell its curve; the trained model and the curve."""
    rows = files / "trl-sft-train.jsonl"
    tiny = [sys.executable, "-m", "workbench.core.finetune.local.tiny", str(folder / "base"), str(rows)]
    subprocess.run([*tiny, "--times", str(given.times)], cwd=ROOT, check=True)
    backend = LocalBackend(Settings.model_validate({"WORKBENCH_DATA_DIR": str(folder / "data")}))
    order = Order(
        "practice", str(folder / "base"), "supervised", rows, files / "trl-sft-validation.jsonl", folder / "job",
        batch_size=given.batch, learning_rate=given.rate,
        more={"lora": False, "steps": given.steps, "dataset": version.content_hash, "cpu": given.cpu},
    )  # fmt: skip
    backend.refuse(order)
    handle = backend.start(order, {}, lambda _: None)
    told = -1
    while (status := backend.status(handle)).state not in ENDED:
        for point in backend.metrics(handle, told):
            told = point.step
            if point.valid_loss is not None:
                print(f"step {point.step:>6}: held-out loss {point.valid_loss:.4f}", flush=True)
        time.sleep(1)
    if status.model is None:
        raise SystemExit(f"{status.problem} {status.hint}")
    return Path(status.model), backend.metrics(handle)


def asked(model: Path, database: Database, version: Version, most: int, log: Path) -> Compliance:
    """How many held-out requests the model answers in the format."""
    with (
        served({"practice": model}, grammar=False, log=log) as url,
        endpoint_asker(url, "practice", max_tokens=MOST_TOKENS) as ask,
    ):
        return measure(ask, (row for _, row in bodies(database, version.id, split="test")), most=most)


def timed(what: str, call: Callable[[], Found]) -> Found:
    """What a call gives; its seconds are printed."""
    began = time.perf_counter()
    found = call()
    print(f"{what}: {time.perf_counter() - began:.0f} s", flush=True)
    return found


def run(given: argparse.Namespace, folder: Path) -> int:
    """Dataset, training and measurement; 1 when a figure is missed."""
    database = Database(f"sqlite:///{folder}/workbench.sqlite3").upgrade()
    try:
        cut = outline if given.outlines else without_rest
        timed("pieces", lambda: compose_practice(database, curator="benchmark", pieces=given.pieces, cut=cut))
        version = timed("dataset", lambda: build(database, RECIPE, curator="benchmark").version)
        if version is None:
            raise SystemExit("The dataset could not be built.")
        export(database, version, folder / "files", formats=("trl-sft",))
        model, curve = timed("training", lambda: train(given, folder / "files", folder, version))
        losses = [each.valid_loss for each in curve if each.valid_loss is not None]
        fallen = 1 - losses[-1] / losses[0]
        print(f"held-out loss {losses[0]:.3f} to {losses[-1]:.3f}: fallen by {100 * fallen:.0f} %")
        found = timed("answers", lambda: asked(model, database, version, given.ask, folder / "server.log"))
        print(f"{found.words}; {found.valid} without an error; {found.tokens / found.rows:.0f} tokens an answer")
        for failure in found.failures:
            print(f"  {failure.row}: {failure.reason}")
        return int(fallen < FALLEN or found.rate < FIT)
    finally:
        database.close()


def main(arguments: list[str] | None = None) -> int:
    """Run it where there is a GPU; 1 when a figure is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetune_gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--pieces", type=int, default=6400, help="how many pieces to compose (6400)")
    parser.add_argument("--outlines", action="store_true", help="outlines, as the tests have them, in place of pieces")
    parser.add_argument("--times", type=int, default=2, help="how many times as wide and deep as the tiny model (2)")
    parser.add_argument("--steps", type=int, default=6000, help="steps of training (6000)")
    parser.add_argument("--batch", type=int, default=32, help="rows to a step (32)")
    parser.add_argument("--rate", type=float, default=0.25, help="a factor of the tiny model's learning rate (0.25)")
    parser.add_argument("--ask", type=int, default=200, help="held-out requests to ask (200)")
    parser.add_argument("--cpu", action="store_true", help="run without a GPU all the same")
    given = parser.parse_args(arguments)
    if not (has_gpu() or given.cpu):
        print("Not run: there is no GPU here, and without one it takes hours (--cpu runs it all the same).")
        return 0
    with tempfile.TemporaryDirectory(prefix="workbench-finetune-") as folder:
        return run(given, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
