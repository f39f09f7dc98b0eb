"""What the form for a new run holds, and the specification that it stands for: from the one to the other and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.core.datasets.rows import SPLITS
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.specification import (
    MAX_REQUESTS,
    MAX_SEEDS,
    MAX_VARIANTS,
    Limits,
    Mood,
    Specification,
    Variant,
)
from workbench.core.music.moods import WORDS
from workbench.core.music.reading import parse_json

SOURCES = {"grid": "Combinations", "dataset": "A dataset's split", "list": "A list"}
KINDS = {
    "rules": "The rules",
    "adapt": "An adapted example",
    "base": "The base model",
    "ft": "The fine-tuned model",
    "registered": "A registered model",
    "model": "A model by its id",
    "endpoint": "A model somewhere else",
    "openai": "Whichever model is live here",
    "usual": "Whoever answers here",
}
LEVELS = ("form", "period", "mood", "key", "time_signature", "duration")
MOST_LIST = 1_000_000
"""Characters of a list of requests."""
MOST_TEXT = 4_000
_PLAIN: dict[str, Any] = {
    "model": "", "registered": "", "endpoint": "", "variant": "", "template": "", "examples": None,
    "temperature": 0.8, "editor": False, "reasks": 2, "ban_held_out": True, "batch": False,
}  # fmt: skip
_KEPT: Mapping[str, tuple[str, ...]] = {
    "rules": (), "adapt": (), "base": ("template",), "ft": ("template",), "registered": ("registered", "template"),
    "model": ("model", "template"), "endpoint": ("model", "endpoint", "variant", "template"), "openai": ("template",),
    "usual": ("template",),
}  # fmt: skip
_NAMES = ("model", "registered", "endpoint", "variant", "template")
_AT_ONCE = ("rules", "adapt")


def usual() -> dict[str, Any]:
    """What the form begins with: something small that can be run at once, and costs nothing."""
    return {
        "name": "first comparison", "source": "grid", "dataset": "", "split": "test", "most": None, "request_seed": 0,
        "form": ["ABA", "rondo", "binary"], "period": ["baroque", "classical", "romantic"], "mood": [], "key": [],
        "time_signature": [], "duration": ["40"], "list": "",
        "variants": [a_variant(1, "rules", "rules"), a_variant(2, "adapt", "adapt")], "seeds": "0",
        "all_metrics": True, "metrics": [], "limits": Limits().model_dump(mode="json"),
    }  # fmt: skip


def a_variant(number: int, kind: str, name: str) -> dict[str, Any]:
    """A variant as the form holds it; ``id`` is what its widgets are called by."""
    return {"id": number, "kind": kind, "name": name, "provider": _provider(kind, ""), **_PLAIN}


def new_id(variants: Iterable[Mapping[str, Any]]) -> int:
    """A number that no variant has."""
    return max((int(each["id"]) for each in variants), default=0) + 1


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """A name that is not taken: ``rules 2``."""
    known, stem = set(taken), re.sub(r" \d+$", "", wanted)[:70]
    return next(name for at in range(1, 1000) if (name := f"{stem} {at}" if at > 1 else stem) not in known)


# --- from a specification --------------------------------------------------------------------------------------------


def values_of(specification: Specification) -> dict[str, Any]:
    """The form that stands for a specification."""
    told = specification.to_dict()
    wanted, grid = told["requests"], told["requests"]["grid"] or {}
    source = "grid" if wanted["grid"] else "dataset" if wanted["dataset"] else "list"
    found = usual() | {
        "name": told["name"], "source": source, "dataset": wanted["dataset"], "split": wanted["split"],
        "most": wanted["most"], "request_seed": wanted["seed"], "list": _lines(wanted["list"] or ()),
        "variants": [_variant_values(at, each) for at, each in enumerate(told["variants"], start=1)],
        "seeds": seeds_text(told["seeds"]), "all_metrics": not told["metrics"], "metrics": told["metrics"],
        "limits": told["limits"],
    }  # fmt: skip
    if source == "grid":
        found |= {name: list(grid.get(name) or ()) for name in LEVELS}
        found["mood"] = [_mood_text(each) for each in found["mood"]]
        found["duration"] = [f"{each:g}" for each in found["duration"]]
    return found


def _variant_values(number: int, told: Mapping[str, Any]) -> dict[str, Any]:
    return {**_PLAIN, **told, "id": number, "kind": _kind(told)}


def _kind(told: Mapping[str, Any]) -> str:
    if told["provider"] in _AT_ONCE:
        return str(told["provider"])
    for name in ("registered", "endpoint", "model"):
        if told[name]:
            return name
    return str(told["variant"] or told["provider"] or "usual")


def _lines(requests: Iterable[Mapping[str, Any]]) -> str:
    import json

    return "\n".join(json.dumps(each, ensure_ascii=False) for each in requests)


def _mood_text(mood: Mapping[str, float]) -> str:
    """The word of a mood that is the middle of its field, else its two numbers."""
    for word in (each for row in WORDS for each in row):
        if Mood.model_validate(word).model_dump() == dict(mood):
            return word
    return f"{mood['valence']:g}/{mood['arousal']:g}"


def seeds_text(seeds: Iterable[int]) -> str:
    """Seeds as one types them: ``0-9, 42``."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], seed]
        else:
            parts.append([seed])
    return ", ".join(f"{each[0]}-{each[-1]}" if len(each) > 1 else str(each[0]) for each in parts)


