"""MusicXML is read as it is written: pick-ups, divided bars, endings, transposing parts, voices, words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

import pytest

from workbench.core.compose.realize import realize
from workbench.core.errors import InvalidInputError
from workbench.core.generate.agreement import agrees
from workbench.core.library.importers import ImportedPiece, read_any
from workbench.core.library.importers.musicxml import read_musicxml
from workbench.core.music.structure import MusicStructure, Phrase

FOUR = "<attributes><divisions>4</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"


def note(name: str, length: int = 4, more: str = "", *, chord: bool = False) -> str:
    """A note such as ``C4``, ``F#4`` or ``R`` (a rest); a length of 4 is a quarter."""
    start = "<note><chord/>" if chord else "<note>"
    if name == "R":
        return f"{start}<rest/><duration>{length}</duration>{more}</note>"
    alter = f"<alter>{name.count('#') - name.count('b')}</alter>"
    pitch = f"<pitch><step>{name[0]}</step>{alter}<octave>{name[-1]}</octave></pitch>"
    return f"{start}{pitch}<duration>{length}</duration>{more}</note>"


def bar(*content: str, number: str = "1", more: str = "") -> str:
    return f'<measure number="{number}" {more}>{"".join(content)}</measure>'


def score(*parts: Iterable[str], names: Iterable[str] = ("Part",), head: str = "") -> bytes:
    entries = "".join(
        f'<score-part id="P{index}"><part-name>{name}</part-name></score-part>' for index, name in enumerate(names)
    )
    bodies = "".join(f'<part id="P{index}">{"".join(part)}</part>' for index, part in enumerate(parts))
    return f"<score-partwise>{head}<part-list>{entries}</part-list>{bodies}</score-partwise>".encode()


def chords(*roots: str, first: str = FOUR) -> list[str]:
    """Bars of one triad each, the tune on its root."""
    triads = {"C": "C5 G4 E4 C3", "G": "B4 G4 D4 G2", "F": "A4 F4 C4 F3", "A": "C5 A4 E4 A2", "D": "D5 A4 F4 D3"}
    return [
        bar(
            first if not number else "",
            *(note(name, 16, chord=order > 0) for order, name in enumerate(triads[root].split())),
            number=str(number + 1),
        )
        for number, root in enumerate(roots)
    ]


def piece_of(data: bytes, name: str = "x.musicxml") -> ImportedPiece:
    (piece,) = read_any(name, data)
    assert piece.structure is not None
    assert agrees(piece.structure)
    assert realize(piece.structure).measures == piece.structure.measures
    return piece


def structure_of(data: bytes) -> MusicStructure:
    structure = piece_of(data).structure
    assert structure is not None
    return structure


def phrases_of(structure: MusicStructure) -> list[Phrase]:
    return [phrase for section in structure.sections for phrase in section.phrases or ()]


def test_chords_and_closes_are_heard() -> None:
    structure = structure_of(score(chords("C", "F", "G", "C")))
    assert structure.key == "C major"
    (phrase,) = phrases_of(structure)
    assert phrase.chords == ("I", "IV", "V", "I")
    assert phrase.cadence == "PAC"


def test_what_is_in_the_file_is_read_and_the_rest_is_guessed() -> None:
    head = (
        "<work><work-title>Suite</work-title></work><movement-title>Air</movement-title><identification>"
        "<creator type='composer'>W. A. Mozart</creator><rights>CC0 &lt;b&gt;</rights></identification>"
    )
    tempo = '<direction><direction-type><words>Adagio</words></direction-type><sound tempo="66"/></direction>'
    piece = piece_of(score(chords("C", "F", "G", "C", first=FOUR + tempo), head=head, names=["Flute"]))
    assert piece.source.title == "Suite: Air"
    assert piece.source.composer == "W. A. Mozart"
    assert piece.source.licence == "CC0 <b>"
    read = {fact.what: fact.value for fact in piece.read}
    assert {"meter": "4/4", "tempo": "66", "instruments": "Flute", "licence": "CC0 <b>"}.items() <= read.items()
    guessed = {fact.what: fact.value for fact in piece.guessed}
    assert {"key": "C major", "period": "classical"}.items() <= guessed.items()
    assert {"local keys", "numerals", "phrases", "cadences", "tune", "form"} <= set(guessed)


