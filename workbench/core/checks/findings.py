"""What a check says: findings, and the report that gathers them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    ``check`` is the dotted id, ``path`` a JSON pointer into the structure, ``measure`` counted from 1 where one is
    known, ``hint`` what to change.
    """

    check: str
    severity: Severity
    message: str
    path: str = ""
    measure: int | None = None
    hint: str = ""

    @property
    def family(self) -> str:
        """The first part of the id."""
        return self.check.partition(".")[0]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "check": self.check,
            "severity": self.severity,
            "message": self.message,
            "path": self.path,
            "measure": self.measure,
            "hint": self.hint,
        }


@dataclass(frozen=True)
class Report:
    """Everything that was found, errors first, then by measure."""

    profile: str
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Whether there is no error."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """How many errors, warnings and infos."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "valid": self.valid,
            "profile": self.profile,
            "counts": self.counts,
            "findings": [finding.to_dict() for finding in self.findings],
        }
