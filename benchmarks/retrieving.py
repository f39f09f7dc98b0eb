"""How fast a library of 100,000 examples is searched, and how fast an example becomes another piece."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from workbench.core.compose import compose, plan
from workbench.core.generate.providers import Call
from workbench.core.generate.providers.adapt import Adapt
from workbench.core.library.examples import Example, load_examples
from workbench.core.library.likeness import Duplicates
from workbench.core.library.retrieval import Index
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.request import Request
from workbench.core.music.structure import Motif, Phrase, Section

COUNT, VARIANTS = 100_000, 60
WORDS = ("rain", "dawn", "hunt", "dance", "snow", "river", "storm", "letter", "garden", "march", "bells", "harbour")
ASKED = Request(
    form="rondo", period="classical", valence=0.6, arousal=0.7, key="D major", time_signature="6/8", duration=60,
    brief="A hunt through the forest at dawn, 夜明けの森",
)  # fmt: skip


def _bases() -> list[Example]:
    """The examples that ship, and a composed one for each form and period."""
    shipped = list(load_examples())
    requests = [Request(form=form, period=period, duration=45, seed=7) for form in FORM_IDS for period in PERIODS]
    composed = [replace(shipped[0], request=request, structure=compose(request)) for request in requests]
    return [*shipped, *composed]


def _varied(section: Section, rng: random.Random) -> Section:
    """The section with other notes here and there in its tunes."""

    def tune(phrase: Phrase) -> Phrase:
        if phrase.melody is None:
            return phrase
        degrees = tuple(value if rng.random() < 0.7 else rng.randint(1, 9) for value in phrase.melody.degrees)
        varied = Motif.model_construct(degrees=degrees, rhythm=phrase.melody.rhythm)
        return phrase.model_copy(update={"melody": varied})

    return section.model_copy(update={"phrases": tuple(tune(phrase) for phrase in section.phrases or ()) or None})


def _examples() -> Iterator[Example]:
    rng = random.Random(1)
    bases = [
        (base, [[_varied(section, rng) for _ in range(VARIANTS)] for section in base.structure.sections])
        for base in _bases()
    ]
    for number in range(COUNT):
        base, variants = rng.choice(bases)
        request = base.request.model_copy(
            update={
                "valence": rng.randrange(-100, 101) / 100,
                "arousal": rng.randrange(101) / 100,
                "brief": f"A {rng.choice(WORDS)} and a {rng.choice(WORDS)} at {rng.choice(WORDS)}",
            }
        )
        structure = base.structure.model_copy(
            update={
                "key": rng.choice(ALL_KEYS).name,
                "time_signature": rng.choice(TIME_SIGNATURES),
                "form": rng.choice(FORM_IDS),
                "period": rng.choice(PERIODS),
                "sections": tuple(map(rng.choice, variants)),
            }
        )
        yield replace(base, id=f"example-{number:06}", request=request, structure=structure)


@cache
def _library() -> tuple[Example, ...]:
    return tuple(_examples())


@cache
def _index() -> Index:
    return Index(_library())


@cache
def _duplicates() -> Duplicates:
    return Duplicates.of((example.id, example.structure) for example in _library())


def _retrieve() -> object:
    picked = _index().retrieve(ASKED, form="rondo", period="classical", count=3)
    assert len(picked) == 3
    return picked


def _near_duplicates() -> object:
    found = _duplicates().near_duplicates(_library()[COUNT // 2].structure)
    assert found
    return found


def _nearest() -> object:
    found = _duplicates().nearest(load_examples()[0].structure, 10)
    assert len(found) == 10
    return found


def _adapt(request: Request) -> Callable[[], object]:
    adapt, form = Adapt(), plan(request)
    call = Call((), None, request, form)
    return lambda: asyncio.run(adapt.answer(call, lambda _: None))


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds. The library is built when it is first asked."""
    return [
        (f"three of {COUNT:,} examples retrieved", _retrieve, 0.010),
        (f"near-duplicates of one among {COUNT:,}", _near_duplicates, 0.050),
        (f"ten nearest of one among {COUNT:,}", _nearest, 0.050),
        ("an example adapted to 90 s", _adapt(Request(form="rondo", period="classical", seed=3)), 0.150),
    ]
