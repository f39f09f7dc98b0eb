"""From any object that means a piece to one in the format's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.errors import InvalidStructureError
from workbench.core.generate.fields import Work, drop_unknown, pointer, read_text, sort_fields
from workbench.core.generate.keys_in_words import read_key
from workbench.core.generate.likeness import Chosen, looks_like_section
from workbench.core.generate.repairs import RepairLog
from workbench.core.generate.sections import mend_section, take_mode
from workbench.core.generate.spellings import CURVES, HUMANIZE, LEITMOTIF, RUBATO, SECTION, STRUCTURE, plain
from workbench.core.generate.tunes import mend_motif
from workbench.core.generate.values import read_meter, read_number, read_period, read_tempo, read_word
from workbench.core.generate.wording import read_transformation
from workbench.core.music.keys import Key, parse_key
from workbench.core.music.meters import TIME_SIGNATURES, meter_of
from workbench.core.music.request import Request
from workbench.core.music.structure import MAX_SECTIONS, SCHEMA_VERSION

FIELDS = (
    "schemaVersion", "title", "key", "tempo", "timeSignature", "form", "period", "sections", "leitmotifs", "humanize",
    "instrumentation", "character", "reasoning",
)  # fmt: skip
DEFAULT_KEY, DEFAULT_TEMPO, DEFAULT_METER, DEFAULT_FORM = "C major", 100, "4/4", "free"
_C_MAJOR = parse_key(DEFAULT_KEY)
_TEXTS = {"title": 120, "instrumentation": 4000, "character": 4000, "reasoning": 4000}
_MAX_LEITMOTIFS = 64
_PERIODS = ("baroque", "classical", "romantic", "modern")


def shape(chosen: Chosen, request: Request | None, log: RepairLog) -> dict[str, Any]:
    """The object in the format's shape, every change noted.

    Raises:
        InvalidStructureError: it holds no section with a chord or a tune.
    """
    known, unknown = _members(chosen, log)
    meter_name = _meter(known.get("timeSignature"), request, log)
    work = Work(log, request, _C_MAJOR, meter_of(meter_name))
    sections = _section_list(known.get("sections"), log)
    if not sections or not any(_has_music(raw) for _, raw in sections):
        raise InvalidStructureError(
            "There is no music in it: no section has a chord or a tune.",
            hint="Ask again for a MusicStructure with sections, each with its chordProgression.",
            field="/sections",
        )
    structure: dict[str, Any] = {}
    if known.get("schemaVersion") is not None:
        if type(known["schemaVersion"]) is int and known["schemaVersion"] == SCHEMA_VERSION:
            structure["schemaVersion"] = SCHEMA_VERSION
        else:
            log.add("/schemaVersion", "version.unknown", known["schemaVersion"], None, "There is no such version.")
    for name, limit in _TEXTS.items():
        if known.get(name) is not None:
            text = read_text(known[name], limit, f"/{name}", log, joiner="\n" if name == "reasoning" else ", ")
            if text is not None:
                structure[name] = text
    work.home = _home(known.get("key"), sections, unknown, request, structure, log)
    structure["tempo"] = _tempo(known.get("tempo"), request, log)
    structure["timeSignature"] = meter_name
    structure["form"] = _form(known.get("form"), request, log)
    if known.get("period") is not None:
        period = known["period"]
        found = period if isinstance(period, str) and period in _PERIODS else read_period(period)
        if found != period:
            log.add("/period", "period.spelling", period, found, f"Periods are {', '.join(_PERIODS)}.")
        if found is not None:
            structure["period"] = found
    drop_unknown(unknown, "", log)
    structure["sections"] = [mend_section(raw, name, index, work) for index, (name, raw) in enumerate(sections)]
    if known.get("leitmotifs") is not None:
        structure["leitmotifs"] = _leitmotifs(known["leitmotifs"], work)
    if known.get("humanize") is not None:
        humanize = _humanize(known["humanize"], log)
        if humanize is not None:
            structure["humanize"] = humanize
    return structure


def _members(chosen: Chosen, log: RepairLog) -> tuple[dict[str, Any], dict[str, Any]]:
    """The piece's own members; what it lacks is taken from the objects around it and from groups inside it."""
    value = chosen.value
    if isinstance(value, list):
        log.add(
            "", "nesting.list", value, {"sections": value}, "A structure is an object; the list holds its sections."
        )
        value = {"sections": value}
    elif chosen.kind == "section":
        log.add(
            "", "nesting.section", value, {"sections": [value]}, "One section stood alone, without a piece around it."
        )
        lifted = {n: item for n, item in value.items() if _only_of_the_piece(str(n))}
        rest = {name: item for name, item in value.items() if name not in lifted}
        value = lifted | ({"key": rest["key"]} if "key" in rest else {}) | {"sections": [rest]}
    elif chosen.kind == "named":
        inner = {name: item for name, item in value.items() if looks_like_section(item)}
        log.add(
            "/sections",
            "nesting.named",
            list(inner),
            "sections",
            "The sections stood under their names, without a list.",
        )
        value = {name: item for name, item in value.items() if name not in inner} | {"sections": inner}
    known, unknown = sort_fields(value, STRUCTURE, FIELDS, "", log)
    for name in list(unknown):
        group = unknown[name]
        if isinstance(group, Mapping) and 0 < len(group) <= 32:
            inner, _ = sort_fields(group, STRUCTURE, FIELDS, "", RepairLog())
            if inner and _lift(inner, known, f"/{pointer(name)}", log):
                del unknown[name]
    for path, around in chosen.around:
        inner, _ = sort_fields(around, STRUCTURE, FIELDS, "", RepairLog())
        _lift(inner, known, path, log)
    return known, unknown


