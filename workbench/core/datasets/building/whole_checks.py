"""The checks that a version has to pass as a whole: no row twice, nothing on both sides, nothing of the test shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.core.datasets.building.splits import leaks
from workbench.core.datasets.faults import Fault
from workbench.core.datasets.rows import SPLITS, Facts, Row, digest_of
from workbench.core.library.likeness import Fingerprint

WholeCheck = Callable[["Whole"], Iterator[Fault]]
WHOLE_CHECKS: dict[str, WholeCheck] = {}


def whole_check(name: str) -> Callable[[WholeCheck], WholeCheck]:
    """Register a check under the name that its faults carry."""

    def registered(function: WholeCheck) -> WholeCheck:
        WHOLE_CHECKS[name] = function
        return function

    return registered


@dataclass(frozen=True)
class Trace:
    """What has to be known of a row to check it against all others: hashes of its prompt and of all that is said."""

    asked: str
    said: str
    shown: tuple[str, ...]


def trace_of(row: Row) -> Trace:
    """The trace of a row."""
    asked = digest_of("\x00".join(message.content for message in row.prompt))
    return Trace(asked, digest_of("\x00".join((asked, row.answer, row.rejected))), row.shown)


@dataclass(frozen=True)
class Whole:
    """A version's rows as they are checked together.

    ``fingerprints`` are those of the pieces by the names of their sources; ``frozen`` are those of test sets that
    nothing may be trained on, by the names of theirs.
    """

    facts: Sequence[Facts]
    traces: Mapping[str, Trace]
    fingerprints: Mapping[str, Fingerprint]
    frozen: Mapping[str, Fingerprint] = field(default_factory=dict)

    def source_sides(self) -> dict[str, str]:
        """The split of each source; of one that is on several sides, the last."""
        return {each.source: each.split for each in self.facts}


def check_whole(whole: Whole) -> tuple[Fault, ...]:
    """Everything that is wrong between the rows."""
    return tuple(fault for function in WHOLE_CHECKS.values() for fault in function(whole))


@whole_check("duplicate")
def _duplicates(whole: Whole) -> Iterator[Fault]:
    """No conversation stands twice, and no prompt has two answers."""
    said: dict[str, str] = {}
    asked: dict[str, str] = {}
    for each in whole.facts:
        trace = whole.traces[each.key]
        if trace.said in said:
            yield Fault(
                "duplicate",
                "error",
                f"The row says the same as {said[trace.said]}.",
                "Leave one of them out.",
                each.key,
            )
        elif trace.asked in asked:
            yield Fault(
                "duplicate", "warning", f"The row asks the same as {asked[trace.asked]} and answers something else.",
                "Say in the requests how the pieces differ.", each.key,
            )  # fmt: skip
        said.setdefault(trace.said, each.key)
        asked.setdefault(trace.asked, each.key)


@whole_check("leak.split")
def _split_leaks(whole: Whole) -> Iterator[Fault]:
    """What is nearly the same or made from one source is on one side."""
    sides: dict[str, str] = {}
    for each in whole.facts:
        if sides.setdefault(each.source, each.split) != each.split:
            yield Fault(
                "leak.split", "error", f"Rows of {each.source} are in {sides[each.source]} and in {each.split}.",
                "Keep all that is made from one source on one side.", each.key,
            )  # fmt: skip
    known = [(source, sides[source], mark) for source, mark in whole.fingerprints.items() if source in sides]
    for one, other, like in leaks(known):
        yield Fault(
            "leak.split", "error",
            f"{one} ({sides[one]}) is nearly the same as {other} ({sides[other]}): {like:.0%} alike.",
            "Keep near-duplicates on one side.", one,
        )  # fmt: skip


@whole_check("leak.test")
def _test_leaks(whole: Whole) -> Iterator[Fault]:
    """Nothing is trained on that is in a frozen test set, or near it."""
    if not whole.frozen:
        return
    sides = whole.source_sides()
    known = [
        (source, "learned", mark) for source, mark in whole.fingerprints.items() if sides.get(source) in SPLITS[:2]
    ]
    held = [(f"frozen/{name}", "frozen", mark) for name, mark in whole.frozen.items()]
    for one, other, like in leaks([*known, *held]):
        source, name = (other, one) if one.startswith("frozen/") else (one, other)
        yield Fault(
            "leak.test", "error",
            f"{source} ({sides[source]}) is nearly the same as {name.removeprefix('frozen/')} of the frozen test set: "
            f"{like:.0%} alike.",
            "Leave it out: nothing of a frozen test set may be trained on.", source,
        )  # fmt: skip


@whole_check("leak.shown")
def _shown_leaks(whole: Whole) -> Iterator[Fault]:
    """The few-shot examples in prompts come from the training side, and from no piece related to the row's own.

    What a test row shows may be validated with: a frozen one shows what was trained on when it was made.
    """
    groups = {each.source: (each.group, each.split) for each in whole.facts}
    for each in whole.facts:
        for id in whole.traces[each.key].shown:
            group, split = groups.get(f"examples/{id}", ("", ""))
            if group and group == each.group:
                why = "it is related to the row's own piece"
            elif split == "test" or (split == "validation" and each.split != "test"):
                why = f"it is in the {split} split"
            elif f"examples/{id}" in whole.frozen and each.split != "test":
                why = "it is in a frozen test set"
            else:
                continue
            yield Fault(
                "leak.shown", "error", f"The prompt shows the example {id}, but {why}.", "Build the version again.",
                each.key,
            )  # fmt: skip
