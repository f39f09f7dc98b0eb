"""The planted models break the share of cadences that they are said to, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from loopback_pieces import piece
from loopback_planted import Planted, broken

REQUEST = '{"form":"ABA","duration":30}'


def body(model: str, request: str = REQUEST, *more: dict[str, str]) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": f"Request: {request}"}, *more]}


def test_a_share_of_nothing_or_all_leaves_every_cadence_or_none() -> None:
    whole = piece(REQUEST, 0)
    assert broken(whole, REQUEST, "any", 0.0) == whole
    for before, after in zip(whole["sections"], broken(whole, REQUEST, "any", 1.0)["sections"], strict=True):
        assert after["chordProgression"][-1].upper() == "IV"
        assert after["phrases"][-1]["chords"][-1].upper() == "IV"
        assert after["phrases"][:-1] == before["phrases"][:-1]
        assert after["cadence"] == before["cadence"]


def test_the_share_is_that_of_the_lot_and_each_model_draws_its_own() -> None:
    whole = piece(REQUEST, 0)
    drawn = {
        model: [
            one != other
            for number in range(400)
            for one, other in zip(
                broken(whole, str(number), model, 0.3)["sections"], whole["sections"], strict=True
            )
        ]
        for model in ("a", "b")
    }  # fmt: skip
    for lots in drawn.values():
        assert abs(sum(lots) / len(lots) - 0.3) < 0.05
    assert drawn["a"] != drawn["b"]


def test_told_what_was_wrong_a_model_does_it_right() -> None:
    answer = Planted({"a": 1.0})
    first = json.loads(answer(body("a")))
    again = json.loads(answer(body("a", REQUEST, {"role": "assistant", "content": "{}"})))
    assert first != again == piece(REQUEST, 0)