def test_a_word_is_a_guess_at_the_tempo() -> None:
    words = "<direction><direction-type><words>Adagio</words></direction-type></direction>"
    tempo = piece_of(score(chords("C", "F", "G", "C", first=FOUR + words))).fact("tempo")
    assert tempo is not None
    assert tempo.value == "60"
    assert tempo.confidence < 1


def test_a_pick_up_counts_for_no_bar() -> None:
    pick_up = bar(FOUR, note("G4"), number="0", more='implicit="yes"')
    structure = structure_of(score([pick_up, *chords("C", "F", "G", "C", first="")]))
    assert structure.measures == 4
    assert phrases_of(structure)[0].chords == ("I", "IV", "V", "I")


def test_a_bar_that_a_repeat_divides_is_one() -> None:
    repeat = '<barline location="right"><repeat direction="backward"/></barline>'
    half = [
        bar(note("C5", 8), note("E4", 8, chord=True), note("C3", 8, chord=True), repeat, number="4"),
        bar(note("G4", 8), note("B3", 8, chord=True), note("G2", 8, chord=True), number="X1", more='implicit="yes"'),
    ]
    bars = chords("C", "F", "G")
    after = chords("C", "F", "G", "C", first="")
    structure = structure_of(score([*bars, *half, *after]))
    assert structure.measures == 8
    assert [section.measures for section in structure.sections] == [4, 4]


def test_of_different_endings_the_last_is_kept() -> None:
    def ending(number: str) -> str:
        return (
            f'<barline location="left"><ending number="{number}" type="start"/></barline>'
            f'<barline location="right"><ending number="{number}" type="stop"/></barline>'
        )

    bars = chords("C", "F", "G", "G", "C")
    bars[3] = bars[3].replace("</measure>", ending("1") + "</measure>")
    bars[4] = bars[4].replace("</measure>", ending("2") + "</measure>")
    piece = piece_of(score(bars))
    assert piece.structure is not None
    assert piece.structure.measures == 4
    assert any("endings" in text for text in piece.notes)


def test_repeats_and_headings_divide_sections() -> None:
    repeat = '<barline location="right"><repeat direction="backward"/></barline>'
    mark = "<direction><direction-type><rehearsal>Trio</rehearsal></direction-type></direction>"
    bars = chords("C", "F", "G", "C", "C", "F", "G", "C")
    bars[3] = bars[3].replace("</measure>", repeat + "</measure>")
    bars[4] = bars[4].replace("<note>", mark + "<note>", 1)
    piece = piece_of(score(bars))
    assert piece.structure is not None
    assert [(section.name, section.measures) for section in piece.structure.sections] == [("A", 4), ("Trio", 4)]
    assert piece.structure.form == "minuet-trio"
    assert "sections" in {fact.what for fact in piece.read}


def test_fermatas_end_phrases() -> None:
    pause = "<notations><fermata/></notations>"
    bars = chords(*"CFGC" * 3)
    for number in (3, 7, 11):
        bars[number] = bars[number].replace("</duration>", "</duration>" + pause, 1)
    piece = piece_of(score(bars))
    assert piece.structure is not None
    assert [phrase.measures for phrase in phrases_of(piece.structure)] == [4, 4, 4]
    phrases = piece.fact("phrases")
    assert phrases is not None
    assert phrases.value == "4, 8, 12"
    assert phrases.confidence == 0.9


def test_a_transposing_part_is_read_as_it_sounds() -> None:
    clarinet = FOUR.replace("</time>", "</time><transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>")
    written = read_musicxml(score([bar(clarinet, note("D4", 16))]))
    (sounding,) = written.parts[0].notes
    assert (sounding.midi, sounding.fifths) == (60, 0)
    octave = "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    bass = FOUR.replace("</time>", "</time>" + octave)
    assert read_musicxml(score([bar(bass, note("C3", 16))])).parts[0].notes[0].midi == 36


def test_the_tune_is_the_leading_voice_or_the_marked_part() -> None:
    inner = "<voice>2</voice>"
    two = [
        bar(FOUR, note("C5", 16, "<voice>1</voice>"), "<backup><duration>16</duration></backup>", note("E5", 16, inner))
    ]
    assert [each.midi for each in read_musicxml(score(two)).parts[0].tune] == [72]
    high, low = [bar(FOUR, note("C6", 16))], [bar(FOUR, note("C4", 16))]
    parts = read_musicxml(score(high, low, names=["Flute", "Voice"])).parts
    assert [part.name for part in parts] == ["Voice", "Flute"]


