"""Choices that hold for everybody here, such as which prompt template is the usual one."""

from __future__ import annotations

from typing import Any

from workbench.core.library.database import Database, now, storable_json
from workbench.core.library.tables import SettingRow


def choice(database: Database, key: str) -> Any:
    """What was chosen; None where nothing was."""
    with database.reading() as session:
        row = session.get(SettingRow, key)
        return None if row is None else row.value.get("value")


def choose(database: Database, key: str, value: Any) -> None:
    """Choose for everybody."""
    with database.writing() as session:
        row = session.get(SettingRow, key)
        wrapped = {"value": storable_json(value)}
        if row is None:
            session.add(SettingRow(key=key, value=wrapped, version=1, updated_at=now()))
        else:
            row.value, row.version, row.updated_at = wrapped, row.version + 1, now()
