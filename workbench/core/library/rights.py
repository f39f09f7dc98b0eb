"""Rights: who holds each layer of a piece, on what ground it may be used, and what follows for prompts and training.

A piece has three layers, each with its own holder and licence: the work, its edition or encoding, and the annotation
(the analysis, here the plan). A use is allowed when every layer allows it. What is missing, contradictory or unknown
means no: a doubt is never decided in favour of a use. This is a careful reading, no legal advice.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from workbench.core.errors import InvalidInputError

LAYERS = ("work", "encoding", "annotation")
LAYER_TITLES = {"work": "The work", "encoding": "Edition or encoding", "annotation": "Annotation"}
BASES = ("own work", "public domain", "licence")
PLACES = ("EU", "Japan", "USA")
USES = ("prompt", "commercial_prompt", "training", "commercial_training", "sharing")
TABLE = Path(__file__).parents[3] / "assets" / "licences.toml"
PUBLIC_DOMAIN = "public domain"
MAX_TEXT, MAX_LICENCE_TEXT = 1_000, 60_000

Basis = Literal["own work", "public domain", "licence", ""]


@dataclass(frozen=True)
class Licence:
    """What a licence allows, by its SPDX id; ``doubt`` says why something is not allowed although it may be."""

    id: str
    name: str
    url: str
    prompt: bool
    train: bool
    commercial: bool
    share: bool
    conditions: tuple[str, ...] = ()
    doubt: str = ""


@lru_cache(maxsize=1)
def licences() -> dict[str, Licence]:
    """The licences that are known here, by SPDX id."""
    data = tomllib.loads(TABLE.read_text("utf-8"))
    return {id: Licence(id, **{**row, "conditions": tuple(row.get("conditions", ()))}) for id, row in data.items()}


@dataclass(frozen=True)
class Layer:
    """One layer: who holds it and on what ground it may be used.

    ``licence`` is an SPDX id, ``evidence`` says how one knows, ``licence_text`` may hold the licence itself. The years
    are those that the public domain is counted from: the death of the last author, and the first publication.
    """

    layer: str
    holder: str = ""
    basis: Basis = ""
    licence: str = ""
    source: str = ""
    evidence: str = ""
    author: str = ""
    died: int | None = None
    published: int | None = None
    licence_text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without what was never said."""
        return {name: value for name, value in self.__dict__.items() if value not in ("", None)}


@dataclass(frozen=True)
class Rights:
    """The rights of a piece. ``prompt`` and ``training`` are its keeper's word: False forbids what the layers allow."""

    layers: tuple[Layer, ...]
    prompt: bool = True
    training: bool = True

    def layer(self, name: str) -> Layer:
        """A layer by its name; an empty one where it is missing."""
        return next((each for each in self.layers if each.layer == name), Layer(name))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "layers": [layer.to_dict() for layer in self.layers],
            "prompt": self.prompt,
            "training": self.training,
        }


class Verdict(NamedTuple):
    """Whether something holds, and why, in a sentence."""

    holds: bool
    why: str


@dataclass(frozen=True)
class Use:
    """Whether a use is allowed; ``reasons`` say why not, or on what ground, layer by layer."""

    allowed: bool
    reasons: tuple[str, ...] = field(default=())


def uses_of(rights: Rights, *, today: date | None = None) -> dict[str, Use]:
    """What a piece may be used for, by the names in ``USES``: allowed only where every layer allows it."""
    today = today or date.today()
    found: dict[str, Use] = {}
    for use in USES:
        verdicts = [(name, _layer_allows(rights.layer(name), use, today)) for name in LAYERS]
        against = [f"{LAYER_TITLES[name]}: {verdict.why}" for name, verdict in verdicts if not verdict.holds]
        if use.endswith("prompt") and not rights.prompt:
            against.append("Its keeper does not offer it for prompts.")
        if use.endswith("training") and not rights.training:
            against.append("Its keeper does not offer it for training.")
        grounds = tuple(f"{LAYER_TITLES[name]}: {verdict.why}" for name, verdict in verdicts)
        found[use] = Use(not against, tuple(against) or grounds)
    return found


def may(rights: Rights, use: str, *, today: date | None = None) -> bool:
    """Whether a piece may be used in one way, one of ``USES``."""
    return uses_of(rights, today=today)[use].allowed


