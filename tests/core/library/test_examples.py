"""The built-in examples are music that a model may learn from, and a file unlike an example is told."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.checks import check
from workbench.core.compose import perform, realize
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.generate import sanitize
from workbench.core.library.examples import FOLDER, LAYERS, Example, load_examples
from workbench.core.library.rights import USES, missing, read_rights, uses_of
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.moods import WORDS, mood_word
from workbench.core.render.audio import wav_bytes
from workbench.core.render.phrase_plan import phrase_plan_json
from workbench.core.render.piano_roll import piano_roll_json

EXAMPLES = load_examples()
FILES = sorted(FOLDER.glob("*.json"))
FEW = tuple(
    example
    for example in EXAMPLES
    if example.id
    in {
        "aba-modern-village", "aba-romantic-barcarolle", "binary-baroque-allemande", "minuet-trio-baroque-garden",
        "rondo-classical-hunt", "rounded-binary-modern-snow", "sonata-classical-storm",
        "theme-variation-romantic-letter",
    }
)  # fmt: skip
"""What retrieval is tried on: however the library grows, the nearest of these stay the nearest."""
BY_FORM = {example.structure.form: example for example in FEW}
THEMES = "public-domain-theme"

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)


def seconds(example: Example) -> float:
    return realize(example.structure).seconds


def top(example: Example) -> tuple[int, list[int]]:
    """The tune's highest note and the measures in which it is heard."""
    tune = [note for note in realize(example.structure).notes if note.voice == 0]
    highest = max(note.midi for note in tune)
    return highest, sorted({note.measure for note in tune if note.midi == highest})


# The library as a whole


def test_there_is_a_file_for_each_example_named_by_its_id() -> None:
    assert [path.stem for path in FILES] == [example.id for example in EXAMPLES]


def test_there_are_at_least_forty_eight() -> None:
    assert len(EXAMPLES) >= 48


def test_every_form_is_there_in_every_period() -> None:
    found = {(example.structure.form, example.structure.period) for example in EXAMPLES}
    assert found >= {(form, period) for form in FORM_IDS for period in PERIODS}


def test_a_dozen_are_drawn_from_works_in_the_public_domain() -> None:
    assert sum(THEMES in example.tags for example in EXAMPLES) >= 12


def test_major_and_minor_are_balanced() -> None:
    modes = Counter(example.structure.tonality.mode for example in EXAMPLES)
    assert min(modes.values()) / len(EXAMPLES) >= 0.35


def test_all_meters_are_covered() -> None:
    assert {example.structure.time_signature for example in EXAMPLES} == set(TIME_SIGNATURES)


def test_moods_lie_all_over_the_plane() -> None:
    words = {mood_word(example.request.valence, example.request.arousal) for example in EXAMPLES}
    assert words == {word for row in WORDS for word in row}


def test_no_two_examples_open_with_the_same_tune() -> None:
    openings = {example.structure.sections[0].phrases[0].melody for example in EXAMPLES}  # type: ignore[index]
    assert len(openings) == len(EXAMPLES)


# Each example


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_valid_before_repair(path: Path) -> None:
    text = json.dumps(json.loads(path.read_text("utf-8"))["structure"], ensure_ascii=False)
    sanitized = sanitize(text)
    assert sanitized.repairs == ()
    assert sanitized.valid_before_repair


@every_example
def test_an_example_has_no_error_and_no_warning_in_its_own_period(example: Example) -> None:
    assert example.structure.period is not None
    report = check(example.structure, request=example.request, profile=example.structure.period)
    assert [finding for finding in report.findings if finding.severity != "info"] == []


@every_example
def test_request_and_structure_agree(example: Example) -> None:
    request, structure = example.request, example.structure
    assert (request.form, request.period) == (structure.form, structure.period)
    assert request.key in {None, structure.key}
    assert request.tempo in {None, structure.tempo}
    assert request.time_signature in {None, structure.time_signature}
    assert request.instrumentation == structure.instrumentation
    assert abs(seconds(example) - request.duration) <= 1
    assert request.brief
    assert request.brief.endswith(".")


