"""Answers held to a JSON schema while they are written: before each token, which tokens may come.

llguidance does the parsing. Answers are compact: nothing stands between their tokens, so that none of it can go on
for ever. What a schema does not bound (the length of a text, the number of items) the model has to end by itself.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from workbench.core.errors import InvalidInputError, ModelBrokeOffError

if TYPE_CHECKING:
    import numpy as np

KEPT = 8
"""Grammars that stay compiled."""
_OPTIONS = {"whitespace_flexible": False, "lenient": False}


class Grammars:
    """The grammars of one model; the last ones used stay compiled."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Sequence[int]) -> None:
        """``vocabulary`` is the number of the model's logits, ``ends`` the tokens that end an answer.

        Raises:
            InvalidInputError: the tokenizer is of a kind that cannot be used.
        """
        from llguidance import LLTokenizer

        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None or not ends:
            raise InvalidInputError(
                "This tokenizer cannot be held to a grammar.", hint="Serve the model with --no-grammar."
            )
        self._tokenizer = LLTokenizer(_plain_text(backend), n_vocab=vocabulary, eos_token=list(ends))
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._lock = Lock()

    def of(self, schema: Mapping[str, Any]) -> Constraint:
        """A new answer's grammar.

        Raises:
            InvalidInputError: the schema cannot be made into one.
        """
        key = json.dumps(schema)
        with self._lock:
            matcher = self._kept.pop(key, None) or self._compiled(key)
            self._kept[key] = matcher
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return Constraint(matcher.deep_copy())

    def _compiled(self, schema: str) -> Any:
        from llguidance import LLMatcher, LLParserLimits

        try:
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=_OPTIONS)
            matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
            allowed = b"" if matcher.is_error() else matcher.compute_bitmask()
            problem = matcher.get_error() or ("" if any(allowed) else "no answer fits it")
        except ValueError as error:
            problem = str(error)
        if problem:
            said = " ".join(problem.split())[:200]
            raise InvalidInputError(f"The schema cannot be made into a grammar: {said}.", field="response_format")
        return matcher


class Constraint:
    """One answer's way through its grammar."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    @property
    def done(self) -> bool:
        """Whether the answer is whole and nothing may follow."""
        return bool(self._matcher.is_stopped())

    def forbidden(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """For each token whether it may not come next.

        Raises:
            ModelBrokeOffError: none may, or the grammar is too complex here.
        """
        import numpy as np

        mask = b"" if self._matcher.is_error() else self._matcher.compute_bitmask()
        if not any(mask):
            raise ModelBrokeOffError("The answer cannot be held to its schema any further.", kind="grammar")
        bits = np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")
        barred: np.ndarray[Any, np.dtype[np.bool_]] = bits == 0
        return barred

    def take(self, tokens: Sequence[int]) -> None:
        """Go on with these tokens.

        Raises:
            ModelBrokeOffError: they may not come here.
        """
        if not self._matcher.consume_tokens(list(tokens)):
            raise ModelBrokeOffError("The answer cannot be held to its schema any further.", kind="grammar")

    def forced(self) -> list[int]:
        """The tokens that have to come next whatever the model says; none where it has a choice."""
        return list(self._matcher.compute_ff_tokens())


def _plain_text(backend: Any) -> str:
    """A tokenizer as JSON, without the padding and cutting that it may have been saved with."""
    data = json.loads(backend.to_str())
    return json.dumps({**data, "truncation": None, "padding": None})
