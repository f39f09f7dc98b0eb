"""What metrics may look at besides the sample: references, training rows, and its music, each worked out once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from workbench.core.checks import PROFILES, Report, check
from workbench.core.checks.piece import Piece
from workbench.core.datasets.rows import Row
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments.metrics.hearing import Hearing
from workbench.core.experiments.metrics.histograms import INTERVALS, LENGTHS, Counts, intervals_of, lengths_of
from workbench.core.experiments.metrics.nearest import Floats, Nearest, likenesses
from workbench.core.experiments.samples import Sample
from workbench.core.generate.sanitize import sanitize
from workbench.core.library.likeness import Fingerprint, fingerprint
from workbench.core.music.score import Score
from workbench.core.music.structure import MusicStructure

T = TypeVar("T")

_REFERENCE = Path(__file__).with_name("reference.json")
_KEPT = 8
"""Samples whose music is kept at a time."""
_PRINTS = 2_000
"""Pieces whose fingerprints are kept at a time."""


def counts_of(pieces: Iterable[MusicStructure]) -> tuple[Counts, Counts]:
    """Interval and length counts of the tunes of some pieces, each piece counting the same."""
    intervals, lengths = np.zeros(INTERVALS), np.zeros(LENGTHS)
    for structure in pieces:
        score = Piece(structure, PROFILES["classical"], None, None).score
        for total, counts in ((intervals, intervals_of), (lengths, lengths_of)):
            found = counts(score) if score is not None else total[:0]
            total += found / found.sum() if found.sum() else 0.0
    return intervals, lengths


@lru_cache(maxsize=1)
def _library_counts() -> tuple[Counts, Counts]:
    """Those of the library that ships (``scripts/reference_counts.py``): to realize it takes half a second."""
    data = json.loads(_REFERENCE.read_text(encoding="utf-8"))
    return np.array(data["intervals"]), np.array(data["lengths"])


class Looked:
    """A structure as metrics see it: read, checked, realized, listened to, each when first asked for."""

    def __init__(self, sample: Sample, structure: MusicStructure, profile: str, report: Report | None = None) -> None:
        self.sample = sample
        self.structure = structure
        self.profile = profile
        self._report = report
        self._done: dict[Callable[[Looked], Any], Any] = {}

    def once(self, part: Callable[[Looked], T]) -> T:
        """What a function makes of this, worked out at its first call: several metrics may share it."""
        if part not in self._done:
            self._done[part] = part(self)
        found: T = self._done[part]
        return found

    @cached_property
    def piece(self) -> Piece:
        """The structure as the checks see it, with its request and plan."""
        return Piece(self.structure, PROFILES[self.profile], self.sample.request, self.sample.form)

    @property
    def score(self) -> Score | None:
        """The realized notes; None where a numeral cannot be read."""
        return self.piece.score

    @cached_property
    def hearing(self) -> Hearing | None:
        """The notes as they are heard; None where there are none."""
        return Hearing(self.score) if self.score is not None and len(self.score) else None

    @cached_property
    def report(self) -> Report:
        """The findings; those that came with the sample, where it has any."""
        if self._report is not None:
            return self._report
        return check(self.structure, request=self.sample.request, plan=self.sample.form, profile=self.profile)

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What the piece is known by."""
        return fingerprint(self.structure)


