import json

import numpy as np
import pytest
from handmade import build, long_score, play

from workbench.core.music.keys import ALL_KEYS, parse_key
from workbench.core.music.score import Score
from workbench.core.render import phrase_plan_json, piano_roll, piano_roll_json, timeline
from workbench.core.render.colors import contrast, function_color, key_color, text_on, theme_of, voice_color
from workbench.core.render.labels import numeral_text
from workbench.core.render.time_axis import figure


def lane(data: dict, name: str, role: str) -> list[dict]:
    return [trace for trace in data["data"] if trace["meta"]["lane"] == name and trace["meta"]["role"] == role]


def test_both_figures_share_one_time_axis(tune: Score):
    plan, roll = phrase_plan_json(tune), piano_roll_json(tune)
    for field in ("range", "tickvals", "ticktext"):
        assert plan["layout"]["xaxis"][field] == roll["layout"]["xaxis"][field]
    assert plan["layout"]["xaxis"]["range"] == [0, 16]
    for side in "lr":
        assert plan["layout"]["margin"][side] == roll["layout"]["margin"][side]


def test_bars_are_numbered_from_one_in_a_compound_meter():
    score = build(["C5:9/2 D5:9/2 E5:9/2"], meter="9/8")
    axis = piano_roll_json(score)["layout"]["xaxis"]
    assert axis["tickvals"] == [0, 4.5, 9]
    assert axis["ticktext"] == ["1", "2", "3"]


def test_a_long_piece_numbers_the_bars_on_which_phrases_begin():
    assert piano_roll_json(long_score(320))["layout"]["xaxis"]["ticktext"][:3] == ["1", "5", "9"]


def test_sections_carry_the_color_of_their_key_and_where_they_lie():
    score = build(["C5:16 G5:16"], sections=[("A", "C major", 4), ("B", "g minor", 4)], numerals=("i",))
    box = lane(phrase_plan_json(score), "sections", "span")[0]
    assert box["marker"]["color"] == [key_color(parse_key("C major")), key_color(parse_key("g minor"))]
    assert box["customdata"] == [[0, 16, 0], [16, 32, 1]]


def test_every_chord_answers_the_pointer_even_when_its_numeral_finds_no_room():
    score = long_score(320)
    data = phrase_plan_json(score, width=300)
    strip = lane(data, "harmony", "span")[0]
    assert len(strip["hovertext"]) == len(score.chords)
    shown = sum(len(trace["text"]) for trace in lane(data, "harmony", "text") if trace["visible"])
    assert 0 < shown < len(score.chords)


def test_every_numeral_shows_at_some_zoom():
    score = long_score(320)
    texts = [text for trace in lane(phrase_plan_json(score), "harmony", "text") for text in trace["text"]]
    assert len(texts) == len(score.chords)


def test_shown_numerals_do_not_touch():
    data = phrase_plan_json(long_score(320), width=800)
    places = sorted(x for trace in lane(data, "harmony", "text") if trace["visible"] for x in trace["x"])
    assert min(np.diff(places)) * 800 / 320 > 10


def test_each_note_is_one_point_that_knows_its_phrase_and_measure(tune: Score):
    traces = piano_roll_json(tune, play(tune))["data"]
    assert [trace["meta"]["voice"] for trace in traces] == [0, 1]
    assert sum(len(trace["customdata"]) for trace in traces) == len(tune)
    assert traces[0]["customdata"][4][:4] == [0, 2, "E5", "IV in C major"]
    assert (traces[0]["base"][4], traces[0]["x"][4]) == (5.5, 0.5)


def test_louder_notes_are_more_opaque(tune: Score):
    soft = piano_roll_json(tune, play(tune, velocity=40))["data"][0]["marker"]["opacity"][0]
    loud = piano_roll_json(tune, play(tune, velocity=110))["data"][0]["marker"]["opacity"][0]
    assert 0.4 < soft < loud <= 1


