"""A Request reads its own names, camelCase and AIRIA's spellings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.core.errors import InvalidRequestError
from workbench.core.music.reading import read_request
from workbench.core.music.request import Request, file_stem


def test_nothing_is_required() -> None:
    request = read_request("{}")
    assert request == Request()
    assert request.to_dict() == {}
    assert request.tonality is None


def test_airia_requests_are_read_out_of_their_pairs(airia_files: list[Path]) -> None:
    for path in airia_files:
        asked = json.loads(path.read_text("utf-8"))["request"]
        request = read_request(path.read_bytes())
        assert request.duration == asked["duration"]
        assert request.time_signature == asked["timeSignature"]
        assert request.key == asked["key"]
        assert request.motif_tags == tuple(asked["motif_tags"])
        assert request.form == asked["form"]
        assert read_request(request.to_json()) == request


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ({"music_key": "Eb"}, "key", "Eb major"),
        ({"musicKey": "c minor"}, "key", "c minor"),
        ({"bpm": 96}, "tempo", 96),
        ({"time_signature": "6/8"}, "time_signature", "6/8"),
        ({"timeSignature": "6/8"}, "time_signature", "6/8"),
        ({"meter": "6/8"}, "time_signature", "6/8"),
        ({"music_form": "Sonata"}, "form", "sonata"),
        ({"form": "ternary"}, "form", "ABA"),
        ({"form": "Theme and Variations"}, "form", "theme-variation"),
        ({"form": "my own form"}, "form", "my own form"),
        ({"musicPeriod": " Baroque "}, "period", "baroque"),
        ({"motifTags": ["light"]}, "motif_tags", ("light",)),
        ({"motif_tags": None}, "motif_tags", ()),
        ({"motifSeedDegrees": [1, "#4", 0]}, "motif_seed", (1, "#4", 0)),
        ({"motif_seed_degrees": [1, 2]}, "motif_seed", (1, 2)),
        ({"rhythmSeed": [1, 0.5]}, "rhythm_seed", (1, 0.5)),
        ({"motif_seed_rhythm": [2]}, "rhythm_seed", (2,)),
        ({"duration_seconds": 60}, "duration", 60),
        ({"durationSec": 61}, "duration", 61),
        ({"emotionalArc": {"start": 1}}, "emotional_arc", {"start": 1}),
        ({"genrePalette": ["film"]}, "genre_palette", ("film",)),
        ({"primaryGenre": "film"}, "primary_genre", "film"),
        ({"timbreArc": ["soft"]}, "timbre_arc", ["soft"]),
        ({"personalityAxes": {"open": 0.3}}, "personality_axes", {"open": 0.3}),
        ({"confidence": 0.9}, "confidence", 0.9),
        ({"theme": "sea"}, "theme", "sea"),
        ({"brief": "静かな海 🌊"}, "brief", "静かな海 🌊"),
    ],
)
def test_spellings(written: dict[str, Any], field: str, value: Any) -> None:
    request = read_request(json.dumps(written))
    assert getattr(request, field) == value
    assert read_request(request.to_json()) == request


def test_section_plans_and_humanizing_are_read() -> None:
    request = read_request(
        {
            "sectionPlan": [{"name": "A", "measures": 8, "key": "G"}, {"name": "B", "cadence": "HC", "returns": None}],
            "humanize": {"rubato": "none", "velocityCurve": "flat"},
        }
    )
    assert request.section_plan[0].key == "G major"
    assert request.humanize is not None
    assert request.humanize.velocity_curve == "flat"
    assert read_request(request.to_json()) == request


def test_the_same_request_is_the_same_text() -> None:
    one = read_request('{"bpm": 90.0, "form": "rondo"}')
    two = read_request('{"form": "rondo", "tempo": 90}')
    assert one.to_json() == two.to_json() == '{"form":"rondo","tempo":90}'


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"swing": 1}, "/swing"),
        ({"Tempo": 90}, "/Tempo"),
        ({"tempo": 10**9}, "/tempo"),
        ({"bpm": 20}, "/bpm"),
        ({"tempo": "fast"}, "/tempo"),
        ({"duration": 5}, "/duration"),
        ({"duration": 601}, "/duration"),
        ({"duration": None}, "/duration"),
        ({"valence": -1.01}, "/valence"),
        ({"valence": "bright"}, "/valence"),
        ({"arousal": 2}, "/arousal"),
        ({"focus": float("nan")}, "/focus"),
        ({"key": "X"}, "/key"),
        ({"key": 7}, "/key"),
        ({"time_signature": "5/4"}, "/time_signature"),
        ({"form": ""}, "/form"),
        ({"form": "   "}, "/form"),
        ({"form": ["ABA"]}, "/form"),
        ({"period": "medieval"}, "/period"),
        ({"seed": -1}, "/seed"),
        ({"seed": 2**64}, "/seed"),
        ({"seed": "7"}, "/seed"),
        ({"seed": 1.5}, "/seed"),
        ({"id": "../etc/passwd"}, "/id"),
        ({"id": "a\n"}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": "x" * 200}, "/id"),
        ({"motif_seed": [1, "x"]}, "/motif_seed/1"),
        ({"motif_seed": "1 2 3"}, "/motif_seed"),
        ({"motif_seed": [1] * 33}, "/motif_seed"),
        ({"rhythm_seed": [0]}, "/rhythm_seed/0"),
        ({"section_plan": [{"name": "A"}] * 33}, "/section_plan"),
        ({"section_plan": [{"measures": 4}]}, "/section_plan/0/name"),
        ({"section_plan": [{"name": "A", "measures": 10**7}]}, "/section_plan/0/measures"),
        ({"brief": "x" * 4001}, "/brief"),
        ({"humanize": {"peakBoost": 3}}, "/humanize/peakBoost"),
        ({"x" * 5000: 1}, "/" + "x" * 57 + "…"),
    ],
)
def test_what_does_not_fit_is_named(written: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_request(written)
    assert caught.value.field == field
    assert caught.value.hint
    assert len(str(caught.value)) < 400


def test_the_limit_is_told() -> None:
    with pytest.raises(InvalidRequestError, match="at most 220"):
        read_request({"tempo": 10**9})
    with pytest.raises(InvalidRequestError, match="at most 32 are allowed"):
        read_request({"motif_seed": [1] * 40})


def test_the_number_of_other_mistakes_is_told() -> None:
    with pytest.raises(InvalidRequestError, match="2 more fields need mending"):
        read_request({"tempo": 0, "valence": 9, "swing": 1})


@pytest.mark.parametrize(
    ("text", "stem"), [("a/b c", "a-b-c"), ("..", "piece"), ("", "piece"), ("日本", "piece"), ("x" * 200, "x" * 80)]
)
def test_file_names_are_safe(text: str, stem: str) -> None:
    assert file_stem(text) == stem
