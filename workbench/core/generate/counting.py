"""Counting tokens without a network: exact for OpenAI's vocabularies, an estimate for every other model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from workbench.core.generate.providers.calls import Message

_NEWER = re.compile(r"(ft:)?(gpt-(4o|4\.|5|oss)|chatgpt|o[134](-|$))")
_OLDER = re.compile(r"(ft:)?(gpt-4|gpt-3\.5)")
_EACH, _LAST = 4, 3
"""Tokens that OpenAI's chat format adds to each message, and at the end."""
_PIECE = 50_000
"""Characters that are counted at once: the package refuses texts of more than 200,000 tokens."""


class Count(NamedTuple):
    """How many tokens; ``exact`` is False where the model's vocabulary is not known here."""

    tokens: int
    exact: bool

    def __str__(self) -> str:
        return f"{self.tokens:,} tokens" if self.exact else f"about {self.tokens:,} tokens"


def count_tokens(text: str, model: str | None = None) -> Count:
    """The tokens of a text for a model."""
    return _counted(text, *_vocabulary(model or ""))


@lru_cache(maxsize=64)
def _counted(text: str, name: str, exact: bool) -> Count:
    """The tokens of a text; many prompts begin with the same one."""
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    return Count(sum(len(_encoding(name).encode_ordinary(each)) for each in pieces), exact and len(pieces) < 2)


def count_messages(messages: Sequence[Message], model: str | None = None) -> Count:
    """The tokens of a conversation, with what the chat format adds."""
    counts = [count_tokens(message.content, model) for message in messages]
    return Count(sum(count.tokens + _EACH for count in counts) + _LAST, all(count.exact for count in counts))


def _vocabulary(model: str) -> tuple[str, bool]:
    if _NEWER.match(model):
        return "o200k_base", True
    return ("cl100k_base", True) if _OLDER.match(model) else ("o200k_base", False)


@lru_cache(maxsize=2)
def _encoding(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it opens its vocabularies in a way that is going out
        import bpe_openai

        return bpe_openai.get_encoding(name)