@every_example
def test_an_example_fits_into_a_prompt(example: Example) -> None:
    assert 12 <= example.structure.measures <= 48
    text = json.dumps(example.structure.to_dict(), ensure_ascii=False, separators=(",", ":"))
    assert len(text) <= 6000


@every_example
def test_every_phrase_has_a_tune_over_written_chords(example: Example) -> None:
    for section in example.structure.sections:
        assert section.phrases
        for phrase in section.phrases:
            assert phrase.melody is not None
            assert any(degree != 0 for degree in phrase.melody.degrees)
            assert phrase.chords
            assert phrase.chord_beats
            assert len(phrase.chords) == len(phrase.chord_beats)


@every_example
def test_section_lists_are_those_of_the_phrases(example: Example) -> None:
    for section in example.structure.sections:
        phrases = section.phrases or ()
        assert section.chord_progression == tuple(chord for phrase in phrases for chord in phrase.chords or ())
        assert section.harmonic_rhythm is None
        assert section.measures == sum(phrase.measures for phrase in phrases)
        assert section.cadence == phrases[-1].cadence


@every_example
def test_every_phrase_grows_from_a_motif_that_is_declared(example: Example) -> None:
    tags = {leitmotif.tag for leitmotif in example.structure.leitmotifs or ()}
    used: Counter[str] = Counter()
    for section in example.structure.sections:
        numbered = {f"m{number + 1}" for number in range(len(section.motifs))}
        for phrase in section.phrases or ():
            assert phrase.motif is not None
            assert phrase.motif.ref in numbered | tags
            used[phrase.motif.ref] += 1
    assert all(used[tag] > 1 for tag in tags)


@every_example
def test_transformations_that_are_named_are_used(example: Example) -> None:
    used = {
        (phrase.motif.ref, phrase.motif.transformation)
        for section in example.structure.sections
        for phrase in section.phrases or ()
        if phrase.motif
    }
    for leitmotif in example.structure.leitmotifs or ():
        for transformation in leitmotif.transformations or ():
            assert (leitmotif.tag, transformation) in used


@every_example
def test_the_highest_note_is_saved_for_the_later_part(example: Example) -> None:
    structure = example.structure
    if THEMES in example.tags:  # their composers placed it
        return
    _, measures = top(example)
    latest = 1.0 if structure.form == "theme-variation" else 0.85  # the last variation rises above the others
    assert len(measures) <= 2
    assert all(0.45 <= measure / structure.measures <= latest for measure in measures)


@every_example
def test_tunes_move_mostly_by_step_or_third(example: Example) -> None:
    line = [note.midi for note in realize(example.structure).notes if note.voice == 0]
    moves = [abs(after - before) for before, after in pairwise(line)]
    assert sum(move <= 4 for move in moves) >= (0.5 if THEMES in example.tags else 0.7) * len(moves)


@every_example
def test_a_return_is_varied(example: Example) -> None:
    sections = example.structure.sections
    tunes = [tuple(phrase.melody for phrase in section.phrases or ()) for section in sections]
    assert len(set(tunes)) == len(tunes)


@every_example
def test_rights_are_complete_and_allow_training_for_a_product(example: Example) -> None:
    rights = read_rights(dict(example.rights))
    assert [layer.layer for layer in rights.layers] == list(LAYERS)
    assert missing(rights) == ()
    uses = uses_of(rights)
    for use in USES:
        assert uses[use].allowed, uses[use].reasons
    assert (rights.layer("work").basis == "public domain") == (THEMES in example.tags)


@every_example
def test_an_example_shows_and_sounds(example: Example) -> None:
    score = realize(example.structure)
    performance = perform(score, humanize=example.structure.humanize, seed=0)
    assert phrase_plan_json(score, dark=False)["data"]
    assert piano_roll_json(score, performance, dark=False)["data"]
    samples, _ = soundfile.read(io.BytesIO(wav_bytes(performance)))
    assert 0.05 < abs(samples).max() < 1.0