def test_cadences_stand_at_the_end_of_their_phrase():
    score = build(["C5:16 G5:16"], sections=[("A", "C major", 4), ("B", "G major", 4)], cadence="HC")
    mark = lane(phrase_plan_json(score), "cadences", "mark")[0]
    assert mark["x"] == [16, 32]
    assert mark["text"][0].startswith("<b>Half cadence</b>")


@pytest.mark.parametrize("dark", [False, True])
def test_the_figures_are_plain_json_and_pass_plotlys_own_validation(tune: Score, dark: bool):
    import plotly.graph_objects as go

    for data in (phrase_plan_json(tune, dark=dark), piano_roll_json(tune, play(tune), dark=dark)):
        assert json.loads(json.dumps(data)) == data
        go.Figure(data)
        assert json.loads(figure(data).to_json())["data"]


def test_an_empty_score_still_draws():
    empty = build(["r:4"])
    assert piano_roll(empty).layout.height
    assert phrase_plan_json(empty)["data"]


def test_names_are_drawn_as_they_stand_and_never_as_markup():
    score = build(["C5:16"], sections=[("A<b>&", "C major", 4)])
    data = phrase_plan_json(score)
    assert lane(data, "sections", "span")[0]["hovertext"][0].startswith("<b>A&lt;b&gt;&amp;</b> in C major")
    assert "A&lt;b&gt;&amp; · C major" in [text for trace in lane(data, "sections", "text") for text in trace["text"]]


def test_the_timeline_maps_quarters_to_seconds(tune: Score):
    line = timeline(play(tune, tempo=120))
    assert (line["quarters"][-1], line["seconds"][-1]) == (16, 8)


@pytest.mark.parametrize(
    ("figure_", "text"),
    [
        ("V65/V", "V⁶₅/V"),
        ("viio7", "vii°⁷"),
        ("viiø43", "viiø⁴₃"),
        ("vii/o7/V", "viiø⁷/V"),
        ("bII6", "♭II⁶"),
        ("I64", "I⁶₄"),
        ("Ger65", "Ger⁶₅"),
        ("N6", "N⁶"),
        ("V9", "V⁹"),
        ("IVmaj7", "IVmaj⁷"),
        ("V13", "V¹³"),
        ("III+", "III+"),
        ("?", "?"),
    ],
)
def test_numerals_are_written_with_figured_bass(figure_: str, text: str):
    assert numeral_text(figure_) == text


@pytest.mark.parametrize("dark", [False, True])
def test_text_on_every_key_color_can_be_read(dark: bool):
    assert all(contrast(text_on(fill), fill) >= 4.5 for key in ALL_KEYS for fill in [key_color(key, dark=dark)])


@pytest.mark.parametrize("dark", [False, True])
def test_inks_stand_out_from_the_page(dark: bool):
    paper = theme_of(dark).paper
    assert all(contrast(function_color(name, dark=dark), paper) >= 4.5 for name in ("T", "S", "D"))
    assert all(contrast(voice_color(voice, dark=dark), paper) >= 3 for voice in range(8))
    assert contrast(theme_of(dark).muted, paper) >= 4.5


_EYES = {
    # Machado, Oliveira and Fernandes 2009, at full severity.
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def seen(color: str, eyes: str) -> np.ndarray:
    """The OKLab coordinates of a colour as seen by colour-blind eyes."""
    srgb = np.array([int(color[index : index + 2], 16) for index in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(_EYES[eyes]) @ linear, 0, 1)
    cones = [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
    lab = [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    return np.array(lab) @ np.cbrt(np.array(cones) @ linear)


@pytest.mark.parametrize("eyes", sorted(_EYES))
@pytest.mark.parametrize("dark", [False, True])
def test_functions_and_the_first_four_voices_stay_apart_for_color_blind_eyes(eyes: str, dark: bool):
    for colors in (
        [function_color(name, dark=dark) for name in ("T", "S", "D")],
        [voice_color(voice, dark=dark) for voice in range(4)],
    ):
        points = [seen(color, eyes) for color in colors]
        gaps = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[:i]]
        assert min(gaps) > 0.08