def missing(rights: Rights) -> tuple[str, ...]:
    """What is still to be said before a decision can be made, in plain words; nothing where the rights are complete."""
    gaps: list[str] = []
    for name in LAYERS:
        layer, title = rights.layer(name), LAYER_TITLES[name]
        if not layer.basis:
            gaps.append(f"{title}: the ground on which it may be used.")
            continue
        gaps += [f"{title}: {what}." for what in _gaps(layer)]
    return tuple(gaps)


def _gaps(layer: Layer) -> list[str]:
    wanted = [("the holder", layer.holder), ("where it comes from", layer.source)]
    if layer.basis == "public domain":
        wanted += [("the author", layer.author), ("how one knows", layer.evidence)]
        gaps = [what for what, value in wanted if not value]
        gaps += ["the year of the author's death"] if layer.died is None else []
        return gaps + (["the year of the first publication"] if layer.published is None else [])
    gaps = [what for what, value in wanted if not value]
    if layer.licence not in licences():
        gaps.append("a licence that is known here" if layer.licence else "the licence")
    return gaps


def _layer_allows(layer: Layer, use: str, today: date) -> Verdict:
    gaps = _gaps(layer) if layer.basis else ["the ground on which it may be used"]
    if gaps:
        return Verdict(False, f"not said: {', '.join(gaps)}.")
    wrong = contradiction(layer)
    if wrong:
        return Verdict(False, wrong)
    if layer.basis == "public domain":
        verdicts = public_domain(died=layer.died, published=layer.published, today=today)
        kept = [f"{place}: {verdict.why}" for place, verdict in verdicts.items() if not verdict.holds]
        return Verdict(not kept, " ".join(kept) or "in the public domain in the EU, Japan and the USA.")
    licence = licences()[layer.licence]
    allowed = {
        "prompt": licence.prompt,
        "commercial_prompt": licence.prompt and licence.commercial,
        "training": licence.train,
        "commercial_training": licence.train and licence.commercial,
        "sharing": licence.share,
    }[use]
    if allowed:
        conditions = f" ({', '.join(licence.conditions)})" if licence.conditions else ""
        return Verdict(True, f"{licence.id}{conditions}.")
    return Verdict(False, f"{licence.id} does not allow it" + (f": {licence.doubt}." if licence.doubt else "."))


def contradiction(layer: Layer) -> str:
    """What in a layer cannot be true at the same time; empty where nothing is."""
    if layer.died is not None and layer.published is not None and layer.published > layer.died + 400:
        return "it was published more than four hundred years after the author's death."
    if layer.basis == "own work" and layer.died is not None:
        return "one's own work has no author who died."
    if layer.basis == "own work" and layer.licence == "LicenseRef-all-rights-reserved":
        return "own work that is offered needs a licence that lets it be used."
    if layer.basis == "public domain" and layer.licence not in {"", PUBLIC_DOMAIN, "CC0-1.0", "PDDL-1.0"}:
        return f"what is in the public domain needs no {layer.licence}."
    return ""


def public_domain(*, died: int | None, published: int | None, today: date | None = None) -> dict[str, Verdict]:
    """Whether a work is in the public domain in each of ``PLACES``, and why.

    EU: seventy years after the author's death (Directive 2006/116/EC). Japan: the same since 30 December 2018; what had
    run out before under the fifty years stays free; works of Allied nationals have up to ten years and some months more
    for the war, so deaths from 1957 on are not taken as settled. USA: ninety-five years after publication (17 U.S.C.
    304). All run to the end of the year.
    """
    year = (today or date.today()).year
    return {"EU": _in_eu(died, year), "Japan": _in_japan(died, year), "USA": _in_usa(published, year)}


def _in_eu(died: int | None, year: int) -> Verdict:
    if died is None:
        return Verdict(False, "the year of the author's death is not known.")
    free = died + 71
    if year >= free:
        return Verdict(True, f"the author died in {died}; free since {free}.")
    return Verdict(False, f"the author died in {died}; protected until the end of {free - 1}.")


