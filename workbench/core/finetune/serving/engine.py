"""A model that answers: its weights, its tokenizer and its chat template, and the loop that writes token by token.

The loop is its own, not ``generate`` of transformers: so a seed holds for one answer whatever else is written at the
same time, tokens that a grammar forces cost one pass together, and an answer stops as soon as nobody wants it.
Imports torch and transformers: for a process of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from workbench.core.errors import InvalidInputError, ModelBrokeOffError, ModelRefusedError, WorkbenchError
from workbench.core.finetune.serving.asked import Asked
from workbench.core.finetune.serving.grammar import Constraint, Grammars
from workbench.core.finetune.serving.offers import Offer
from workbench.core.finetune.serving.writing import Decoder, Stops

CONTEXT = 4096
"""Tokens, where a model's files name no limit."""
_NO_LIMIT = 10_000_000
PASS = 1024
"""Tokens of a prompt that are read at once: between one pass and the next it may be stopped."""
SMALL = 20_000_000
"""Parameters; with fewer, one thread is faster than several that wait for each other."""
COLD = 1e-4
"""Temperatures below are 0: the likeliest token is taken."""

OnText = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """A question in the model's own terms."""

    asked: Asked
    prompt: tuple[int, ...]
    limit: int
    constraint: Constraint | None


@dataclass(frozen=True)
class Written:
    """How an answer ended (``stopped``: nobody wanted it any more), and the tokens read and written."""

    finish: Literal["stop", "length", "stopped"]
    read: int
    written: int


