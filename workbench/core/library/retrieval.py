"""Retrieval: the one to three examples of a library that help most with a request, and why these.

Form goes before period, period before valence; then come arousal, meter, mode, length and the words of the brief. What
is chosen is diverse: a second example of nearly the same piece is worth less (maximal marginal relevance, Carbonell and
Goldstein 1998). Words are compared as they are written, in any script, without a model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from math import isfinite, log2
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import InvalidInputError
from workbench.core.library.examples import MAX_PICKED, Example, Picked
from workbench.core.library.likeness import opening_runs, overlap
from workbench.core.music.meters import meter_of
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

Floats = NDArray[np.float32]

_POOL = 48
"""How many of the best are looked at when those that differ are chosen among them."""
_NEAR_VALENCE, _NEAR_AROUSAL, _AS_LONG = 0.3, 0.3, 1.25
_CHARACTERS_A_TOKEN = 2.2
"""Of structures as compact JSON, in the vocabularies that ``generate.counting`` knows: the fewest that were found."""
_SHOWN = 3
_MAX_WORDS = 400

_EAST = r"\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_WORDS = re.compile(
    rf"(?P<flowing>[\u3040-\u309f]+)|(?P<signs>[\u30a0-\u30ff]+|[\u3005\u3400-\u9fff\uf900-\ufaff]+|[\uac00-\ud7af]+)|"
    rf"[^\W\d_{_EAST}]+"
)
_ENDINGS = ("ings", "ing", "ed", "es", "ly", "s", "e", "y")
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be by for from has have i in into is it its like me my no not of on or our so some that
        the their them then there this to very was we were which while with you your music piece song please write""",
    )
)


@dataclass(frozen=True)
class Weights:
    """How much each likeness counts. As they stand, none but the brief outweighs one before it where both are whole.

    ``diversity`` is taken from an example's worth (0 to 1) where it is the same piece as one already chosen.
    """

    form: float = 16.0
    period: float = 8.0
    valence: float = 4.0
    arousal: float = 2.0
    meter: float = 1.0
    mode: float = 0.5
    length: float = 0.25
    brief: float = 0.25
    diversity: float = 0.4

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isfinite(value) or value < 0:
                raise InvalidInputError(
                    f"The weight of {field.name} is {value}.", hint="Give it a number from 0 up.", field=field.name
                )


class _Asked(NamedTuple):
    request: Request
    form: str
    period: str
    weights: Weights
    words: dict[int, str]


