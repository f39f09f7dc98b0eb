import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from handmade import FOUR_AT_ONE_PIANO, build, long_score

from workbench.core.errors import EngravingError
from workbench.core.music.score import Score
from workbench.core.render.engraving import Engraver
from workbench.core.render.musicxml import musicxml


@pytest.fixture
def engraver() -> Iterator[Engraver]:
    engraver = Engraver()
    yield engraver
    engraver.close()


def test_a_score_becomes_svg_pages(engraver: Engraver, tune: Score):
    pages = engraver.engrave(musicxml(tune))
    assert len(pages) == 1
    assert pages[0].lstrip().startswith("<svg")
    assert "By hand" in pages[0]


def test_a_long_score_takes_several_pages(engraver: Engraver):
    assert len(engraver.engrave(musicxml(long_score(1300)))) > 1


def test_silent_voices_tuplets_and_seven_flats_are_engraved(engraver: Engraver):
    score = build(
        ["Ab4:1/3 Cb5:1/3 Eb5:1/3 Fb5:3", "r:4", "Eb3:4", "Ab2:4"],
        voices=FOUR_AT_ONE_PIANO,
        key="ab minor",
        numerals=("i",),
    )
    assert engraver.engrave(musicxml(score))


def test_the_same_score_gives_the_same_pages(engraver: Engraver, tune: Score):
    assert engraver.engrave(musicxml(tune)) == engraver.engrave(musicxml(tune))


def test_what_is_no_score_is_refused_and_the_next_score_still_drawn(engraver: Engraver, tune: Score):
    for rubbish in (b"", b"not xml", b"\xff\xfe", b"<score-partwise/>"):
        with pytest.raises(EngravingError) as caught:
            engraver.engrave(rubbish)
        assert caught.value.hint
    assert engraver.engrave(musicxml(tune))


def test_a_killed_worker_is_replaced(engraver: Engraver, tune: Score):
    engraver.engrave(musicxml(tune))
    first = engraver._process.pid
    os.kill(first, signal.SIGKILL)
    assert engraver.engrave(musicxml(tune))
    assert engraver._process.pid != first


def test_a_worker_that_hangs_is_given_up_in_time(tune: Score):
    sleeper = Engraver((sys.executable, "-c", "import time; time.sleep(60)"))
    began = time.monotonic()
    with pytest.raises(EngravingError, match="longer than"):
        sleeper.engrave(musicxml(tune), timeout=0.5)
    assert time.monotonic() - began < 5
    sleeper.close()


def test_a_worker_that_crashes_over_every_score_is_an_error(tune: Score):
    crasher = Engraver((sys.executable, "-c", "import os; os.abort()"))
    with pytest.raises(EngravingError, match="crashed"):
        crasher.engrave(musicxml(tune))
    crasher.close()


def test_a_worker_that_cannot_start_is_an_error(tune: Score):
    with pytest.raises(EngravingError, match="cannot be started"):
        Engraver(("/no/such/program",)).engrave(musicxml(tune))


def test_threads_share_one_worker(engraver: Engraver):
    scores = [build([f"{name}5:4"], title=f"Piece {name}") for name in "CDEFGAB"]
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda score: engraver.engrave(musicxml(score))[0], scores))
    assert all(f"Piece {name}" in page for name, page in zip("CDEFGAB", pages, strict=True))


def test_a_monstrous_score_is_refused_before_it_is_sent(engraver: Engraver):
    with pytest.raises(EngravingError, match="MB of MusicXML"):
        engraver.engrave(b" " * 20_000_001)
    assert engraver._process is None
