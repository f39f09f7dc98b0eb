"""Two structures are told apart by their music: a key, a run of chords, some bars of a tune."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.checks.music import GOOD, Break, broken, good
from workbench.core.compose import compose
from workbench.core.compose.edits import transpose, with_cadence
from workbench.core.compose.locks import regenerate
from workbench.core.music.differences import MAX_DIFFERENCES, Difference, differences
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure


def told(change: Break) -> list[Difference]:
    return list(differences(good(), broken(change)))


def only(change: Break) -> Difference:
    (found,) = told(change)
    return found


def _section(index: int, **fields: Any) -> Break:
    return lambda data: data["sections"][index].update(fields)


def _phrase(index: int, number: int, **fields: Any) -> Break:
    return lambda data: data["sections"][index]["phrases"][number].update(fields)


def test_identical_structures_do_not_differ() -> None:
    assert differences(good(), good()) == ()
    assert differences(good(), read_structure(good().to_json())) == ()


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("key", "E major", "key"), ("tempo", 90.0, "tempo"), ("timeSignature", "2/2", "meter"),
        ("form", "song", "form"), ("period", "romantic", "period"), ("title", None, "title"),
        ("instrumentation", "choir", "instrumentation"), ("character", "calm", "character"),
        ("reasoning", "So.", "reasoning"), ("schemaVersion", 1, "version"),
    ],
)  # fmt: skip
def test_fields_of_the_piece(field: str, value: Any, kind: str) -> None:
    found = only(lambda data: data.update({field: value}))
    assert found == (f"/{field}", kind, good().to_dict().get(field), value, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("key", "A major"), ("dynamics", "pp"), ("texture", "waltz"), ("cadence", None), ("role", "da-capo")],
)
def test_fields_of_a_section(field: str, value: Any) -> None:
    found = only(_section(2, **{field: value}))
    assert found == (f"/sections/2/{field}", field, good().to_dict()["sections"][2][field], value, (17, 24))


def test_a_run_of_chords_with_its_place_and_bars() -> None:
    found = only(_phrase(0, 1, chords=["I", "V7", "vi", "ii6", "V7", "I"]))
    assert found == ("/sections/0/phrases/1/chords/2", "chords", ("I", "I64"), ("vi", "ii6"), (7, 8))
    found = only(_phrase(0, 0, chords=["I", "V"], chordBeats=[12, 4]))
    assert found == ("/sections/0/phrases/0/chords/1", "chords", ("V7", "I"), None, (4, 4))


def test_lengths_of_chords() -> None:
    found = only(_phrase(0, 0, chordBeats=[4, 6, 2, 4]))
    assert found == ("/sections/0/phrases/0/chordBeats/1", "chord-lengths", (4.0, 4.0), (6.0, 2.0), (1, 4))


def test_changed_bars_of_a_tune() -> None:
    tune = copy.deepcopy(GOOD["sections"][2]["phrases"][0]["melody"])
    tune["degrees"][5], tune["degrees"][13] = 6, 1
    first, last = told(_phrase(2, 0, melody=tune))
    assert first.path == "/sections/2/phrases/0/melody/degrees/4"
    assert first.kind == "tune"
    assert first.before == ((5, 1.0), (4, 1.0), (3, 1.0), (2, 1.0))
    assert first.after == ((5, 1.0), (6, 1.0), (3, 1.0), (2, 1.0))
    assert first.bars == (18, 18)
    assert (last.path, last.bars) == ("/sections/2/phrases/0/melody/degrees/12", (20, 20))
    gone = only(_phrase(2, 0, melody=None))
    assert (gone.kind, gone.after, len(gone.before), gone.bars) == ("tune", None, 15, (17, 20))


def test_the_rest_of_a_phrase() -> None:
    assert only(_phrase(0, 0, cadence="IAC")) == ("/sections/0/phrases/0/cadence", "cadence", "HC", "IAC", (1, 4))
    assert only(_phrase(0, 0, motif={"ref": "joy"}))[1:4] == ("motif", {"ref": "m1"}, {"ref": "joy"})
    assert only(_phrase(0, 0, label="b"))[1:4] == ("label", "a", "b")
    assert [each.kind for each in told(_phrase(0, 0, measures=5))] == ["measures", "length"]


def test_a_motif_of_a_section_and_a_leitmotif() -> None:
    found = only(_section(1, melody=None))
    assert (found.path, found.kind, found.after) == ("/sections/1/melody/motifs/0", "motif", None)
    renamed = told(lambda data: data["leitmotifs"][0].update(tag="grief"))
    assert [each.kind for each in renamed] == ["leitmotif-removed", "leitmotif-added"]
    assert only(lambda data: data["leitmotifs"][0].update(meaning="spark")).kind == "leitmotif"


def test_sections_and_phrases_come_and_go_as_one_difference_each() -> None:
    assert only(lambda data: data["sections"].pop(1)) == ("/sections/1", "section-removed", "B", None, (9, 16))
    coda = copy.deepcopy(GOOD["sections"][0]) | {"name": "Coda"}
    assert only(lambda data: data["sections"].insert(1, coda)) == (
        "/sections/1", "section-added", None, "Coda", (9, 16),
    )  # fmt: skip
    swapped = told(lambda data: data["sections"].reverse())
    assert sorted(each.kind for each in swapped) == ["section-added"] * 2 + ["section-removed"] * 2
    added = copy.deepcopy(GOOD["sections"][0]["phrases"][1]) | {"label": "z", "role": "codetta"}
    kinds = [(each.path, each.kind) for each in told(lambda data: data["sections"][0]["phrases"].append(added))]
    assert kinds == [("/sections/0/measures", "measures"), ("/sections/0/phrases/2", "phrase-added")]
    less = [(each.kind, each.before) for each in told(lambda data: data["sections"][1]["phrases"].pop(0))]
    assert less == [("measures", 8), ("phrase-removed", "b presentation")]


def test_a_renamed_section_is_still_the_same() -> None:
    assert only(_section(1, name="Trio")) == ("/sections/1/name", "name", "B", "Trio", (9, 16))


def test_phrases_that_were_written_out() -> None:
    found = told(_section(1, phrases=None))
    assert [(each.kind, each.before, each.after) for each in found] == [("phrases", 2, None)]


def test_what_an_edit_did_is_what_is_told() -> None:
    def kinds(after: MusicStructure) -> set[str]:
        return {each.kind for each in differences(good(), after)}

    assert kinds(transpose(good(), "Eb major")) == {"key"}
    assert kinds(with_cadence(good(), 0, "HC")) == {"chords", "cadence", "tune", "role"}
    piece = regenerate(good(), Request(), {(0, None), (2, None), (1, 0)}, seed=1)
    changed = [each for each in differences(good(), piece) if each.bars]
    assert all(each.path.startswith("/sections/1/phrases/1/") and 13 <= each.bars[0] <= 16 for each in changed)  # type: ignore[index]


pieces = st.builds(
    lambda form, seed: compose(Request(form=form, duration=40, seed=seed)),
    st.sampled_from(["ABA", "rondo", "sonata", "theme-variation"]),
    st.integers(0, 30),
)


@settings(max_examples=60)
@given(pieces, pieces)
def test_two_pieces_differ_if_they_do_and_all_can_be_written_as_json(
    one: MusicStructure, other: MusicStructure
) -> None:
    found = differences(one, other)
    assert (found == ()) == (one == other)
    assert len(found) <= MAX_DIFFERENCES
    json.dumps(found, allow_nan=False)
    for each in found:
        source = one if each.kind.endswith("-removed") else other
        data: Any = source.to_dict()
        for part in each.path.split("/")[1:]:
            if data is None or part not in (data if isinstance(data, dict) else map(str, range(len(data)))):
                assert each.after is None or each.kind in {"chords", "tune", "chord-lengths"}
                break
            data = data[part] if isinstance(data, dict) else data[int(part)]


def test_there_is_an_end_to_it() -> None:
    wish = Request(
        form="theme-variation", duration=600, tempo=220, time_signature="3/8", period="baroque", key="C major"
    )
    assert len(differences(compose(wish, seed=1), compose(wish, seed=2))) == MAX_DIFFERENCES
