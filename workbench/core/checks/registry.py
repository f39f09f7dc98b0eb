"""The registry of checks, and ``check`` itself.

A check is one function that looks at a ``Piece`` and yields ``Finding``s. It is registered with its id, severity and
profiles; its docstring is the explanation that people read. Adding one touches its own file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module

from workbench.core.checks.findings import SEVERITIES, Finding, Report, Severity
from workbench.core.checks.piece import Piece
from workbench.core.checks.profiles import PROFILES
from workbench.core.compose import FormPlan
from workbench.core.errors import InvalidInputError
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

FAMILIES: dict[str, str] = {
    "schema": "Types, ranges, vocabularies, and lengths that agree",
    "keys": "Keys and how they are related",
    "chords": "Numerals, function and harmonic rhythm",
    "cadences": "Cadences as written and as they sound",
    "form": "Sections, returns, key scheme and proportions",
    "phrases": "Phrase lengths and definitions",
    "motifs": "Motifs: recurrence, development, singability",
    "voice-leading": "How the realized voices move",
    "performance": "Tempo, dynamics and humanization",
    "fit": "Agreement with the request and the plan",
}
_MODULES = (
    "schema", "keys", "chords", "cadences", "form", "phrases", "motifs", "voice_leading", "performance", "fit",
)  # fmt: skip
ALL_PROFILES: tuple[str, ...] = tuple(PROFILES)

Found = tuple[str, str, int | None, str]
"""What a check yields: message, JSON pointer, measure (from 1) and hint."""


@dataclass(frozen=True)
class Check:
    """One registered check. ``needs_score`` marks those that listen to the realized notes."""

    id: str
    severity: Severity
    profiles: tuple[str, ...]
    explanation: str
    source: str
    needs_score: bool
    look: Callable[[Piece], Iterable[Found]]

    @property
    def family(self) -> str:
        """The first part of the id."""
        return self.id.partition(".")[0]


_checks: dict[str, Check] = {}


def register(
    id: str, severity: Severity, *, source: str, profiles: tuple[str, ...] = ALL_PROFILES, needs_score: bool = False
) -> Callable[[Callable[[Piece], Iterator[Found]]], Callable[[Piece], Iterator[Found]]]:
    """Register the decorated function as a check; its docstring is the explanation."""

    def keep(look: Callable[[Piece], Iterator[Found]]) -> Callable[[Piece], Iterator[Found]]:
        if id in _checks:
            raise ValueError(f"two checks are called {id!r}")
        text = " ".join((look.__doc__ or "").split())
        _checks[id] = Check(id, severity, profiles, text, source, needs_score, look)
        return look

    return keep


def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of the families."""
    for module in _MODULES:
        import_module(f"workbench.core.checks.{module}")
    order = list(FAMILIES)
    return tuple(sorted(_checks.values(), key=lambda check: order.index(check.family)))


_known: tuple[Check, ...] = ()


def check(
    structure: MusicStructure,
    *,
    request: Request | None = None,
    plan: FormPlan | None = None,
    profile: str = "classical",
    with_score: bool = True,
) -> Report:
    """Check a structure as a music theorist would.

    ``request`` and ``plan`` add the checks of fit; ``with_score`` False leaves out the checks that listen to the notes.
    A structure that cannot be realized is still checked on paper.

    Raises:
        InvalidInputError: no such profile.
    """
    global _known
    if profile not in PROFILES:
        names = ", ".join(PROFILES)
        raise InvalidInputError(f"There is no profile {profile!r}.", hint=f"Choose one of {names}.", field="profile")
    if not _known:
        _known = all_checks()
    piece = Piece(structure, PROFILES[profile], request, plan)
    findings: list[Finding] = []
    for each in _known:
        if profile not in each.profiles or (each.needs_score and (not with_score or piece.score is None)):
            continue
        findings += [
            Finding(each.id, each.severity, message, path, measure, hint)
            for message, path, measure, hint in each.look(piece)
        ]
    rank = {severity: number for number, severity in enumerate(SEVERITIES)}
    findings.sort(key=lambda finding: (rank[finding.severity], finding.measure or 0))
    return Report(profile, tuple(findings))
