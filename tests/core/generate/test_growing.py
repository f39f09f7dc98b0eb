"""While an answer is written its complete sections are counted and can be heard, and nothing that is not there."""

from __future__ import annotations

import json
import random
import time
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.generate.answers import PIECE, text
from workbench.core.compose import compose, realize
from workbench.core.generate import sanitize
from workbench.core.generate.growing import SectionWatch, as_far_as_it_goes, complete_part, salvaged
from workbench.core.generate.wire import wire_text
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

SECONDS = 20.0
"""A hang is what these tests are to find, under coverage and beside other work."""
FORMS = ("ABA", "rondo", "sonata", "theme-variation", "minuet-trio")


@lru_cache
def written(form: str, layout: int | None = None) -> str:
    """A composed piece as a model writes it."""
    compact = wire_text(compose(Request(form=form, duration=50, seed=2)))
    return compact if layout is None else json.dumps(json.loads(compact), indent=layout, ensure_ascii=False)


def whole(answer: str) -> MusicStructure:
    return sanitize(answer).structure


def fed(*pieces: str) -> SectionWatch:
    watch = SectionWatch()
    for piece in pieces:
        watch.feed(piece)
    return watch


def chunks(answer: str, seed: int) -> list[str]:
    rng = random.Random(seed)
    result, at = [], 0
    while at < len(answer):
        size = rng.choice((1, 2, 3, 7, 20, 90, 400))
        result.append(answer[at : at + size])
        at += size
    return result


# Counting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", [None, 2])
@pytest.mark.parametrize("seed", range(3))
def test_each_section_is_counted_when_it_is_complete(form: str, layout: int | None, seed: int) -> None:
    answer, watch, so_far = written(form, layout), SectionWatch(), ""
    piece = whole(answer)
    for chunk in chunks(answer, seed):
        before = watch.complete
        grew = watch.feed(chunk)
        so_far += chunk
        assert grew == (watch.complete > before)
        if grew:
            growing = as_far_as_it_goes(so_far, watch)
            assert growing is not None
            assert growing.sections == piece.sections[: watch.complete]
            assert (growing.key, growing.tempo, growing.form) == (piece.key, piece.tempo, piece.form)
            assert so_far[watch.end - 1] == "}"
    assert watch.complete == len(piece.sections)
    assert as_far_as_it_goes(answer, watch).sections == piece.sections  # type: ignore[union-attr]


def test_a_section_counts_with_its_last_bracket_and_not_before() -> None:
    answer = written("rondo")
    watch = SectionWatch()
    ends = [at for at, char in enumerate(answer, 1) if watch.feed(char)]
    assert len(ends) == len(whole(answer).sections)
    for number, end in enumerate(ends):
        assert fed(answer[: end - 1]).complete == number
        assert fed(answer[:end]).complete == number + 1
        assert fed(answer[:end]).end == end


