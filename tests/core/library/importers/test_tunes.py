"""Real tunes over analysed harmony, and harmony read from the notes of chorales."""

from __future__ import annotations

from fractions import Fraction

import pytest
from music21 import converter, corpus, stream

from workbench.core.checks import check
from workbench.core.compose.realize import realize
from workbench.core.errors import InvalidInputError
from workbench.core.library.importers import Imported, read_homophony, read_romantext
from workbench.core.library.importers.romantext import parse_romantext
from workbench.core.library.importers.tunes import TuneNote, degree_of, notes_of_part, with_melody
from workbench.core.music.keys import parse_key
from workbench.core.music.structure import Phrase

HARMONY = "Time Signature: 4/4\nm1 C: I b3 V\nm2 I"


def phrases_of(imported: Imported) -> list[Phrase]:
    return [phrase for section in imported.structure.sections for phrase in section.phrases or ()]


def note(onset: float, length: float, midi: int, fifths: int) -> TuneNote:
    return TuneNote(Fraction(onset), Fraction(length), midi, fifths)


def romantext(name: str) -> str:
    return next(path for path in corpus.getCorePaths() if path.name == name).read_text("utf-8")


def test_the_tune_of_a_chorale_is_the_hymn() -> None:
    imported = read_romantext(romantext("riemenschneider001.rntxt"))
    sung = phrases_of(with_melody(imported, notes_of_part(corpus.parse("bach/bwv269").parts[0], imported.timeline)))
    assert sung[0].melody is not None
    assert sung[0].melody.degrees == (1, 5, 3, 2, 1, 1, 2, 3, 2)
    assert sum(sung[0].melody.rhythm) == 12
    assert [phrase.cadence for phrase in sung] == ["HC", "PAC", "HC", None, "HC", "PAC"]


def test_the_tune_decides_between_perfect_and_imperfect() -> None:
    imported = read_romantext(HARMONY)
    assert phrases_of(imported)[0].cadence == "PAC"
    on_three = with_melody(imported, [note(0, 2, 67, 1), note(2, 2, 65, -1), note(2, 2, 62, 2), note(4, 4, 64, 4)])
    assert phrases_of(on_three)[0].cadence == "IAC"


def test_the_highest_of_several_notes_is_the_tune() -> None:
    sung = with_melody(
        read_romantext(HARMONY), [note(0, 4, 60, 0), note(0, 2, 67, 1), note(2, 2, 67, 1), note(4, 4, 72, 0)]
    )
    melody = phrases_of(sung)[0].melody
    assert melody is not None
    assert melody.degrees == (5, 5, 8)


def test_rests_are_kept() -> None:
    sung = with_melody(read_romantext(HARMONY), [note(0, 1, 67, 1), note(2, 2, 67, 1), note(4, 1, 72, 0)])
    melody = phrases_of(sung)[0].melody
    assert melody is not None
    assert melody.degrees == (5, 0, 5, 8)
    assert melody.rhythm == (1, 1, 2, 4)


def test_very_long_rests_are_written_in_parts() -> None:
    imported = read_romantext("Time Signature: 4/4\nm1 C: I\nm30 ||\nm31 V\nm32 I")
    sung = with_melody(imported, [note(0, 1, 67, 1), note(120, 4, 67, 1), note(124, 4, 72, 0)])
    for phrase in phrases_of(sung):
        assert phrase.melody is None or sum(phrase.melody.rhythm) == phrase.measures * 4


def test_a_tune_of_another_piece_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="belong"):
        with_melody(read_romantext(HARMONY), [note(0, 2, 61, 7), note(2, 2, 66, 6), note(4, 4, 68, 8)])


@pytest.mark.parametrize(
    ("midi", "fifths", "key", "degree"),
    [
        (60, 0, "C", 1),
        (66, 6, "C", "#4"),
        (72, 0, "C", 8),
        (59, 5, "C", -1),
        (68, 8, "a", "#-1"),
        (67, 1, "a", "b-1"),
        (65, -1, "a", "b-2"),
        (62, -10, "ab", "b-3"),
    ],
)
def test_notes_become_degrees_of_their_key(midi: int, fifths: int, key: str, degree: int | str) -> None:
    assert degree_of(note(0, 1, midi, fifths), parse_key(key)) == degree


def test_a_chorale_is_heard_much_as_an_analyst_hears_it() -> None:
    heard = read_homophony(corpus.parse("bach/bwv269"), title="Aus meines Herzens Grunde", period="baroque")
    analysed = read_romantext(romantext("riemenschneider001.rntxt"))
    assert heard.structure.key == analysed.structure.key
    assert [phrase.cadence for phrase in phrases_of(heard)] == [phrase.cadence for phrase in phrases_of(analysed)]
    assert check(heard.structure, profile="baroque").valid
    assert realize(heard.structure).measures == heard.structure.measures
    assert any("machine" in text for text in heard.notes)


def test_a_chorale_with_many_keys_is_heard_in_them() -> None:
    heard = read_homophony(corpus.parse("bach/bwv40.8"), period="baroque")
    analysed = parse_romantext(romantext("riemenschneider008.rntxt"))
    keys = {chord.key.name for bar in analysed.bars for chord in bar.chords}
    assert {section.key for section in heard.structure.sections} <= keys | {"F major"}


def test_a_single_line_has_no_harmony_to_read() -> None:
    with pytest.raises(InvalidInputError, match="parts"):
        read_homophony(converter.parse("tinynotation: 4/4 c4 d e f"))


def test_an_empty_score_is_refused() -> None:
    score = stream.Score([stream.Part(), stream.Part(), stream.Part()])
    with pytest.raises(InvalidInputError):
        read_homophony(score)
