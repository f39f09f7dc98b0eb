"""Keeping secrets out of everything that is shown, logged or kept.

What comes back from an endpoint may repeat a key or the id of a fine-tuned model: every text from there passes here
before anything else sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from workbench.core.music.forms import FORMS
from workbench.core.settings import Settings

FINE_TUNED = "fine-tuned"
"""What a fine-tuned model is called wherever composers and callers look."""

_BEGIN = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))"
"""No letter or digit before, unless it belongs to one of JSON's escapes."""
_KEY = re.compile(_BEGIN + r"((sk|wbk|gsk|hf)[-_]|api[-_](?=[A-Za-z_-]*\d))[A-Za-z0-9_-]{16,}")
_BEARER = re.compile(r"(?i)(bearer\s+)((?=[a-z._~+/-]*\d)[a-z0-9._~+/-]{8,}|[a-z0-9._~+/-]{20,})=*")
_FINE_TUNED = re.compile(_BEGIN + r"ft:[A-Za-z0-9][\w.:/-]{3,}")
_SHORT = 6
"""A secret of fewer characters is a word: taking it out of every text would tell more than it hides."""

Scrub = Callable[[str], str]


def scrubber(settings: Settings, registered: Collection[str] = ()) -> Scrub:
    """A function that takes the settings' secrets, and whatever looks like one, out of a text.

    ``registered`` are the ids of registered models. One that is a plain word stays, since it is in music as well.
    """
    hidden = {id: f"[{FINE_TUNED} model]" for id in registered if not _is_word(id)}
    for _, secret in settings:
        if isinstance(secret, SecretStr):
            hidden[secret.get_secret_value()] = "[secret]"
    database = settings.database_url.get_secret_value() if settings.database_url else None
    for url in (settings.openai_base_url, settings.model_ft_url, database):
        password = _password(url)
        hidden |= dict.fromkeys((password, unquote(password)), "[secret]")
    if settings.model_ft:
        hidden[settings.model_ft] = f"[{FINE_TUNED} model]"
    known = sorted((text for text in hidden if len(text) >= _SHORT), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, known))) if known else None

    def scrub(text: str) -> str:
        if pattern is not None:
            text = pattern.sub(lambda found: hidden[found[0]], text)
        if "ft:" in text:
            text = _FINE_TUNED.sub(f"[{FINE_TUNED} model]", text)
        if "earer" in text.lower():
            text = _BEARER.sub(r"\1[secret]", text)
        return _KEY.sub("[secret]", text)

    return scrub


def is_fine_tuned(model: str, settings: Settings, registered: Collection[str] = ()) -> bool:
    """Whether an id is one of a fine-tuned model, which only the server may name."""
    if model == settings.model_ft or model in registered:
        return True
    return model.startswith("ft:") or ":ft-" in model or ".ft-" in model


def _is_word(id: str) -> bool:
    return id.isalpha() or id in FORMS


def _password(url: str | None) -> str:
    try:
        return urlsplit(url or "").password or ""
    except ValueError:
        return ""
