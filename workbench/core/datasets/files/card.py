"""The dataset card: what a version holds, whence it comes, under which rights, how it was made, and its limits.

Markdown with the head that dataset hubs and ``datasets.load_dataset`` read. Names, holders and whatever else people
have written is shown as they wrote it: nothing of it becomes a heading, a link, HTML or another line of the head.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from sqlalchemy import func, select

from workbench.core.datasets.costs import estimate
from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.review.balance import unlike_real_music
from workbench.core.datasets.review.marks import excluded
from workbench.core.datasets.review.statistics import Counts, coverage_of_cells
from workbench.core.datasets.rows import SPLITS, Row
from workbench.core.datasets.versions import Version, unpacked
from workbench.core.datasets.withdrawn import withdrawn
from workbench.core.library.database import Database
from workbench.core.library.dataset_tables import BodyRow, DatasetRow
from workbench.core.library.rights import LAYER_TITLES, Rights, read_rights
from workbench.core.music.forms import FORMS

MAX_LISTED, STEP = 12, 500
NAMED = {"forms": "Form", "periods": "Period", "modes": "Mode", "moods": "Mood", "cadences": "Cadence"}


def dataset_card(database: Database, version: Version) -> str:
    """The card of a version, as of today: rights that were withdrawn since it was made are told."""
    parts = [*_head(version), *_what(version), *_whence(database, version), *_how(version), *_limits(database, version)]
    return "\n".join(parts) + "\n"


def _head(version: Version) -> Iterator[str]:
    splits = [split for split in SPLITS if version.summary["splits"].get(split)]
    size = next(words for most, words in _SIZES if version.rows < most)
    yield "---"
    yield f"pretty_name: {_yaml(version.label)}"
    yield "language: [en]"
    yield "task_categories: [text-generation]"
    yield "tags: [music, music-generation, structured-output]"
    yield f"size_categories: [{size}]"
    yield "configs:"
    yield "- config_name: default"
    yield "  data_files:"
    for split in splits:
        yield f"  - split: {split}"
        yield f"    path: {split}.parquet"
    yield "---"
    yield ""
    yield f"# {_plain(version.label)}"
    yield ""


_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~&!]|(?<=[A-Za-z]):(?=//)|(?<=\bwww)\.", re.ASCII)


def _plain(text: str) -> str:
    """A text of somebody's in one line of Markdown, in which nothing stands for anything but itself."""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))
    return _MARKUP.sub(lambda found: "\\" + found[0], shown)


def _yaml(text: str) -> str:
    """A text as a quoted scalar of YAML, which unlike JSON knows no halves of characters and fewer of the unseen."""
    marks = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(marks.get(c, c if c.isprintable() else f"\\U{ord(c):08X}") for c in text) + '"'


_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**12, "100K<n<1M"))


def _what(version: Version) -> Iterator[str]:
    summary, tokens = version.summary, version.summary["tokens"]
    splits = ", ".join(f"{count:,} {split}" for split, count in summary["splits"].items() if count)
    made = "a request and a plan, and the MusicStructure that answers them"
    if version.kind == "pair":
        made = "a request and a plan, the MusicStructure that was preferred, and one that was not"
    yield f"{version.rows:,} rows ({splits}), each {made}."
    yield ""
    yield f"- Content hash: `{version.content_hash}`"
    yield f"- Sources: {summary['sources']:,} pieces in {summary['groups']:,} groups of related ones;"
    yield f"  {summary['derived']:,} rows are derived from them and marked so."
    about = "" if tokens["exact"] else "about "
    yield f"- Tokens: {about}{tokens['all']:,} in all, {about}{tokens['train']:,} to train on; the longest row has"
    yield f"  {about}{tokens['longest']:,}."
    yield ""
    counts = Counts.from_dict(summary["everything"])
    for name, title in NAMED.items():
        shares = counts.ordered(name)
        whole = sum(shares.values()) or 1
        told = [
            f"{_plain(category) or 'not told'} {100 * count / whole:.0f} %"
            for category, count in shares.items()
            if count
        ]
        yield f"- {title}: {', '.join(told[:MAX_LISTED]) or 'none'}"
    yield ""


def _whence(database: Database, version: Version) -> Iterator[str]:
    """Where the pieces come from, and under which rights: each combination of layers once, with how many rows."""
    origins: Counter[str] = Counter()
    grounds: Counter[str] = Counter()
    for count, row in _families(database, version):
        origins[str(row.source.get("origin") or row.source.get("file") or "unknown")] += count
        grounds[_ground(read_rights(dict(row.rights)))] += count
    yield "## Whence"
    yield ""
    for origin, count in sorted(origins.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_LISTED]:
        yield f"- {_ORIGINS.get(origin) or _plain(origin)}: {count:,} rows"
    yield ""
    yield "## Rights"
    yield ""
    yield f"Every row may be used for {str(version.recipe.get('use', '')).replace('_', ' ')}, by each of its layers:"
    yield ""
    listed = sorted(grounds.items(), key=lambda pair: (-pair[1], pair[0]))
    for ground, count in listed[: 4 * MAX_LISTED]:
        yield f"- {count:,} rows: {_plain(ground)}"
    if len(listed) > 4 * MAX_LISTED:
        yield f"- and {len(listed) - 4 * MAX_LISTED:,} more combinations; each row carries its own"
    gone = withdrawn(database, version.id)
    if gone:
        yield ""
        yield f"**The rights of {len(gone):,} sources were withdrawn since this version was made. Do not train on it.**"
        for source, why in list(gone.items())[:MAX_LISTED]:
            yield f"- {_plain(source)}: {_plain(why)}"
    yield ""


