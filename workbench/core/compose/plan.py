"""From a request to a form plan: sections with keys and cadences, and in each its phrases.

The plan is what a model is given to compose under, and what the rule-based composer fills. Its length in bars is the
requested duration at its tempo, to within half a bar wherever the form allows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from workbench.core.compose.mood import Manner, manner_of
from workbench.core.compose.phrasing import CLOSING_ROLES, PhraseShape, divide
from workbench.core.compose.proportions import sections_of, share_bars
from workbench.core.music.cadences import CadenceType
from workbench.core.music.forms import FORMS, SectionForm
from workbench.core.music.keys import Key, parse_key
from workbench.core.music.motifs import Transformation
from workbench.core.music.numerals import tonicized_key
from workbench.core.music.request import Request, SectionRequest
from workbench.core.music.structure import Dynamics


@dataclass(frozen=True)
class PhrasePlan:
    """A phrase to write. ``source`` is the (section, phrase) it returns to, ``model`` a phrase of its own section."""

    label: str
    role: str
    measures: int
    cadence: CadenceType | None
    motif: str
    transformation: Transformation | None = None
    model: int | None = None
    likeness: str = ""
    source: tuple[int, int] | None = None


@dataclass(frozen=True)
class SectionPlan:
    """A section to write. ``returns`` is the index of the section it brings back, ``treatment`` how it varies it."""

    name: str
    role: str
    key: Key
    measures: int
    cadence: CadenceType
    texture: str
    dynamics: Dynamics
    phrases: tuple[PhrasePlan, ...]
    returns: int | None = None
    treatment: str = ""


@dataclass(frozen=True)
class FormPlan:
    """A whole piece to write. ``manner`` holds key, tempo, meter and style; ``notes`` say what had to give way."""

    form: str
    manner: Manner
    sections: tuple[SectionPlan, ...]
    seed: int
    notes: tuple[str, ...] = field(default=())

    @property
    def measures(self) -> int:
        """Bars in all."""
        return sum(section.measures for section in self.sections)

    @property
    def seconds(self) -> float:
        """The length in seconds at the plan's tempo."""
        return self.measures * self.manner.bar_seconds

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain JSON, the way a prompt shows it."""
        return {
            "form": self.form,
            "key": self.manner.key.name,
            "tempo": self.manner.tempo,
            "timeSignature": self.manner.meter.name,
            "period": self.manner.period,
            "measures": self.measures,
            "sections": [
                {
                    "name": section.name,
                    "role": section.role,
                    "key": section.key.name,
                    "measures": section.measures,
                    "cadence": section.cadence,
                    "texture": section.texture,
                    "dynamics": section.dynamics,
                    "phrases": [
                        {
                            "label": phrase.label,
                            "role": phrase.role,
                            "measures": phrase.measures,
                            "cadence": phrase.cadence,
                            "motif": phrase.motif,
                            "transformation": phrase.transformation,
                        }
                        for phrase in section.phrases
                    ],
                }
                for section in self.sections
            ],
        }


def plan(request: Request, *, seed: int | None = None) -> FormPlan:
    """Plan a piece. The same request and seed give the same plan; ``seed`` None takes the request's, or 0."""
    seed = seed if seed is not None else request.seed or 0
    rng = random.Random(f"plan/{seed}")
    manner = manner_of(request, rng)
    notes: list[str] = []
    bars, manner = _length(request, manner)
    if request.section_plan:
        sections = _as_asked(request.section_plan, bars, manner, rng)
    else:
        sections = _by_form(manner, bars, rng, notes)
    return FormPlan(manner.form, manner, tuple(sections), seed, tuple(notes))


def _length(request: Request, manner: Manner) -> tuple[int, Manner]:
    """Bars for the duration. A tempo that nobody asked for is nudged so that the bars make even phrases."""
    exact = request.duration / manner.bar_seconds
    bars = max(2, round(exact))
    if request.tempo is not None or bars < 8:
        return bars, manner
    best: tuple[float, int, float] | None = None
    for candidate in range(max(8, int(exact * 0.93)), int(exact * 1.07) + 2):
        tempo = round(candidate * manner.meter.bar_quarters * 60 / request.duration)
        if not 40 <= tempo <= 220:
            continue
        seconds = candidate * manner.meter.bar_quarters * 60 / tempo
        if abs(seconds - request.duration) > 0.5 * manner.meter.bar_quarters * 60 / tempo:
            continue
        odd = 0 if candidate % 8 == 0 else 1 if candidate % 4 == 0 else 2.5 if candidate % 2 == 0 else 4
        score = odd + 30 * abs(candidate - exact) / exact
        if best is None or score < best[0]:
            best = (score, candidate, float(tempo))
    if best is None:
        return bars, manner
    return best[1], Manner(**{**manner.__dict__, "tempo": best[2]})


