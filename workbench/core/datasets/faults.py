"""What is wrong with a row, a file or a whole version: faults, and a tally of them in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning"]
MAX_TOLD = 100
"""Faults that a tally keeps in full; of the rest it keeps how many there were of each kind."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. An error blocks; ``key`` names the row, ``line`` the line of a file (from 1)."""

    check: str
    severity: Severity
    message: str
    hint: str = ""
    key: str = ""
    line: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else f"{self.key}: " if self.key else ""
        return f"{where}{self.message} {self.hint}".strip()


@dataclass
class Tally:
    """Faults as they are found: the first hundred in full, and counts of all by (check, severity)."""

    told: list[Fault] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, *faults: Fault) -> None:
        """Take more faults in."""
        for fault in faults:
            if len(self.told) < MAX_TOLD:
                self.told.append(fault)
            self.counts[fault.check, fault.severity] += 1

    def merge(self, other: Tally) -> None:
        """Take in what another tally has found."""
        self.told += other.told[: MAX_TOLD - len(self.told)]
        self.counts += other.counts

    def of(self, severity: Severity) -> int:
        """How many there were."""
        return sum(count for (_, each), count in self.counts.items() if each == severity)

    @property
    def errors(self) -> int:
        """How many errors there were."""
        return self.of("error")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        counts = [{"check": c, "severity": s, "count": n} for (c, s), n in sorted(self.counts.items())]
        return {
            "errors": self.errors,
            "warnings": self.of("warning"),
            "findings": [each.to_dict() for each in self.told],
            "counts": counts,
        }
