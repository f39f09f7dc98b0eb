import warnings
from fractions import Fraction

import pytest
from handmade import FOUR_AT_ONE_PIANO, TRIO, build, long_score

from workbench.core.music.meters import DIVISIONS, TIME_SIGNATURES
from workbench.core.music.score import Score
from workbench.core.render.musicxml import musicxml

SCORES = {
    "two hands": build(["C5:1 D5:1 E5:2 F5:3/2 E5:1/2 D5:2", "C3:4 F3:4"]),
    "chords": build(["[C5,E5]:2 [D5,F5]:2", "[C3,G3]:4"]),
    "ties over bar lines": build(["C5:3 D5:2 E5:3", "r:1 C3:7"]),
    "a note of three bars": build(["C5:12", "C3:1 r:11"]),
    "triplets": build(["C5:1/3 D5:1/3 E5:1/3 F5:2/3 E5:1/3 D5:2", "C3:4"]),
    "triplets over two beats": build(["C5:2/3 D5:2/3 E5:2/3 F5:2", "C3:4"]),
    "a rest in a triplet": build(["C5:1/3 r:1/3 E5:1/3 F5:3", "C3:4"]),
    "quintuplets": build([" ".join(["C5:1/5"] * 5) + " E5:3", "C3:4"]),
    "seven flats": build(["Ab4:2 Cb5:1 Fb5:1 Gb4:4", "Ab2:4 Db3:4"], key="ab minor", numerals=("i", "iv")),
    "seven sharps": build(["A#4:2 C#5:1 E#5:1 G##4:4", "A#2:4 D#3:4"], key="a# minor", numerals=("i", "iv")),
    "B sharp and C flat": build(["B#4:1 Cb5:1 B#3:1 Cb4:1", "C3:4"]),
    "twelve eight": build(["C5:3/2 D5:1 E5:1/2 F5:3/4 E5:1/4 D5:1/2 C5:3/2", "C3:6"], meter="12/8"),
    "three eight": build(["C5:3/2 D5:3/2", "C3:3/2 r:3/2"], meter="3/8"),
    "cut time": build(["C5:2 D5:2", "C3:4"], meter="2/2"),
    "four voices, one silent": build(["E5:4 F5:4", "C5:4 r:4", "r:8", "C3:4 F3:4"], voices=FOUR_AT_ONE_PIANO),
    "two voices tied at once": build(
        ["C5:2 A4:2 r:1/2", "r:9/2", "[A3,C4]:9/2", "A2:9/2"], voices=FOUR_AT_ONE_PIANO, meter="9/8"
    ),
    "a unison of two voices": build(["C5:4", "C5:2 A4:2", "E3:4", "C3:4"], voices=FOUR_AT_ONE_PIANO),
    "syncopation": build(["C5:1/2 D5:3 E5:1/2 F5:5/2 G5:3/2", "C3:4 C3:4"]),
    "a trio": build(["E5:3 D5:3", "A4:3 B4:3", "C3:3 G3:3"], voices=TRIO, meter="3/4"),
    "three keys": build(
        ["C5:4 G5:4 Eb5:4", "C3:4 G3:4 C3:4"],
        sections=[("A", "C major", 1), ("B", "G major", 1), ("A & <b>", "c minor", 1)],
        numerals=("V",),
    ),
    "nothing at all": build(["r:4", "r:4"]),
}


def read(score: Score):
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return converter.parseData(musicxml(score).decode(), format="musicxml")


def written(score: Score) -> list[tuple[Fraction, Fraction, str]]:
    return sorted((note.onset, note.duration, note.name) for note in score.notes)


def sounding(stream) -> list[tuple[Fraction, Fraction, str]]:
    """Onset, duration and pitch of each note, ties joined.

    Joined here by pitch and time: music21's ``stripTies`` mixes up voices that are tied at the same moment.
    """
    notes = []
    for part in stream.parts:
        held: dict[tuple[str, Fraction], list[Fraction]] = {}
        flat = sorted(part.flatten().notes, key=lambda element: element.offset)
        for element in flat:
            start = Fraction(element.offset)
            end = start + Fraction(element.quarterLength)
            for note in element.notes if element.isChord else [element]:
                name = note.pitch.nameWithOctave.replace("-", "b")
                tie = note.tie.type if note.tie else ""
                onset = held[name, start].pop() if tie in ("stop", "continue") else start
                if tie in ("start", "continue"):
                    held.setdefault((name, end), []).append(onset)
                else:
                    notes.append((onset, end - onset, name))
        assert not any(held.values()), "a tie leads nowhere"
    return sorted(notes)


