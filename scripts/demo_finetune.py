"""From a dataset to a tuned model that answers, on this machine alone: ``make demo-finetune``.

Composes practice pieces, builds a dataset of them, makes a tiny model with random weights, trains it, measures what the
training did for the format, serves and registers it, makes it the canary, and asks for ten pieces. Everything lies in a
data folder of its own (``.data/demo-finetune``), which a second run takes away first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.core.checks import check  # noqa: E402
from workbench.core.datasets.building.builds import build_now  # noqa: E402
from workbench.core.datasets.files.export import export  # noqa: E402
from workbench.core.datasets.recipes import Recipe  # noqa: E402
from workbench.core.datasets.versions import Version  # noqa: E402
from workbench.core.errors import WorkbenchError  # noqa: E402
from workbench.core.finetune import practice  # noqa: E402
from workbench.core.finetune.backends import make_backend  # noqa: E402
from workbench.core.finetune.compliance import Compliance  # noqa: E402
from workbench.core.finetune.following import Follower  # noqa: E402
from workbench.core.finetune.lineage import served_name  # noqa: E402
from workbench.core.finetune.measuring import measure_training  # noqa: E402
from workbench.core.finetune.models import register  # noqa: E402
from workbench.core.finetune.offers import offer  # noqa: E402
from workbench.core.finetune.rollout import promote  # noqa: E402
from workbench.core.finetune.serving.process import served  # noqa: E402
from workbench.core.finetune.trainings import Training, begin, metrics_of  # noqa: E402
from workbench.core.finetune.wishes import read_wish  # noqa: E402
from workbench.core.generate.generation import settings_for  # noqa: E402
from workbench.core.generate.jobs import Jobs  # noqa: E402
from workbench.core.generate.live import Live, Order  # noqa: E402
from workbench.core.library.database import Database, open_database  # noqa: E402
from workbench.core.settings import Settings, load_settings  # noqa: E402

WHO = "demo"
FOLDER = ROOT / ".data" / "demo-finetune"
PORT = 8600
PIECES = 10


def main() -> int:
    """Do all of it; 0 where ten valid pieces came out, of which the tuned model wrote at least one."""
    for name in ("WORKBENCH_DATABASE_URL", "WORKBENCH_MODEL_VARIANT", "WORKBENCH_MODEL_FT", "WORKBENCH_PROVIDER"):
        os.environ.pop(name, None)  # the demo shows what the registry does; nobody's own database is touched
    os.environ["WORKBENCH_DATA_DIR"] = str(FOLDER)
    settings = load_settings()
    if problem := make_backend("local", settings).ready():
        say(problem)
        return 2
    shutil.rmtree(FOLDER, ignore_errors=True)
    database = open_database(settings)
    try:
        return demonstrate(settings, database)
    except WorkbenchError as problem:
        say(f"It failed: {problem}")
        return 1
    finally:
        database.close()


def demonstrate(settings: Settings, database: Database) -> int:
    """The whole road."""
    version = dataset(database)
    model = tiny_model(settings, database, version)
    training = trained(settings, database, version, model)
    if training.state != "succeeded" or training.model is None:
        say(f"The training {training.state}: {training.problem} {training.hint}")
        return 1
    measured(settings, database, training)
    name = served_name(training.id)
    with served({name: training.model}, log=FOLDER / "serving.log", port=PORT) as url:
        registered = register(database, name="demo", model=name, endpoint=url, training=training.id, curator=WHO)
        promote(database, registered.id, "canary", share=1.0, curator=WHO)
        say(f"Registered as {registered.name} ({registered.id}) at {url}, and made the canary with all requests.")
        lives = generated(settings, database)
    errors = told(lives)
    say(f"Look at it:   WORKBENCH_DATA_DIR={FOLDER.relative_to(ROOT)} make run")
    say(f"Serve it:     .venv/bin/python -m workbench serve-model --name {name} --port {PORT} {training.model}")
    return errors


def dataset(database: Database, pieces: int = practice.PIECES, recipe: Recipe = practice.RECIPE) -> Version:
    """Practice pieces, and the dataset that is built of them."""
    began = time.monotonic()
    count = practice.compose_practice(database, curator=WHO, pieces=pieces)
    built = build_now(database, recipe, curator=WHO).version
    if built is None:
        raise WorkbenchError("The dataset has faults.", hint="See: python -m workbench dataset build.")
    splits = ", ".join(f"{number} {split}" for split, number in built.summary["splits"].items())
    say(f"{count} pieces composed by rule; dataset {built.label} ({built.id}): {splits}; {seconds(began)}")
    return built


def tiny_model(settings: Settings, database: Database, version: Version) -> Path:
    """A model from a configuration, with random weights and a vocabulary made of the training rows."""
    began = time.monotonic()
    folder = settings.data_dir / "models" / "tiny"
    files = export(database, version, settings.data_dir / "export", formats=["trl-sft"])
    train = [str(file) for file in files if file.name == "trl-sft-train.jsonl"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "workbench.core.finetune.local.tiny", str(folder), *train]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise WorkbenchError(f"The model could not be made: {done.stderr.strip().splitlines()[-1:]}")
    say(f"A tiny model with random weights in {folder}; {seconds(began)}")
    return folder


def trained(settings: Settings, database: Database, version: Version, model: Path, **changes: Any) -> Training:
    """The training, from its offer to its end; ``changes`` are those to the usual wish."""
    wish = read_wish(
        {
            "backend": "local", "model": str(model.resolve()), "version": version.id, "name": "demo",
            **practice.TRAINING["supervised"], **changes,
        }
    )  # fmt: skip
    found = offer(database, settings, wish)
    say(f"To train: {found.rows} rows, {found.tokens:,} tokens, {found.duration.words}; {found.prices[0].words}")
    training = begin(database, found, curator=WHO)
    shown = -1

    def watch(now: Training | None) -> None:
        nonlocal shown
        points = metrics_of(database, training.id)
        if now is not None and points and points[-1].step >= shown + 20:
            shown = points[-1].step
            said = [f"{name} {value:.3f}" for name, value in _losses(points)]
            say(f"  step {shown}: {', '.join(said)}")

    done = Follower(settings, database).follow(training.id, watch)
    assert done is not None
    held_out = [point.valid_loss for point in metrics_of(database, training.id) if point.valid_loss is not None]
    if done.state == "succeeded" and held_out:
        fall = 100 * (1 - held_out[-1] / held_out[0])
        losses = f"{held_out[0]:.2f} to {held_out[-1]:.3f}: -{fall:.0f}%"
        say(f"Trained in {done.seconds:.0f} s; loss on held-out rows {losses}")
    return done


def _losses(points: tuple[object, ...]) -> list[tuple[str, float]]:
    found = {}
    for name, member in (("training loss", "train_loss"), ("held-out loss", "valid_loss")):
        values = [value for point in points if (value := getattr(point, member)) is not None]
        if values:
            found[name] = values[-1]
    return list(found.items())


def measured(settings: Settings, database: Database, training: Training) -> None:
    """The untuned and the tuned model, asked the same held-out requests with no grammar to hold them."""
    began = time.monotonic()
    state = measure_training(database, settings, training.id)
    for subject in ("base", "tuned"):
        say(f"  {subject:5}: {Compliance.from_dict(state[subject]).words}")
    say(f"Format compliance measured; {seconds(began)}")


def generated(settings: Settings, database: Database) -> list[Live]:
    """Ten pieces for requests that no row was made of, by the road that every request takes."""
    jobs = Jobs(settings, database)
    try:
        usual = settings_for(settings)
        lives = []
        for number in range(PIECES):
            request = practice.practice_request(practice.PIECES + 1000 + number)
            lives.append(jobs.run(Order(request, usual, f"demo {number + 1}"), WHO))
        return lives
    finally:
        jobs.close()


def told(lives: list[Live]) -> int:
    """Print who wrote each piece and what was mended; 1 where a piece is not valid, or the model wrote none."""
    wrote = invalid = 0
    for number, live in enumerate(lives, 1):
        made = live.generation
        if made is None:
            say(f"{number:3}  {live.state}: {live.message}")
            invalid += 1
            continue
        report = check(made.structure, request=made.request, plan=made.form)
        invalid += not report.valid
        wrote += made.variant == "ft"
        refined = next((step.about for step in made.trace if step.kind == "refine"), "")
        mended = "; ".join(each.why for each in made.repairs) or refined
        outcome = f"{made.outcome}, {'valid' if report.valid else 'NOT VALID'}"
        say(
            f"{number:3}  {made.form.form}, {made.structure.key}: by {made.model or made.provider}; {outcome}; {mended}"
        )
    say(f"{len(lives) - invalid} of {len(lives)} pieces are valid; the tuned model wrote {wrote}.")
    return int(invalid > 0 or not wrote)


def seconds(began: float) -> str:
    """The time since then."""
    return f"{time.monotonic() - began:.0f} s"


def say(text: str) -> None:
    """A line of what is done."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
