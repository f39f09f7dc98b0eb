"""What Alembic runs: the migrations, on the connection that ``Database.migrate`` gives."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from workbench.core.library import (  # noqa: F401 - so that their tables are known, too
    dataset_tables,
    experiment_tables,
    tuning_tables,
)
from workbench.core.library.tables import Table, UtcTime


def _rendered(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Moments as plain SQL types: a migration must not change when the code does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    render_item=_rendered,
    transactional_ddl=True,
)
context.run_migrations()
