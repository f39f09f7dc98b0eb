"""A tiny model learns on this machine, from the dataset to the served model.

Its held-out loss falls by four fifths, and with no grammar it answers held-out requests in the format, before any
repair; then it learns from preferences.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from tests.core.finetune.local_material import tiny_model, trains, write_rows
from workbench.core.datasets.building.build import build
from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import bodies
from workbench.core.finetune.backends.local import LocalBackend
from workbench.core.finetune.compliance import Compliance, endpoint_asker, measure
from workbench.core.finetune.practice import RECIPE, TRAINING, compose_practice
from workbench.core.finetune.serving.process import served
from workbench.core.finetune.training import ENDED, Method, Metric, Order
from workbench.core.library.database import Database
from workbench.core.settings import Settings

pytestmark = trains
PATIENCE = 1500
"""Seconds: it takes about one minute on two cores that have nothing else to do."""
ASKED, LEAST = 50, 35
BARE = 3
"""Requests that the untrained model is asked."""
MOST_TOKENS = 300


@dataclass(frozen=True)
class Learned:
    """A tiny model before and after, the curve between, and rows that it has not seen."""

    backend: LocalBackend
    folder: Path
    train: tuple[Row, ...]
    test: tuple[Row, ...]
    base: Path
    tuned: Path
    curve: tuple[Metric, ...]


def trained(backend: LocalBackend, order: Order) -> tuple[Path, tuple[Metric, ...]]:
    """Do an order; the model and the curve."""
    backend.refuse(order)
    handle = backend.start(order, {}, lambda _: None)
    end = time.monotonic() + PATIENCE
    while backend.status(handle).state not in ENDED:
        assert time.monotonic() < end, (order.folder / "trainer.log").read_text()[-3000:]
        time.sleep(0.2)
    status = backend.status(handle)
    assert status.state == "succeeded", (status, (order.folder / "trainer.log").read_text()[-3000:])
    assert status.model is not None
    return Path(status.model), backend.metrics(handle)


def ordered(method: Method, model: Path, train: Path, validation: Path | None, folder: Path) -> Order:
    more = dict(TRAINING[method])
    return Order("job", str(model), method, train, validation, folder, batch_size=more.pop("batch_size"), more=more)


def learned(folder: Path) -> Learned:
    """Dataset, tiny model and training."""
    database = Database(f"sqlite:///{folder}/workbench.sqlite3").upgrade()
    compose_practice(database, curator="ada")
    version = build(database, RECIPE, curator="ada", processes=0).version
    assert version is not None
    train, held_out, test = (
        tuple(row for _, row in bodies(database, version.id, split=split)) for split in ("train", "validation", "test")
    )
    database.close()
    learned_from = {row.prompt for row in train}
    new = tuple(row for row in test if row.prompt not in learned_from)
    files = [write_rows(folder / "train.jsonl", list(train)), write_rows(folder / "held-out.jsonl", list(held_out))]
    base = tiny_model(folder / "tiny", files[0])
    backend = LocalBackend(Settings.model_validate({"WORKBENCH_DATA_DIR": str(folder / "data")}))
    tuned, curve = trained(backend, ordered("supervised", base, files[0], files[1], folder / "supervised"))
    return Learned(backend, folder, train, new, base, tuned, curve)


def asked(url: str, name: str, rows: tuple[Row, ...], most: int) -> Compliance:
    with endpoint_asker(url, name, max_tokens=MOST_TOKENS) as ask:
        return measure(ask, rows, most=most)


def held_out_loss_falls_by_four_fifths(learned: Learned) -> None:
    losses = [each.valid_loss for each in learned.curve if each.valid_loss is not None]
    assert learned.curve[0].step == 0
    assert learned.curve[0].valid_loss == losses[0]
    assert learned.curve[-1].step == TRAINING["supervised"]["steps"]
    assert learned.curve[-1].valid_loss == losses[-1]
    assert losses[-1] <= 0.2 * losses[0]


def held_out_requests_are_answered_in_the_format(learned: Learned) -> None:
    """The model was trained on none of these pieces, nor on any like them: the version is split by groups."""
    assert not {row.source_id for row in learned.test} & {row.source_id for row in learned.train}
    models = {"bare": learned.base, "tuned": learned.tuned}
    with served(models, grammar=False, log=learned.folder / "server.log") as url:
        bare = asked(url, "bare", learned.test, BARE)
        tuned = asked(url, "tuned", learned.test, ASKED)
    assert (bare.rows, bare.json, bare.fits) == (BARE, 0, 0)
    assert tuned.rows == ASKED
    assert tuned.fits >= LEAST, (tuned.words, tuned.failures)


def preferences_are_learned_and_the_format_is_kept(learned: Learned) -> None:
    """Each pair prefers the row's own answer to that of the next request."""
    rows = learned.train[:40]
    pairs = [replace(row, kind="pair", rejected=other.answer) for row, other in pairwise(rows)]
    file = write_rows(learned.folder / "pairs.jsonl", pairs, "trl-dpo")
    preferring, curve = trained(learned.backend, ordered("dpo", learned.tuned, file, None, learned.folder / "dpo"))
    losses = [each.train_loss for each in curve if each.train_loss is not None]
    assert losses[-1] < losses[0]
    with served({"preferring": preferring}, grammar=False, log=learned.folder / "server.log") as url:
        found = asked(url, "preferring", learned.test, 10)
    assert found.fits >= 7, (found.words, found.failures)


def test_a_tiny_model_learns_the_format_and_then_preferences(tmp_path: Path) -> None:
    """One test, so that the training is done once, however tests are spread over processes."""
    model = learned(tmp_path)
    held_out_loss_falls_by_four_fifths(model)
    held_out_requests_are_answered_in_the_format(model)
    preferences_are_learned_and_the_format_is_kept(model)
