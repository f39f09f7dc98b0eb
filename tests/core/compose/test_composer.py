"""The rule-based composer's pieces hold together."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.compose import compose, realize
from workbench.core.compose.reprise import bars_of, bring_back
from workbench.core.compose.rhythms import bar_rhythm, closing_bar, fit, livelier, loosened
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.meters import DIVISIONS, TIME_SIGNATURES, divisions, meter_of
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

requests = st.builds(
    Request,
    form=st.sampled_from(FORM_IDS),
    period=st.sampled_from(PERIODS),
    time_signature=st.sampled_from([None, *TIME_SIGNATURES]),
    duration=st.integers(20, 120),
    valence=st.floats(-1, 1),
    arousal=st.floats(0, 1),
    focus=st.floats(0, 1),
    seed=st.integers(0, 2**63 - 1),
    motif_seed=st.lists(st.integers(-7, 14), max_size=8).map(tuple),
    rhythm_seed=st.lists(st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 0.333]), max_size=8).map(tuple),
)


@settings(max_examples=40)
@given(requests)
def test_everything_that_a_structure_says_agrees(request: Request) -> None:
    piece = compose(request)
    assert read_structure(piece.to_json()) == piece
    bar = meter_of(piece.time_signature).bar
    for section in piece.sections:
        assert section.phrases
        assert sum(phrase.measures for phrase in section.phrases) == section.measures
        chords = tuple(chord for phrase in section.phrases for chord in phrase.chords or ())
        assert chords == section.chord_progression
        assert section.harmonic_rhythm is not None
        assert section.harmonic_functions is not None
        assert len(section.harmonic_rhythm) == len(section.harmonic_functions) == len(chords)
        assert section.phrases[-1].cadence == section.cadence or section.role in {"coda", "closing"}
        for phrase in section.phrases:
            assert phrase.melody is not None
            assert phrase.chord_beats is not None
            assert len(phrase.melody.degrees) == len(phrase.melody.rhythm)
            # A triplet is written 0.333333, so sums are exact to a division a note.
            assert sum(map(divisions, phrase.melody.rhythm)) == phrase.measures * bar
            assert sum(map(divisions, phrase.chord_beats)) == phrase.measures * bar


def test_the_same_seed_gives_the_same_piece_and_another_one_another() -> None:
    request = Request(form="sonata", duration=100)
    assert compose(request, seed=1) == compose(request, seed=1)
    assert compose(request, seed=1) != compose(request, seed=2)
    assert compose(request.model_copy(update={"seed": 1})) == compose(request, seed=1)


def _tune(piece: MusicStructure, section: int, phrase: int) -> list[tuple[int | str, float]]:
    melody = (piece.sections[section].phrases or ())[phrase].melody
    assert melody is not None
    return list(zip(melody.degrees, melody.rhythm, strict=True))


def test_a_motif_from_the_request_opens_the_piece() -> None:
    piece = compose(
        Request(
            motif_seed=(5, 3, 4, 2), rhythm_seed=(1.0, 1.0, 1.0, 1.0), time_signature="4/4", key="C major", form="ABA"
        )
    )
    assert [degree for degree, _ in _tune(piece, 0, 0)[:4]] == [5, 3, 4, 2]
    assert [length for _, length in _tune(piece, 0, 0)[:4]] == [1, 1, 1, 1]


def test_a_rhythm_from_the_request_is_used() -> None:
    piece = compose(Request(rhythm_seed=(1.5, 0.5, 2.0), time_signature="4/4", form="binary", seed=3))
    assert [length for _, length in _tune(piece, 0, 0)[:3]] == [1.5, 0.5, 2]


@pytest.mark.parametrize("form", ["ABA", "rondo", "minuet-trio", "rounded-binary"])
def test_what_returns_is_recognized_but_not_photocopied(form: str) -> None:
    piece = compose(Request(form=form, duration=120, seed=11, tempo=100, time_signature="4/4"))
    roles = [section.role for section in piece.sections]
    back = next(index for index, role in enumerate(roles) if index and role in {"return", "refrain", "da-capo"})
    first, again = piece.sections[0], piece.sections[back]
    assert first.key == again.key
    assert first.chord_progression[:3] == again.chord_progression[:3]
    opening = [degree for degree, _ in _tune(piece, 0, 0)[:3]]
    assert [degree for degree, _ in _tune(piece, back, 0)[:3]] == opening
    assert first.phrases != again.phrases


def test_variations_keep_the_harmony_and_change_the_tune() -> None:
    piece = compose(Request(form="theme-variation", duration=150, seed=5, key="G major"))
    theme, first = piece.sections[0], piece.sections[1]
    assert theme.chord_progression == first.chord_progression
    counts = [
        sum(len(phrase.melody.degrees) for phrase in section.phrases or () if phrase.melody)
        for section in piece.sections
    ]
    assert len(set(counts[:-1])) > 1
    minor = [section for section in piece.sections if section.key == "g minor"]
    if minor:
        assert minor[0].chord_progression[0] == "i"


def test_consequents_open_like_their_antecedents() -> None:
    found = 0
    for seed in range(20):
        piece = compose(Request(form="ABA", period="classical", seed=seed, duration=60, time_signature="4/4"))
        for index, section in enumerate(piece.sections):
            phrases = section.phrases or () if section.role != "return" else ()  # returns are ornamented
            for number in range(len(phrases) - 1):
                if (phrases[number].role, phrases[number + 1].role) == ("antecedent", "consequent"):
                    found += 1
                    assert _tune(piece, index, number)[:2] == _tune(piece, index, number + 1)[:2]
    assert found > 5


def test_the_periods_differ_in_chords_and_texture() -> None:
    chords = {}
    textures = {}
    for period in PERIODS:
        pieces = [compose(Request(period=period, seed=seed, valence=0.5)) for seed in range(12)]
        every = [chord for piece in pieces for section in piece.sections for chord in section.chord_progression]
        chords[period] = {
            "modal": sum(chord.startswith(("bVII", "bVI", "v")) and not chord.startswith("vi") for chord in every)
            / len(every),
            "chromatic": sum("/" in chord or chord[:2] in {"N6", "Ge", "iv"} for chord in every) / len(every),
        }
        textures[period] = {section.texture for piece in pieces for section in piece.sections}
    assert chords["modern"]["modal"] > 3 * chords["classical"]["modal"]
    assert chords["romantic"]["chromatic"] > 1.5 * chords["classical"]["chromatic"]
    assert "contrapuntal" in textures["baroque"]
    assert "alberti" in textures["classical"]
    assert "alberti" not in textures["romantic"]
    assert "nocturne" in textures["romantic"]


def test_the_last_note_is_the_tonic_and_holds() -> None:
    for seed in range(15):
        score = realize(compose(Request(seed=seed, form=FORM_IDS[seed % len(FORM_IDS)])))
        last = [note for note in score.notes if note.voice == 0][-1]
        assert last.onset + last.duration == Fraction(score.length, DIVISIONS)
        assert last.midi % 12 == score.sections[-1].key.pitch_class


def test_leitmotifs_carry_the_tags() -> None:
    piece = compose(Request(motif_tags=("light", "memory"), seed=2))
    assert [leitmotif.tag for leitmotif in piece.leitmotifs or ()] == ["light", "memory"]
    assert all(leitmotif.degrees for leitmotif in piece.leitmotifs or ())


@given(st.sampled_from(TIME_SIGNATURES), st.floats(0.3, 4), st.randoms(use_true_random=False))
def test_rhythms_fill_their_bar(signature: str, density: float, rng: object) -> None:
    meter = meter_of(signature)
    bar = bar_rhythm(meter, density, rng)  # type: ignore[arg-type]
    for rhythm in (bar, loosened(bar, meter, rng), livelier(bar, meter), livelier(bar, meter, triplets=True)):  # type: ignore[arg-type]
        assert sum(rhythm) == meter.bar
        assert min(rhythm) >= DIVISIONS // 8
    close = closing_bar(meter, rng, breath=True)  # type: ignore[arg-type]
    assert sum(map(abs, close)) == meter.bar
    assert close[0] > 0


@given(st.sampled_from(TIME_SIGNATURES), st.lists(st.floats(0.05, 16), max_size=20), st.integers(1, 2))
def test_any_motif_rhythm_fits_into_bars(signature: str, rhythm: list[float], bars: int) -> None:
    meter = meter_of(signature)
    fitted = fit(rhythm, meter, bars)
    assert 1 <= len(fitted) <= bars
    assert all(sum(bar) == meter.bar and min(bar) > 0 for bar in fitted)


def test_an_exact_reprise_asks_for_the_same_notes() -> None:
    import random

    meter = meter_of("4/4")
    notes = ((DIVISIONS, 0), (DIVISIONS, 2), (2 * DIVISIONS, None), (4 * DIVISIONS, 4))
    assert [len(bar) for bar in bars_of(notes, meter)] == [3, 1]
    back = bring_back(notes, meter, [0] * 64, "ornamented", random.Random(1), free=0.0)
    assert [slot.anchor for slot in back.slots] == [0, 2, None, 4]
    assert [slot.sounding for slot in back.slots] == [True, True, False, True]
    assert back.changed == 0
