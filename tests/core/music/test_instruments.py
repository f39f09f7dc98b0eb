"""Who plays: instruments, and what a free text asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.music.instruments import INSTRUMENTS, ensemble_for


def test_instruments_have_programs_and_ranges() -> None:
    assert len({instrument.program for instrument in INSTRUMENTS.values()}) == len(INSTRUMENTS)
    for instrument in INSTRUMENTS.values():
        assert 0 <= instrument.program <= 127
        assert 21 <= instrument.low < instrument.high <= 108
        assert instrument.clef in {"treble", "alto", "bass"}
        assert instrument.high - instrument.low >= 24


@pytest.mark.parametrize(
    ("text", "players"),
    [
        (None, ("Piano",) * 4),
        ("", ("Piano",) * 4),
        ("something unheard of", ("Piano",) * 4),
        ("solo piano", ("Piano",) * 4),
        ("ピアノ", ("Piano",) * 4),
        ("String Quartet", ("Violin", "Violin", "Viola", "Cello")),
        ("Streichquartett", ("Violin", "Violin", "Viola", "Cello")),
        ("woodwind quintet", ("Flute", "Oboe", "Clarinet", "Bassoon")),
        ("brass", ("Trumpet", "Trumpet", "Horn", "Trombone")),
        ("flute and piano", ("Flute", "Piano", "Piano", "Piano")),
        ("cello with harpsichord", ("Cello", "Harpsichord", "Harpsichord", "Harpsichord")),
        ("SATB choir", ("Choir",) * 4),
        ("flute", ("Flute", "Violin", "Viola", "Cello")),
        ("violoncello", ("Violin", "Violin", "Viola", "Cello")),
        ("english horn", ("English horn", "Viola", "Viola", "Cello")),
        ("oboe and bassoon", ("Oboe", "Oboe", "Oboe", "Bassoon")),
        ("violin, flute and cello", None),
    ],
)
def test_texts_name_ensembles(text: str | None, players: tuple[str, ...] | None) -> None:
    ensemble = ensemble_for(text)
    names = tuple(player.name for player in (ensemble.melody, ensemble.alto, ensemble.tenor, ensemble.bass))
    if players is not None:
        assert names == players
    assert ensemble.bass.low <= 45


def test_keyboards_know_themselves() -> None:
    assert ensemble_for("piano").is_keyboard
    assert ensemble_for("violin and piano").accompanied_by_keyboard
    assert not ensemble_for("string quartet").is_keyboard
    assert not ensemble_for("string quartet").accompanied_by_keyboard


@given(
    st.text(max_size=60) | st.lists(st.sampled_from([*INSTRUMENTS, "and", "quartet", "solo"]), max_size=8).map(" ".join)
)
def test_any_text_names_someone_who_can_play(text: str) -> None:
    ensemble = ensemble_for(text)
    assert ensemble.melody.high >= 69
    assert ensemble.bass.low <= 48
