"""What of the few-shot library must not be shown when a model is tried on a version's test rows."""

from __future__ import annotations

from tests.core.datasets.conftest import built
from workbench.core.compose.edits import transpose
from workbench.core.datasets.recipes import Ratios, Recipe, Sources
from workbench.core.datasets.rows import source_of
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.library.curation import find, submit
from workbench.core.library.database import Database
from workbench.core.library.rights import own_rights

SHORT = Recipe(
    name="short", sources=Sources(forms=("binary", "rounded-binary", "rondo", "minuet-trio")),
    split=Ratios(train=0.5, validation=0.25, test=0.25),
)  # fmt: skip


def in_test(database: Database, version: Version) -> set[str]:
    rows = facts_of_version(database, version.id)
    return {source_of(each.key).removeprefix("examples/") for each in rows if each.split == "test"}


def test_the_examples_of_the_test_split_are_held_out(library: Database) -> None:
    version = built(library, SHORT)
    held = set(version.summary["held_out"])
    assert held == in_test(library, version) != set()


def test_an_example_that_is_nearly_a_test_piece_is_held_out_although_the_version_does_not_hold_it(
    library: Database,
) -> None:
    before = built(library, SHORT)
    id = sorted(in_test(library, before))[0]
    item = find(library, id)
    assert item is not None
    key = "D major" if item.structure.tonality.mode == "major" else "d minor"
    twin = transpose(item.structure, key).model_copy(update={"form": "ABA"})
    submit(
        library, item.request.model_copy(update={"form": "ABA", "key": key}), twin, curator="ada", id="twin",
        origin={"kind": "take"}, rights=own_rights("Ada", "here"), status="approved",
    )  # fmt: skip
    after = built(library, SHORT.model_copy(update={"name": "after"}))
    assert "twin" in after.summary["held_out"]
    assert id in after.summary["held_out"]
