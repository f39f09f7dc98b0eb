"""Making rows: a source and its changes become the very conversation that generation would have with a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.core.checks import Report
from workbench.core.compose.replan import plan_of
from workbench.core.datasets.recipes import Recipe
from workbench.core.datasets.rows import Changes, Facts, Row, Source, key_of
from workbench.core.datasets.variants.augment import derive
from workbench.core.generate.prompt import build_prompt
from workbench.core.generate.templates import Template
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import Example
from workbench.core.library.retrieval import seconds_of
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, section_measures


@dataclass(frozen=True)
class Terms:
    """What a recipe says of each row by itself; ``limit`` is the longest row in tokens, None where none is known."""

    template: Template
    system: bool
    use: str
    profile: str
    model: str
    limit: int | None


def terms_of(recipe: Recipe, template: Template, limit: int | None) -> Terms:
    """A recipe's terms. ``limit`` is the model's own, which a recipe may lower and not raise."""
    own = recipe.max_tokens or None
    least = min((each for each in (own, limit) if each is not None), default=None)
    return Terms(template, recipe.system, recipe.use, recipe.profile, recipe.model, least)


@dataclass(frozen=True)
class Made:
    """A row with what it was made from: the request, the piece that the answer has to say, and one liked less."""

    row: Row
    request: Request
    structure: MusicStructure
    rejected: MusicStructure | None


def make_row(source: Source, changes: Changes, terms: Terms, shown: Sequence[Example] = ()) -> Made:
    """The row of a source under changes; the prompt is built from the parts that generation sends.

    The plan in the prompt is the one that the piece itself follows.

    Raises:
        InvalidInputError: a change cannot be made truthfully, or the piece is too long to be written out.
        TemplateError: the template cannot be filled.
    """
    asked = source.request.model_copy(update={"id": None, "seed": None})
    request, structure, rejected = asked, source.structure, source.rejected
    if changes:
        request, structure = derive(asked, structure, changes)
        rejected = derive(asked, rejected, changes)[1] if rejected is not None else None
    prompt = build_prompt(
        request, plan_of(structure, request, seed=0), terms.template, examples=shown, system=terms.system
    )
    row = Row(
        key=key_of(source.id, changes),
        kind="chat" if rejected is None else "pair",
        request=request.to_dict(),
        prompt=prompt.messages,
        answer=wire_text(structure),
        rejected="" if rejected is None else wire_text(rejected),
        shown=prompt.examples,
        source={"id": source.id, "revision": source.revision, "origin": source.origin, "why": source.why},
        changes=changes,
        rights=source.rights.to_dict(),
    )
    return Made(row, request, structure, rejected)


def facts_of(
    row: Row, structure: MusicStructure, report: Report, *, tokens_in: int, tokens_out: int, split: str, group: str
) -> Facts:
    """What a row is filtered and sorted by."""
    request = Request.model_validate(row.request)
    title = structure.title or f"{structure.form} in {structure.tonality.pretty}"
    words = [title, request.brief or "", structure.key, structure.form, row.key]
    return Facts(
        key=row.key,
        digest=row.digest,
        split=split,
        group=group,
        kind=row.kind,
        source=str(row.source["id"]),
        origin=str(row.source.get("origin", "")),
        changes=" ".join(map(str, row.changes)),
        title=title[:160],
        form=structure.form,
        period=structure.period or request.period or "classical",
        mode=structure.tonality.mode,
        tonic=structure.key,
        meter=structure.time_signature,
        mood=mood_word(request.valence, request.arousal),
        valence=request.valence,
        arousal=request.arousal,
        tempo=structure.tempo,
        seconds=round(seconds_of(structure), 1),
        measures=sum(section_measures(section) for section in structure.sections),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        warnings=report.counts["warning"],
        cadence=structure.sections[-1].cadence or "",
        search=" ".join(" ".join(words).lower().split())[:400],
    )