class Index:
    """A library, ready to be searched. It does not change; build another where the library changes.

    Of examples with the same id the last one counts. Their order does not matter.
    """

    def __init__(self, examples: Iterable[Example]) -> None:
        known = {example.id: example for example in examples}
        self._examples = tuple(known[id] for id in sorted(known))
        self._places = {example.id: place for place, example in enumerate(self._examples)}
        self._codes: dict[str, int] = {}
        rows = [self._row(example) for example in self._examples]
        columns = np.array(rows, np.float32).reshape(len(rows), 8).T
        self._form, self._period, self._meter, self._beats, self._minor = columns[:5].astype(np.int32)
        self._valence, self._arousal, self._length = columns[5:].copy()
        found = [features_of(text_of(example)) for example in self._examples]
        features = np.array([feature for each in found for feature in each], np.uint32)
        owners = np.repeat(np.arange(len(found), dtype=np.int32), [len(each) for each in found])
        order = np.argsort(features, kind="stable")
        self._owners = owners[order]
        self._features, self._starts = np.unique(features[order], return_index=True)
        self._stops = np.append(self._starts[1:], len(features)).astype(np.int64)
        for value in self.__dict__.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __len__(self) -> int:
        return len(self._examples)

    @property
    def examples(self) -> tuple[Example, ...]:
        """All examples, by id."""
        return self._examples

    def retrieve(
        self,
        request: Request,
        *,
        form: str,
        period: str,
        count: int = 2,
        weights: Weights | None = None,
        pinned: Collection[str] = (),
        banned: Collection[str] = (),
        token_budget: int | None = None,
        tokens: Callable[[Example], int] | None = None,
    ) -> tuple[Picked, ...]:
        """The examples to show for a request under a plan of this form and period: one to three, none for a count of 0.

        Those pinned come first, in their order and in place of others; who is banned never comes, pinned or not; ids
        that are not there are passed over. ``tokens`` counts what an example takes of ``token_budget`` (without it,
        its length is estimated): what does not fit is left out, and the next one's ``why`` says so. ``score`` is how
        near an example is to what was asked, whatever else was chosen. Meter, mode and brief count where the request
        names them. Ties go by id.
        """
        count = max(0, min(count, MAX_PICKED))
        asked = _Asked(request, form, period, weights or Weights(), spelled_features(asked_text(request)))
        if not count or not self._examples:
            return ()
        scores = self._scores(asked)
        barred = {self._places[id] for id in banned if id in self._places}
        first = [self._places[id] for id in dict.fromkeys(pinned) if id in self._places]
        first = [place for place in first if place not in barred]
        measure = tokens or estimated_tokens
        left = token_budget
        chosen: list[int] = []
        skipped: list[str] = []
        picked: list[Picked] = []
        for place in self._in_turn(scores, first, barred, asked.weights.diversity, chosen):
            example = self._examples[place]
            if left is not None:
                length = measure(example)
                if length > left:
                    skipped.append(f"“{example.id}” does not fit into {left:,} tokens")
                    continue
                left -= length
            reasons = (["pinned"] if place in first else []) + self._reasons(asked, place) + skipped[:_SHOWN]
            picked.append(Picked(example, float(scores[place]), ", ".join(reasons) or "nearest there is"))
            chosen.append(place)
            skipped = []
            if len(picked) == count:
                break
        return tuple(picked)

    def _row(self, example: Example) -> tuple[float, ...]:
        structure, request = example.structure, example.request
        meter = meter_of(structure.time_signature)
        return (
            self._code(structure.form), self._code(structure.period or request.period or ""),
            self._code(structure.time_signature), meter.beats * 2 + meter.compound, structure.tonality.is_minor,
            request.valence, request.arousal, log2(seconds_of(structure)),
        )  # fmt: skip

    def _code(self, name: str) -> int:
        return self._codes.setdefault(name, len(self._codes))

    def _scores(self, asked: _Asked) -> Floats:
        """How near each example is, 0 to 1."""
        request, weights = asked.request, asked.weights
        parts: list[tuple[float, Floats]] = [
            (weights.form, self._same(self._form, asked.form)),
            (weights.period, self._same(self._period, asked.period)),
            (weights.valence, 1 - np.abs(self._valence - np.float32(request.valence)) / 2),
            (weights.arousal, 1 - np.abs(self._arousal - np.float32(request.arousal))),
            (weights.length, 1 / (1 + np.abs(self._length - np.float32(log2(request.duration))))),
        ]
        if request.time_signature:
            meter = meter_of(request.time_signature)
            alike = (self._beats == meter.beats * 2 + meter.compound).astype(np.float32)
            parts.append((weights.meter, (self._same(self._meter, meter.name) + alike) / 2))
        if request.tonality:
            parts.append((weights.mode, (self._minor == request.tonality.is_minor).astype(np.float32)))
        if asked.words:
            parts.append((weights.brief, self._brief(asked.words)))
        whole = sum(weight for weight, _ in parts) or 1.0
        total = np.zeros(len(self), np.float32)
        for weight, values in parts:
            total += np.float32(weight / whole) * values
        return np.minimum(total, np.float32(1))

    def _same(self, column: NDArray[np.int32], name: str) -> Floats:
        alike: Floats = (column == self._codes.get(name, -1)).astype(np.float32)
        return alike

    def _brief(self, words: Iterable[int]) -> Floats:
        """The share of the asked words that each example has, rare words counting more."""
        found, whole = np.zeros(len(self), np.float32), 0.0
        for feature in words:
            place = int(np.searchsorted(self._features, feature))
            known = place < len(self._features) and self._features[place] == feature
            start, stop = (int(self._starts[place]), int(self._stops[place])) if known else (0, 0)
            worth = log2(1 + len(self) / (1 + stop - start))
            whole += worth
            found[self._owners[start:stop]] += np.float32(worth)
        share: Floats = found / np.float32(whole or 1.0)
        return share

    def _in_turn(
        self, scores: Floats, first: list[int], barred: Collection[int], diversity: float, chosen: list[int]
    ) -> Iterator[int]:
        """Places in the order in which they are worth most, each beside those in ``chosen`` at that time."""
        yield from first
        free = scores.copy()
        free[[*first, *barred]] = -1
        size = min(_POOL, len(free))
        least = np.partition(free, len(free) - size)[len(free) - size]
        pool = np.flatnonzero((free >= least) & (free >= 0))
        pool = pool[np.argsort(-free[pool], kind="stable")][:size]
        heard = cache(lambda place: opening_runs(self._examples[place].structure))

        def worth(place: int) -> tuple[float, int]:
            likest = max((overlap(heard(place), heard(other)) for other in chosen), default=0.0)
            return float(free[place]) - diversity * likest, -place

        waiting = pool.tolist()
        while waiting:
            best = max(waiting, key=worth)
            waiting.remove(best)
            yield best

    def _reasons(self, asked: _Asked, place: int) -> list[str]:
        """What an example has in common with what is asked, in words."""
        example, request = self._examples[place], asked.request
        form = self._form[place] == self._codes.get(asked.form, -1)
        period = self._period[place] == self._codes.get(asked.period, -1)
        reasons = ["same form and period" if form and period else "same form" if form else "same period"]
        reasons = reasons if form or period else []
        valence, arousal = example.request.valence - request.valence, example.request.arousal - request.arousal
        if abs(valence) <= _NEAR_VALENCE and abs(arousal) <= _NEAR_AROUSAL:
            reasons.append("mood near")
        if request.time_signature == example.structure.time_signature:
            reasons.append("same meter")
        if request.tonality and request.tonality.mode == example.structure.tonality.mode:
            reasons.append("same mode")
        if abs(float(self._length[place]) - log2(request.duration)) <= log2(_AS_LONG):
            reasons.append("about as long")
        shared = shared_words(asked.words, spelled_features(text_of(example)))
        if shared:
            reasons.append(f"shares {', '.join(f'“{word}”' for word in shared)}")
        return reasons