@dataclass(frozen=True, eq=False)
class Context:
    """What the samples of one variant are measured against.

    ``reference`` are pieces whose statistics are taken for those of real music, None for the examples that ship.
    ``training`` are the ids and fingerprints of the rows that the variant's model was trained on (``trained_on``).
    ``profile`` is the style that chords and keys are judged by, empty for the one that each piece was checked in.
    """

    reference: tuple[MusicStructure, ...] | None = None
    training: tuple[tuple[str, Fingerprint], ...] = ()
    profile: str = ""
    _kept: dict[int, tuple[Sample, dict[str, Looked | None]]] = field(default_factory=dict, init=False, repr=False)
    _alike: list[tuple[dict[int, tuple[int, MusicStructure]], Floats]] = field(
        default_factory=list, init=False, repr=False
    )
    _prints: dict[int, tuple[MusicStructure, Fingerprint]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a profile that is not known.

        Raises:
            InvalidInputError: there is none of this name.
        """
        if self.profile and self.profile not in PROFILES:
            raise InvalidInputError(
                f"There is no profile {self.profile[:40]!r}.", hint=f"Choose one of {', '.join(PROFILES)}.",
                field="profile",
            )  # fmt: skip

    def piece(self, sample: Sample) -> Looked | None:
        """The piece that came out in the end; None where none did."""
        kept = self._of(sample)
        if "piece" not in kept:
            structure = sample.structure
            kept["piece"] = (
                None if structure is None else Looked(sample, structure, self._profile(sample), self._report(sample))
            )
        return kept["piece"]

    def answer(self, sample: Sample) -> Looked | None:
        """What the first answer says, read as generation reads it but not refined; None where it says no piece."""
        kept = self._of(sample)
        if "answer" not in kept:
            kept["answer"] = self._answered(sample)
        return kept["answer"]

    def fingerprint(self, structure: MusicStructure) -> Fingerprint:
        """What a piece is known by, of pieces that are looked at many times: of each worked out once."""
        known = self._prints.get(id(structure))
        if known is None or known[0] is not structure:
            if len(self._prints) >= _PRINTS:
                self._prints.clear()
            known = self._prints[id(structure)] = (structure, fingerprint(structure))
        return known[1]

    def likenesses(self, structures: Sequence[MusicStructure]) -> Floats:
        """How alike each two of some pieces are, 0 to 1: shape (pieces, pieces). For some of those that were looked at
        just before, it is read off from these."""
        known, alike = self._alike[-1] if self._alike else ({}, np.zeros((0, 0)))
        if any(id(each) not in known or known[id(each)][1] is not each for each in structures):
            known = {id(each): (at, each) for at, each in enumerate(structures)}
            alike = likenesses([self.fingerprint(each) for each in structures])
            self._alike[:] = [(known, alike)]
        places = np.array([known[id(each)][0] for each in structures], dtype=np.intp)
        found: Floats = alike[np.ix_(places, places)]
        return found

    @cached_property
    def trained(self) -> Nearest | None:
        """The training rows, to find how like the nearest one is; None where none are known."""
        return Nearest([each for _, each in self.training]) if self.training else None

    @cached_property
    def expected(self) -> tuple[Counts, Counts]:
        """Interval and length counts of the tunes of the reference set, each piece counting the same."""
        return _library_counts() if self.reference is None else counts_of(self.reference)

    def _of(self, sample: Sample) -> dict[str, Looked | None]:
        kept = self._kept.get(id(sample))
        if kept is not None and kept[0] is sample:
            return kept[1]
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        made: dict[str, Looked | None] = {}
        self._kept[id(sample)] = (sample, made)
        return made

    def _profile(self, sample: Sample) -> str:
        if self.profile:
            return self.profile
        if sample.report is not None and sample.report.profile in PROFILES:
            return sample.report.profile
        return (sample.structure.period if sample.structure else None) or sample.form.manner.period

    def _report(self, sample: Sample) -> Report | None:
        return sample.report if sample.report is not None and sample.report.profile == self._profile(sample) else None

    def _answered(self, sample: Sample) -> Looked | None:
        if sample.valid_json is None:
            return None
        try:
            structure = sanitize(sample.raw, request=sample.request).structure
        except WorkbenchError:
            return None
        if structure == sample.structure:
            return self.piece(sample)
        return Looked(sample, structure, self._profile(sample))

    def __getstate__(self) -> Mapping[str, Any]:
        """What goes to another process: what it was made of, and the counts of the reference where they are known."""
        kept = [*(each.name for each in fields(self) if each.init), "expected"]
        return {
            **{name: self.__dict__[name] for name in kept if name in self.__dict__},
            "_kept": {},
            "_prints": {},
            "_alike": [],
        }


def trained_on(rows: Iterable[Row]) -> tuple[tuple[str, Fingerprint], ...]:
    """The ids and fingerprints of training rows, for a ``Context``; rows whose answer is no structure are left out."""
    found: list[tuple[str, Fingerprint]] = []
    for row in rows:
        try:
            found.append((row.key, fingerprint(row.structure)))
        except InvalidInputError:
            continue
    return tuple(found)
