"""Write a migration from what differs between the tables in code and in a database made by the migrations so far.

python scripts/new_migration.py "what it changes"
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alembic import command  # noqa: E402
from alembic.config import Config  # noqa: E402

from workbench.core.library.database import MIGRATIONS, Database  # noqa: E402
from workbench.core.library.migrations import HEAD  # noqa: E402

if __name__ == "__main__":
    message = sys.argv[1]
    number = len(list((MIGRATIONS / "versions").glob("0*.py"))) + 1
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/draft.sqlite3")
        if number > 1:
            database.migrate(HEAD)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04}")