class LocalModel:
    """One model. ``prepare`` may be called from any thread, ``write`` only by one at a time."""

    def __init__(self, offer: Offer, *, grammar: bool = True) -> None:
        """Load it, and see that it can answer.

        Raises:
            InvalidInputError: it cannot.
        """
        self.name = offer.name
        self._lock = Lock()
        try:
            self._load(offer.source)
            self._grammars = Grammars(self._tokenizer, self._vocabulary, sorted(self._ends)) if grammar else None
            trial = self.prepare(Asked(self.name, ({"role": "user", "content": "?"},), limit=1))
            self.write(trial, lambda _: None, lambda: False)
        except WorkbenchError:
            raise
        except Exception as problem:
            said = next(iter(str(problem).strip().splitlines()), type(problem).__name__)[:300]
            raise InvalidInputError(
                f"{offer.name} cannot be served: {said}.", hint="Check that the folder, or the id on the hub, holds a "
                "causal language model in safetensors, and that there is memory for it.",
            ) from problem  # fmt: skip

    def _load(self, source: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        gpu = torch.cuda.is_available()
        dtype = torch.bfloat16 if gpu and torch.cuda.is_bf16_supported() else torch.float32
        self._tokenizer = AutoTokenizer.from_pretrained(source)
        if not self._tokenizer.chat_template:
            raise InvalidInputError(
                f"{self.name} has no chat template: it does not know how to be asked.",
                hint="Serve a model that was tuned for chats, or put its chat_template.jinja into the folder.",
            )
        model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, use_safetensors=True)
        self._device = torch.device("cuda" if gpu else "cpu")
        self._model = model.to(self._device).eval()
        self.small = model.num_parameters() < SMALL and not gpu
        config = model.config.get_text_config()
        self._vocabulary = max(int(config.vocab_size), len(self._tokenizer))
        told = (getattr(config, "max_position_embeddings", None), self._tokenizer.model_max_length)
        limits = [int(limit) for limit in told if limit and limit < _NO_LIMIT]
        self.context = min(limits, default=CONTEXT)
        usual = model.generation_config
        ends = usual.eos_token_id if isinstance(usual.eos_token_id, list) else [usual.eos_token_id]
        self._ends = frozenset(end for end in (*ends, self._tokenizer.eos_token_id) if end is not None)
        drawn = bool(usual.do_sample)
        self._temperature = float(usual.temperature or 1.0) if drawn else 1.0
        self._top_p = float(usual.top_p or 1.0) if drawn else 1.0
        self._top_k = int(usual.top_k or 0) if drawn else 0
        taken = inspect.signature(model.forward).parameters
        self._cache_name = "cache" if "cache" in taken else "past_key_values"  # transformers has renamed it
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in taken else {}

    def prepare(self, asked: Asked) -> Prepared:
        """Look at a question before it waits for its turn.

        Raises:
            InvalidInputError: the chat template refuses the messages, or the schema makes no grammar.
            ModelRefusedError: (``context_length_exceeded``) it is too long to be answered.
        """
        held = asked.schema if self._grammars else None
        constraint = None
        if self._grammars and held is not None:
            constraint = self._grammars.of(held)
        prompt = self._prompt(asked.messages, thinks=held is None)
        room = self.context - len(prompt)
        if room < 1:
            raise ModelRefusedError(
                f"The messages have {len(prompt):,} tokens; the model reads and writes {self.context:,} together.",
                kind="context_length_exceeded", hint="Shorten them, or choose a model with a longer context.",
            )  # fmt: skip
        return Prepared(asked, prompt, min(asked.limit or room, room), constraint)

    def _prompt(self, messages: Sequence[Mapping[str, str]], *, thinks: bool) -> tuple[int, ...]:
        from jinja2 import TemplateError

        quiet = {} if thinks else {"enable_thinking": False}  # where a grammar begins at once, nothing is thought aloud
        try:
            with self._lock:
                text = self._tokenizer.apply_chat_template(
                    list(messages), tokenize=False, add_generation_prompt=True, **quiet
                )
                return tuple(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        except (TemplateError, TypeError, ValueError) as problem:
            said = " ".join(str(problem).split())[:200]
            raise InvalidInputError(
                f"The model's chat template refuses the messages: {said}.", field="messages"
            ) from None

    def write(self, prepared: Prepared, on_text: OnText, unwanted: Callable[[], bool]) -> Written:
        """Answer, giving each piece of text as soon as it is certain.

        Raises:
            ModelBrokeOffError: the model computes nonsense, or its answer cannot be held to the schema.
        """
        decoder = Decoder(self._said)
        stops = Stops(prepared.asked.stops)
        written, finish = 0, ""

        def tell(text: str) -> None:
            if told := stops.add(text) if text else "":
                on_text(told)

        for tokens, end in self._tokens(prepared, unwanted):
            written += len(tokens)
            tell(decoder.add([token for token in tokens if token not in self._ends]))
            finish = "stop" if stops.found else end
            if finish:
                break
        if not stops.found:
            tell(decoder.end())
        if stops.found:
            finish = "stop"
        elif rest := stops.end():
            on_text(rest)
        return Written(finish or "stopped", len(prepared.prompt), written)  # type: ignore[arg-type]

    def _cache(self) -> dict[str, Any]:
        from transformers import DynamicCache

        return {self._cache_name: DynamicCache(config=self._model.config)}

    def _said(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _tokens(self, prepared: Prepared, unwanted: Callable[[], bool]) -> Iterator[tuple[list[int], str]]:
        """The tokens as they come, mostly one at a time, with the word for the end beside the last."""
        pick = self._picker(prepared.asked)
        held, left = prepared.constraint, prepared.limit
        cache, unread = self._cache(), list(prepared.prompt)
        new = held.forced() if held else []
        while not unwanted():
            if not new:
                logits = self._logits(unread, cache, unwanted)
                if logits is None:
                    return
                unread = []
                new = [pick(self._allowed(logits, held))]
            new = new[:left]
            if held:
                held.take(new)
            left -= len(new)
            ended = new[-1] in self._ends or (held is not None and held.done)
            yield new, "stop" if ended else "" if left else "length"
            unread += new
            new = held.forced() if held and not ended else []

    def _logits(self, unread: list[int], cache: dict[str, Any], unwanted: Callable[[], bool]) -> Any:
        """What the model says after these tokens and those in the cache; None where nobody wants it any more."""
        import torch

        with torch.inference_mode():
            for start in range(0, len(unread), PASS):
                if unwanted():
                    return None
                tokens = torch.tensor([unread[start : start + PASS]], device=self._device)
                said = self._model(input_ids=tokens, use_cache=True, **cache, **self._last_only)
            return said.logits[0, -1].float()

    def _allowed(self, logits: Any, held: Constraint | None) -> Any:
        import torch

        if held is not None:
            barred = torch.ones(logits.shape[0], dtype=torch.bool)
            known = torch.from_numpy(held.forbidden())[: logits.shape[0]]
            barred[: known.shape[0]] = known
            logits = logits.masked_fill(barred.to(self._device), float("-inf"))
        if not torch.isfinite(logits.max()):
            raise ModelBrokeOffError("The model computes no numbers: its weights are broken.", kind="nonsense")
        return logits

    def _picker(self, asked: Asked) -> Callable[[Any], int]:
        """How one token is chosen: the likeliest, or by lot with a seed of the answer's own."""
        import torch

        temperature = self._temperature if asked.temperature is None else asked.temperature
        top_p = self._top_p if asked.top_p is None else asked.top_p
        if temperature < COLD:
            return lambda logits: int(logits.argmax())
        lots = torch.Generator(self._device)
        if asked.seed is None:
            lots.seed()
        else:
            lots.manual_seed(asked.seed)

        def draw(logits: Any) -> int:
            odds = torch.softmax(logits / temperature, -1)
            if 0 < self._top_k < odds.shape[0]:
                odds = odds.where(odds >= odds.topk(self._top_k).values[-1], 0.0)
            if top_p < 1:
                likely, places = odds.sort(descending=True)
                before = likely.cumsum(-1) - likely
                odds = torch.zeros_like(odds).scatter(0, places, likely.where(before <= top_p * odds.sum(), 0.0))
            return int(torch.multinomial(odds, 1, generator=lots))

        return draw
