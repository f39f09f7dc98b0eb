"""Files of any format come into the queue once, mended where JSON needs it, with their origin and rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.core.compose import compose
from workbench.core.generate.intake import Taken, request_of, take_in
from workbench.core.library.curation import approved, counts, find
from workbench.core.library.database import Database
from workbench.core.library.decisions import edit, vote
from workbench.core.library.rights import Layer, Rights, own_rights, uses_of
from workbench.core.music.request import Request
from workbench.core.render.midi import midi_bytes

DCML = Path(__file__).parents[4] / "shared" / "data" / "dcml"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/library.sqlite3").upgrade()
    yield made
    made.close()


def brought(library: Database, *files: tuple[str, bytes], rights: Rights | None = None) -> list[Taken]:
    return list(take_in(library, files, curator="ada", rights=rights))


def test_airias_files_come_in_with_their_requests_and_are_mended(library: Database, airia_files: list[Path]) -> None:
    outcomes = brought(library, *((path.name, path.read_bytes()) for path in airia_files))
    assert all(outcome.new and not outcome.problem for outcome in outcomes)
    item = find(library, outcomes[0].id)
    assert item is not None
    assert item.origin["kind"] == "import"
    assert item.status == "waiting"
    assert item.hindrances  # nobody has said whose it is
    assert counts(library)["waiting"] == len(airia_files)


def test_nothing_comes_in_twice(library: Database, airia_files: list[Path]) -> None:
    file = (airia_files[0].name, airia_files[0].read_bytes())
    first, second = brought(library, file, ("other-name.json", file[1]))
    assert first.new
    assert not second.new
    assert not brought(library, file)[0].new
    piece = compose(Request(duration=20), seed=1)
    same = piece.model_copy(update={"title": "Another title"})
    one, other = brought(library, ("a.json", piece.to_json().encode()), ("b.json", same.to_json().encode()))
    assert one.new
    assert (other.new, other.id) == (False, one.id)


def test_broken_json_is_mended_and_every_repair_told(library: Database) -> None:
    data = compose(Request(duration=20), seed=2).to_dict()
    data["bpm"] = data.pop("tempo")
    (outcome,) = brought(library, ("broken.json", json.dumps(data).encode()))
    assert outcome.new
    item = find(library, outcome.id)
    assert item is not None
    assert item.origin["notes"]


def test_a_bad_file_is_told_and_the_others_go_on(library: Database) -> None:
    good = compose(Request(duration=20), seed=3).to_json().encode()
    outcomes = brought(library, ("a.mid", b"MThd"), ("b.xml", b"<a"), ("c.json", good), ("d.bin", bytes(100)))
    assert [bool(outcome.problem) for outcome in outcomes] == [True, True, False, True]


def test_a_midi_file_comes_in_with_what_was_guessed(library: Database) -> None:
    from workbench.core.compose import perform, realize

    piece = compose(Request(duration=30, time_signature="4/4"), seed=4)
    (outcome,) = brought(library, ("song.mid", midi_bytes(perform(realize(piece), seed=0))))
    assert outcome.new, outcome.problem
    item = find(library, outcome.id)
    assert item is not None
    assert item.origin["guessed"]
    assert item.structure.time_signature == "4/4"


def test_a_batch_can_be_stopped(library: Database) -> None:
    files = [(f"{number}.json", compose(Request(duration=20), seed=number).to_json().encode()) for number in range(5)]
    done: list[int] = []
    outcomes = list(
        take_in(
            library, files, curator="ada", stop=lambda: len(done) >= 2, progress=lambda count, _: done.append(count)
        )
    )
    assert len(outcomes) == 2


def test_given_rights_stand_and_what_a_file_says_fills_the_rest(library: Database) -> None:
    data = {"structure": compose(Request(duration=20), seed=5).to_dict()}
    (outcome,) = brought(library, ("a.json", json.dumps(data).encode()), rights=own_rights("Ada", "hers"))
    item = find(library, outcome.id)
    assert item is not None
    assert item.hindrances == ()


def test_a_request_is_made_from_a_piece_that_has_none() -> None:
    piece = compose(Request(duration=60, key="d minor", form="rondo", period="baroque"), seed=1)
    request = request_of(piece)
    assert (request.key, request.form, request.period) == ("d minor", "rondo", "baroque")
    assert abs(request.duration - 60) < 6
    assert request.valence < 0


@pytest.mark.skipif(not DCML.is_dir(), reason="the DCML samples may not be copied into the project, and are not here")
def test_a_noncommercial_corpus_is_shown_in_the_library_but_never_learned_from(library: Database) -> None:
    outcomes = brought(library, *((path.name, path.read_bytes()) for path in sorted(DCML.glob("*.tsv"))))
    assert len([outcome for outcome in outcomes if outcome.new]) == 3
    public = Layer(
        "work", "public domain", "public domain", "", "the work", "He died then.", "W. A. Mozart", 1791, 1784
    )
    for outcome in outcomes:
        item = find(library, outcome.id)
        assert item is not None
        annotation = item.rights.layer("annotation")
        assert annotation.licence == "CC-BY-NC-SA-4.0"
        whole = Rights((public, *(layer for layer in item.rights.layers if layer.layer != "work")), True, True)
        item = edit(library, item.id, curator="ada", version=item.version, rights=whole)
        uses = uses_of(item.rights)
        assert not uses["training"].allowed
        assert not uses["commercial_prompt"].allowed
        assert uses["prompt"].allowed
        if not item.hindrances:
            vote(library, item.id, "approve", curator="ada", version=item.version)
    assert approved(library) == ()