# --- to a specification ----------------------------------------------------------------------------------------------


def told_of(values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[InvalidInputError, ...]]:
    """The specification that a form stands for, which may still be wrong, and what cannot even be put into one."""
    problems: list[InvalidInputError] = []
    requests = dict(_requests(values, problems))
    told = {
        "name": str(values["name"]).strip(), "requests": requests,
        "variants": [_variant_told(each) for each in values["variants"]],
        "seeds": list(_seeds(str(values["seeds"]), problems)),
        "metrics": [] if values["all_metrics"] else list(values["metrics"]), "limits": dict(values["limits"]),
    }  # fmt: skip
    if not values["all_metrics"] and not values["metrics"]:
        problems.append(InvalidInputError("No metric is chosen.", hint="Choose one, or all.", field="/metrics"))
    return told, tuple(problems)


def _requests(values: Mapping[str, Any], problems: list[InvalidInputError]) -> Iterator[tuple[str, Any]]:
    source = values["source"]
    if source == "dataset":
        yield "dataset", values["dataset"]
        yield "split", values["split"]
    elif source == "list":
        yield "list", list(_listed(str(values["list"]), problems))
    else:
        grid = {name: list(values[name]) for name in LEVELS if values[name]}
        if "mood" in grid:
            grid["mood"] = [_mood(each) for each in grid["mood"]]
        if "duration" in grid:
            grid["duration"] = list(_durations(grid["duration"], problems))
        yield "grid", grid
    if values["most"]:
        yield "most", int(values["most"])
    if values["request_seed"]:
        yield "seed", int(values["request_seed"])


def _listed(text: str, problems: list[InvalidInputError]) -> Iterator[Any]:
    """The requests of a text: JSON Lines, or a JSON array."""
    if text.lstrip().startswith("["):
        try:
            found = parse_json(text)
        except InvalidInputError as problem:
            problems.append(
                InvalidInputError(f"The list: {problem.message}", hint=problem.hint, field="/requests/list")
            )
            return
        yield from found if isinstance(found, list) else ()
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = parse_json(line)
        except InvalidInputError as problem:
            problems.append(
                InvalidInputError(f"Line {number:,}: {problem.message}", hint=problem.hint, field="/requests/list")
            )
            return
        # What answers made elsewhere are given with holds the request too.
        yield found["request"] if isinstance(found, dict) and isinstance(found.get("request"), dict) else found


def _mood(text: str) -> Any:
    valence, slash, arousal = str(text).partition("/")
    try:
        return {"valence": float(valence), "arousal": float(arousal)} if slash else text
    except ValueError:
        return text


def _durations(texts: Iterable[str], problems: list[InvalidInputError]) -> Iterator[float]:
    for text in texts:
        try:
            yield float(str(text).strip().removesuffix("s").replace(",", "."))
        except ValueError:
            shown = str(text)[:40]
            problems.append(
                InvalidInputError(f"{shown!r} is no length.", hint="Write seconds.", field="/requests/grid/duration")
            )