@pytest.mark.parametrize("name", SCORES)
def test_music21_reads_back_the_same_notes_bars_and_keys(name: str):
    score = SCORES[name]
    stream = read(score)
    assert sounding(stream) == written(score)
    for part in stream.parts:
        measures = part.getElementsByClass("Measure")
        assert [measure.number for measure in measures] == list(range(1, score.measures + 1))
        assert {Fraction(measure.barDuration.quarterLength) for measure in measures} == {
            Fraction(score.meter.bar, DIVISIONS)
        }
        keys = {key.offset: (key.sharps, key.mode) for key in part.flatten().getElementsByClass("KeySignature")}
        expected, last = {}, None
        for section in score.sections:
            if section.key != last:
                expected[section.start / DIVISIONS] = (section.key.signature, section.key.mode)
            last = section.key
        assert keys == expected


@pytest.mark.parametrize("name", SCORES)
def test_every_voice_fills_every_bar(name: str):
    score = SCORES[name]
    for part in read(score).parts:
        for measure in part.getElementsByClass("Measure"):
            for voice in measure.voices or [measure]:
                assert sum(element.quarterLength for element in voice.notesAndRests) == score.meter.bar_quarters


@pytest.mark.parametrize("meter", TIME_SIGNATURES)
def test_every_meter_is_written(meter: str):
    stream = read(build(["C5:3/2 D5:3/2 E5:6", "C3:9"], meter=meter))
    assert stream.parts[0].flatten().getElementsByClass("TimeSignature")[0].ratioString == meter


def test_a_piano_is_one_part_of_two_staves_and_a_trio_three_parts():
    assert musicxml(SCORES["two hands"]).count(b"<score-part ") == 1
    assert b"<staves>2</staves>" in musicxml(SCORES["two hands"])
    assert [part.partName for part in read(SCORES["a trio"]).parts] == ["Violin", "Viola", "Cello"]


def test_numerals_are_lyrics_of_the_lowest_voice_with_each_new_key_named():
    xml = musicxml(SCORES["three keys"]).decode()
    assert [text.split("<")[0] for text in xml.split("<text>")[1:]] == ["C: V", "G: V", "c: V"]
    assert xml.index("<lyric>") > xml.index("<backup>")


def test_a_numeral_waits_for_the_first_note_of_its_bass():
    score = build(["C5:4", "r:1 C3:3"])
    lyrics = [note.lyric for note in read(score).parts[1].flatten().notes]
    assert lyrics == ["C: I"]


def test_sections_bring_names_dynamics_and_double_bars():
    xml = musicxml(SCORES["three keys"]).decode()
    assert "<rehearsal>A &amp; &lt;b&gt;</rehearsal>" in xml
    assert [mark in xml for mark in ("<p/>", "<mf/>", "<f/>")] == [True] * 3
    assert xml.count("light-light") == 2
    assert xml.count("light-heavy") == 1
    assert xml.rindex("light-heavy") > xml.rindex("<measure number=")


def test_tempo_is_marked_in_felt_beats_and_sounds_in_quarters():
    xml = musicxml(build(["C5:6"], meter="12/8", tempo=90)).decode()
    assert "<beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>60</per-minute>" in xml
    assert '<sound tempo="90"/>' in xml


def test_an_accidental_is_shown_once_a_bar_and_taken_back_in_the_next():
    xml = musicxml(build(["F#5:1 F#5:1 F5:1 F#5:1 F5:4", "C3:8"])).decode()
    marks = [part.split("<")[0] for part in xml.split("<accidental>")[1:]]
    assert marks == ["sharp", "natural", "sharp", "natural"]


def test_a_note_tied_over_the_bar_line_repeats_no_accidental():
    xml = musicxml(build(["C5:2 F#5:4 F#5:2", "C3:8"])).decode()
    assert xml.count("<accidental>sharp") == 2


def test_the_title_is_escaped():
    assert b"<work-title>Tom &amp; Jerry</work-title>" in musicxml(build(["C5:4"], title="Tom & Jerry"))


def test_control_characters_in_a_title_leave_the_text_well_formed():
    from xml.dom.minidom import parseString

    assert parseString(musicxml(build(["C5:4"], title="A\x00\x1b[31mB♭\ufffe")))


def test_the_text_is_well_formed_and_the_same_each_time():
    from xml.dom.minidom import parseString

    score = long_score(320, bars=16)
    assert parseString(musicxml(score)).documentElement.tagName == "score-partwise"
    assert musicxml(score) == musicxml(score)