@every_example
def test_an_example_says_what_it_teaches(example: Example) -> None:
    assert example.tags
    assert example.teaches.endswith(".")
    assert example.structure.title
    assert example.structure.character
    assert (example.structure.reasoning or "").count(". ") == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_written_as_its_file_has_it(path: Path) -> None:
    (example,) = [each for each in EXAMPLES if each.id == path.stem]
    assert example.to_dict() == json.loads(path.read_text("utf-8"))


# Reading folders


@pytest.fixture
def sound() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(FILES[0].read_text("utf-8"))
    return data


def write(folder: Path, data: Any, name: str = "piece.json") -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def test_the_built_in_folder_is_read_once() -> None:
    assert load_examples() is load_examples()


def test_another_folder_is_read_each_time(tmp_path: Path, sound: dict[str, Any]) -> None:
    assert load_examples(tmp_path) == ()
    write(tmp_path, sound)
    (example,) = load_examples(tmp_path)
    assert example == EXAMPLES[0]
    assert hash(example) == hash(EXAMPLES[0])
    assert len({example, EXAMPLES[0]}) == 1


def test_examples_come_by_file_name_and_other_files_are_left_alone(tmp_path: Path, sound: dict[str, Any]) -> None:
    for name in ("b", "a", "c"):
        write(tmp_path, sound | {"id": f"the-{name}"}, f"{name}.json")
    write(tmp_path, "notes", "README.md")
    write(tmp_path, "\x00", "._a.json")  # what macOS leaves beside a file
    assert [example.id for example in load_examples(tmp_path)] == ["the-a", "the-b", "the-c"]


def test_what_may_not_stand_in_a_prompt_is_not_offered(tmp_path: Path, sound: dict[str, Any]) -> None:
    write(tmp_path, sound | {"rights": sound["rights"] | {"prompt": False}})
    assert load_examples(tmp_path) == ()


def test_what_may_not_be_trained_on_may_still_be_shown(tmp_path: Path, sound: dict[str, Any]) -> None:
    write(tmp_path, sound | {"rights": sound["rights"] | {"training": False}})
    assert len(load_examples(tmp_path)) == 1


def _without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda data: {key: value for key, value in data.items() if key != name}


