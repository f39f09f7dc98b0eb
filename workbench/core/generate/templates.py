"""Prompt templates: named, versioned sets of parts, from files and from the database.

| part | becomes | values besides the common ones |
|---|---|---|
| ``system`` | the first message | |
| ``request`` | what was asked for | |
| ``plan`` | the section plan | ``kept``: JSON of what must stay |
| ``example`` | the question of a few-shot example, its answer is the example's JSON | ``request_part``, ``plan_part`` |
| ``retry`` | what is said when an answer has errors | ``findings`` |
| ``editor`` | what is said when a draft is to be improved | ``findings``, ``draft`` |

Common values: ``request``, ``request_json``, ``mood``, ``plan``, ``bar_quarters``, ``chords``, ``profile``, ``kept``.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.core.errors import TemplateError
from workbench.core.generate.sandbox import check_source

if TYPE_CHECKING:
    from workbench.core.library.database import Database

DEFAULT = "default"
FOLDER = Path(__file__).parents[3] / "assets" / "prompts"
PARTS = ("system", "request", "plan", "example", "retry", "editor")
COMMON = ("request", "request_json", "mood", "plan", "bar_quarters", "chords", "profile", "kept")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class Template:
    """One version of a template. ``parts`` holds every part's source; ``saved`` is False for those of files."""

    name: str
    version: int
    parts: Mapping[str, str]
    note: str = ""
    saved: bool = False

    @property
    def label(self) -> str:
        """``name@version``: how a trace names it."""
        return f"{self.name}@{self.version}"

    @property
    def digest(self) -> str:
        """A short hash of the texts: the same where, and only where, they are the same."""
        text = "\0".join(self.parts[part] for part in PARTS)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_parts(parts: Mapping[str, object], where: str = "") -> dict[str, str]:
    """The parts of a template, each looked at.

    Raises:
        TemplateError: one is missing, is no text, or is not a template; ``field`` names it.
    """
    result: dict[str, str] = {}
    for part in PARTS:
        text = parts.get(part)
        if not isinstance(text, str) or (part in {"system", "request", "plan"} and not text.strip()):
            raise TemplateError(f"{where}The part {part!r} is missing.", hint="Write it.", field=part)
        check_source(text, part)
        result[part] = text
    unknown = next((str(name) for name in parts if name not in PARTS), None)
    if unknown is not None:
        raise TemplateError(f"{where}{unknown[:40]!r} is no part.", hint=f"The parts are {', '.join(PARTS)}.")
    return result


def read_name(name: str) -> str:
    """A template's name as it is kept.

    Raises:
        TemplateError: it is not made of small letters, digits and hyphens.
    """
    cleaned = re.sub(r"[\s_]+", "-", name.strip().lower())
    if not _NAME.fullmatch(cleaned):
        raise TemplateError(
            "A template's name is made of letters a to z, digits and hyphens, at most 60.",
            hint="Such as: short-phrases.",
            field="name",
        )
    return cleaned


def read_file(path: Path) -> Template:
    """A template from a TOML file.

    Raises:
        TemplateError: the file is not a template.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        name, version, note = data.pop("name"), data.pop("version"), data.pop("note", "")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, KeyError) as problem:
        said = f"it has no {problem.args[0]}" if isinstance(problem, KeyError) else str(problem)
        raise TemplateError(f"{path.name} is not a template: {said}.", hint="Compare it with default-1.toml.") from None
    if type(version) is not int or version < 1 or not isinstance(note, str):
        raise TemplateError(f"{path.name}: the version is not a whole number from 1.", hint="Write version = 1.")
    return Template(read_name(str(name)), version, read_parts(data, f"{path.name}: "), note)


@lru_cache(maxsize=1)
def built_in() -> tuple[Template, ...]:
    """The templates that come with the workbench, by name and version."""
    return tuple(sorted(map(read_file, FOLDER.glob("*.toml")), key=lambda each: (each.name, each.version)))


def all_templates(database: Database | None = None) -> tuple[Template, ...]:
    """Every version of every template: the built-in ones and those that people saved."""
    if database is None:
        return built_in()
    from workbench.core.library.prompts import saved_templates

    saved = (Template(each.name, each.version, each.parts, each.note, True) for each in saved_templates(database))
    return tuple(sorted((*built_in(), *saved), key=lambda each: (each.name, each.version)))


def find_template(wanted: str, templates: Iterable[Template]) -> Template:
    """The template of a name, in its newest version or, as ``name@2``, in one.

    Raises:
        TemplateError: there is none.
    """
    name, _, version = wanted.partition("@")
    templates = sorted(templates, key=lambda each: (each.name, each.version))
    known = [each for each in templates if each.name == name]
    chosen = [each for each in known if not version or str(each.version) == version]
    if not chosen:
        names = ", ".join(dict.fromkeys(each.name for each in templates))
        said = (
            f"It has the versions {', '.join(str(each.version) for each in known)}."
            if known
            else f"There are: {names}."
        )
        raise TemplateError(f"There is no template {wanted[:80]!r}.", hint=said, field="template")
    return chosen[-1]


def save_version(
    database: Database, name: str, parts: Mapping[str, object], *, note: str = "", visitor: str = ""
) -> Template:
    """Save the next version of a template.

    Raises:
        TemplateError: the name or a part cannot be used.
        ConflictError: somebody saved a version in the same moment.
    """
    from workbench.core.library.prompts import save_template

    name, checked = read_name(name), read_parts(parts)
    last = max((each.version for each in built_in() if each.name == name), default=0)
    saved = save_template(database, name, checked, note=note, visitor=visitor, after=last)
    return Template(saved.name, saved.version, saved.parts, saved.note, True)


def usual_template(usual: str, database: Database) -> str:
    """The template of those who choose none: what the environment names, else what was chosen for everybody."""
    from workbench.core.library.choices import choice

    if usual != DEFAULT:
        return usual
    chosen = choice(database, "template")
    return chosen if isinstance(chosen, str) else DEFAULT


def choose_template(database: Database, label: str) -> None:
    """Make a template the usual one for everybody.

    Raises:
        TemplateError: there is none of that name.
    """
    from workbench.core.library.choices import choose

    choose(database, "template", find_template(label, all_templates(database)).label)


def difference(before: Template, after: Template) -> str:
    """What differs between two versions, part by part, as a unified diff; empty where nothing does."""
    from difflib import unified_diff

    lines: list[str] = []
    for part in PARTS:
        old, new = before.parts[part].strip().splitlines(), after.parts[part].strip().splitlines()
        lines += unified_diff(old, new, f"{before.label}/{part}", f"{after.label}/{part}", lineterm="", n=2)
    return "\n".join(lines)
