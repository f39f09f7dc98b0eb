"""Finding the object in what a model wrote: prose, fences, thoughts, several objects, broken or cut-off JSON."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from workbench.core.errors import InputTooLargeError, InvalidStructureError
from workbench.core.generate.json_problems import Problems, Twice
from workbench.core.generate.likeness import Chosen, choose
from workbench.core.generate.loose_json import LooseReader
from workbench.core.generate.repairs import RepairLog
from workbench.core.generate.spellings import STRUCTURE, plain
from workbench.core.music.reading import MAX_DEPTH, json_depth

_MAX_CANDIDATES, _MAX_BROKEN = 64, 12
_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning|scratchpad|analysis)>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"</(think|thinking|thought|reasoning|scratchpad|analysis)>", re.IGNORECASE)
_OPENING = re.compile(r"[{\[]")
_HEADLESS = re.compile(r'\s*"\w{1,40}"\s*:')
_LISTS = frozenset({"", "phrases", "phrase", "motifs"})
_MAX_QUOTED = 2
_WHITE = " \t\r\n\ufeff"


class _Candidate(NamedTuple):
    value: Any
    start: int
    end: int
    cut: tuple[str | int, ...] | None
    problems: Problems
    chosen: Chosen


def find_structure(text: str, log: RepairLog, *, depth: int = 0) -> Chosen:
    """The object in a text that looks most like a MusicStructure; ``depth`` counts the texts that it was found in.

    Raises:
        InvalidStructureError: there is none.
        InputTooLargeError: it is nested too deeply or holds too many values.
    """
    stripped = text.strip(_WHITE)
    for _ in range(2):
        value, problems = _strict(stripped)
        if not isinstance(value, str):
            break
        log.add("", "text.quoted", stripped, value, "The object stood inside a text, in quotation marks.")
        stripped = value.strip(_WHITE)
        if json_depth(stripped.encode("utf-8", "surrogatepass")) > MAX_DEPTH:
            raise InputTooLargeError("The input is nested too deeply.", hint="Send one plain JSON object.")
    if problems is not None and isinstance(value, dict | list):
        chosen = choose(value)
        if chosen is None and depth < _MAX_QUOTED:
            for path, inner in _quoted(value):
                inner_log = RepairLog()
                try:
                    found = find_structure(inner, inner_log, depth=depth + 1)
                except InvalidStructureError:
                    continue
                log.add("", "text.quoted", path, None, "The object stood inside a text, in quotation marks.")
                log.extend(inner_log)
                return found
        if chosen is None:
            raise _no_structure("The JSON holds no MusicStructure.")
        candidate = _Candidate(value, 0, len(stripped), None, problems, chosen)
        return _taken(candidate, stripped, log)
    outside = _without_thoughts(stripped)
    best = _best(outside)
    if best is None and outside != stripped:
        best, outside = _best(stripped), stripped
    if best is None:
        raise _no_structure("There is no MusicStructure in the text.")
    if outside != stripped:
        log.add("", "text.thoughts", stripped, None, "Thoughts before the answer are no part of it.")
    _note_around(best, outside, log)
    return _taken(best, outside, log)


def _no_structure(message: str) -> InvalidStructureError:
    return InvalidStructureError(
        message, hint="Ask again for one JSON object with key, tempo, timeSignature, form and sections."
    )


def _strict(text: str) -> tuple[Any, Problems | None]:
    problems = Problems()
    try:
        return problems.decoder().decode(text), problems
    except (ValueError, RecursionError):
        return None, None


def _quoted(value: Any) -> list[tuple[str, str]]:
    """The texts inside a value that may hold an object of their own, with their pointers."""
    found: list[tuple[str, str]] = []
    waiting: list[tuple[str, Any]] = [("", value)]
    for count, (path, node) in enumerate(waiting):
        if count > 500 or len(found) >= 4:
            break
        if isinstance(node, str):
            deep = json_depth(node.encode("utf-8", "surrogatepass")) > MAX_DEPTH
            found += [(path, node)] if "{" in node and len(node) > 20 and not deep else []
        elif isinstance(node, dict):
            waiting += [(f"{path}/{str(name)[:40]}", item) for name, item in list(node.items())[:50]]
        elif isinstance(node, list):
            waiting += [(f"{path}/{number}", item) for number, item in enumerate(node[:50])]
    return found


def _without_thoughts(text: str) -> str:
    """The text without ``<think>`` blocks; what precedes a block that was closed and never opened is one, too."""
    if "<" not in text:
        return text
    kept, at = "", 0
    first_end = _THOUGHT_END.search(text)
    first = _THOUGHT.search(text)
    if first_end is not None and (first is None or first.start() > first_end.start()):
        at = first_end.end()
    for _ in range(20):
        opening = _THOUGHT.search(text, at)
        if opening is None:
            break
        closing = _THOUGHT_END.search(text, opening.end())
        if closing is None:
            return kept + text[at : opening.start()] + text[opening.end() :]
        kept += text[at : opening.start()]
        at = closing.end()
    return kept + text[at:]


def _best(text: str) -> _Candidate | None:
    """Every object in the text is read, broken ones loosely; of equals the last one is taken."""
    if _HEADLESS.match(text):
        text = "{" + text
    best: _Candidate | None = None
    loose: list[_Candidate] = []
    at = broken = 0
    for _ in range(_MAX_CANDIDATES):
        opening = _OPENING.search(text, at)
        if opening is None or broken >= _MAX_BROKEN:
            break
        problems = Problems()
        read = LooseReader(text, problems).read(opening.start())
        broken += bool(problems.found) or read.cut is not None
        at = max(read.end, opening.start() + 1)
        chosen = choose(read.value)
        if chosen is None:
            continue
        candidate = _Candidate(read.value, opening.start(), at, read.cut, problems, chosen)
        loose.append(candidate)
        if best is None or chosen.score - (read.cut is not None) >= best.chosen.score - (best.cut is not None):
            best = candidate
    if best is not None and best.chosen.kind == "section" and len(loose) > 1:
        return _gathered(loose)
    return best


def _gathered(candidates: list[_Candidate]) -> _Candidate:
    """Sections that stand one after another, each an object of its own, are one piece."""
    sections = [candidate for candidate in candidates if candidate.chosen.kind == "section"]
    value = [candidate.chosen.value for candidate in sections]
    chosen = choose(value)
    last = sections[-1]
    cut = (len(value) - 1, *last.cut) if last.cut is not None else None
    problems = Problems()
    for candidate in sections:
        problems.found |= candidate.problems.found
        problems.twice += candidate.problems.twice
    return _Candidate(value, sections[0].start, last.end, cut, problems, chosen or last.chosen)


def _note_around(candidate: _Candidate, text: str, log: RepairLog) -> None:
    if _HEADLESS.match(text):
        log.add("", "json.missing-bracket", text, None, "The opening bracket of the object was missing.")
        text = "{" + text
    before, after = text[: candidate.start].strip(), text[candidate.end :].strip()
    fences = before.endswith(("```", "```json", "```json5", "```python", "```JSON"))
    if fences or after.startswith("```"):
        log.add(
            "",
            "text.fence",
            before.splitlines()[-1] if fences else after[:20],
            None,
            "A code fence stood around the object.",
        )
    before = re.sub(r"```\w*$", "", before).strip()
    after = after.removeprefix("```").strip()
    if before:
        log.add("", "text.before", before, None, "Text before the object is no part of it.")
    if after:
        log.add("", "text.after", after, None, "Text after the object is no part of it.")


def _taken(candidate: _Candidate, text: str, log: RepairLog) -> Chosen:
    """The chosen object, with everything noted that was wrong on the way to it."""
    candidate.problems.report(log)
    _note_twice(candidate.value, candidate.problems.twice, log)
    chosen = candidate.chosen
    if candidate.cut is not None:
        _drop_half_written(candidate.value, candidate.cut, text, log)
    if chosen.path:
        where = "".join(f"/{str(step)[:40]}" for step in chosen.path)
        log.add("", "nesting.unwrapped", where, None, "The structure lay inside another object.")
    return chosen


def _note_twice(value: Any, twice: list[Twice], log: RepairLog) -> None:
    if not twice:
        return
    owners: dict[int, list[Twice]] = {}
    for each in twice:
        owners.setdefault(id(each.owner), []).append(each)
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            for each in owners.pop(id(node), ()):
                why = "The name stood twice in one object; the last that says something counts."
                log.add(f"{path}/{each.name[:60]}", "json.duplicate-key", each.dropped, node.get(each.name), why)
            waiting += [(f"{path}/{name[:60]}", item) for name, item in node.items() if isinstance(item, dict | list)]
        elif isinstance(node, list):
            waiting += [(f"{path}/{number}", item) for number, item in enumerate(node) if isinstance(item, dict | list)]


def _drop_half_written(value: Any, cut: tuple[str | int, ...], text: str, log: RepairLog) -> None:
    """Leave out the section (or, in an only section, the phrase) that the text broke off in."""
    where = "".join(f"/{str(step)[:40]}" for step in cut)
    node, name = value, ""
    why = "The text broke off; what was complete is kept."
    dropped = None
    for step in cut:
        listed = isinstance(node, list) and (plain(name) in STRUCTURE or plain(name) in _LISTS)
        if listed and step == len(node) - 1 and len(node) > 1 and isinstance(node[step], dict):
            dropped = node.pop()
            why = f"The text broke off; the half-written {_one_of(name)} was left out, what was complete is kept."
            break
        if isinstance(node, dict) and plain(name) == "sections" and len(node) > 1:
            dropped = node.pop(str(step))
            why = "The text broke off; the half-written section was left out, what was complete is kept."
            break
        if isinstance(node, dict) and step not in node:
            break
        name = step if isinstance(step, str) else "an item"
        node = node[step]
        if not isinstance(node, dict | list):
            break
    log.add(where, "json.cut-off", dropped if dropped is not None else text[-40:], None, why)


def _one_of(name: str) -> str:
    return {"phrases": "phrase", "leitmotifs": "leitmotif", "motifs": "motif"}.get(name, "section")