def _in_japan(died: int | None, year: int) -> Verdict:
    if died is None:
        return Verdict(False, "the year of the author's death is not known.")
    if died <= 1956:
        return Verdict(True, f"the author died in {died}; free since {died + 51}, before fifty years became seventy.")
    if died <= 1967:
        return Verdict(False, f"the author died in {died}: it may be free, but wartime years may still be added.")
    if year >= died + 71:
        return Verdict(True, f"the author died in {died}; free since {died + 71}.")
    return Verdict(False, f"the author died in {died}; protected until the end of {died + 70}.")


def _in_usa(published: int | None, year: int) -> Verdict:
    if published is None:
        return Verdict(False, "the year of the first publication is not known.")
    free = published + 96
    if year >= free:
        return Verdict(True, f"published in {published}; free since {free}.")
    return Verdict(False, f"published in {published}; protected until the end of {free - 1}.")


def licence_in(text: str) -> str:
    """The SPDX id of a licence that a text names, such as ``CC BY-NC-SA 4.0``; empty where none is sure."""
    flat = re.sub(r"[\s_/-]+", "-", text.lower().replace("creative commons", "cc").replace("licenses/", "cc-"))
    found = re.search(r"cc-?(by(?:-nc)?(?:-(?:sa|nd))?)-(3\.0|4\.0)", flat)
    if found:
        id = f"CC-{found[1].upper()}-{found[2]}"
        return id if id in licences() else ""
    if re.search(r"cc-?0|zero-1\.0", flat):
        return "CC0-1.0"
    return "MIT" if re.search(r"\bmit\b(-license|-licence)?", flat) and len(flat) < 60 else ""


def own_rights(holder: str, source: str, licence: str = "CC0-1.0") -> Rights:
    """The rights of what somebody here has written: all three layers are theirs."""
    return Rights(tuple(Layer(name, holder, "own work", licence, source) for name in LAYERS))


def read_rights(data: object, *, where: str = "/rights") -> Rights:
    """Rights from JSON.

    Raises:
        InvalidInputError: not an object of layers, an unknown field, or a value of the wrong type.
    """
    if not isinstance(data, Mapping) or not set(data) <= {"layers", "prompt", "training"}:
        raise InvalidInputError(
            "rights is not an object of layers, prompt and training.", hint="Write these three.", field=where
        )
    layers = data.get("layers", [])
    if not isinstance(layers, list | tuple) or len(layers) > len(LAYERS):
        raise InvalidInputError("rights.layers is not a list of layers.", hint="One for each layer.", field=where)
    read = tuple(_read_layer(layer, f"{where}/layers/{number}") for number, layer in enumerate(layers))
    names = [layer.layer for layer in read]
    if len(set(names)) < len(names):
        raise InvalidInputError("A layer is named twice.", hint=f"Name each of {', '.join(LAYERS)} once.", field=where)
    for use in ("prompt", "training"):
        if not isinstance(data.get(use, False), bool):
            raise InvalidInputError(f"rights.{use} is neither true nor false.", hint="Say which.", field=where)
    return Rights(read, bool(data.get("prompt", False)), bool(data.get("training", False)))


def _read_layer(data: object, where: str) -> Layer:
    known = set(Layer.__dataclass_fields__)
    if not isinstance(data, Mapping) or not set(data) <= known or data.get("layer") not in LAYERS:
        raise InvalidInputError(
            "A layer of rights cannot be read.", hint=f"Its fields: {', '.join(sorted(known))}.", field=where
        )
    values: dict[str, Any] = {}
    for name, value in data.items():
        year = name in {"died", "published"}
        most = MAX_LICENCE_TEXT if name == "licence_text" else MAX_TEXT
        if year and value is not None and (type(value) is not int or not 500 <= value <= 2200):
            raise InvalidInputError(f"{name} is not a year.", hint="Write it in four digits.", field=f"{where}/{name}")
        if not year and (not isinstance(value, str) or len(value) > most):
            raise InvalidInputError(
                f"{name} is not a text of at most {most:,} characters.", hint="Write it as text.", field=where
            )
        values[str(name)] = value
    if values.get("basis", "") not in ("", *BASES):
        raise InvalidInputError(
            "The basis is unknown.", hint=f"It is one of {', '.join(BASES)}.", field=f"{where}/basis"
        )
    return Layer(**values)
