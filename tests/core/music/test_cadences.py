"""Six cadences, from open to closed."""

from __future__ import annotations

from workbench.core.music.cadences import CADENCE_TYPES, CADENCES, strength


def test_every_type_is_described() -> None:
    assert tuple(CADENCES) == CADENCE_TYPES
    for type_, cadence in CADENCES.items():
        assert cadence.type == type_
        assert 0 < cadence.strength <= 1
        assert cadence.meaning.endswith(".")


def test_a_perfect_cadence_closes_more_than_an_imperfect_one_and_that_more_than_a_half() -> None:
    assert strength("PAC") > strength("IAC") > strength("PC") > strength("HC") > strength("DC") > strength(None)
    assert strength("PICARDY") == strength("PAC")
    assert strength("no such cadence") == 0
