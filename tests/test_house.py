"""The house keeps its order: data moves one way, and core knows no screen."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.core.settings import settings_rows, settings_table

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workbench"
FLOORS = ("experiments", "finetune", "datasets", "generate", "library", "render", "checks", "compose", "music")
"""A folder of core imports only from those after it."""
GROUND = ("settings", "errors")
HEAVY = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "datasets",
    "llguidance",
    "tokenizers",
    "psutil",
    "numpy",
    "music21",
    "streamlit",
    "plotly",
    "symusic",
    "verovio",
    "openai",
    "aiohttp",
    "pretty_midi",
    "mido",
    "soundfile",
    "pandas",
    "scipy",
    "statsmodels",
    "sqlalchemy",
    "alembic",
    "jinja2",
    "bpe_openai",
    "pydantic_settings",
    "pyarrow",
    "distributed",
    "dask",
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in MODULES if "core" in path.parts], ids=name_of)
def test_core_imports_only_downwards(path: Path) -> None:
    parts = path.relative_to(PACKAGE / "core").parts
    floor = parts[0] if len(parts) > 1 else path.stem
    for name in imports_of(path):
        assert not name.startswith("streamlit"), f"core draws no screens, but {name_of(path)} imports {name}"
        if not name.startswith("workbench."):
            continue
        steps = name.split(".")
        assert steps[1] == "core" or name == "workbench.__version__", f"{name_of(path)} reaches up to {name}"
        if len(steps) < 3 or floor == "__init__":
            continue
        target = steps[2]
        if floor in GROUND:
            assert target in GROUND, f"{name_of(path)} is at the bottom and imports {name}"
        elif target not in GROUND:
            assert target in FLOORS, f"{name}: a folder that the house does not have"
            assert FLOORS.index(target) >= FLOORS.index(floor), f"{name_of(path)} imports {name} from above"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_named_by_what_they_know(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_say_what_they_are_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_the_command_line_loads_nothing_heavy_before_it_needs_it() -> None:
    code = "import sys, workbench.cli; print(' '.join(sys.modules))"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout.split())
    assert "workbench.cli" in loaded
    assert not loaded & set(HEAVY)


def test_the_readme_shows_the_settings_as_they_are() -> None:
    assert settings_table() in (ROOT / "README.md").read_text("utf-8"), "run: python scripts/settings_table.py"


def test_every_setting_is_described() -> None:
    rows = list(settings_rows())
    assert len(rows) == 20
    for variable, _, description in rows:
        assert variable.isupper()
        assert description.endswith(".")
