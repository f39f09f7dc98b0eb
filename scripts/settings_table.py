"""Write the settings table into README.md, between its two marks: ``python scripts/settings_table.py``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.core.settings import settings_table  # noqa: E402

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def with_table(readme: str) -> str:
    """The README's text with the table as the settings class now has it."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{settings_table()}\n{END}{after}"


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(with_table(path.read_text("utf-8")), "utf-8")