def _only_of_the_piece(name: str) -> bool:
    return plain(name) in STRUCTURE and plain(name) not in SECTION


def _lift(inner: dict[str, Any], known: dict[str, Any], where: str, log: RepairLog) -> bool:
    lifted = False
    for field, item in inner.items():
        if item is not None and known.get(field) is None and field != "sections":
            known[field] = item
            lifted = True
            log.add(f"/{field}", "nesting.lifted", f"{where}/{field}", f"/{field}", "It belongs to the piece itself.")
    return lifted


def _section_list(raw: Any, log: RepairLog) -> list[tuple[str, Any]]:
    """The sections with the names they have if they say none, at most as many as the format takes."""
    if isinstance(raw, Mapping):
        if looks_like_section(raw):
            log.add("/sections", "sections.shape", raw, [raw], "Sections are a list.")
            items = [("A", raw)]
        else:
            log.add(
                "/sections", "sections.shape", raw, list(raw)[:8], "Sections are a list; these stood under their names."
            )
            items = [(str(name)[:120] or "A", item) for name, item in list(raw.items())[:1000]]
    elif isinstance(raw, list):
        items = [
            (chr(65 + number) if number < 26 else f"Section {number + 1}", item) for number, item in enumerate(raw)
        ]
    else:
        return []
    usable = [(name, item) for name, item in items if isinstance(item, Mapping | list | str) and item]
    if len(usable) < len(items):
        log.add("/sections", "sections.empty", len(items), len(usable), "Empty sections were left out.")
    if len(usable) > MAX_SECTIONS:
        why = f"At most {MAX_SECTIONS} sections are played: the tail was cut, and the last one is kept as the close."
        log.add("/sections", "sections.cut", len(usable), MAX_SECTIONS, why)
        usable = [*usable[: MAX_SECTIONS - 1], usable[-1]]
    return usable


def _has_music(raw: Any) -> bool:
    """Whether a section holds a chord or a tune, as far as its shape tells."""
    if isinstance(raw, str):
        return len(raw) > 3
    if isinstance(raw, list):
        return bool(raw)
    fields = {SECTION.get(plain(str(name))) for name, item in list(raw.items())[:64] if item}
    return bool(fields & {"chordProgression", "phrases", "melody"})


