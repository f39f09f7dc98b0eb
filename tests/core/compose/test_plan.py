"""Plans: sections, keys, lengths and phrases follow from the request."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import FormPlan, plan
from workbench.core.music.cadences import strength
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS, parse_key
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.request import Request

requests = st.builds(
    Request,
    form=st.sampled_from(FORM_IDS),
    period=st.sampled_from(PERIODS),
    key=st.sampled_from([None, *(key.name for key in ALL_KEYS)]),
    time_signature=st.sampled_from([None, *TIME_SIGNATURES]),
    tempo=st.one_of(st.none(), st.integers(40, 220)),
    duration=st.integers(20, 600),
    valence=st.floats(-1, 1),
    arousal=st.floats(0, 1),
    seed=st.integers(0, 2**63 - 1),
)


@given(requests)
def test_a_plan_is_as_long_as_asked_for_to_within_a_bar(request: Request) -> None:
    planned = plan(request)
    assert abs(planned.seconds - request.duration) <= planned.manner.bar_seconds + 1e-9
    for section in planned.sections:
        assert sum(phrase.measures for phrase in section.phrases) == section.measures >= 1


@given(requests)
def test_what_the_request_says_is_kept(request: Request) -> None:
    planned = plan(request)
    assert planned.form == request.form
    assert planned.manner.period == request.period
    if request.key:
        assert planned.manner.key == parse_key(request.key)
    if request.tempo:
        assert planned.manner.tempo == request.tempo
    if request.time_signature:
        assert planned.manner.meter.name == request.time_signature


@given(requests)
def test_the_piece_begins_and_ends_at_home(request: Request) -> None:
    planned = plan(request)
    first, last = planned.sections[0], planned.sections[-1]
    assert first.key == planned.manner.key
    assert last.key.pitch_class == planned.manner.key.pitch_class
    assert last.cadence in {"PAC", "PICARDY"}


@given(requests)
def test_sections_lie_in_related_keys(request: Request) -> None:
    planned = plan(request)
    assert all(planned.manner.key.is_closely_related(section.key) for section in planned.sections)


@given(requests)
def test_every_antecedent_closes_more_weakly_than_its_consequent(request: Request) -> None:
    for section in plan(request).sections:
        for before, after in pairwise(section.phrases):
            if before.role == "antecedent" and after.role == "consequent":
                assert strength(before.cadence) < strength(after.cadence)


@given(requests)
def test_the_same_request_has_the_same_plan(request: Request) -> None:
    assert plan(request) == plan(request)


def _planned(**wish: object) -> FormPlan:
    return plan(Request.model_validate({"seed": 3, "duration": 180, "tempo": 96, "time_signature": "4/4", **wish}))


def test_rondo_refrains_return_in_the_tonic() -> None:
    planned = _planned(form="rondo", key="A major")
    names = [section.name for section in planned.sections if section.role != "coda"]
    assert names[:5] == ["A", "B", "A2", "C", "A3"]
    refrains = [section for section in planned.sections if section.role == "refrain"]
    assert all(section.key.name == "A major" for section in refrains)
    episodes = [section.key.name for section in planned.sections if section.role == "episode"]
    assert "A major" not in episodes
    assert len(set(episodes)) == len(episodes)


@pytest.mark.parametrize(("key", "second"), [("C major", "G major"), ("c minor", "Eb major")])
def test_sonata_expositions_leave_home_and_recapitulations_do_not(key: str, second: str) -> None:
    by_role = {section.role: section for section in _planned(form="sonata", key=key).sections}
    assert by_role["exposition-primary"].key.name == key
    assert by_role["exposition-secondary"].key.name == second
    assert by_role["recapitulation-secondary"].key.name == key
    assert by_role["development"].cadence == "HC"


def test_variations_are_as_long_as_their_theme_and_one_changes_mode() -> None:
    sections = _planned(form="theme-variation", key="F major", duration=300).sections
    theme, *rest = [section for section in sections if section.role != "coda"]
    assert {section.measures for section in rest[:-1]} == {theme.measures}
    assert "f minor" in {section.key.name for section in rest}
    assert [section.name for section in rest[:2]] == ["Var.1", "Var.2"]


def test_returns_point_at_what_they_return_to() -> None:
    planned = _planned(form="ABA")
    returned = next(section for section in planned.sections if section.role == "return")
    assert returned.returns == 0
    assert all(phrase.source == (0, number) for number, phrase in enumerate(returned.phrases))


def test_mood_chooses_mode_tempo_and_loudness() -> None:
    dark = plan(Request(valence=-0.9, arousal=0.1, seed=1))
    bright = plan(Request(valence=0.9, arousal=0.9, seed=1))
    assert dark.manner.key.is_minor
    assert not bright.manner.key.is_minor
    seconds = [manner.meter.beat / manner.tempo for manner in (dark.manner, bright.manner)]
    assert seconds[0] > seconds[1]
    assert dark.manner.loudness < bright.manner.loudness


def test_a_minuet_is_in_three() -> None:
    assert plan(Request(form="minuet-trio", seed=9)).manner.meter.name == "3/4"


def test_an_unknown_form_is_kept_as_text_and_said() -> None:
    planned = plan(Request(form="fantasia", duration=90))
    assert planned.form == "fantasia"
    assert "fantasia" in planned.notes[0]


def test_a_section_plan_is_followed() -> None:
    planned = plan(
        Request.model_validate(
            {
                "duration": 60,
                "tempo": 120,
                "timeSignature": "4/4",
                "key": "D major",
                "sectionPlan": [
                    {"name": "Opening", "measures": 8},
                    {"name": "Middle", "key": "b minor", "cadence": "HC", "texture": "chorale"},
                    {"name": "Opening again", "returns": "Opening", "measures": 8},
                ],
            }
        )
    )
    opening, middle, again = planned.sections
    assert (opening.measures, again.measures, planned.measures) == (8, 8, 30)
    assert (middle.key.name, middle.cadence, middle.texture) == ("b minor", "HC", "chorale")
    assert again.returns == 0


def test_a_plan_reads_as_plain_json() -> None:
    data = _planned(form="binary").to_dict()
    assert data["sections"][0]["phrases"][0]["measures"] >= 1
    assert data["measures"] == sum(section["measures"] for section in data["sections"])