def _seeds(text: str, problems: list[InvalidInputError]) -> Iterator[int]:
    count = 0
    for part in re.split(r"[,;\s]+", text.strip()):
        found = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        if found is None:
            shown = part[:40]
            said = f"{shown!r} is no seed." if part else "No seed is given."
            problems.append(
                InvalidInputError(said, hint="Write whole numbers, such as 0, 1, 2 or 0-9.", field="/seeds")
            )
            return
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first or count + last - first + 1 > MAX_SEEDS:
            problems.append(
                InvalidInputError(f"{part!r} are too many seeds.", hint=f"At most {MAX_SEEDS}.", field="/seeds")
            )
            return
        count += last - first + 1
        yield from range(first, last + 1)


def _variant_told(values: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(values["kind"])
    told = {name: values[name] for name in Variant.model_fields if name in values}
    told |= {name: "" for name in _NAMES if name not in _KEPT[kind]}
    told["name"], told["provider"] = str(values["name"]).strip(), _provider(kind, str(values.get("provider", "")))
    if kind in ("base", "ft"):
        told["variant"] = kind
    if kind in _AT_ONCE:  # what only a model can do
        told |= {"editor": False, "batch": False}
    return told


def _provider(kind: str, held: str) -> str:
    """The provider that a kind of variant has; where a specification said one that fits, that."""
    if kind in (*_AT_ONCE, "openai"):
        return kind
    if kind == "usual":
        return ""
    return held if held in ("", "openai") else "openai"


# --- drafts of another time ------------------------------------------------------------------------------------------


def sound(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A form that widgets can take, from a draft that may be an older version's or a stranger's."""
    found = usual()
    for name, value in kept.items():
        if name in found and _fits(name, value):
            found[name] = value
    limits = {name: value for name, value in found["limits"].items() if name in Limits.model_fields}
    try:
        found["limits"] = Limits.model_validate(limits).model_dump(mode="json")
    except ValueError:
        found["limits"] = usual()["limits"]
    found["variants"] = [each for each in map(_sound_variant, found["variants"]) if each is not None][:MAX_VARIANTS]
    if len({each["id"] for each in found["variants"]}) < len(found["variants"]):
        found["variants"] = [each | {"id": at} for at, each in enumerate(found["variants"], start=1)]
    return found


def _fits(name: str, value: Any) -> bool:
    if name in (*LEVELS, "metrics"):
        return isinstance(value, list) and len(value) <= 200 and all(_is_text(each, 80) for each in value)
    if name in ("most", "request_seed"):
        most = MAX_REQUESTS if name == "most" else 2**31 - 1
        return (
            (value is None and name == "most")
            or (_is_whole(value) and (name != "most") <= value <= most)
            or (name == "request_seed" and value == 0)
        )
    if name == "variants":
        return isinstance(value, list) and all(isinstance(each, dict) for each in value)
    if name == "limits":
        return isinstance(value, dict)
    if name == "all_metrics":
        return isinstance(value, bool)
    if name in ("source", "split"):
        return isinstance(value, str) and value in (SOURCES if name == "source" else SPLITS)
    return _is_text(value, MOST_LIST if name == "list" else MOST_TEXT)


def _sound_variant(kept: Mapping[str, Any]) -> dict[str, Any] | None:
    if kept.get("kind") not in KINDS or not _is_whole(kept.get("id")):
        return None
    found = a_variant(int(kept["id"]), str(kept["kind"]), "variant") | dict(kept)
    probe = {name: found[name] for name in Variant.model_fields if name in found}
    for name, value in probe.items():
        if name in (*_NAMES, "name", "provider"):
            ok = _is_text(value, 500)
        elif name in ("editor", "ban_held_out", "batch"):
            ok = isinstance(value, bool)
        elif name in ("examples", "reasks"):
            ok = (value is None and name == "examples") or (
                _is_whole(value) and 0 <= value <= 5 - 2 * (name == "examples")
            )
        elif name == "temperature":
            ok = value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2)
        else:
            ok = True
        if not ok:
            found[name] = _PLAIN.get(name, "")
    if isinstance(found["temperature"], int):
        found["temperature"] = float(found["temperature"])
    if found["variant"] not in ("", "base", "ft"):
        found["variant"] = ""
    return found


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
