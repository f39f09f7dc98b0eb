import io
import json
from pathlib import Path

import pytest

from workbench.core.compose import perform, realize
from workbench.core.errors import EngravingError, InvalidInputError
from workbench.core.music.reading import read_structure
from workbench.core.music.structure import MusicStructure
from workbench.core.render import export, phrase_plan, phrase_plan_json, piano_roll, render_files

AIRIA = sorted((Path(__file__).parents[2] / "data" / "airia").glob("*.json"))


def load(path: Path) -> MusicStructure:
    return read_structure(json.loads(path.read_text())["structure"])


@pytest.fixture(scope="module")
def structure() -> MusicStructure:
    return min(map(load, AIRIA), key=lambda piece: piece.measures)


def test_each_format_gives_its_files_under_the_names_that_were_agreed(structure: MusicStructure):
    rendered = render_files(structure, export.FORMATS, "piece")
    assert list(rendered.files)[:5] == ["piece.json", "piece.mid", "piece.musicxml", "piece.wav", "piece-1.svg"]
    assert not rendered.missing
    assert read_structure(rendered.files["piece.json"].decode()) == structure


def test_a_format_that_fails_takes_none_of_the_others_with_it(
    structure: MusicStructure, monkeypatch: pytest.MonkeyPatch
):
    def broken(_: MusicStructure):
        raise EngravingError("The engraver crashed.", hint="Try again.")

    def buggy(_: MusicStructure):
        raise KeyError("voice")

    monkeypatch.setitem(export._WRITERS, "svg", broken)
    monkeypatch.setitem(export._WRITERS, "midi", buggy)
    rendered = render_files(structure, ("json", "svg", "midi", "musicxml"), "piece")
    assert sorted(rendered.files) == ["piece.json", "piece.musicxml"]
    assert sorted(rendered.missing) == ["midi", "svg"]
    assert all(problem.hint for problem in rendered.missing.values())


def test_an_unknown_format_is_refused_by_name(structure: MusicStructure):
    with pytest.raises(InvalidInputError, match="'mp3' is not a format"):
        render_files(structure, ("mp3",), "piece")


@pytest.mark.parametrize("path", AIRIA, ids=lambda path: path.stem)
def test_every_airia_piece_draws_and_is_written(path: Path):
    import symusic

    structure = load(path)
    score = realize(structure)
    performance = perform(score, humanize=structure.humanize)
    assert phrase_plan(structure, score=score).data
    assert piano_roll(score, performance).data
    rendered = render_files(structure, ("midi", "musicxml"), path.stem)
    assert not rendered.missing
    midi = symusic.Score.from_midi(rendered.files[f"{path.stem}.mid"])
    assert midi.note_num() == len(score)


def test_the_plan_realizes_a_structure_that_comes_without_a_score(structure: MusicStructure):
    layout = phrase_plan(structure).to_plotly_json()["layout"]
    assert layout == phrase_plan_json(realize(structure))["layout"] | {"template": {}}


def test_a_real_piece_is_read_back_with_the_same_notes(structure: MusicStructure):
    from test_musicxml import read, sounding, written

    score = realize(structure)
    assert sounding(read(score)) == written(score)


def test_importing_the_package_loads_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys, workbench.core.render; "
        "print([name for name in ('music21', 'symusic', 'verovio', 'soundfile', 'plotly', 'pretty_midi') "
        "if name in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"


def test_pretty_midi_reads_the_airia_piece(structure: MusicStructure):
    import pretty_midi

    rendered = render_files(structure, ("midi",), "piece")
    midi = pretty_midi.PrettyMIDI(io.BytesIO(rendered.files["piece.mid"]))
    assert midi.instruments