def read_weights(text: str) -> Weights:
    """Weights as a setting writes them: ``valence=6, brief=1``; what is not named keeps its usual weight.

    Raises:
        InvalidInputError: a name or a number is none.
    """
    changes: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not name and not value:
            continue
        try:
            changes[name] = float(value)
            if name not in Weights.__dataclass_fields__:
                raise ValueError
        except ValueError:
            raise InvalidInputError(
                f"{part.strip()[:40]!r} is no weight.",
                hint=f"Write name=number with {', '.join(Weights.__dataclass_fields__)}.",
                field="WORKBENCH_RETRIEVAL_WEIGHTS",
            ) from None
    return replace(Weights(), **changes)


def seconds_of(structure: MusicStructure) -> float:
    """How long a piece lasts as it is written."""
    return structure.measures * meter_of(structure.time_signature).bar_quarters * 60 / structure.tempo


def estimated_tokens(example: Example) -> int:
    """About how many tokens an example takes in a prompt; rather too many than too few."""
    text = example.structure.to_json(indent=None) + example.request.to_json()
    return int(len(text) / _CHARACTERS_A_TOKEN) + 1


# --- words ------------------------------------------------------------------------------------------------------------


def asked_text(request: Request) -> str:
    """The words of a request."""
    said = (request.brief, request.theme, request.primary_genre, *request.motif_tags, *request.genre_palette)
    return " ".join(filter(None, said))


def text_of(example: Example) -> str:
    """The words of an example: what was asked, its title and character, its tags and what it teaches."""
    structure = example.structure
    said = (asked_text(example.request), structure.title, structure.character, *example.tags, example.teaches)
    return " ".join(filter(None, said))


def features_of(text: str) -> set[int]:
    """What a text is known by: its words without their endings; where words are not set apart, pairs of characters."""
    return set(spelled_features(text))


def spelled_features(text: str) -> dict[int, str]:
    """The features of a text and how each is spelled in it, in order."""
    found: dict[int, str] = {}
    for number, match in enumerate(_WORDS.finditer(unicodedata.normalize("NFKC", text).casefold())):
        if number >= _MAX_WORDS:
            break
        word = match[0]
        size = 3 if match["flowing"] else 2 if match["signs"] else 0
        if size:  # hiragana is mostly endings and particles, so that less than three say nothing
            ends = range(size, len(word) + 1) if len(word) > 1 or size > 2 else [1]
            found |= {crc32(part.encode()): part for part in (word[max(0, end - size) : end] for end in ends)}
        elif word not in _EMPTY:
            found.setdefault(_feature(word), word)
    return found


@lru_cache(maxsize=65_536)
def _feature(word: str) -> int:
    """A word without its commonest ending, as a number."""
    ending = next((each for each in _ENDINGS if word.endswith(each) and len(word) - len(each) >= 3), "")
    return crc32(word.removesuffix(ending).encode())


def shared_words(asked: dict[int, str], had: dict[int, str]) -> list[str]:
    """A few of the asked words that an example has, as they were asked; what was cut into pairs is joined again."""
    words: list[str] = []
    for feature, word in asked.items():
        if feature not in had:
            continue
        if words and 1 < len(word) < 4 and re.match(rf"[{_EAST}]", word) and words[-1].endswith(word[:-1]):
            words[-1] += word[-1]
        else:
            words.append(word)
    return words[:_SHOWN]