def test_what_has_grown_can_be_heard() -> None:
    answer = written("sonata")
    growing = salvaged(answer[: len(answer) // 2])
    assert growing is not None
    assert realize(growing).notes


@pytest.mark.parametrize("seed", range(5))
def test_the_size_of_the_pieces_does_not_matter(seed: int) -> None:
    answer = written("ABA", 2)
    one, other = fed(answer), fed(*chunks(answer, seed))
    assert (one.complete, one.end, one.open_brackets) == (other.complete, other.end, other.open_brackets)


def test_only_the_piece_s_own_sections_are_counted() -> None:
    assert fed(text(PIECE)).complete == 3
    assert fed('{"sections":[]}').complete == 0
    assert fed('{"phrases":[{"a":1},{"b":2}],"motifs":[{}]}').complete == 0
    assert fed('{"sections":[[{"a":1}],"x",7,null]}').complete == 0
    assert fed('{"sections":{"A":{"measures":4}}}').complete == 0
    assert fed('{"sections":[{"sections":1,"phrases":[{},{}]},{}]}').complete == 2


# What stands before and around --------------------------------------------------------------------------------------

BEFORE = [
    "Sure! Here's your piece:\n\n",
    "```json\n",
    'I call it "Rain": a {small} thing [in three parts], {"a": [1, {"b": 2}]} as it were.\n',
    "An open { brace, and a smile :-] before it\n",
    "<think>Three sections? Perhaps.</think>\n",
    '<think>Say {"sections":[{"name":"A","chordProgression":["I","V"]},{"name":"B"}]} or so.</think>',
    "<think>He wrote [ \"once. It won't do {</think>\n\n```json\n",
    '<Thinking>\n{"sections": [{"name": "A"</Thinking><think>{"sections":[{}</think>',
    'So {"sections":[{"name":"Z","measures":4,"chordProgression":["I"]}]} is too short.</think>',
    "1 < 2 and 3 > 2, <b>of course</b> <think\n",
]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("seed", range(2))
def test_what_stands_before_the_answer_is_passed_over(before: str, seed: int) -> None:
    answer = written("ABA", 2)
    piece = whole(answer)
    said = before + answer
    assert fed(*chunks(said, seed)).complete == len(piece.sections)
    for share in (0.4, 0.7, 1.0):
        part = before + answer[: int(len(answer) * share)]
        complete = fed(answer[: int(len(answer) * share)]).complete
        growing = salvaged(part)
        if not complete:
            assert growing is None
        else:
            assert growing is not None
            assert growing.sections == piece.sections[:complete]


@pytest.mark.parametrize("after", ["\n```\nHope you like it!", " {", "</thi", '{"note": [1, 2]}', "]]]}}}"])
def test_what_stands_after_it_changes_nothing(after: str) -> None:
    answer = written("ABA")
    watch = fed(answer, after)
    assert (watch.complete, watch.end) == (fed(answer).complete, fed(answer).end)
    growing = as_far_as_it_goes(answer + after, watch)
    assert growing is not None
    assert growing.sections == whole(answer).sections


def test_thoughts_that_never_end_are_no_answer() -> None:
    assert fed("<think>" + written("ABA")).complete == 0
    assert salvaged("<think>" + written("ABA")) is None


@pytest.mark.parametrize(
    "title",
    ["}]}", "{[{", 'a "quoted" title', "back\\slash\\", '\\"', '"sections":[{}]', "Ends in a backslash \\", "}\n{",
     "\\u007d", "<think>", "1 < 2"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["title", "reasoning", "name"])
def test_brackets_and_quotes_in_texts_are_texts(title: str, where: str) -> None:
    data = json.loads(written("ABA"))
    if where == "name":
        data["sections"][0]["name"] = title
    else:
        data[where] = title
    answer = json.dumps(data)
    piece = whole(answer)
    assert fed(*answer).complete == len(piece.sections)
    cut = answer[: fed(answer).end - 5]
    growing = salvaged(cut)
    assert growing is not None
    assert growing.sections == piece.sections[:-1]


# Whatever comes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_no_beginning_of_an_answer_invents_a_section(form: str) -> None:
    answer = written(form)
    piece = whole(answer)
    ends = [at for at in range(len(answer)) if answer[at : at + 1] in "]}"]
    rng = random.Random(form)
    for at in {*rng.sample(range(len(answer)), 60), *rng.sample(ends, min(40, len(ends)))}:
        growing = salvaged(answer[: at + 1])
        complete = fed(answer[: at + 1]).complete
        if growing is None:
            assert complete == 0
        else:
            assert growing.sections == piece.sections[:complete]


@pytest.mark.parametrize("seed", range(3))
def test_no_beginning_of_a_careless_answer_raises(seed: int) -> None:
    rng = random.Random(seed)
    answer = text(PIECE)
    for before, after in rng.sample(
        [('"', "'"), ("],", "]"), (": ", ":"), ("}", "},"), ("true", "True"), ("{", "{\n//x\n")], 3
    ):
        answer = answer.replace(before, after)
    for at in range(0, len(answer), 37):
        growing = salvaged(answer[:at])
        assert growing is None or len(growing.sections) <= 3


ANSWERS = st.lists(
    st.sampled_from(
        ['{"sections":[', '{"name":"A","measures":4,"chordProgression":["I","V","I"]}', '"sections"', ":", ",", "[",
         "]", "{", "}", '"', "\\", '\\"', "sections", "null", "1", "<think>", "</think>", "<", ">", "```", "\n",
         '"phrases":[{"measures":4}]']
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(ANSWERS, st.integers(0, 9))
def test_anything_is_harmless(answer: str, seed: int) -> None:
    watch = fed(*chunks(answer, seed))
    assert 0 <= watch.end <= len(answer)
    assert watch.complete <= answer.count("}")
    growing = as_far_as_it_goes(answer, watch)
    if growing is not None:
        assert watch.complete
        assert len(growing.sections) <= answer.count('"name"') + answer.count("{")
    assert salvaged(answer) == growing


@given(st.text(max_size=200))
def test_any_text_is_harmless(answer: str) -> None:
    assert fed(*answer).complete == fed(answer).complete
    salvaged(answer)
    salvaged('{"sections":[{' + answer)
    complete_part(answer)


HOSTILE: dict[str, Any] = {
    "brackets": "[" * 1_000_000,
    "braces": "{" * 1_000_000,
    "closing": "]}" * 500_000,
    "pairs": "[]" * 500_000,
    "nested-pairs": "[{" * 250_000 + "}]" * 250_000,
    "quotes": '["' * 500_000,
    "backslashes": '["' + "\\" * 1_000_000,
    "colons": ":" * 1_000_000,
    "tags": "<think>" * 140_000,
    "less-than": "<" * 1_000_000,
    "empty-sections": '{"sections":[' + "{}," * 320_000,
    "deep-section": '{"sections":[' + '{"a":[' * 160_000,
    "endless-name": '{"' + "sections" * 120_000,
    "many-sections": '{"sections":[' + '{"name":"A","measures":4,"chordProgression":["I"]},' * 18_000,
    "many-lists": '{"sections":[{}],' * 55_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_malice_is_quick_and_harmless(name: str) -> None:
    began = time.monotonic()
    watch = fed(HOSTILE[name])
    growing = as_far_as_it_goes(HOSTILE[name], watch)
    assert growing is None or name == "many-sections"
    assert len(watch.open_brackets) <= 40
    assert time.monotonic() - began < SECONDS


def test_a_missing_key_comes_from_the_request() -> None:
    answer = '{"sections":[{"name":"A","measures":4,"chordProgression":["i","V","i"]},{"name":"B"'
    growing = salvaged(answer, Request(key="g minor", tempo=72))
    assert growing is not None
    assert (growing.key, growing.tempo, len(growing.sections)) == ("g minor", 72, 1)
