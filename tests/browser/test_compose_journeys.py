"""Journeys on the Compose screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import App, Journey
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_newcomer_sees_a_piece_at_once_and_gets_another_in_one_click(journey: Journey) -> None:
    page = journey.open()
    first = journey.piece
    expect(page.locator(".wb-plan .main-svg").first).to_be_visible()
    expect(page.locator(".wb-roll .main-svg").first).to_be_visible()
    expect(page.locator(".wb-roll .point").nth(50)).to_be_attached()
    journey.press("Compose")
    assert journey.until_piece_changes(first)
    expect(page.locator(".wb-takes button")).to_have_count(2)


def test_the_sound_moves_one_playhead_over_both_figures(shown: Journey) -> None:
    page = shown.page
    shown.play()
    page.wait_for_timeout(400)
    places = []
    for _ in range(3):
        places.append((shown.position, page.locator(".wb-playhead").bounding_box()["x"]))
        page.wait_for_timeout(500)
    assert places[0][0] < places[1][0] < places[2][0]
    assert places[0][1] < places[1][1] < places[2][1]
    line = page.locator(".wb-playhead").bounding_box()
    plan, roll = page.locator(".wb-plan").bounding_box(), page.locator(".wb-roll").bounding_box()
    assert line["y"] <= plan["y"] + 2
    assert line["y"] + line["height"] >= roll["y"] + roll["height"] - 2
    page.locator(".wb-stage").hover(position={"x": 5, "y": 5})
    page.keyboard.press("Space")
    page.wait_for_selector(".wb-player[data-state=paused]")
    held = shown.position
    page.wait_for_timeout(300)
    assert shown.position == held > 0


def test_a_click_moves_the_playhead_and_a_phrase_loops(shown: Journey) -> None:
    page = shown.page
    roll = page.locator(".wb-roll").bounding_box()
    page.mouse.click(roll["x"] + roll["width"] * 0.6, roll["y"] + 60)
    assert shown.position > 10
    measure = int(page.locator(".wb-measure").inner_text())
    assert measure > 5
    page.get_by_role("button", name="Loop this phrase").click()
    expect(page.get_by_role("button", name="Loop this phrase")).to_have_attribute("aria-pressed", "true")
    band, line = page.locator(".wb-loop").bounding_box(), page.locator(".wb-playhead").bounding_box()
    assert band["x"] - 2 <= line["x"] <= band["x"] + band["width"] + 2
    assert band["width"] < roll["width"] / 3
    page.locator(".wb-stage").click(position={"x": roll["width"] * 0.2, "y": 420})
    expect(page.get_by_role("button", name="Loop this phrase")).to_have_attribute("aria-pressed", "false")


def test_a_looped_phrase_comes_round_again(shown: Journey) -> None:
    page = shown.page
    page.get_by_role("button", name="Loop this phrase").click()
    shown.play()
    highest, returned = 0.0, False
    for _ in range(100):
        place = shown.position
        returned = returned or place < highest - 2
        highest = max(highest, place)
        if returned:
            break
        page.wait_for_timeout(150)
    assert returned
    assert page.locator(".wb-player").get_attribute("data-state") == "playing"


def test_a_muted_voice_is_dimmed_and_a_solo_voice_stands_alone(shown: Journey) -> None:
    page = shown.page
    faded = "[...document.querySelector('.wb-roll').data].map((trace) => trace.opacity ?? 1)"
    page.locator(".wb-voice").first.get_by_role("button", name="Mute").click()
    page.wait_for_function(f"({faded})[0] < 0.3")
    assert all(value == 1 for value in page.evaluate(faded)[1:])
    page.locator(".wb-voice").nth(1).get_by_role("button", name="Solo").click()
    page.wait_for_function(f"({faded})[2] < 0.3 && ({faded})[1] === 1")
    expect(page.locator(".wb-voice").nth(2)).to_have_attribute("data-heard", "false")
    page.locator(".wb-voice").first.get_by_role("button", name="Mute").click()
    page.locator(".wb-voice").nth(1).get_by_role("button", name="Solo").click()
    page.wait_for_function(f"({faded}).every((opacity) => opacity === 1)")


def test_zooming_keeps_both_figures_on_one_time_axis(shown: Journey) -> None:
    page = shown.page
    spans = "['.wb-plan', '.wb-roll'].map((name) => document.querySelector(name)._fullLayout.xaxis.range)"
    whole = page.evaluate(spans)
    assert whole[0] == whole[1]
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(f"(({spans})[0][1] - ({spans})[0][0]) < {whole[0][1]} * 0.6")
    closer = page.evaluate(spans)
    assert closer[0] == pytest.approx(closer[1])
    roll = page.locator(".wb-roll").bounding_box()
    page.mouse.move(roll["x"] + 300, roll["y"] + 100)
    page.mouse.down()
    page.mouse.move(roll["x"] + 500, roll["y"] + 110, steps=4)
    page.mouse.up()
    page.wait_for_function(f"(({spans})[1][1] - ({spans})[1][0]) < {closer[0][1] - closer[0][0]} * 0.5")
    assert shown.position == 0
    page.get_by_role("button", name="Show the whole piece").click()
    page.wait_for_function(f"({spans})[1][1] === {whole[0][1]}")


def test_the_player_plays_on_while_other_controls_are_used(shown: Journey) -> None:
    page = shown.page
    shown.play()
    before = shown.position
    page.get_by_role("tab", name="About").click()
    shown.rest()
    assert page.locator(".wb-player").get_attribute("data-state") == "playing"
    assert shown.position > before


def test_the_score_opens_and_turns_its_pages(shown: Journey) -> None:
    page = shown.page
    page.get_by_role("tab", name="Score").click()
    image = page.get_by_role("img", name="Score, page 1 of")
    expect(image).to_be_visible()
    assert image.evaluate("(image) => image.naturalWidth") > 0
    page.get_by_role("button", name="2", exact=True).or_(page.get_by_role("button", name="Page 2")).first.click()
    expect(page.get_by_role("img", name="Score, page 2 of")).to_be_visible()


def test_the_piece_can_be_taken_along(shown: Journey, tmp_path: Path) -> None:
    page = shown.page
    page.get_by_role("tab", name="Downloads").click()
    begin = {"MIDI": b"MThd", "MusicXML": b"<?xml", "WAV": b"RIFF", "JSON": b"{", "SVG": b"<"}
    for title, first in begin.items():
        with page.expect_download() as waiting:
            page.locator(".wb-downloads").get_by_role("button", name=title).first.click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.read_bytes().lstrip().startswith(first), title
        assert path.stat().st_size > 200
    structure = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert structure["sections"]


def test_another_mood_makes_another_piece_that_a_reload_keeps(journey: Journey) -> None:
    page = journey.open()
    first = journey.piece
    pad = page.locator(".wb-mood-plane").bounding_box()
    page.mouse.click(pad["x"] + 15, pad["y"] + 15)
    expect(page.locator(".wb-mood-word")).to_have_text("agitated")
    page.wait_for_timeout(300)
    journey.press("Compose")
    second = journey.until_piece_changes(first)
    assert "mood=-" in page.url
    assert "seed=" in page.url
    page.reload()
    journey.rest()
    assert journey.piece == second
    expect(page.locator(".wb-mood-word")).to_have_text("agitated")
    expect(page.locator(".wb-takes button")).to_have_count(2)
    page.locator(".wb-takes button").nth(1).click()
    assert journey.until_piece_changes(second) == first
    expect(page.locator(".wb-mood-word")).to_have_text("thoughtful")
    page.go_back()
    assert journey.until_piece_changes(first) == second


def test_a_link_gives_somebody_else_the_same_piece(visitor: Callable[..., Journey]) -> None:
    one, other = visitor(), visitor()
    one.open("/?mood=0.8,0.9&form=rondo&period=baroque&seed=77")
    other.open("/?mood=0.8,0.9&form=rondo&period=baroque&seed=77")
    assert other.piece == one.piece
    expect(other.page.locator(".wb-takes")).to_have_count(0)


def test_what_was_typed_outlives_a_reload(journey: Journey) -> None:
    page = journey.open()
    page.get_by_text("More", exact=True).click()
    box = page.get_by_role("textbox", name="Motif")
    box.fill("1 3 5 8")
    box.press("Enter")
    journey.rest()
    page.reload()
    journey.rest()
    page.get_by_text("More", exact=True).click()
    expect(page.get_by_role("textbox", name="Motif")).to_have_value("1 3 5 8")


def test_a_mistyped_motif_is_explained_at_its_field(shown: Journey) -> None:
    page = shown.page
    page.get_by_text("More", exact=True).click()
    box = page.get_by_role("textbox", name="Motif")
    box.fill("1 3 banana")
    box.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="banana")).to_be_visible()
    expect(page.get_by_role("button", name="Compose", exact=True)).to_be_disabled()
    box.fill("1 3 #4 5")
    box.press("Enter")
    expect(page.get_by_role("button", name="Compose", exact=True)).to_be_enabled()


def test_the_mood_can_be_set_without_a_mouse(shown: Journey) -> None:
    page = shown.page
    dot = page.get_by_role("slider", name="Mood")
    dot.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
        page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".wb-mood-word")).to_have_text("melancholic")
    page.get_by_label("Valence").fill("0.9")
    page.get_by_label("Arousal").fill("0.9")
    page.get_by_label("Arousal").press("Enter")
    expect(page.locator(".wb-mood-word")).to_have_text("joyful")


def test_a_hostile_link_is_explained_and_a_piece_is_shown(journey: Journey) -> None:
    for query in (
        "form=%3Cscript%3Ealert(1)%3C/script%3E&seed=-5",
        "motif=" + "1," * 2000,
        "mood=%00%ff&seed=1&seed=2",
        "piece=../../etc/passwd",
    ):
        page = journey.open(f"/?{query}")
        alerts = page.get_by_role("alert")
        expect(alerts).to_have_count(1)
        assert len(alerts.inner_text()) < 500
        expect(page.locator(".wb-roll .point").nth(50)).to_be_attached()


def _upload(journey: Journey, name: str, content: bytes) -> None:
    page = journey.page
    if not page.locator("[data-testid=stFileUploader]").is_visible():
        page.get_by_role("button", name="Open a file").click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/json", "buffer": content}
    )


def test_a_file_that_cannot_be_read_changes_nothing(journey: Journey) -> None:
    page = journey.open()
    before = journey.piece
    for number, content in enumerate((b"", b"not json at all", b"\xff\xfe\x00", b"[" * 5000, b'{"key": "C major"}')):
        _upload(journey, f"broken-{number}.json", content)
        expect(page.get_by_text(f"broken-{number}.json").first).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(1)
        journey.rest()
        assert journey.piece == before
        page.get_by_role("button", name="Remove").or_(
            page.locator("[data-testid=stFileUploaderDeleteBtn] button")
        ).first.click()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_file_from_airia_is_opened_and_a_reload_keeps_it(journey: Journey, airia_files: list[Path]) -> None:
    page = journey.open()
    before = journey.piece
    _upload(journey, airia_files[0].name, airia_files[0].read_bytes())
    opened = journey.until_piece_changes(before)
    assert f"piece={opened}" in page.url
    page.reload()
    journey.rest()
    assert journey.piece == opened
    expect(page.get_by_text(f"opened from {airia_files[0].name}").first).to_be_visible()


def test_without_sound_the_piece_is_still_drawn_and_says_so(journey: Journey) -> None:
    journey.expected = ("Failed to load resource", "500")
    journey.page.route(
        "**/sound/**",
        lambda route: route.fulfill(status=500, json={"error": "The soundfont is missing.", "hint": "Run make setup."}),
    )
    page = journey.open()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="The soundfont is missing. Run make setup.")).to_be_visible()
    expect(page.locator(".wb-roll .point").nth(50)).to_be_attached()


def test_a_voice_that_is_missing_is_named_and_the_others_sound(journey: Journey) -> None:
    journey.expected = ("Failed to load resource", "404")
    journey.page.route("**/sound/*/1.ogg", lambda route: route.fulfill(status=404, json={"error": "Gone.", "hint": ""}))
    page = journey.open()
    journey.play()
    name = page.locator(".wb-voice").nth(1).inner_text().split("\n")[0]
    expect(page.get_by_role("status").filter(has_text=f"Not heard: {name}")).to_be_visible()


def test_without_plotly_the_sound_still_plays(journey: Journey) -> None:
    journey.expected = ("Failed to load resource", "net::ERR")
    journey.page.route("**/lib/plotly*", lambda route: route.abort())
    page = journey.open()
    expect(page.get_by_text("The drawing is missing")).to_be_visible()
    journey.play()
    page.wait_for_timeout(600)
    assert journey.position > 0


def test_nothing_serious_stands_in_the_way_of_assistive_technology(themed: Journey) -> None:
    page = themed.open()
    ink = page.evaluate("document.querySelector('.wb-roll').layout.font.color")
    paper = page.evaluate("getComputedStyle(document.querySelector('.wb-stage')).backgroundColor")
    assert (int(ink[1:3], 16) < 128) == (int(paper.split("(")[1].split(",")[0]) > 128), "inks of the other theme"
    page.get_by_text("More", exact=True).click()
    themed.press("Another one")
    themed.until_piece_changes(themed.piece)
    for tab in ("Score", "About", "JSON", "Downloads"):
        page.get_by_role("tab", name=tab).click()
        themed.rest()
        found = Axe().run(page).response["violations"]
        serious = [
            f"{tab}: {one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        assert not serious, "\n".join(serious)


def test_nothing_runs_over_the_edge_of_the_screen(visitor: Callable[..., Journey]) -> None:
    journey = visitor(viewport={"width": 400, "height": 900})
    page = journey.open()
    for width in (400, 768, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        for tab in ("About", "Downloads", "Score"):
            page.get_by_role("tab", name=tab).click()
            journey.rest()
            over = page.evaluate(
                "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
                ".map((element) => element.scrollWidth - element.clientWidth)"
            )
            assert max(over) <= 0, f"{tab} at {width}"
        stage, figure = (
            page.locator(".wb-stage").bounding_box(),
            page.locator(".wb-roll .main-svg").first.bounding_box(),
        )
        assert figure["width"] == pytest.approx(stage["width"], abs=4), f"the figure keeps another width at {width}"


def test_a_restarted_server_knows_an_open_page_again(visitor: Callable[..., Journey], own_app: App) -> None:
    journey = visitor(own_app.url)
    journey.expected = (
        "WebSocket",
        "Failed to load resource",
        "ERR_CONNECTION",
        "50",
        "reaching server endpoint",
        "Is Streamlit still running",
    )
    page = journey.open("/?seed=5&duration=30")
    before = journey.piece
    own_app.stop()
    page.wait_for_timeout(500)
    own_app.start()
    page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]", timeout=60_000)
    journey.rest()
    assert journey.piece == before
    journey.play()