def _meter(raw: Any, request: Request | None, log: RepairLog) -> str:
    if isinstance(raw, str) and raw in TIME_SIGNATURES:
        return raw
    found = read_meter(raw) if raw is not None else None
    if found is None:
        asked = request.time_signature if request is not None else None
        found = asked or DEFAULT_METER
        why = "The request asks for it." if asked else "The plainest meter."
        kind = "missing.timeSignature" if raw is None else "meter.unreadable"
        log.add("/timeSignature", kind, raw, found, why)
        return found
    log.add("/timeSignature", "meter.spelling", raw, found, f"Meters are {', '.join(TIME_SIGNATURES)}.")
    return found


def _home(
    raw: Any,
    sections: list[tuple[str, Any]],
    unknown: dict[str, Any],
    request: Request | None,
    structure: dict[str, Any],
    log: RepairLog,
) -> Key:
    mode = take_mode(unknown)
    key = read_key(raw, None, mode) if raw is not None else None
    if key is None:
        why, kind = "The plainest key.", "missing.key" if raw is None else "key.unreadable"
        if request is not None and request.tonality is not None:
            key, why = request.tonality, "The request asks for it."
        else:
            for _, section in sections:
                inner = _local_key(section)
                if inner is not None:
                    key, why = inner, "The key of the first section that has one."
                    break
        key = key or read_key(DEFAULT_KEY, None, mode) or _C_MAJOR
        log.add("/key", kind, raw, key.name, why)
        structure["key"] = key.name
        return key
    try:
        same = isinstance(raw, str) and len(raw) <= 32 and parse_key(raw) == key
    except ValueError:
        same = False
    if not same:
        log.add("/key", "key.spelling", raw, key.name, "The key, as the format writes it.")
    elif mode is not None:
        log.add("/key", "field.unknown", mode, None, "The key names its mode itself.")
    structure["key"] = raw if same else key.name
    return key


def _local_key(section: Any) -> Key | None:
    if not isinstance(section, Mapping):
        return None
    name = next((name for name in list(section)[:64] if SECTION.get(plain(str(name))) == "key"), None)
    return read_key(section[name]) if name is not None else None


def _tempo(raw: Any, request: Request | None, log: RepairLog) -> float:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and 40 <= raw <= 220:
        return raw
    found = read_tempo(raw) if raw is not None else None
    if found is None:
        asked = request.tempo if request is not None else None
        why = "The request asks for it." if asked else "A moderate tempo."
        log.add("/tempo", "missing.tempo" if raw is None else "tempo.unreadable", raw, asked or DEFAULT_TEMPO, why)
        return asked or DEFAULT_TEMPO
    after = max(40.0, min(220.0, found))
    after = int(after) if after.is_integer() else after
    kind = "tempo.spelling" if after == found else "tempo.clamped"
    log.add("/tempo", kind, raw, after, "The tempo is a number of quarters a minute from 40 to 220.")
    return after


def _form(raw: Any, request: Request | None, log: RepairLog) -> str:
    text = read_text(raw, 120, "/form", log) if raw is not None else None
    if text is not None:
        return text
    asked = request.form if request is not None else None
    found = asked or DEFAULT_FORM
    log.add("/form", "missing.form", None, found, "The request asks for it." if asked else "No form was named.")
    return found


def _leitmotifs(raw: Any, work: Work) -> list[dict[str, Any]]:
    log = work.log
    items = raw
    if isinstance(raw, Mapping):
        named = {LEITMOTIF.get(plain(str(name))) for name in list(raw)[:16]}
        items = [raw] if "degrees" in named else [
            {"tag": str(name), **item} if isinstance(item, Mapping) else {"tag": str(name), "degrees": item}
            for name, item in list(raw.items())[: _MAX_LEITMOTIFS + 1]
        ]  # fmt: skip
        log.add("/leitmotifs", "leitmotifs.shape", raw, items, "Leitmotifs are a list.")
    elif not isinstance(raw, list):
        log.add("/leitmotifs", "leitmotifs.unreadable", raw, None, "Leitmotifs are a list of objects.")
        return []
    if len(items) > _MAX_LEITMOTIFS:
        log.add("/leitmotifs", "leitmotifs.cut", len(items), _MAX_LEITMOTIFS, f"At most {_MAX_LEITMOTIFS} are read.")
        items = items[:_MAX_LEITMOTIFS]
    found = [_leitmotif(item, number, work) for number, item in enumerate(items)]
    return [leitmotif for leitmotif in found if leitmotif is not None]


