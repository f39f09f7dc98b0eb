"""What a rater hears and sees of two pieces: sounds that are equally loud, and notes; nothing that names anything.

A ``Booth`` makes them once for a pair of pieces, and ahead of time where it is told what comes next.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import Any, NamedTuple

from workbench.core.compose import perform, realize
from workbench.core.experiments.ratings.contests import contest_named, samples_of
from workbench.core.experiments.ratings.judging import pair_of_sound
from workbench.core.experiments.ratings.loudness import matching_gains
from workbench.core.experiments.ratings.pairs import unnamed
from workbench.core.experiments.ratings.ratings import Pair
from workbench.core.library.database import Database
from workbench.core.music.request import Request
from workbench.core.music.score import Performance
from workbench.core.music.structure import PERFORMANCE_SEED, MusicStructure
from workbench.core.render.audio import SAMPLE_RATE, encode, synthesize

MAX_PAIRS = 32
"""How many pairs are kept at hand."""
MAX_BYTES = 96_000_000
"""How much sound is kept for all of them together."""
MAX_NOTES = 6_000
"""Pieces of more notes sound, but are not drawn."""


class Seen(NamedTuple):
    """A piece as it is drawn: its length in seconds, and each note as start, end (seconds), pitch (MIDI) and voice."""

    seconds: float
    notes: tuple[tuple[float, float, int, int], ...]


class Heard(NamedTuple):
    """Both pieces of a pair by their hashes: the request, how they are drawn, and their sounds, which may take a while.

    ``sounds`` gives Ogg files.
    """

    request: Request
    seen: dict[str, Seen]
    sounds: Future[dict[str, bytes]]


class Booth:
    """Makes sounds for a process, each pair in a thread of its own; a few of them render at the same time."""

    def __init__(self, database: Database, *, at_once: int = 2) -> None:
        self._database = database
        self._kept: OrderedDict[tuple[str, ...], Future[Heard]] = OrderedDict()
        self._guard = threading.Lock()
        self._turn = threading.Semaphore(at_once)

    def heard(self, contest: str, pair: Pair) -> Heard:
        """Both pieces of a pair.

        Raises:
            WorkbenchError: they are not there, or cannot become music.
        """
        return self.prepare(contest, pair).result()

    def prepare(self, contest: str, pair: Pair) -> Future[Heard]:
        """Begin to make them, if nobody has."""
        key = (contest, pair.request, *pair.pieces)
        with self._guard:
            known = self._kept.get(key)
            if known is None or _failed(known):
                known = self._kept[key] = Future()
                threading.Thread(
                    target=self._make, args=(known, contest, pair), name="experiment sounds", daemon=True
                ).start()
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and (len(self._kept) > MAX_PAIRS or self._bytes() > MAX_BYTES):
                self._kept.popitem(last=False)
            return known

    def sound(self, contest: str, token: str) -> bytes | None:
        """The Ogg file that a token stands for; None where nobody was shown it.

        Raises:
            WorkbenchError: it cannot be made.
        """
        found = pair_of_sound(self._database, contest, token)
        if found is None:
            return None
        pair, side = found
        return self.heard(contest, pair).sounds.result()[pair.piece_a if side == "a" else pair.piece_b]

    def _bytes(self) -> int:
        made = (each.result().sounds for each in self._kept.values() if each.done() and not _failed(each))
        return sum(len(data) for sounds in made if sounds.done() for data in sounds.result().values())

    def _make(self, future: Future[Heard], contest: str, pair: Pair) -> None:
        sounds: Future[dict[str, bytes]] = Future()
        try:
            request, performances = self._read(contest, pair)
            seen = {piece: _seen(performance) for piece, performance in performances.items()}
            future.set_result(Heard(request, seen, sounds))
        except Exception as problem:
            future.set_exception(problem)
            return
        with self._turn:
            try:
                one, other = pair.pieces
                made = equally_loud(performances[one], performances[other])
                sounds.set_result({one: made[0], other: made[1]})
            except Exception as problem:
                sounds.set_exception(problem)

    def _read(self, contest: str, pair: Pair) -> tuple[Request, dict[str, Performance]]:
        over = contest_named(self._database, contest)
        places = {piece: over.position(pair.request, piece) for piece in pair.pieces}
        samples = samples_of(self._database, over, places.values())
        performances: dict[str, Performance] = {}
        for piece, position in places.items():
            structure = samples[position].structure
            assert structure is not None, "a piece of a comparison is a piece"
            performances[piece] = performed(structure)
        return samples[places[pair.piece_a]].request, performances


def performed(structure: MusicStructure) -> Performance:
    """A piece as it is played to raters, without its titles.

    Raises:
        WorkbenchError: it cannot become music.
    """
    plain = unnamed(structure)
    return perform(realize(plain), humanize=plain.humanize, seed=PERFORMANCE_SEED)


def equally_loud(first: Performance, second: Performance) -> tuple[bytes, bytes]:
    """Both as Ogg files of the same loudness.

    Raises:
        SoundError: one of them cannot be rendered.
    """
    sounds = [synthesize(each) for each in (first, second)]
    gains = matching_gains(sounds[0], sounds[1], SAMPLE_RATE)
    sounds[0] *= gains.first
    sounds[1] *= gains.second
    return encode(sounds[0], SAMPLE_RATE, "ogg"), encode(sounds[1], SAMPLE_RATE, "ogg")


def _seen(performance: Performance) -> Seen:
    score = performance.score
    if len(score) > MAX_NOTES:
        return Seen(performance.seconds, ())
    columns: tuple[Any, ...] = (performance.start, performance.end, score.midi, score.voice)
    notes = zip(*(column.tolist() for column in columns), strict=True)
    return Seen(
        performance.seconds,
        tuple((round(start, 3), round(end, 3), int(midi), int(voice)) for start, end, midi, voice in notes),
    )


def _failed(future: Future[Heard]) -> bool:
    if not future.done():
        return False
    if future.exception() is not None:
        return True
    sounds = future.result().sounds
    return sounds.done() and sounds.exception() is not None