def _by_form(manner: Manner, bars: int, rng: random.Random, notes: list[str]) -> list[SectionPlan]:
    form = FORMS.get(manner.form)
    if form is None:
        form = FORMS["ABA"]
        notes.append(f"{manner.form!r} has no description here; it is laid out as A B A.")
    outline = sections_of(form, bars)
    lengths = share_bars(form, outline, bars)
    planned: list[SectionPlan] = []
    used: set[str] = set()
    for index, (section, length) in enumerate(zip(outline, lengths, strict=True)):
        returns = _returns(outline, index)
        key = _key_of(section, manner, used, rng, returns)
        last = index == len(outline) - 1
        cadence = _cadence_of(section, manner, key, last, rng)
        name = _name(outline, index)
        treatment = _treatment(section, index, outline)
        if form.id == "theme-variation" and section.role == "variation":
            key = _variation_key(manner, index, len(outline))
        texture = _texture(manner, section, index, planned, returns, rng)
        dynamics = manner.dynamics(_louder(section.role, manner, treatment))
        phrases = _phrases(planned, returns, section, length, manner, key, cadence, rng)
        planned.append(
            SectionPlan(name, section.role, key, length, cadence, texture, dynamics, phrases, returns, treatment)
        )
    return planned


def _returns(outline: list[SectionForm], index: int) -> int | None:
    wanted = outline[index].returns
    return next((at for at in range(index) if outline[at].name == wanted), None) if wanted else None


def _name(outline: list[SectionForm], index: int) -> str:
    """AIRIA's names: A, B, A2, C, A3; Theme, Var.1, Var.2."""
    section = outline[index]
    before = outline[:index]
    if section.role == "variation":
        return f"Var.{sum(other.role == 'variation' for other in before) + 1}"
    if section.role == "episode":
        return "BCDEFGH"[sum(other.role == "episode" for other in before) % 7]
    if section.role == "refrain" and index:
        return f"A{sum(other.role == 'refrain' for other in before) + 1}"
    if section.role == "recapitulation-primary" and not any(o.role == "recapitulation-secondary" for o in outline):
        return "Recapitulation"
    return section.name


def _key_of(
    section: SectionForm,
    manner: Manner,
    used: set[str],
    rng: random.Random,
    returns: int | None,
) -> Key:
    home = manner.key
    if section.role in {"recapitulation-secondary", "coda"} or (section.rank == 0 and returns is not None):
        return home
    numerals = section.minor if home.is_minor else section.major
    fresh = [numeral for numeral in numerals if numeral not in used] or list(numerals)
    # The first choices are the usual ones.
    weights = [1.0 / (1 + order) for order in range(len(fresh))]
    numeral = rng.choices(fresh, weights)[0]
    if len(numerals) > 1:
        used.add(numeral)
    return tonicized_key(numeral, home)


def _variation_key(manner: Manner, index: int, count: int) -> Key:
    """One variation in the other mode, about two thirds of the way (minore, maggiore)."""
    parallel = manner.key.parallel
    at = round(count * 0.62)
    return parallel if count > 3 and index == at and index < count - 1 else manner.key


def _cadence_of(section: SectionForm, manner: Manner, key: Key, last: bool, rng: random.Random) -> CadenceType:
    if last:
        return "PICARDY" if manner.period == "baroque" and key.is_minor and rng.random() < 0.6 else "PAC"
    if section.role == "first-reprise" and section.cadence == "PAC" and rng.random() < 0.3:
        return "IAC"
    return section.cadence


def _treatment(section: SectionForm, index: int, outline: list[SectionForm]) -> str:
    if section.role == "variation":
        styles = ("figured", "lyrical", "triplets", "sparse", "figured", "rhythmic", "triplets", "lyrical", "figured")
        return "brilliant" if index == len(outline) - 1 and index > 2 else styles[(index - 1) % len(styles)]
    if section.returns:
        return "ornamented"
    return ""


def _texture(
    manner: Manner,
    section: SectionForm,
    index: int,
    planned: list[SectionPlan],
    returns: int | None,
    rng: random.Random,
) -> str:
    options = manner.textures
    if section.role == "variation":
        cycle = [*dict.fromkeys((*options, "broken-chord", "contrapuntal", "chorale", "homophonic"))]
        return cycle[index % len(cycle)]
    if returns is not None:
        return planned[returns].texture
    if section.role in {"theme", "refrain", "minuet", "first-reprise", "exposition-primary"}:
        return options[0]
    if section.role == "second-reprise" or section.role in CLOSING_ROLES:
        return planned[0].texture if rng.random() < 0.7 else options[-1]
    others = [texture for texture in dict.fromkeys(options) if texture != planned[-1].texture]
    return rng.choice(others or list(options))


