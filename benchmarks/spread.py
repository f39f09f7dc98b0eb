"""Requests drawn evenly over everything a request can ask for: for the yardstick and for the thousand-piece test."""

from __future__ import annotations

import random
from typing import Any

from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.reading import read_request
from workbench.core.music.request import Request

INSTRUMENTATIONS = (
    None,
    None,
    "piano",
    "string quartet",
    "flute and piano",
    "choir",
    "harpsichord",
    "wind quintet",
    "brass",
    "guitar",
)
EXTREMES: tuple[dict[str, Any], ...] = (
    {"duration": 20, "tempo": 40, "time_signature": "12/8"},
    {"duration": 600, "tempo": 220, "time_signature": "3/8"},
    {"duration": 20, "tempo": 220, "time_signature": "2/4"},
    {"duration": 600, "tempo": 40, "time_signature": "4/4"},
    {"duration": 20, "tempo": 40, "time_signature": "2/2"},
    {"duration": 600, "tempo": 220, "time_signature": "2/4"},
)


def _deck(values: tuple[Any, ...], count: int, random_: random.Random) -> list[Any]:
    """Each value as often as any other, in an order of its own."""
    cards = [values[index % len(values)] for index in range(count)]
    random_.shuffle(cards)
    return cards


def draw_requests(
    count: int, *, seed: int = 1, shortest: float = 30, longest: float = 180, extremes: bool = False
) -> list[Request]:
    """``count`` requests in which forms, periods, meters, keys (and none), moods and lengths each come equally often.

    ``extremes`` replaces every 25th with one that is as short, long, slow or fast as a request may be.
    """
    random_ = random.Random(seed)
    forms = _deck(FORM_IDS, count, random_)
    periods = _deck(PERIODS, count, random_)
    meters = _deck((*TIME_SIGNATURES, None), count, random_)
    keys = _deck((*(key.name for key in ALL_KEYS), None), count, random_)
    players = _deck(INSTRUMENTATIONS, count, random_)
    tempi = _deck((None, None, None, 60, 90, 120, 150), count, random_)
    places = _deck(tuple((x, y) for x in range(5) for y in range(5)), count, random_)
    requests = []
    for index in range(count):
        valence, arousal = places[index]
        data: dict[str, Any] = {
            "form": forms[index],
            "period": periods[index],
            "time_signature": meters[index],
            "key": keys[index],
            "tempo": tempi[index],
            "instrumentation": players[index],
            "valence": round((valence + random_.random()) / 2.5 - 1, 3),
            "arousal": round((arousal + random_.random()) / 5, 3),
            "focus": round(random_.random(), 3),
            "duration": round(shortest * (longest / shortest) ** random_.random()),
            "seed": seed * 100_000 + index,
        }
        if extremes and index % 25 == 0:
            data |= EXTREMES[index // 25 % len(EXTREMES)]
        requests.append(read_request({name: value for name, value in data.items() if value is not None}))
    return requests