def _families(database: Database, version: Version) -> Iterator[tuple[int, Row]]:
    """One row of all that were made from one source, with how many they are: what a source is, they share.

    The rows of an imported file have one origin and the same rights, all of them.
    """
    sources = (DatasetRow.split,) if "imported" in version.recipe else (DatasetRow.source, DatasetRow.split)
    wanted = select(func.min(DatasetRow.position), func.count()).where(DatasetRow.version_id == version.id)
    with database.reading() as session:
        found = {int(row[0]): int(row[1]) for row in session.execute(wanted.group_by(*sources)).all()}
    positions = sorted(found)
    for at in range(0, len(positions), STEP):
        part = (
            select(DatasetRow.position, DatasetRow.digest, BodyRow.data)
            .join(BodyRow, BodyRow.digest == DatasetRow.digest)
            .where(DatasetRow.version_id == version.id, DatasetRow.position.in_(positions[at : at + STEP]))
        )
        with database.reading() as session:
            rows = session.execute(part).all()
        yield from ((found[position], unpacked(digest, data)) for position, digest, data in rows)


_ORIGINS = {
    "built-in": "Ships with the workbench", "import": "Imported scores and analyses", "take": "Kept generations",
    "edit": "Edits of curators", "decision": "Decisions of curators", "rating": "Blind ratings",
}  # fmt: skip


def _ground(rights: Rights) -> str:
    return "; ".join(
        f"{LAYER_TITLES[layer.layer].lower()} {layer.basis}"
        f"{f' {layer.licence}' if layer.licence not in ('', layer.basis) else ''}"
        f" ({layer.holder or layer.author or 'holder not named'})"
        for layer in rights.layers
    )


def _how(version: Version) -> Iterator[str]:
    summary = version.summary
    yield "## How it was made"
    yield ""
    if "imported" in version.recipe:
        imported = version.recipe["imported"]
        yield f"Imported from {_plain(imported['file'])} (SHA-256 `{imported['sha256']}`), word for word."
    else:
        template = summary.get("template", {})
        yield f"Prompts are those that generation sends, from template {_plain(str(template.get('label')))}."
    yield "Every row passed: schema, round trip, all musical checks under the piece's own period (cadences, keys and"
    yield "chords among them), rights, duplicates, length in tokens, and the rules of the formats."
    yield "What is nearly the same or derived from one source is in one split."
    if summary["left_out"]:
        yield ""
        yield "Left out:"
        yield ""
        yield from (f"- {count:,}: {_plain(words)}" for words, count in sorted(summary["left_out"].items()))
    if summary.get("frozen"):
        yield ""
        yield f"The test split is frozen ({_plain(', '.join(summary['frozen']))}): no later version trains on it."
    yield ""
    yield "```json"
    yield json.dumps(dict(version.recipe), ensure_ascii=False, indent=1, sort_keys=True)
    yield "```"
    yield ""


def _limits(database: Database, version: Version) -> Iterator[str]:
    summary = version.summary
    counts = Counts.from_dict(summary["everything"])
    yield "## Limits"
    yield ""
    yield "- Structures are plans of pieces; the notes are made from them by rule."
    holes = coverage_of_cells(counts.tallies["cells"]).holes
    yield f"- {len(holes)} of {len(FORMS) * 36} combinations of form, period and mood have no row."
    yield from (f"- {_plain(words)}" for words in unlike_real_music(counts)[:MAX_LISTED])
    yield from (
        f"- {_plain(each['message'])}" for each in summary["findings"]["findings"] if each["severity"] == "warning"
    )
    out = excluded(database, version.id)
    if out:
        yield f"- {len(out)} rows were excluded by reviewers since; the next build leaves them out."
    frozen = [each.name for each in frozen_tests(database) if each.version_id == version.id]
    if frozen:
        yield f"- The test split is a frozen test set ({_plain(', '.join(frozen))}): train no model on it."
    held = summary.get("held_out")
    if held:
        yield f"- {len(held)} examples of the few-shot library are in the test split, or nearly the same as a piece"
        yield "  in it: an evaluation must not show them in prompts. The manifest lists them."
    tokens = summary["tokens"]
    costs = [each for each in estimate(tokens["train"], 3, tokens["exact"], model=_model(version.recipe)) if each.usd]
    yield from (f"- Three epochs at {each.provider}: {each.words}" for each in costs[:4])


def _model(recipe: Mapping[str, object]) -> str:
    return str(recipe.get("model", ""))
