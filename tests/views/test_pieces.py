"""The shelf keeps what was looked at last, within its bounds, and any process names a piece alike."""

from __future__ import annotations

import threading
import time

import pytest

from workbench.core.compose import compose
from workbench.core.errors import SoundError
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.pieces import Shelf, make_piece, piece_id

SHORT = Request(duration=20)


def test_a_piece_has_the_same_id_wherever_it_is_made() -> None:
    structure = compose(SHORT, seed=4)
    again = type(structure).model_validate(structure.to_dict())
    assert piece_id(structure) == piece_id(again) == make_piece(again).id
    assert piece_id(structure) != piece_id(compose(SHORT, seed=5))


def test_a_request_and_a_seed_are_composed_once() -> None:
    shelf = Shelf()
    assert shelf.composed(SHORT, 4) is shelf.composed(SHORT, 4)
    assert shelf.composed(SHORT, 4) is shelf.put(compose(SHORT, seed=4))


def test_the_shelf_forgets_what_was_not_looked_at() -> None:
    shelf = Shelf(pieces=2)
    first, second = shelf.composed(SHORT, 1), shelf.composed(SHORT, 2)
    assert shelf.get(first.id) is first
    shelf.composed(SHORT, 3)
    assert shelf.get(second.id) is None
    assert shelf.get(first.id) is first


def test_the_shelf_stays_within_its_memory() -> None:
    shelf = Shelf(size=10_000)
    for seed in range(1, 5):
        shelf.composed(SHORT, seed).once("large", lambda: b"x" * 8000)
    assert len(shelf) <= 2


def test_what_was_let_go_is_made_again_from_what_is_kept() -> None:
    structure, asked = compose(SHORT, seed=1), list[str]()

    def kept(name: str) -> MusicStructure | None:
        asked.append(name)
        return structure if name == piece_id(structure) else None

    shelf = Shelf(pieces=1, kept=kept)
    first = shelf.put(structure)
    assert shelf.get(first.id) is first
    assert asked == []
    shelf.composed(SHORT, 2)
    again = shelf.get(first.id)
    assert again is not None
    assert again is not first
    assert again.structure == structure
    assert shelf.get("unknown") is None


def test_something_asked_for_twice_at_once_is_rendered_once() -> None:
    piece, calls = make_piece(compose(SHORT, seed=1)), []

    def render() -> bytes:
        calls.append(1)
        time.sleep(0.05)
        return b"done"

    threads = [threading.Thread(target=lambda: piece.once("slow", render)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_each_voice_sounds_alone_and_no_other_voice_exists() -> None:
    piece = make_piece(compose(SHORT, seed=1))
    sounds = [piece.sound(voice) for voice in range(len(piece.score.voices))]
    assert all(sound.startswith(b"OggS") for sound in sounds)
    with pytest.raises(SoundError):
        piece.sound(len(sounds))


def test_file_names_are_safe_and_say_what_the_piece_is() -> None:
    piece = make_piece(compose(Request(duration=20, form="rondo", key="Eb major"), seed=1))
    assert piece.name
    assert all(sign.isalnum() or sign in "._-" for sign in piece.name)
