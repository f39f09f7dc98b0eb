"""The yardstick measures what it says: small pieces whose figures can be counted by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from benchmarks import measures, pieces
from benchmarks.pieces import Close, Piece, Sound
from benchmarks.spread import draw_requests
from workbench.core.compose import compose, perform, realize
from workbench.core.music.reading import read_request
from workbench.core.render.midi import midi_bytes
from workbench.core.render.musicxml import musicxml


def sound(onset: float, midi: int, duration: float = 1, line: int = 0) -> Sound:
    return Sound(Fraction(onset), Fraction(duration), midi, line, midi * 7 // 12)


def piece(notes: list[Sound], bars: int, bar: int = 4, closes: tuple[Close, ...] = ()) -> Piece:
    onsets = [Fraction(bar * index) for index in range(bars)]
    return Piece("", notes, onsets, Fraction(bar * bars), closes=list(closes))


def tune(*pitches: int) -> Piece:
    return piece([sound(index, midi) for index, midi in enumerate(pitches)], -(-len(pitches) // 4))


def test_intervals_are_counted_by_size() -> None:
    counts = measures.melody_intervals(tune(60, 60, 62, 63, 66, 62, 67, 60, 69, 57, 72))
    assert counts == {"repeat": 1, "step": 2, "third": 2, "4th-5th": 2, "6th-octave": 2, "wider": 1}


def test_intervals_do_not_cross_a_section() -> None:
    two = tune(60, 62, 64, 65, 72, 74)
    two.sections = [(Fraction(0), Fraction(4)), (Fraction(4), Fraction(8))]
    assert measures.melody_intervals(two) == {"step": 4}


def test_bars_that_come_again_are_counted() -> None:
    again = tune(60, 62, 64, 65, 67, 69, 71, 72, 60, 62, 64, 65)
    assert measures.repeated_melody(again) == (1, 3)
    assert measures.repeated_rhythm(again) == (2, 3)


def test_a_sequence_of_one_cell_is_a_copied_run() -> None:
    cell = (60, 64, 62, 60)
    notes = [Sound(Fraction(4 * bar + i), Fraction(1), m, 0, m + bar) for bar in range(3) for i, m in enumerate(cell)]
    assert measures.copied_run(piece(notes, 3)) == 3
    assert measures.exact_run(piece(notes, 3)) == 1
    assert measures.copied_run(tune(60, 62, 64, 65, 67, 60, 71, 72)) == 1


@pytest.mark.parametrize(
    ("upper", "lower", "parallels", "moves"),
    [
        ((67, 69), (60, 62), 1, 1),  # fifths
        ((72, 74), (60, 62), 1, 1),  # octaves
        ((67, 67), (60, 60), 0, 0),  # nothing moves
        ((67, 69), (60, 60), 0, 0),  # one voice moves
        ((64, 65), (60, 62), 0, 1),  # thirds
        ((67, 60), (60, 67), 0, 0),  # crossing over: the outer pitches stay
        ((72, 60), (48, 60), 0, 1),  # contrary motion into a unison
    ],
)
def test_outer_parallels(upper: tuple[int, int], lower: tuple[int, int], parallels: int, moves: int) -> None:
    notes = [sound(i, midi) for i, midi in enumerate(upper)] + [sound(i, midi, line=1) for i, midi in enumerate(lower)]
    assert measures.outer_parallels(piece(notes, 1))[:2] == (parallels, moves)


def test_a_semitone_on_a_downbeat_is_a_clash_and_elsewhere_none() -> None:
    clash = [sound(0, 60), sound(0, 71, line=1), sound(4, 60), sound(4, 64, line=1), sound(6, 65, line=1)]
    assert measures.downbeat_clashes(piece(clash, 2)) == (1, 2)
    held = [sound(3, 71, duration=2, line=1), sound(4, 72)]
    assert measures.downbeat_clashes(piece(held, 2)) == (1, 1)


def test_rests_and_the_climax() -> None:
    some = piece([sound(0, 60), sound(2, 67), sound(3, 67)], 1)
    assert measures.rest_share(some) == 0.25
    assert measures.climax(some) == (0.5, 2)


def test_closings_are_judged_by_what_sounds() -> None:
    close = Close("PAC", Fraction(4), Fraction(8), 0, False)
    perfect = [sound(0, 71), sound(0, 43, line=1), sound(4, 72, 4), sound(4, 64, 4, 1), sound(4, 48, 4, 1)]
    assert measures.closing(piece(perfect, 2), close) == ("PAC", True, False, True)
    assert measures.final_bar_closes(piece(perfect, 2, closes=(close,)))
    inverted = [*perfect[:4], sound(4, 40, 4, 1)]
    assert not measures.closing(piece(inverted, 2), close).root_tonic
    half = [sound(4, 74, 4), sound(4, 59, 4, 1), sound(4, 55, 4, 1)]
    assert measures.closing(piece(half, 2), close).root_dominant_triad
    seventh = [*half, sound(4, 65, 4, 1)]
    assert not measures.closing(piece(seventh, 2), close).root_dominant_triad


def test_a_table_of_notes_is_read_with_its_ties() -> None:
    names = "mc\tquarterbeats\tduration_qb\tmc_onset\tstaff\tmidi\ttied\tname\toctave\tgracenote\n"
    rows = "1\t0\t3.0\t0\t1\t60\t\tC4\t4\t\n1\t3\t1.0\t3/4\t1\t62\t1\tD4\t4\t\n2\t4\t2.0\t0\t1\t62\t-1\tD4\t4\t\n"
    read = pieces.from_dcml(names + rows)
    assert [(note.onset, note.duration, note.midi) for note in read.notes] == [(0, 3, 60), (3, 3, 62)]
    assert read.bars == [0, 4]


def test_requests_are_drawn_the_same_each_time() -> None:
    assert draw_requests(20, seed=3) == draw_requests(20, seed=3)
    assert draw_requests(20, seed=3) != draw_requests(20, seed=4)


def test_the_same_piece_is_read_from_its_score_its_musicxml_and_its_midi() -> None:
    score = realize(compose(read_request({"form": "binary", "duration": 30, "time_signature": "9/8", "seed": 2})))
    written = pieces.from_score(score)
    engraved = pieces.from_musicxml(musicxml(score))
    played = pieces.from_midi(midi_bytes(perform(score)))
    assert sorted(note[:3] for note in engraved.notes) == sorted(note[:3] for note in written.notes)
    assert engraved.bars == played.bars[: len(written.bars)] == written.bars
    assert sorted(note.midi for note in played.notes) == sorted(note.midi for note in written.notes)
    assert measures.outer_parallels(engraved) == measures.outer_parallels(written)
