"""The report is one file that loads and runs nothing, says what was found, and takes no text for markup."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.core.experiments.metrics.pieces import changed
from tests.core.experiments.reports.planted import METRICS, a_sample, results
from workbench.core.compose import realize
from workbench.core.experiments.metrics import metric
from workbench.core.experiments.metrics.registry import all_or_none
from workbench.core.experiments.reports import html
from workbench.core.experiments.reports.drawing import Drawing, Palette
from workbench.core.experiments.reports.html import About, report_html, write_report
from workbench.core.experiments.reports.summary import summary
from workbench.core.experiments.results import Result
from workbench.core.experiments.specification import read_specification
from workbench.core.render import phrase_plan_json, piano_roll_json

EVIL = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Every tag with its attributes, and the text; refuses tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def told() -> str:
    found = results(60)
    variants = [
        {"name": "base"},
        {"name": "tuned", "model": "m-1", "examples": 2},
        {"name": "same", "provider": "rules"},
    ]
    requests = {"grid": {"form": ["ABA", "binary"]}}
    specification = read_specification({"name": "Planted", "requests": requests, "variants": variants})
    about = About("Planted", "29 November 2026", specification, ("A note of one's own.",))
    return report_html(found, summary(found, METRICS, against="base"), about, pairs=2)


def test_the_report_says_what_was_asked_and_what_was_found(told: str) -> None:
    text = Page(told).text
    for words in (
        "60 requests for pieces of music were put to 3 variants", "A note of one's own.",
        "the model m-1, shown 2 examples",
        "Latency, tuned against base: tuned is better:", "(95 % interval", "▲ better than base",
        "Of 8 comparisons: a difference was found in", "Latency: tuned is better than base.",
        "Words used here", "composes by rule; no model is asked",
        "Valid before repair: yes for base, no for tuned", "By kind of request", "cadence HC instead of",
        "The score in words",
    ):  # fmt: skip
        assert words in text, words


def test_nothing_is_loaded_and_nothing_runs(told: str) -> None:
    page = Page(told)
    policy = next(each["content"] for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script" not in {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "srcset", "action", "data", "poster"):
                assert (value or "").startswith("data:"), (tag, name, (value or "")[:60])
    style = "".join(re.findall(r"<style>(.*?)</style>", told, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme:dark" in style


def test_it_can_be_read_without_eyes(told: str) -> None:
    page = Page(told)
    assert ("html", {"lang": "en"}) in page.tags
    assert {each.get("scope") for tag, each in page.tags if tag == "th"} <= {"row", "col", "colgroup"}
    drawings = re.findall(r"<svg.*?</svg>", told, re.DOTALL)
    assert len(drawings) > 10
    for drawing in drawings:
        element = ElementTree.fromstring(drawing)
        assert element.get("aria-hidden") == "true" or drawing.count("<title>") >= 1
    assert all(each.get("aria-label") for tag, each in page.tags if tag == "audio")
    shown = [each for tag, each in page.tags if each.get("class") == "scroll"]
    assert all(each.get("tabindex") == "0" and each.get("aria-label") for each in shown), "reached by the keyboard"
    assert told.count('class="chart"') == told.count('class="chart narrow"') > 0


def test_two_pieces_stand_side_by_side_with_their_sound(told: str) -> None:
    sounds = [each["src"] for tag, each in Page(told).tags if tag == "audio"]
    assert len(sounds) == 4
    kind, _, data = (sounds[0] or "").partition(",")
    assert kind == "data:audio/ogg;base64"
    assert b64decode(data)[:4] == b"OggS"


def test_the_data_can_be_taken_out(told: str) -> None:
    link = next(each for tag, each in Page(told).tags if tag == "a" and "download" in each)
    assert link["download"] == "results.json"
    data = json.loads(b64decode((link["href"] or "").partition(",")[2]))
    assert len(data["results"]) == 180
    assert data["summary"]["variants"] == ["base", "tuned", "same"]
    assert data["specification"]["name"] == "Planted"


def hostile() -> list[Result]:
    structure = a_sample().structure
    assert structure is not None

    def spoil(data: dict[str, object]) -> None:
        data.update(title=EVIL[:100], form=EVIL[:100], character=EVIL)
        data["sections"][0].update(name=EVIL[:100], role=EVIL[:100])  # type: ignore[index]
        data["sections"][0]["phrases"][0].update(label=EVIL[:100], role=EVIL[:100])  # type: ignore[index]

    bad = changed(structure, spoil)
    return [
        replace(
            each, request=f"{EVIL}{each.request}", variant=f"{EVIL}{each.variant}",
            sample=replace(
                each.sample, structure=bad if each.variant == "tuned" else structure, model=EVIL, error=EVIL,
                request=each.sample.request.model_copy(update={"brief": EVIL, "theme": EVIL}),
            ),
            values=dict.fromkeys(("own-one", "latency"), each.values["latency"]), problems={"own-one": EVIL},
            facets={**each.facets, "form": EVIL},
        )
        for each in results(12)
    ]  # fmt: skip


def test_hostile_text_stays_text() -> None:
    class ForgetError(Exception):
        pass

    text = ""
    with pytest.raises(ForgetError), all_or_none():  # noqa: PT012
        metric("own-one", kind="number", better="higher", title=EVIL, unit=EVIL, explanation=EVIL)(lambda *_: None)
        found = hostile()
        told = summary(found, ["own-one", "latency"])
        text = report_html(found, told, About(EVIL, EVIL, None, (EVIL,)), pairs=1, sound=False)
        raise ForgetError
    page = Page(text)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert EVIL in page.text, "it is told as it stands"


def test_a_report_of_one_variant_and_of_failures_can_be_made(tmp_path: Path) -> None:
    found = [
        replace(each, sample=replace(each.sample, structure=None, report=None, error="down"), values={})
        for each in results(3) if each.variant == "base"
    ]  # fmt: skip
    size = write_report(tmp_path / "report.html", found, summary(found, METRICS), About("Failed"))
    text = (tmp_path / "report.html").read_text("utf-8")
    assert size == (tmp_path / "report.html").stat().st_size
    assert "base: 3 of 3 cells gave no piece" in Page(text).text
    assert "nothing is compared" in text


def test_a_large_report_leaves_out_sound_then_pairs_then_packs_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    found = results(12)
    told = summary(found, METRICS, against="base", facets=())
    quiet = report_html(found, told, About("Large"), pairs=1, most_bytes=450_000)
    assert "<audio" not in quiet
    assert 'class="figure"' in quiet
    assert 'class="figure"' not in report_html(found, told, About("Large"), pairs=1, most_bytes=1)
    monkeypatch.setattr(html, "MOST_DATA", 40_000)
    link = next(each for tag, each in Page(report_html(found, told, About("L"), pairs=0)).tags if tag == "a")
    assert link["download"] == "results.json.gz"
    assert "summary" in json.loads(gzip.decompress(b64decode((link["href"] or "").partition(",")[2])))


def test_a_drawing_holds_every_note_and_every_section() -> None:
    structure = a_sample().structure
    assert structure is not None
    score = realize(structure)
    light, dark = (piano_roll_json(score, dark=dark) for dark in (False, True))
    roll = Drawing(light, dark, Palette(), width=900).svg("Notes", "All of them")
    boxes = [each for each in ElementTree.fromstring(roll).iter() if "z" in (each.get("d") or "")]
    assert sum((each.get("d") or "").count("z") for each in boxes) == len(score)
    light, dark = (phrase_plan_json(score, dark=dark) for dark in (False, True))
    plan = Drawing(light, dark, Palette(), width=900).svg("Plan", "A & B")
    for section in structure.sections:
        assert f"{section.name} in {section.tonality.pretty}" in unescape(plan)
    assert "<desc>A &amp; B</desc>" in plan


def test_a_palette_takes_colours_alone() -> None:
    with pytest.raises(ValueError, match="no colour"):
        Palette().name("f", "red}body{display:none", "#fff")