def _louder(role: str, manner: Manner, treatment: str) -> int:
    change = {"contrast": -1, "trio": -1, "development": 1, "transition": 1, "episode": 0, "closing": 1}.get(role, 0)
    if role == "exposition-secondary":
        change = -1
    if role == "coda":
        change = 1 if manner.loudness > 2 else -1
    if treatment in {"brilliant", "rhythmic"}:
        change = 1
    return -1 if treatment in {"lyrical", "sparse"} else change


def _phrases(
    planned: list[SectionPlan],
    returns: int | None,
    section: SectionForm,
    length: int,
    manner: Manner,
    key: Key,
    cadence: CadenceType,
    rng: random.Random,
) -> tuple[PhrasePlan, ...]:
    if returns is not None:
        return _brought_back(planned[returns], returns, length, cadence)
    return tuple(
        _phrase(shape)
        for shape in divide(
            length, section.role, manner.period, cadence, rng, minor=key.is_minor, scale=manner.phrase_scale
        )
    )


def _phrase(shape: PhraseShape) -> PhrasePlan:
    return PhrasePlan(
        shape.label, shape.role, shape.measures, shape.cadence, shape.motif, shape.transformation, shape.model,
        shape.likeness,
    )  # fmt: skip


def _brought_back(source: SectionPlan, index: int, length: int, cadence: CadenceType) -> tuple[PhrasePlan, ...]:
    """The phrases of an earlier section, as many as fit; the last closes as this section must."""
    result: list[PhrasePlan] = []
    left = length
    for number, phrase in enumerate(source.phrases):
        if phrase.measures > left:
            break
        result.append(
            PhrasePlan(
                phrase.label, phrase.role, phrase.measures, phrase.cadence, phrase.motif, phrase.transformation,
                None, "whole", (index, number),
            )
        )  # fmt: skip
        left -= phrase.measures
    if not result:
        first = source.phrases[0]
        return (PhrasePlan(first.label, "phrase", length, cadence, first.motif, None, None, "opening", (index, 0)),)
    if left >= 3:
        result.append(PhrasePlan("z", "codetta", left, cadence, "m1", "fragmentation"))
    last = result[-1]
    if last.role != "codetta":
        whole = left == 0 and last.cadence == cadence
        result[-1] = PhrasePlan(
            last.label, last.role, last.measures + left, cadence, last.motif, last.transformation, None,
            "whole" if whole else "opening", last.source,
        )  # fmt: skip
    elif len(result) > 1 and result[-2].cadence in {None, "HC"}:
        before = result[-2]
        result[-2] = PhrasePlan(
            before.label, before.role, before.measures, cadence, before.motif, before.transformation, None,
            "opening", before.source,
        )  # fmt: skip
    return tuple(result)


def _as_asked(asked: tuple[SectionRequest, ...], bars: int, manner: Manner, rng: random.Random) -> list[SectionPlan]:
    """Sections as the request's own plan names them; what it leaves open follows from their names and order."""
    fixed = sum(section.measures or 0 for section in asked)
    open_count = sum(section.measures is None for section in asked)
    share = max(1, (bars - fixed) // open_count) if open_count else 0
    planned: list[SectionPlan] = []
    names = [section.name for section in asked]
    for index, section in enumerate(asked):
        role = section.role or _role_of(section.name, index)
        key = parse_key(section.key) if section.key else manner.key
        length = section.measures or share
        if section.measures is None and not any(other.measures is None for other in asked[index + 1 :]):
            length = max(1, bars - fixed - share * (open_count - 1))
        cadence: CadenceType = section.cadence or "PAC"
        wanted = section.returns or section.name.rstrip("'′’0123456789 ")
        returns = names.index(wanted) if wanted in names[:index] else None
        treatment = "ornamented" if returns is not None else ""
        form = SectionForm(section.name, role, 1.0, returns=wanted if returns is not None else "")
        texture = section.texture or _texture(manner, form, index, planned, returns, rng)
        dynamics = section.dynamics or manner.dynamics(_louder(role, manner, treatment))
        if returns is not None:
            phrases = _brought_back(planned[returns], returns, length, cadence)
        else:
            shapes = divide(length, role, manner.period, cadence, rng, minor=key.is_minor, scale=manner.phrase_scale)
            phrases = tuple(_phrase(shape) for shape in shapes)
        planned.append(
            SectionPlan(section.name, role, key, length, cadence, texture, dynamics, phrases, returns, treatment)
        )
    return planned


def _role_of(name: str, index: int) -> str:
    plain = name.lower()
    for word, role in (
        ("coda", "coda"), ("develop", "development"), ("transition", "transition"), ("recap", "recapitulation-primary"),
        ("trio", "trio"), ("minuet", "minuet"), ("var", "variation"), ("theme", "theme"), ("refrain", "refrain"),
        ("episode", "episode"), ("closing", "closing"),
    ):  # fmt: skip
        if word in plain:
            return role
    return "theme" if index == 0 or plain.startswith("a") else "contrast"