def test_where_the_leading_part_rests_another_has_the_tune() -> None:
    lead = [bar(FOUR, note("C5", 16), number="1"), *(bar(note("R", 16), number=str(n)) for n in (2, 3, 4))]
    lead[1:] = [*lead[1:]]
    repeat = '<barline location="right"><repeat direction="backward"/></barline>'
    lead[0] = lead[0].replace("</measure>", repeat + "</measure>")
    other = chords("C", "F", "G", "C")
    structure = structure_of(score(lead, other, names=["Violin 1", "Violin 2"]))
    assert all(phrase.melody for phrase in phrases_of(structure))


def test_ties_make_one_note_and_grace_notes_none() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    bars = [
        bar(FOUR, note("C5", 16, start), number="1"),
        bar(note("C5", 8, stop), "<note><grace/><pitch><step>D</step><octave>5</octave></pitch></note>", note("D5", 8)),
    ]
    notes = read_musicxml(score(bars)).parts[0].notes
    assert [(int(each.onset), int(each.duration)) for each in notes] == [(0, 6), (6, 2)]


def test_timewise_scores_are_read_too() -> None:
    timewise = (
        "<score-timewise><part-list><score-part id='P1'><part-name>x</part-name></score-part></part-list>"
        f"<measure number='1'><part id='P1'>{FOUR}{note('C5', 16)}{note('E4', 16, chord=True)}</part></measure>"
        f"<measure number='2'><part id='P1'>{note('G4', 16)}{note('B3', 16, chord=True)}</part></measure>"
        "</score-timewise>"
    )
    assert structure_of(timewise.encode()).measures == 2


@pytest.mark.parametrize(("meter", "ours"), [("3/2", "3/4"), ("6/4", "6/8"), ("2+2/4", "4/4"), ("3/16", "3/8")])
def test_other_meters_are_scaled(meter: str, ours: str) -> None:
    beats, unit = meter.split("/")
    time = FOUR.replace("<beats>4", f"<beats>{beats}").replace("<beat-type>4", f"<beat-type>{unit}")
    length = 16 * sum(map(int, beats.split("+"))) // int(unit)
    bars = [bar(time, note("C5", length), note("C3", length, chord=True)), bar(note("G4", length), number="2")]
    assert structure_of(score(bars)).time_signature == ours


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_common_encodings_are_read(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + score(
        chords("C", "G", "C"), head="<work><work-title>Für Élise</work-title></work>"
    ).decode("utf-8")
    assert piece_of(text.encode(encoding)).source.title == "Für Élise"


def test_a_compressed_score_is_read_by_its_container() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        rootfile = "<container><rootfiles><rootfile full-path='../deep/s.xml'/></rootfiles></container>"
        archive.writestr("META-INF/container.xml", rootfile)
        archive.writestr("a.xml", "<nothing/>")
        archive.writestr("../deep/s.xml", score(chords("C", "G", "C")))
    assert piece_of(content.getvalue(), "x.mxl").format == "musicxml"


@pytest.mark.parametrize(
    ("bars", "match"),
    [
        ([], "no bars"),
        ([bar(note("C5"))], "time signature"),
        ([bar(FOUR, note("R", 16))], "no notes"),
        ([bar(FOUR, "<note><unpitched/><duration>16</duration></note>")], "no notes"),
        ([bar(FOUR.replace("<beats>4", "<beats>5"), note("C5", 20))], "5/4"),
        ([bar(FOUR.replace("<beats>4", "<beats>x"), note("C5", 16))], "time signature"),
        ([bar(FOUR.replace("sions>4", "sions>0"), note("C5", 16))], "divisions"),
        ([bar(FOUR, note("C5", -16))], "negative"),
        ([bar(FOUR, note("C5", 16000))], "quarters long"),
        ([bar(FOUR, note("H5", 16))], "no pitch"),
        ([bar(FOUR, note("C5", 16).replace(">16<", ">1e9<"))], "no number"),
    ],
)
def test_a_score_that_is_beyond_it_is_one_clear_error(bars: list[str], match: str) -> None:
    with pytest.raises(InvalidInputError, match=match) as caught:
        read_any("x.musicxml", score(bars))
    assert caught.value.hint
