"""Any valid structure becomes exact notes that know where they came from."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.compose import compose, realize
from workbench.core.compose.textures import TEXTURES, texture_named
from workbench.core.errors import InvalidStructureError
from workbench.core.music.meters import DIVISIONS
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.score import Score

DATA = Path(__file__).parents[2] / "data" / "airia"


def _structure(**section: Any) -> dict[str, Any]:
    return {
        "key": "C major",
        "tempo": 100,
        "timeSignature": "4/4",
        "form": "ABA",
        "sections": [
            {"name": "A", "key": "C major", "measures": 4, "chordProgression": ["I", "IV", "V", "I"], **section}
        ],
    }


def _melody(score: Score) -> list[tuple[str, Fraction]]:
    return [(note.name, note.duration) for note in score.notes if note.voice == 0]


def assert_sound(score: Score) -> None:
    """Notes lie inside the piece, in their phrases, and no voice overlaps itself with unequal notes."""
    assert (score.onset + score.duration <= score.length).all()
    assert (score.duration > 0).all()
    for note in score.notes:
        phrase, chord = score.phrases[note.phrase], score.chords[note.chord]
        assert phrase.section == note.section == chord.section
        assert chord.phrase == note.phrase
        onset = note.onset * DIVISIONS
        assert chord.start <= onset < chord.end
        assert phrase.start <= onset < phrase.end
        assert note.measure == onset // score.meter.bar + 1
    for voice in range(len(score.voices)):
        mine = score.voice == voice
        rows = sorted(set(zip(score.onset[mine].tolist(), score.duration[mine].tolist(), strict=True)))
        assert all(a + length <= b for (a, length), (b, _) in pairwise(rows))


def test_a_written_tune_is_played_as_written() -> None:
    score = realize(
        read_structure(
            _structure(
                phrases=[
                    {
                        "measures": 4,
                        "cadence": "PAC",
                        "chords": ["I", "IV", "V7", "I"],
                        "chordBeats": [4, 4, 4, 4],
                        "melody": {"degrees": [1, 3, 5, 8, 0, "#4", 5, -1, 1], "rhythm": [1, 1, 1, 1, 2, 1, 1, 4, 4]},
                    }
                ]
            )
        )
    )
    assert_sound(score)
    names = [name for name, _ in _melody(score)]
    assert names == ["C4", "E4", "G4", "C5", "F#4", "G4", "B3", "C4"]
    assert [chord.numeral for chord in score.chords] == ["I", "IV", "V7", "I"]


def test_degrees_in_minor_follow_the_chord_unless_they_say_otherwise() -> None:
    data = _structure(
        key="a minor",
        chordProgression=["V", "i"],
        measures=2,
        phrases=[
            {
                "measures": 2,
                "chords": ["V", "i"],
                "melody": {"degrees": [7, "b7", "#7", 8, 7, 6, 5], "rhythm": [1, 1, 2, 1, 1, 1, 1]},
            }
        ],
    )
    data["key"] = "a minor"
    names = [name for name, _ in _melody(realize(read_structure(data)))]
    assert names == ["G#5", "G5", "G#5", "A5", "G5", "F5", "E5"]


@pytest.mark.parametrize("texture", TEXTURES)
@pytest.mark.parametrize("signature", ["2/4", "3/4", "4/4", "2/2", "3/8", "6/8", "9/8", "12/8"])
@pytest.mark.parametrize("instrumentation", ["piano", "string quartet", "flute and piano"])
def test_every_texture_in_every_meter_for_every_ensemble(texture: str, signature: str, instrumentation: str) -> None:
    data = _structure(texture=texture, measures=8, cadence="PAC")
    data |= {"timeSignature": signature, "instrumentation": instrumentation}
    score = realize(read_structure(data))
    assert_sound(score)
    assert score.sections[0].texture == texture
    assert len(set(score.voice.tolist())) >= 2
    for voice, player in enumerate(score.voices):
        notes = score.midi[score.voice == voice]
        if len(notes):
            assert player.instrument.low <= notes.min()
            assert notes.max() <= player.instrument.high


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_airia_structures_without_phrases_get_them(path: Path) -> None:
    structure = read_structure(path.read_bytes())
    score = realize(structure)
    assert_sound(score)
    assert score.measures == sum(section.measures for section in structure.sections)
    assert len(score.phrases) >= len(score.sections)
    assert max(phrase.measures for phrase in score.phrases) <= 16
    assert (score.voice == 0).sum() >= score.measures / 2


def test_the_motif_of_a_section_opens_its_tune() -> None:
    data = _structure(melody={"motifs": [{"degrees": [5, 6, 5, 3], "rhythm": [1, 1, 1, 1]}]}, measures=8)
    score = realize(read_structure(data))
    assert [name for name, _ in _melody(score)][:4] == ["G4", "A4", "G4", "E4"]


def test_the_same_structure_gives_the_same_notes() -> None:
    structure = compose(Request(seed=12))
    first, second = realize(structure), realize(structure)
    assert np.array_equal(first.midi, second.midi)
    assert np.array_equal(first.onset, second.onset)


def test_lengths_that_do_not_add_up_are_cut_or_held() -> None:
    score = realize(
        read_structure(
            _structure(
                measures=99,
                phrases=[
                    {
                        "measures": 2,
                        "chords": ["I", "V"],
                        "chordBeats": [1, 1],
                        "melody": {"degrees": [1], "rhythm": [1]},
                    },
                    {"measures": 1, "chords": ["I"] * 3, "chordBeats": [9, 9, 9]},
                ],
            )
        )
    )
    assert_sound(score)
    assert score.measures == 3
    assert score.chords[1].end == 2 * score.meter.bar


def test_more_chords_than_bars_are_spread_over_the_phrases() -> None:
    progression = ["I", "vi", "ii", "V"] * 4
    score = realize(read_structure(_structure(measures=8, chordProgression=progression)))
    assert_sound(score)
    assert [chord.numeral for chord in score.chords] == progression


@pytest.mark.parametrize("numeral", ["H", "IXX", "V7/", "I/I/I/I", "🎵", "%"])
def test_a_numeral_that_cannot_be_read_is_named(numeral: str) -> None:
    structure = read_structure(_structure(chordProgression=["I", numeral]))
    with pytest.raises(InvalidStructureError) as caught:
        realize(structure)
    assert caught.value.field == "/sections/0/chordProgression/1"
    assert caught.value.hint


def test_counterpoint_imitates_and_enters_after_the_tune() -> None:
    structure = compose(Request(form="binary", period="baroque", seed=6, arousal=0.5, time_signature="4/4"))
    score = realize(structure)
    section = next(i for i, s in enumerate(score.sections) if s.texture == "contrapuntal")
    inside = score.section == section
    voices = set(score.voice[inside].tolist())
    assert voices == {0, 3}


def test_free_words_find_their_texture() -> None:
    assert texture_named("Alberti bass", None) == "alberti"
    assert texture_named("hymn-like", None) == "chorale"
    assert texture_named("arpeggiated", "romantic") == "broken-chord"
    assert texture_named("imitative", None) == "contrapuntal"
    assert texture_named(None, "baroque") == "contrapuntal"
    assert texture_named("shimmering clouds", "modern") == "homophonic"