def _leitmotif(raw: Any, number: int, work: Work) -> dict[str, Any] | None:
    log, path = work.log, f"/leitmotifs/{number}"
    names = ("tag", "degrees", "rhythm", "meaning", "transformations")
    if isinstance(raw, Mapping):
        known, unknown = sort_fields(raw, LEITMOTIF, names, path, log)
        for name in list(unknown):
            if isinstance(unknown[name], Mapping | list) and plain(name) in ("melody", "motif", "tune", "cell"):
                known.setdefault("degrees", unknown.pop(name))
        drop_unknown(unknown, path, log)
    else:
        known = {"degrees": raw}
        log.add(path, "leitmotif.shape", raw, known, "A leitmotif is an object with a tag.")
    degrees = known.get("degrees")
    source: Any = {"degrees": degrees, "rhythm": known.get("rhythm")}
    if isinstance(degrees, Mapping) or known.get("rhythm") is None:
        source = degrees if not isinstance(degrees, list) else {"degrees": degrees}
    motif = mend_motif(source, path, work.home, log) if degrees is not None else None
    if motif is None:
        log.add(path, "leitmotif.empty", raw, None, "A leitmotif without a tune was left out.")
        return None
    tag = read_text(known["tag"], 120, f"{path}/tag", log) if known.get("tag") is not None else None
    if tag is None:
        tag = f"motif {number + 1}"
        log.add(f"{path}/tag", "leitmotif.tag", None, tag, "A leitmotif has a tag.")
    result: dict[str, Any] = {"tag": tag, **motif}
    if known.get("meaning") is not None:
        meaning = read_text(known["meaning"], 4000, f"{path}/meaning", log)
        if meaning is not None:
            result["meaning"] = meaning
    if known.get("transformations") is not None:
        given = known["transformations"]
        items = (
            given
            if isinstance(given, list)
            else [part.strip() for part in given.split(",")]
            if isinstance(given, str)
            else []
        )
        where = f"{path}/transformations"
        if items is not given:
            log.add(where, "transformations.shape", given, items, "Transformations are a list.")
        read = [read_transformation(item, f"{where}/{place}", work) for place, item in enumerate(items[:64])]
        if len(items) > 64:
            log.add(where, "transformations.cut", len(items), 64, "At most 64 are read.")
        result["transformations"] = [name for name in read if name is not None]
    return result


def _humanize(raw: Any, log: RepairLog) -> dict[str, Any] | None:
    if not isinstance(raw, Mapping):
        rubato = read_word(raw, RUBATO)
        result = {"rubato": rubato} if rubato is not None else None
        log.add("/humanize", "humanize.shape", raw, result, "Humanize is an object.")
        return result
    known, unknown = sort_fields(
        raw, HUMANIZE, ("rubato", "velocityCurve", "peakBoost", "phraseEndSoftness"), "/humanize", log
    )
    drop_unknown(unknown, "/humanize", log)
    result = {}
    for name, item in known.items():
        path = f"/humanize/{name}"
        if name in ("rubato", "velocityCurve"):
            words, own = (
                (RUBATO, ("none", "subtle", "expressive")) if name == "rubato" else (CURVES, ("flat", "phrase"))
            )
            after: Any = item if isinstance(item, str) and item in own else read_word(item, words)
        else:
            limit = 0.6 if name == "peakBoost" else 0.8
            legal = isinstance(item, int | float) and not isinstance(item, bool) and 0 <= item <= limit
            number = read_number(item)
            after = item if legal else None if number is None else max(0.0, min(limit, number))
        if after is not item:
            log.add(path, "humanize.value", item, after, "Read as near as the format allows, or left out.")
        if after is not None:
            result[name] = after
    return result
