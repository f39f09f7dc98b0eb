"""Which models are served under which names, and the vLLM command that does the same; nothing heavy is loaded."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.local.journal import MERGED

_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][\w.:/-]{0,199}", re.ASCII)


@dataclass(frozen=True)
class Offer:
    """A model to serve: ``source`` is an absolute folder or an id on the hub."""

    name: str
    source: str


def offers_of(sources: Sequence[str], names: Sequence[str] = ()) -> tuple[Offer, ...]:
    """The models with their names: the given ones first, then what each is called by itself.

    Raises:
        InvalidInputError: no such model, a name that cannot be one, or one name for two models.
    """
    if len(names) > len(sources):
        raise InvalidInputError("There are more names than models.", hint="Give one --name for each model.")
    found = [_source_of(source) for source in sources]
    called = [*names, *(_name_of(source) for source in found[len(names) :])]
    for name in called:
        if not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"{name[:80]!r} cannot name a model.",
                hint="Use letters, digits, and - _ . : / between them; see --name.",
            )
        if called.count(name) > 1:
            raise InvalidInputError(f"Two models are called {name[:80]}.", hint="Give each its own --name.")
    return tuple(Offer(name, source) for name, source in zip(called, found, strict=True))


def vllm_command(offer: Offer, host: str, port: int) -> str:
    """What to type into a shell so that vLLM serves the model in the same place."""
    words = ["vllm", "serve", offer.source, "--served-model-name", offer.name, "--host", host, "--port", str(port)]
    context = _context(Path(offer.source))
    return shlex.join(words + (["--max-model-len", str(context)] if context else []))


def _source_of(source: str) -> str:
    folder = Path(source).expanduser()
    if not folder.is_dir():
        if folder.is_absolute() or folder.exists() or not _HUB.fullmatch(source):
            raise InvalidInputError(f"There is no model {source[:200]}.", hint="Name a folder, or an id on the hub.")
        return source
    folder = folder.resolve()
    if not (folder / "config.json").is_file() and (folder / MERGED / "config.json").is_file():
        folder /= MERGED
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise InvalidInputError(
            f"{source[:200]} holds no whole model.",
            hint="It has to hold config.json and weights in .safetensors; an adapter alone has to be merged first.",
        )
    return str(folder)


def _name_of(source: str) -> str:
    folder = Path(source)
    if not folder.is_absolute():
        return source
    return f"ft:{folder.parent.name}" if folder.name == MERGED else folder.name


def _context(folder: Path) -> int | None:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        found = config.get("max_position_embeddings") or config.get("text_config", {}).get("max_position_embeddings")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, int) else None
