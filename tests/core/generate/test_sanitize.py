"""Fields, values and lengths as models write them become the format's, and every change is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.generate.answers import PIECE, kinds, mended, phrase, piece, refused, section, text
from workbench.core.compose import compose
from workbench.core.generate import sanitize
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MAX_SECTIONS

# What is valid stays ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [None, 2, "\t"])
def test_a_valid_answer_passes_untouched(layout: Any) -> None:
    answer = json.dumps(PIECE, indent=layout, ensure_ascii=False)
    for form in (answer, f"\n  {answer}\n", answer.encode(), PIECE):
        result = sanitize(form)
        assert result == (read_structure(answer), (), True)


def test_snake_case_is_the_format_too() -> None:
    assert sanitize(text(PIECE).replace("chordProgression", "chord_progression")).valid_before_repair


@pytest.mark.parametrize("form", ["ABA", "rondo", "sonata", "theme-variation", "minuet-trio", "binary"])
@pytest.mark.parametrize("key", ["c minor", "Eb major", "f# minor"])
def test_what_the_rules_compose_is_valid(form: str, key: str) -> None:
    structure = compose(Request(form=form, key=key, duration=40, seed=1))
    result = mended(structure.to_json())
    assert result.valid_before_repair
    assert result.structure == structure


@pytest.mark.parametrize(
    "changes",
    [
        {"chordProgression": ["I", "V7sus4", "bVII/III", "I"]},
        {"chordProgression": ["I", "bVI", "N6", "Ger65", "V", "I"]},
        {"melody": {"motifs": [{"degrees": [0, 15, "b3", "♭6", -7], "rhythm": [1, 1, 1, 1, 1]}]}},
        {"chordProgression": ["IV", "iii", "ii", "vi"], "cadence": "PAC"},
        {"key": "Db major"},
        {"texture": "something of its own", "role": "unheard of"},
    ],
    ids=str,
)
def test_odd_music_that_is_legal_is_left_alone(changes: dict[str, Any]) -> None:
    assert mended(section(**changes)).valid_before_repair


@pytest.mark.parametrize(
    ("home", "local"),
    [
        ("c minor", "C major"),
        ("C major", "Ab major"),
        ("f minor", "C major"),
        ("d minor", "Bb major"),
        ("E major", "C major"),
        ("C major", "c minor"),
    ],
)
def test_distant_keys_that_may_be_meant_stay(home: str, local: str) -> None:
    chords = ["i", "V", "i"] if home.endswith("minor") else ["I", "V", "I"]
    own = {"name": "B", "measures": 4, "chordProgression": ["I", "V", "I"]}
    answer = piece(key=home, sections=[own | {"key": home, "chordProgression": chords}, own | {"key": local}])
    assert mended(answer).valid_before_repair


# Spellings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"key": "C major",\n  "tempo"', '"home_key": "C major",\n  "tempo"'),
        ('"tempo"', '"bpm"'),
        ('"timeSignature"', '"time_sig"'),
        ('"timeSignature"', '"Meter"'),
        ('"sections"', '"parts"'),
        ('"leitmotifs"', '"leit_motifs"'),
        ('"chordProgression"', '"chords"'),
        ('"chordProgression"', '"harmonic_progression"'),
        ('"chordProgression"', '"romanNumerals"'),
        ('"measures"', '"bars"'),
        ('"measures"', '"num_measures"'),
        ('"cadence"', '"cadenceType"'),
        ('"chords"', '"chordProgression"'),
        ('"chordBeats"', '"harmonic_rhythm"'),
        ('"rhythm"', '"durations"'),
        ('"degrees"', '"scale_degrees"'),
        ('"melody"', '"tune"'),
        ('"tag"', '"name"'),
        ('"motifs"', '"motives"'),
        ('"key"', '"Tonart"'),
        ('"measures"', '"小節数"'),
        ('"tempo"', '"テンポ"'),
        ('"sections"', '"разделы"'),
    ],
)
def test_other_names_of_fields_are_known(before: str, after: str) -> None:
    answer = text(PIECE).replace(before, after)
    assert answer != text(PIECE)
    result = mended(answer)
    assert result.structure == read_structure(PIECE)
    assert result.repairs


def test_unknown_fields_are_dropped_and_each_is_said_once() -> None:
    result = mended(piece(colour="blue", sections=[PIECE["sections"][2] | {"smell": 3}]))
    assert [(repair.path, repair.before) for repair in result.repairs] == [
        ("/colour", "blue"),
        ("/sections/0/smell", 3),
    ]


@pytest.mark.parametrize("wrapper", ["music", "composition", "structure", "result", "data", "anything"])
def test_a_structure_inside_another_object_is_found(wrapper: str) -> None:
    assert mended({wrapper: PIECE}).structure == read_structure(PIECE)
    assert mended({"status": "ok", wrapper: {"piece": PIECE}}).structure == read_structure(PIECE)


def test_fields_around_and_beside_the_structure_are_lifted() -> None:
    inner = {"sections": PIECE["sections"]}
    head = {name: PIECE[name] for name in ("key", "tempo", "timeSignature", "form")}
    wanted = read_structure(head | inner)
    assert mended(head | {"music": inner}).structure == wanted
    assert mended({"metadata": head} | inner).structure == wanted


def test_sections_may_come_in_other_shapes() -> None:
    wanted = read_structure(PIECE)
    named = {each["name"]: {n: v for n, v in each.items() if n != "name"} for each in PIECE["sections"]}
    head = {name: value for name, value in PIECE.items() if name != "sections"}
    assert mended(head | {"sections": named}).structure == wanted
    assert mended(head | named).structure == wanted
    assert mended(text(PIECE["sections"])).structure.sections == wanted.sections
    assert mended("\n".join(json.dumps(each) for each in PIECE["sections"])).structure.sections == wanted.sections
    assert mended(PIECE["sections"][0]).structure.sections == wanted.sections[:1]


# Values -------------------------------------------------------------------------------------------------------------

TOP: list[tuple[str, Any, Any]] = [
    ("key", "la mineur", "a minor"), ("key", "Es-Dur", "Eb major"), ("key", "Am", "a minor"),
    ("key", "h-moll", "b minor"), ("key", "fis-moll", "f# minor"), ("key", "ハ長調", "C major"),
    ("key", "嬰ヘ短調", "f# minor"),
    ("key", "Si bemol mayor", "Bb major"), ("key", "до минор", "c minor"), ("key", "升c小调", "c# minor"),
    ("key", "내림나장조", "Bb major"), ("key", "D Dorian", "d minor"), ("key", "key of E flat major", "Eb major"),
    ("key", "G# major", "Ab major"), ("key", {"tonic": "E", "mode": "minor"}, "e minor"),
    ("key", ["Eb", "major"], "Eb major"),
    ("tempo", "120 bpm", 120), ("tempo", "Allegro", 132), ("tempo", "♩ = 72", 72), ("tempo", 500, 220),
    ("tempo", 3, 40),
    ("tempo", "ninety-six", 96), ("tempo", {"bpm": 88}, 88), ("tempo", "100", 100), ("tempo", float("inf"), 100),
    ("timeSignature", "common time", "4/4"), ("timeSignature", "C", "4/4"), ("timeSignature", [3, 4], "3/4"),
    ("timeSignature", "cut time", "2/2"), ("timeSignature", {"numerator": 6, "denominator": 8}, "6/8"),
    ("timeSignature", "¾", "3/4"), ("timeSignature", "3-4", "3/4"), ("timeSignature", "5/4", "4/4"),
    ("form", ["rondo"], "rondo"), ("form", {"type": "sonata"}, "sonata"),
    ("period", "Late Romantic", "romantic"), ("period", "バロック", "baroque"), ("period", "the future", None),
    ("instrumentation", ["piano", "violin"], "piano, violin"), ("character", {"mood": "sad"}, "sad"),
    ("title", 7, "7"), ("schemaVersion", "2", None), ("reasoning", ["a", "b"], "a\nb"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "given", "wanted"), TOP, ids=str)
def test_values_of_the_piece_are_read_as_they_were_meant(field: str, given: Any, wanted: Any) -> None:
    answer = section() | {field: given}
    if field == "key":
        del answer["sections"][0]["key"]
    result = mended(answer)
    assert result.structure.to_dict().get(field) == wanted
    if field == "tempo" or not isinstance(given, str) or len(given) > 2:
        assert any(repair.path == f"/{field}" for repair in result.repairs)


def test_a_mode_in_a_field_of_its_own_belongs_to_the_key() -> None:
    answer = piece(key="A", mode="minor", sections=[{"name": "A", "measures": 4, "chordProgression": ["i", "V", "i"]}])
    assert mended(answer).structure.key == "a minor"


SECTION: list[tuple[str, Any, Any]] = [
    ("measures", "four", 4), ("measures", "4 bars", 4), ("measures", 4.0, 4), ("measures", "mm. 1-4", 4),
    ("measures", [1, 4], 4),
    ("measures", "四", 4), ("measures", {"start": 1, "end": 4}, 4), ("measures", 0, 1), ("measures", 5000, 1000),
    ("measures", None, 4), ("measures", "some", 4), ("measures", True, 4),
    ("cadence", "perfect authentic", "PAC"), ("cadence", "half cadence", "HC"), ("cadence", "Halbschluss", "HC"),
    ("cadence", {"type": "PAC"}, "PAC"), ("cadence", "Perfect Authentic Cadence (PAC)", "PAC"),
    ("cadence", ["IAC"], "IAC"),
    ("cadence", "imperfect authentic", "IAC"), ("cadence", "Trugschluss", "DC"), ("cadence", "plagal", "PC"),
    ("cadence", "tierce de Picardie", "PICARDY"), ("cadence", "none", None), ("cadence", "whatever", None),
    ("dynamics", "mezzo-forte", "mf"), ("dynamics", "p to f", "p"), ("dynamics", "fff", "ff"), ("dynamics", 0.1, "pp"),
    ("dynamics", {"start": "mp", "end": "f"}, "mp"), ("dynamics", "leise", "p"), ("dynamics", [], None),
    ("texture", ["alberti", "bass"], "alberti, bass"),
    ("key", "V", "G major"), ("key", "relative minor", "a minor"), ("key", None, "C major"),
    ("key", "nonsense?", "C major"),
    ("harmonicFunctions", ["tonic", "dominant", "huh"], ["release", "tension"]),
    ("harmonicRhythm", ["whole", "w", "half", "4"], [4, 4, 2, 4]),
    ("chordProgression", "I - IV - V - I", ["I", "IV", "V", "I"]),
    ("chordProgression", "I→IV→V→I", ["I", "IV", "V", "I"]),
    ("chordProgression", "I | IV V | I", ["I", "IV", "V", "I"]),
    ("chordProgression", ["I - IV - V - I"], ["I", "IV", "V", "I"]),
    ("chordProgression", [["I"], ["IV", "V"], ["I"]], ["I", "IV", "V", "I"]),
    ("chordProgression", [{"numeral": "I", "beats": 8}, {"numeral": "V", "beats": 8}], ["I", "V"]),
    ("chordProgression", ["Cmaj7", "Am7", "Dm/F", "G7", "C"], ["Imaj7", "vi7", "ii6", "V7", "I"]),
    ("chordProgression", [1, 4, 5, 1], ["I", "IV", "V", "I"]),
    ("chordProgression", ["I", "vii", "I"], ["I", "viio", "I"]),
    ("chordProgression", ["I", "Vm", "IIm7", "I"], ["I", "v", "ii7", "I"]),
    ("chordProgression", ["tonic", "dominant seventh", "Ⅳ", "V⁷"], ["I", "V7", "IV", "V7"]),
    ("chordProgression", ["I", "V7b9", "V of V", "viidim", "I"], ["I", "V7", "V/V", "viio", "I"]),
    ("chordProgression", ["I", "???", "V"], ["I", "I", "V"]), ("chordProgression", ["???", "V", "I"], ["V", "V", "I"]),
    ("chordProgression", ["Neapolitan", "Ger+6", "V"], ["N6", "Ger65", "V"]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "given", "wanted"), SECTION, ids=str)
def test_values_of_a_section_are_read_as_they_were_meant(field: str, given: Any, wanted: Any) -> None:
    result = mended(section(**{field: given}))
    assert result.structure.to_dict()["sections"][0].get(field) == wanted
    assert any(repair.path.startswith(f"/sections/0/{field}") for repair in result.repairs)


def test_bar_lines_tell_how_long_chords_are() -> None:
    structure = mended(section(chordProgression="I | IV V | I", measures=3)).structure
    assert structure.sections[0].harmonic_rhythm == (4, 2, 2, 4)


def test_chord_symbols_become_numerals_of_the_local_key() -> None:
    answer = section(key="a minor", chordProgression=["Am", "Dm7", "Bb/D", "E7", "G#dim7", "F", "Am"])
    structure = mended(answer).structure
    assert structure.sections[0].chord_progression == ("i", "iv7", "bII6", "V7", "viio7", "VI", "i")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"degrees": [99, 2.5, "do", None], "rhythm": [1, 1, 1, 1]}, [15, 2, 1, 0]),
        ({"degrees": ["C4", "E4", "F#4", "B3"], "rhythm": [1, 1, 1, 1]}, [1, 3, "#4", -1]),
        ({"degrees": [60, 64, 67, 61], "rhythm": [1, 1, 1, 1]}, [1, 3, 5, "#1"]),
        ({"degrees": ["3b", "^5", "5th", "rest"], "rhythm": [1, 1, 1, 1]}, ["b3", 5, 5, 0]),
        ({"degrees": "5 4 3", "rhythm": "1 1 2"}, [5, 4, 3]),
        ([5, 4, 3], [5, 4, 3]),
        ([{"degree": 5, "duration": "quarter"}, {"degree": 4, "duration": 2}], [5, 4]),
        ([[5, 1], [4, 0.5], [3, 0.5]], [5, 4, 3]),
        ({"notes": [1, 2], "durations": ["q", "e"]}, [1, 2]),
    ],
    ids=str,
)
def test_motifs_are_read_as_they_were_meant(given: Any, wanted: list[Any]) -> None:
    result = mended(section(melody={"motifs": [given]}))
    assert list(result.structure.sections[0].motifs[0].degrees) == wanted
    assert result.repairs


def test_note_names_are_degrees_of_the_local_key() -> None:
    answer = section(key="G major", melody={"motifs": [{"degrees": ["G4", "A4", "F#4", "Bb4"], "rhythm": [1] * 4}]})
    assert mended(answer).structure.sections[0].motifs[0].degrees == (1, 2, -1, "b3")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["quarter", "q", "eighth", "half"], (1, 1, 0.5, 2)),
        (["q.", "dotted half", "8n", "4t"], (1.5, 3, 0.5, 0.666667)),
        (["Viertel", "croche", "四分音符", "♪"], (1, 0.5, 1, 0.5)),
        (["3/4", "1.5", "one", "1/2"], (0.75, 1.5, 1, 0.5)),
        ([-1, 100, 0.001, float("nan")], (1, 64, 1 / 32, 1 / 32)),
        ([1, 1, 1], (1, 1, 1, 1)),
        ([1, 1, 1, 1, 1], (1, 1, 1, 1)),
        ([], (1, 1, 1, 1)),
        ("quarter notes", (1, 1, 1, 1)),
        (0.5, (0.5, 0.5, 0.5, 0.5)),
    ],
    ids=str,
)
def test_rhythms_are_quarters_one_for_each_note(given: Any, wanted: tuple[float, ...]) -> None:
    result = mended(section(melody={"motifs": [{"degrees": [1, 2, 3, 4], "rhythm": given}]}))
    assert result.structure.sections[0].motifs[0].rhythm == pytest.approx(wanted, abs=1e-3)
    assert result.repairs


def test_melodies_may_be_nested_otherwise() -> None:
    motif = {"degrees": [5, 4, 3], "rhythm": [1, 1, 2]}
    for melody in (motif, [motif], {"motif": motif}, {"motifs": motif}, {"motifs": {"a": motif}}):
        assert mended(section(melody=melody)).structure.sections[0].motifs[0].degrees == (5, 4, 3)
    two = mended(section(melody={"motifs": [[5, 4], [3, 2]]})).structure.sections[0].motifs
    assert [each.degrees for each in two] == [(5, 4), (3, 2)]


def test_leitmotifs_may_be_nested_otherwise() -> None:
    motif = {"degrees": [6, 5], "rhythm": [1, 1]}
    wanted = (("sigh", (6, 5)),)
    for given in (
        {"sigh": motif},
        [{"name": "sigh", "melody": motif}],
        [{"tag": "sigh", **motif, "transformation": "mirror"}],
    ):
        found = mended(section() | {"leitmotifs": given}).structure.leitmotifs or ()
        assert tuple((each.tag, each.degrees) for each in found) == wanted
    assert mended(section() | {"leitmotifs": [{"tag": "empty"}]}).structure.leitmotifs == ()


def test_humanize_is_clamped_and_its_words_are_read() -> None:
    answer = section() | {
        "humanize": {"rubato": "Expressive!", "velocity_curve": "arch", "peakBoost": 3, "phraseEndSoftness": "a lot"}
    }
    assert mended(answer).structure.to_dict()["humanize"] == {
        "rubato": "expressive", "velocityCurve": "phrase", "peakBoost": 0.6, "phraseEndSoftness": 0.3,
    }  # fmt: skip
    assert mended(section() | {"humanize": "subtle"}).structure.humanize is not None
    assert mended(section() | {"humanize": 17}).structure.humanize is None


# Parts that agree ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rhythm", "degrees", "wanted"),
    [
        ([4, 4], [1, 2], [4, 4, 8]),
        ([4, 4, 4, 4, 4], [1, 2, 3, 4, 5], [4, 4, 4, 4]),
        ([4, 4, 4, 6], [1, 2, 3, 4], [4, 4, 4, 4]),
        ([4, 4, 4, 4], [1, 2, 3, 4, 5], [4, 4, 4, 4]),
        ([0.333] * 24, [1] * 24, [0.333] * 24 + [8]),
        ([0.333] * 48, [1] * 48, [0.333] * 48),
        ([4, 4, 4, 3.99], [1, 2, 3, 4], [4, 4, 4, 4]),
    ],
)
def test_a_tune_fills_its_phrase_exactly(rhythm: list[float], degrees: list[int], wanted: list[float]) -> None:
    structure = mended(phrase(melody={"degrees": degrees, "rhythm": rhythm})).structure
    phrases = structure.sections[0].phrases
    assert phrases is not None
    assert phrases[0].melody is not None
    assert phrases[0].melody.rhythm == pytest.approx(wanted, abs=0.02)
    assert len(phrases[0].melody.degrees) == len(wanted)


def test_a_tune_of_an_endless_phrase_still_fits() -> None:
    melody = {"degrees": [1] * 4000, "rhythm": [1 / 16] * 4000}
    structure = sanitize(phrase(measures=1000, melody=melody)).structure
    assert structure.sections[0].measures == 1000


@pytest.mark.parametrize(
    ("meter", "beats", "wanted"),
    [
        ("4/4", [8, 8, 8], [8, 8]),
        ("4/4", [8], [8, 8]),
        ("4/4", [8, 4], [8, 8]),
        ("4/4", [20, 4], None),
        ("6/8", [6, 6, 6, 6], None),
        ("6/8", [12, 12], [6, 6]),
        ("4/4", [2, 2], [8, 8]),
    ],
)
def test_chords_fill_their_phrase(meter: str, beats: list[float], wanted: list[float] | None) -> None:
    structure = mended(phrase(chords=["I", "V"], chordBeats=beats) | {"timeSignature": meter}).structure
    phrases = structure.sections[0].phrases
    assert phrases is not None
    if wanted is not None:
        assert phrases[0].chord_beats == tuple(wanted)
    total = sum(phrases[0].chord_beats or ())
    assert total in (0, 16 if meter == "4/4" else 12)


def test_phrases_are_the_truth() -> None:
    answer = piece()
    answer["sections"][0] |= {"measures": 9, "chordProgression": ["I", "V"], "cadence": "HC", "harmonicRhythm": [4, 4]}
    result = mended(answer)
    first = result.structure.sections[0]
    assert (first.measures, first.cadence) == (8, "PAC")
    assert first.chord_progression == ("I", "IV", "V", "I", "V7", "I")
    assert {"section.measures", "section.cadence", "section.chords"} <= kinds(result)


def test_phrases_without_lengths_share_the_section() -> None:
    structure = mended(section(measures=8, phrases=[{"chords": ["I", "V"]}, {"chords": ["V", "I"]}])).structure
    assert [each.measures for each in structure.sections[0].phrases or ()] == [4, 4]


def test_phrases_by_name_are_a_list() -> None:
    phrases = {"a": {"measures": 2, "chords": ["I", "V"]}, "b": {"measures": 2, "chords": ["V", "I"]}}
    structure = mended(section(phrases=phrases, chordProgression=None, measures=None)).structure
    assert [each.label for each in structure.sections[0].phrases or ()] == ["a", "b"]
    assert structure.sections[0].chord_progression == ("I", "V", "V", "I")


def test_sixty_sections_keep_their_close() -> None:
    own = PIECE["sections"][2]
    sections = [own | {"name": f"S{number}"} for number in range(59)] + [own | {"name": "Coda"}]
    result = mended(piece(sections=sections))
    assert len(result.structure.sections) == MAX_SECTIONS
    assert result.structure.sections[-1].name == "Coda"
    assert kinds(result) == {"sections.cut"}


def test_what_is_missing_comes_from_the_request_or_is_plain() -> None:
    answer = {"sections": [{"chordProgression": ["i", "V", "i"]}]}
    request = Request(key="g minor", tempo=72, time_signature="3/4", form="rondo")
    asked = mended(answer, request=request).structure
    assert (asked.key, asked.tempo, asked.time_signature, asked.form) == ("g minor", 72, "3/4", "rondo")
    assert asked.sections[0].key == "g minor"
    plain = mended({"sections": [{"chordProgression": ["I", "V", "I"]}]}).structure
    assert (plain.key, plain.tempo, plain.time_signature, plain.form) == ("C major", 100, "4/4", "free")
    assert (plain.sections[0].name, plain.sections[0].measures) == ("A", 4)


def test_lengths_come_from_the_request_s_plan() -> None:
    request = Request.model_validate({"section_plan": [{"name": "Trio", "measures": 12}]})
    assert mended(section(name="Trio", measures=None), request=request).structure.measures == 12


def test_a_section_without_chords_gets_no_more_than_its_cadence_needs() -> None:
    sections = [PIECE["sections"][2], {"name": "Coda", "key": "a minor", "measures": 4, "cadence": "HC"}]
    assert mended(piece(sections=sections)).structure.sections[1].chord_progression == ("i", "V")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"key": "C major"},
        {"sections": []},
        {"sections": [{"name": "A"}]},
        {"sections": [{"name": "A", "measures": 8}]},
        {"sections": None},
        {"sections": 5},
        {"sections": [[], {}, None, ""]},
        {"error": "I cannot do that."},
    ],
    ids=str,
)
def test_what_holds_no_music_is_refused(answer: Any) -> None:
    refused(answer)
    refused(text(answer))


@pytest.mark.parametrize("value", [None, 5, [], {1, 2}, object()])
def test_what_is_neither_text_nor_an_object_is_refused(value: Any) -> None:
    refused(value)


def test_objects_of_a_program_are_read_too() -> None:
    answer = {
        "sections": ({"name": "A", "chordProgression": ("I", "V", "I"), 5: {1}, "x": object(), "y": float("nan")},)
    }
    assert mended(answer).structure.sections[0].chord_progression == ("I", "V", "I")
    loop: dict[str, Any] = {}
    loop["sections"] = [loop]
    refused(loop)


# Theory -------------------------------------------------------------------------------------------------------------


def test_airia_s_wrong_relatives_and_minor_dominants_are_mended(airia_files: list[Path]) -> None:
    found = {}
    for path in airia_files:
        pair = json.loads(path.read_text("utf-8"))
        result = mended(pair["structure"])
        changes = [(repair.path, repair.before, repair.after) for repair in result.repairs]
        if changes:
            found[path.stem] = changes
        assert mended(path.read_bytes()).structure == result.structure
    assert found == {
        "piece-104": [("/sections/1/key", "B major", "Bb major")],
        "piece-26": [("/sections/1/key", "F major", "F# major")],
        "piece-65": [
            ("/sections/0/chordProgression/2", "v", "V"),
            ("/sections/1/key", "B major", "Bb major"),
            ("/sections/2/chordProgression/2", "v", "V"),
        ],
        "piece-91": [("/sections/3/key", "b minor", "bb minor"), ("/sections/3/chordProgression/2", "v", "V")],
    }


def test_the_wrong_relative_major_is_mended() -> None:
    own = {"measures": 4, "chordProgression": ["I", "V", "I"]}
    answer = piece(
        key="c minor", sections=[{"name": "A", "key": "c minor", **own}, {"name": "B", "key": "E major", **own}]
    )
    result = mended(answer)
    assert result.structure.sections[1].key == "Eb major"
    assert kinds(result) == {"key.wrong-relative"}
    assert "E♭ major" in result.repairs[0].why


@pytest.mark.parametrize(
    ("chords", "cadence", "wanted"),
    [
        (["i", "iv", "v"], "HC", ["i", "iv", "V"]),
        (["i", "v7", "i"], "PAC", ["i", "V7", "i"]),
        (["i", "v", "i", "i"], "IAC", ["i", "V", "i", "i"]),
        (["i", "v", "VI"], "DC", ["i", "V", "VI"]),
        (["i", "v", "I"], "PICARDY", ["i", "V", "I"]),
        (["i", "iv", "v", "V"], None, ["i", "iv", "V", "V"]),
        (["i", "v6", "VI", "V"], "HC", ["i", "v6", "VI", "V"]),
        (["i", "v", "i"], None, ["i", "v", "i"]),
        (["i", "v6", "iv6", "V"], None, ["i", "v6", "iv6", "V"]),
    ],
)
def test_the_dominant_of_a_close_in_minor_is_major(chords: list[str], cadence: str | None, wanted: list[str]) -> None:
    answer = section(key="a minor", chordProgression=chords, cadence=cadence) | {"key": "a minor"}
    result = mended(answer)
    assert list(result.structure.sections[0].chord_progression) == wanted
    assert result.valid_before_repair == (chords == wanted)


def test_a_repair_says_where_what_before_after_and_why() -> None:
    repairs = mended(section(cadence="half cadence")).repairs
    assert [repair.to_dict() for repair in repairs] == [
        {
            "path": "/sections/0/cadence",
            "kind": "cadence.spelling",
            "before": "half cadence",
            "after": "HC",
            "why": "Cadences are PAC, IAC, HC, DC, PC and PICARDY.",
        }
    ]