def _with(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data | fields


def _rights(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data | {"rights": data["rights"] | fields}


def _layers(change: Callable[[list[Any]], list[Any]]) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data | {"rights": data["rights"] | {"layers": change(data["rights"]["layers"])}}


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "empty": (lambda _: "", ""),
    "no-json": (lambda _: "{", ""),
    "deep": (lambda _: "[" * 100_000, ""),
    "a-list": (lambda data: [data], ""),
    "key-twice": (lambda _: '{"id": "a", "id": "b"}', ""),
    "not-a-number": (lambda _: '{"id": NaN}', ""),
    "no-id": (_without("id"), "/id"),
    "no-rights": (_without("rights"), "/rights"),
    "more-fields": (_with(note="x"), "/note"),
    "id-a-path": (_with(id="../../etc/passwd"), "/id"),
    "id-a-number": (_with(id=3), "/id"),
    "id-with-a-line": (_with(id="a\n"), "/id"),
    "tags-a-text": (_with(tags="dance"), "/tags"),
    "tags-of-numbers": (_with(tags=[1]), "/tags"),
    "too-many-tags": (_with(tags=["a"] * 100), "/tags"),
    "teaches-nothing": (_with(teaches=" "), "/teaches"),
    "teaches-too-much": (_with(teaches="a" * 2000), "/teaches"),
    "request-a-list": (_with(request=[]), "/request"),
    "request-out-of-range": (_with(request={"valence": 7}), "/request/valence"),
    "structure-a-text": (_with(structure="{}"), "/structure"),
    "structure-empty": (_with(structure={}), "/structure/key"),
    "structure-too-long": (_with(structure={"sections": [0] * 5000}), "/structure/sections"),
    "rights-a-text": (_with(rights="CC0"), "/rights"),
    "rights-empty": (_with(rights={}), "/rights"),
    "prompt-a-text": (_rights(prompt="true"), "/rights/prompt"),
    "prompt-a-number": (_rights(prompt=1), "/rights/prompt"),
    "training-unsaid": (_rights(training=None), "/rights/training"),
    "another-use": (_rights(sale=True), "/rights"),
    "layers-a-text": (_rights(layers="all"), "/rights/layers"),
    "layer-missing": (_layers(lambda layers: layers[:2]), "/rights/layers"),
    "layer-twice": (_layers(lambda layers: [*layers, layers[0]]), "/rights/layers"),
    "layer-unknown": (_layers(lambda layers: [*layers, layers[0] | {"layer": "ink"}]), "/rights/layers/3"),
    "layer-a-text": (_layers(lambda layers: [*layers, "work"]), "/rights/layers/3"),
    "licence-empty": (_layers(lambda layers: [layers[0] | {"licence": ""}, *layers[1:]]), "/rights/layers/0"),
    "holder-a-list": (_layers(lambda layers: [*layers[:2], layers[2] | {"holder": ["x"]}]), "/rights/layers/2"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_name(name: str, tmp_path: Path, sound: dict[str, Any]) -> None:
    change, field = BROKEN[name]
    write(tmp_path, sound | {"id": "first"}, "a-sound-one.json")
    write(tmp_path, change(sound), "the-broken-one.json")
    with pytest.raises(InvalidInputError, match=r"^the-broken-one\.json: ") as caught:
        load_examples(tmp_path)
    assert caught.value.field == field
    assert caught.value.hint


def test_what_is_broken_is_refused_even_where_it_would_not_be_offered(tmp_path: Path, sound: dict[str, Any]) -> None:
    write(tmp_path, sound | {"structure": {}, "rights": sound["rights"] | {"prompt": False}})
    with pytest.raises(InvalidInputError, match=r"piece\.json"):
        load_examples(tmp_path)


def test_two_files_with_one_id_are_refused(tmp_path: Path, sound: dict[str, Any]) -> None:
    write(tmp_path, sound, "first.json")
    write(tmp_path, sound, "second.json")
    with pytest.raises(InvalidInputError, match=r"second\.json: first\.json has the id") as caught:
        load_examples(tmp_path)
    assert caught.value.field == "/id"


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(10**12)  # sparse: it takes no room, and reading it would take all memory
    with pytest.raises(InputTooLargeError, match=r"huge\.json"):
        load_examples(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sound.json").write_bytes(bytes(range(256)))
    with pytest.raises(InvalidInputError, match=r"sound\.json"):
        load_examples(tmp_path)


def test_a_folder_named_like_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InvalidInputError, match=r"folder\.json"):
        load_examples(tmp_path)


def test_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match=r"link\.json"):
        load_examples(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="There is no folder"):
        load_examples(tmp_path / "none")


@given(
    value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5),
    place=st.sampled_from(["id", "request", "structure", "tags", "teaches", "rights"]),
)
def test_any_value_in_any_place_is_refused_or_read(value: Any, place: str) -> None:
    piece = json.loads(FILES[0].read_text("utf-8"))
    with TemporaryDirectory() as folder:
        write(Path(folder), piece | {place: value})
        told = "piece.json: "
        try:
            load_examples(Path(folder))
        except InvalidInputError as problem:
            told = problem.message
    assert told.startswith("piece.json: ")


def test_reading_examples_loads_nothing_heavy() -> None:
    code = "import sys; from workbench.core.library.examples import load_examples; load_examples(); print(*sys.modules)"
    root = FOLDER.parents[1]
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True).stdout
    assert not {"music21", "numpy", "streamlit"} & set(loaded.split())
