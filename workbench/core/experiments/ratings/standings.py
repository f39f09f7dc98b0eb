"""What a blind comparison has shown so far: the ranking, by each criterion, and how far raters agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from workbench.core.experiments.ratings import agreement as agreeing
from workbench.core.experiments.ratings import ranking as ranks
from workbench.core.experiments.ratings.agreement import Agreement, RaterReport
from workbench.core.experiments.ratings.ranking import Ranking
from workbench.core.experiments.ratings.ratings import CRITERIA, Rating
from workbench.core.library.database import storable_json


@dataclass(frozen=True)
class Standings:
    """The ranking over all, those by criterion (only of which something was said), agreement, and each rater."""

    ranking: Ranking
    criteria: Mapping[str, Ranking]
    agreement: Agreement
    agreements: Mapping[str, Agreement]
    raters: tuple[RaterReport, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What the ranking says and how far raters agree, in sentences."""
        return (*ranks.words(self.ranking), *((agreeing.words(self.agreement),) if self.ranking.judged else ()))

    def criterion_words(self, criterion: str) -> tuple[str, ...]:
        """The same of one criterion."""
        return (*ranks.words(self.criteria[criterion]), agreeing.words(self.agreements[criterion]))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        told = {name: _plain(getattr(self, name)) for name in ("ranking", "criteria", "agreement", "agreements")}
        sentences = {name: list(self.criterion_words(name)) for name in self.criteria}
        told |= {"raters": _plain(self.raters), "words": list(self.words), "criterion_words": sentences}
        found: dict[str, Any] = storable_json(told)
        return found


def standings_of(ratings: Iterable[Rating], variants: Sequence[str]) -> Standings:
    """What ratings of one comparison show; ``variants`` are all that are compared."""
    every = list(ratings)
    criteria = ranks.by_criterion(every, variants)
    return Standings(
        ranks.rank(every, variants=variants),
        criteria,
        agreeing.agreement(every),
        {name: agreeing.agreement(every, criterion=name) for name in CRITERIA if name in criteria},
        agreeing.reports(every),
    )


def rater_words(report: RaterReport) -> str:
    """One rater in a sentence."""
    parts = [f"{report.judged} judged"]
    if report.skipped:
        parts.append(f"{report.skipped} skipped")
    parts.append(f"{report.seconds:.0f} s a pair")
    for words, rate in (
        ("preferred A in", report.side_a),
        ("the same answer when shown again in", report.consistent),
        ("as others in", report.with_others),
    ):
        if rate.value is not None:
            parts.append(f"{words} {ranks.rate_words(rate)}")
    return ", ".join(parts)


def _plain(value: Any) -> Any:
    """Dataclasses and named tuples as JSON objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
