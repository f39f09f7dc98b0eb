"""Whether models that were trained on two versions can be compared by the versions' test rows."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from workbench.core.datasets.versions import Version
from workbench.core.library.database import Database
from workbench.core.library.dataset_tables import DatasetRow


class SharedTests(NamedTuple):
    """How many test rows two versions share, word for word, and how many only one of them has."""

    shared: int
    before: int
    after: int

    @property
    def same(self) -> bool:
        """Whether there are test rows, and both have the very same."""
        return self.shared > 0 and not self.before and not self.after


def shared_tests(database: Database, before: Version, after: Version) -> SharedTests:
    """The test rows of two versions side by side."""
    one, other = _test_rows(database, before.id), _test_rows(database, after.id)
    shared = len(one & other)
    return SharedTests(shared, len(one) - shared, len(other) - shared)


def _test_rows(database: Database, version: str) -> set[tuple[str, str]]:
    wanted = select(DatasetRow.key, DatasetRow.digest)
    with database.reading() as session:
        rows = session.execute(wanted.where(DatasetRow.version_id == version, DatasetRow.split == "test")).all()
    return {(key, digest) for key, digest in rows}
