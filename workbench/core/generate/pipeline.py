"""From a request to a valid piece: plan, examples, prompt, call, sanitize, refine, check; again with the findings where
errors remain; and the rules where nothing else helps. Every step is kept in a trace.

A request always ends in a valid piece, and the outcome says how: at the first try, repaired, asked again, or by rule.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from workbench.core.errors import InvalidInputError, ModelBrokeOffError, ModelError, TemplateError
from workbench.core.generate.generation import Generation, GenerationSettings, Kept, Outcome, Watch, Workshop
from workbench.core.generate.judging import Judge, Piece, weight
from workbench.core.generate.prices import cost_of
from workbench.core.generate.prompt import Prompt, ask_again, ask_editor, build_prompt, finding_values
from workbench.core.generate.providers import Answer, Call, Message, Tokens
from workbench.core.generate.rollout import AT_ONCE, RULES, Attempt, attempts
from workbench.core.generate.templates import Template, find_template
from workbench.core.generate.trace import Trace
from workbench.core.generate.wire import planned_schema, wire_schema, wire_text
from workbench.core.library.examples import Example
from workbench.core.library.tuned import NOTHING
from workbench.core.music.request import Request

MIN_TOKENS, TOKENS_A_BAR, MAX_TOKENS = 2_500, 160, 24_000
"""An answer may be as long as its piece needs: about a hundred tokens a bar, with room."""


async def generate(
    request: Request,
    settings: GenerationSettings,
    workshop: Workshop,
    *,
    kept: Kept | None = None,
    watch: Watch | None = None,
) -> Generation:
    """Make a piece for a request.

    Whatever a model does, the answer is a valid piece; only a person's own mistakes are errors.

    Raises:
        InvalidInputError: the settings name a provider, model or template that there is not.
        TemplateError: the template cannot be filled.
    """
    rollout = NOTHING if settings.provider in AT_ONCE else await asyncio.to_thread(workshop.rollout)
    run = _Run(request, settings, workshop, watch or Watch(), rollout.secret)
    line, why = attempts(
        workshop.settings, request, provider=settings.provider, model=settings.model, variant=settings.variant,
        rollout=rollout,
    )  # fmt: skip
    await run.plan(kept)
    run.trace.add("rollout", why, attempts=[each.told for each in line])
    failed = False
    for attempt in line:
        if attempt == RULES:
            return run.finished(await run.by_rule(fallback=failed), RULES, "fell-back" if failed else "first-try")
        found = await run.by_model(attempt)
        if found is not None:
            piece, asked = found
            if settings.editor and run.template is not None:
                piece = await run.edited(piece, attempt)
            repaired = bool(piece.repairs) or piece.mended
            outcome: Outcome = "re-asked" if failed or asked > 1 else "repaired" if repaired else "first-try"
            return run.finished(piece, attempt, outcome)
        failed = True
    raise AssertionError("every line of attempts ends in the rules")


class _Run:
    """One generation while it goes."""

    def __init__(
        self, request: Request, settings: GenerationSettings, workshop: Workshop, watch: Watch, secret: frozenset[str]
    ) -> None:
        self.secret = secret
        self.request, self.settings, self.workshop, self.watch = request, settings, workshop, watch
        self.trace = Trace(workshop.clock)
        self.seed = settings.seed if settings.seed is not None else request.seed or 0
        self.tokens, self.cost, self.calls, self.priced = Tokens(), 0.0, 0, True
        self.template: Template | None = None
        self.examples: tuple[Example, ...] = ()
        self._picked: int | None = None

    async def plan(self, kept: Kept | None) -> None:
        self.watch.phase("Planning")
        self.judge = await asyncio.to_thread(Judge, self.request, kept, self.trace, seed=self.seed)
        form = self.judge.form
        self.trace.add("plan", f"{form.form}, {form.measures} bars", plan=form.to_dict(), seed=self.seed)
        self.watch.begun(form)

    # --- a model -----------------------------------------------------------------------------------------------------

    async def by_model(self, attempt: Attempt) -> tuple[Piece, int] | None:
        """The piece of a model and how often it was asked; None when it has to be done by somebody else."""
        circuits = self.workshop.circuits
        if not circuits.closed(attempt.circuit):
            rest = circuits.rest_of(attempt.circuit)
            self.trace.add(
                "call", f"left alone: it failed too often, and is tried again in {rest:.0f} s", **attempt.told,
                error={"kind": "circuit-open", "message": "The circuit is open."},
            )  # fmt: skip
            return None
        prompt, most, doing = Prompt((), ""), 1, "An example is adapted"
        if self.workshop.providers.get(attempt.provider).needs_model:
            prompt = await asyncio.to_thread(self._prompt, attempt)
            most, doing = 1 if attempt.variant == "ft" else 1 + self.settings.reasks, "The model writes"
        messages = prompt.messages
        answer: Answer | None = None
        for asked in range(1, most + 1):
            self.watch.phase(doing if asked == 1 else f"Asked again ({asked} of {most})")
            answer, problem = await self._call(attempt, messages)
            if answer is not None:
                piece, findings = await asyncio.to_thread(self.judge.read, answer.text, answer.finish)
                if piece is not None:
                    circuits.note(attempt.circuit, worked=True)
                    return piece, asked
                if asked < most:
                    messages = await asyncio.to_thread(self._again, prompt, answer.text, findings)
            elif not isinstance(problem, ModelBrokeOffError) and getattr(problem, "kind", "") != "declined":
                break  # whoever cannot be reached, or refuses, will not do better at once
            else:
                messages = prompt.messages
        # An answer that is no good counts against the fine-tuned model, which has a base to stand in for it.
        circuits.note(attempt.circuit, worked=answer is not None and attempt.variant != "ft")
        return None

    def _prompt(self, attempt: Attempt) -> Prompt:
        """The prompt, and in the trace what it was made from."""
        found = self._taught(attempt)
        template, count, system = found or (self._template(self.settings.template), self.settings.examples, True)
        if self._picked != count:
            self._pick_examples(count)
        self.template = template
        prompt = build_prompt(
            self.request, self.judge.form, template, examples=self.examples, kept=self.judge.kept_text(), system=system
        )
        why = ", with which it was trained" if found else ""
        self.trace.add(
            "prompt", f"{len(prompt.messages)} messages from {prompt.template}{why}", template=prompt.template,
            digest=template.digest, examples=list(prompt.examples),
        )  # fmt: skip
        return prompt

    def _taught(self, attempt: Attempt) -> tuple[Template, int, bool] | None:
        """The template, the examples and the system part that a tuned model was trained with, as far as that is known
        and nobody has chosen otherwise."""
        taught = attempt.taught
        if taught is None or self.settings.prompted:
            return None
        try:
            return self._template(taught.template), taught.examples, taught.system
        except InvalidInputError:
            return None  # the template is gone

    def _template(self, name: str) -> Template:
        return find_template(name, self.workshop.templates())

    def _pick_examples(self, count: int) -> None:
        self._picked, self.examples = count, ()
        if not count:
            return
        picked = self.workshop.retrieve(self.request, self.judge.form, replace(self.settings, examples=count))
        self.examples = tuple(each.example for each in picked)
        about = f"{len(picked)} chosen by form, period and mood" if picked else "none are in the library"
        chosen = [{"id": each.example.id, "score": round(each.score, 4), "why": each.why} for each in picked]
        self.trace.add("examples", about, examples=chosen)

    def _again(self, prompt: Prompt, text: str, findings: list[dict[str, Any]]) -> tuple[Message, ...]:
        assert self.template is not None
        return ask_again(
            prompt, text, findings, self.request, self.judge.form, self.template, kept=self.judge.kept_text()
        )

    async def _call(self, attempt: Attempt, messages: tuple[Message, ...]) -> tuple[Answer | None, ModelError | None]:
        settings = self.settings
        longest = min(MAX_TOKENS, MIN_TOKENS + TOKENS_A_BAR * self.judge.form.measures)
        lean = attempt.taught is not None and attempt.taught.lean
        schema = planned_schema(self.judge.form) if lean else wire_schema()
        call = Call(
            messages, attempt.model, self.request, self.judge.form, schema, settings.temperature,
            self.seed % 2**31, longest, settings.timeout, attempt.variant == "ft", attempt.endpoint,
            self.secret, lean,
        )  # fmt: skip
        provider = self.workshop.providers.get(attempt.provider)
        self.watch.restart()
        self.calls += provider.needs_model
        asked = attempt.told | {"messages": [message.to_dict() for message in messages]}
        try:
            answer = await provider.answer(call, self.watch.text)
        except ModelError as problem:
            error = {"kind": problem.kind, "message": problem.message, "hint": problem.hint}
            self.trace.add("call", problem.message, **asked, raw=problem.partial, error=error)
            return None, problem
        self.tokens += answer.tokens
        base_url = attempt.endpoint or self.workshop.settings.openai_base_url
        cost = cost_of(attempt.model, answer.tokens, base_url) if provider.needs_model else 0.0
        self.priced = self.priced and cost is not None
        self.cost += cost or 0.0
        self.trace.add(
            "call", f"answered in {answer.seconds:.1f} s", **asked, raw=answer.text, finish=answer.finish,
            tokens={"in": answer.tokens.into, "out": answer.tokens.out, "exact": answer.tokens.exact}, cost=cost,
            first_token=answer.first_token, notes=list(answer.notes), temperature=settings.temperature,
        )  # fmt: skip
        return answer, None

    async def edited(self, piece: Piece, attempt: Attempt) -> Piece:
        """The piece as a second call improves it; the first one where that is no better."""
        assert self.template is not None
        findings = [finding_values(found) for found in piece.report.findings if found.severity != "info"]
        self.watch.phase("The editor reads")
        try:
            messages = await asyncio.to_thread(
                ask_editor, self.request, self.judge.form, wire_text(piece.structure), findings, self.template,
                kept=self.judge.kept_text(),
            )  # fmt: skip
        except TemplateError as problem:
            self.trace.add("editor", problem.message, used=False)
            return piece
        answer, _ = await self._call(attempt, messages)
        better = None
        if answer is not None:
            better, _ = await asyncio.to_thread(self.judge.read, answer.text, answer.finish)
        if better is not None and weight(better.report) <= weight(piece.report):
            self.trace.add("editor", "the editor's version is kept", used=True)
            return better
        self.trace.add("editor", "the draft is kept: the editor's version is no better", used=False)
        return piece

    # --- the rules ---------------------------------------------------------------------------------------------------

    async def by_rule(self, *, fallback: bool) -> Piece:
        """The piece that the rules make, of what remains of the request where it contradicts itself."""
        if fallback:
            self.watch.phase("The rules step in")
        piece = await asyncio.to_thread(self.judge.composed)
        if self.judge.errors(piece.report) and self.judge.kept is None:
            about = "the request contradicts itself: it is composed without its section plan and seeds"
            self.trace.add("fallback", about, findings=self.judge.errors(piece.report))
            plain = self.request.model_copy(update={"section_plan": (), "motif_seed": (), "rhythm_seed": ()})
            self.judge = await asyncio.to_thread(Judge, plain, None, self.trace, seed=self.seed)
            piece = await asyncio.to_thread(self.judge.composed)
        self.trace.add("fallback" if fallback else "call", "composed by rule", provider="rules", variant="base")
        return piece

    # --- the end -----------------------------------------------------------------------------------------------------

    def finished(self, piece: Piece, attempt: Attempt, outcome: Outcome) -> Generation:
        """The result; the trace ends with the outcome."""
        words = {
            "first-try": "valid at the first try",
            "repaired": "repaired, then valid",
            "re-asked": "asked again, then valid",
            "fell-back": "composed by rule in the model's place",
        }
        self.trace.add("outcome", words[outcome], outcome=outcome)
        return Generation(
            self.request, self.settings, self.judge.form, piece.structure, outcome, attempt.provider, attempt.variant,
            attempt.label, self.template.label if self.template and attempt != RULES else None, piece.report,
            piece.repairs, self.tokens, self.cost if self.priced else None, self.trace.seconds, self.calls,
            tuple(self.trace.steps), self.seed,
        )  # fmt: skip
