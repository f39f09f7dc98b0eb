"""A hundred works that music21 carries come in as scores; two dozen of them are held against the score itself.

What is expected of those was written down from music21's own view of each score: signature, last bar's number, and, for
each fermata or repeat, the chords before it and the soprano over it. Only closes that leave no doubt are listed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from music21 import corpus

from workbench.core.compose.realize import realize
from workbench.core.generate.agreement import agrees
from workbench.core.library.importers import read_any
from workbench.core.music.structure import MusicStructure

pytestmark = pytest.mark.no_cover  # what it covers is covered by others, and measuring makes it twice as long
PARTS = 10
OTHERS = (
    "haydn/opus1no1/movement2", "haydn/opus1no1/movement3", "haydn/opus1no1/movement4", "haydn/opus1no1/movement5",
    "haydn/opus74no1/movement3", "mozart/k80/movement1", "mozart/k80/movement2", "mozart/k80/movement3",
    "mozart/k80/movement4", "mozart/k155/movement2", "mozart/k155/movement3", "mozart/k156/movement2",
    "mozart/k156/movement3", "mozart/k156/movement4", "mozart/k458/movement2", "mozart/k545/movement1_exposition",
    "beethoven/opus59no3/movement3", "schumann_robert/opus48no2", "schumann_clara/polonaise_op1n1",
    "schumann_clara/polonaise_op1n2", "schumann_clara/polonaise_op1n3", "schumann_clara/polonaise_op1n4",
    "corelli/opus3no1/1grave", "handel/rinaldo/Lascia_chio_pianga", "verdi/laDonnaEMobile", "liliuokalani/aloha_oe",
    "johnson_j_r/lift_every_voice", "joplin/maple_leaf_rag", "leadSheet/fosterBrownHair",
    "leadSheet/berlinAlexandersRagtime", "cpebach/h186", "lusitano/allor_che_ignuda", "monteverdi/madrigal.3.15",
    "monteverdi/madrigal.3.17", "monteverdi/madrigal.3.8", "monteverdi/madrigal.3.9", "monteverdi/madrigal.4.12",
    "monteverdi/madrigal.4.19", "monteverdi/madrigal.5.5", "monteverdi/madrigal.5.7", "beach/prayer_of_a_tired_child",
    "webern/webern_dormi_jesu_op_16_no_2",
)  # fmt: skip


class Known(NamedTuple):
    """What the score shows: key, meter, full bars, and closes by their bars."""

    key: str
    meter: str
    bars: int
    closes: dict[int, str]


KNOWN = {
    "bach/bwv66.6": Known("f# minor", "4/4", 9, {2: "PAC", 3: "PAC", 7: "HC"}),
    "bach/bwv253": Known("A major", "4/4", 10, {5: "PAC", 7: "HC", 10: "PAC"}),
    "bach/bwv254": Known("d minor", "4/4", 11, {3: "PAC", 6: "PAC", 7: "HC", 11: "PICARDY"}),
    "bach/bwv256": Known("a minor", "4/4", 10, {2: "PAC", 4: "PICARDY", 6: "HC", 8: "PAC", 10: "PICARDY"}),
    "bach/bwv257": Known("a minor", "4/4", 10, {2: "PAC", 4: "PAC", 6: "HC", 10: "PICARDY"}),
    "bach/bwv258": Known("b minor", "4/4", 10, {2: "PAC", 4: "PAC", 6: "HC", 8: "PAC", 10: "PAC"}),
    "bach/bwv259": Known("e minor", "4/4", 12, {4: "PAC", 6: "PAC", 8: "PAC", 10: "PAC", 12: "PICARDY"}),
    "bach/bwv260": Known("G major", "4/4", 10, {4: "PAC", 10: "PAC"}),
    "bach/bwv261": Known("b minor", "4/4", 20, {7: "PAC", 16: "PAC", 20: "PICARDY"}),
    "bach/bwv262": Known("D major", "4/4", 12, {4: "PAC", 8: "PAC", 12: "PAC"}),
    "bach/bwv263": Known("G major", "4/4", 12, {2: "PAC", 8: "PAC", 12: "PAC"}),
    "bach/bwv264": Known("G major", "4/4", 10, {2: "PAC", 4: "PAC", 10: "PAC"}),
    "bach/bwv265": Known("d minor", "4/4", 8, {4: "PICARDY", 8: "PICARDY"}),
    "bach/bwv266": Known("e minor", "3/4", 22, {9: "PAC", 15: "PAC", 22: "HC"}),
    "bach/bwv267": Known("G major", "4/4", 17, {4: "PAC", 6: "PAC", 12: "PAC", 17: "PAC"}),
    "bach/bwv268": Known("G major", "4/4", 11, {5: "PAC", 8: "HC", 11: "PAC"}),
    "bach/bwv269": Known("G major", "3/4", 21, {4: "HC", 7: "PAC", 10: "HC", 18: "HC", 21: "PAC"}),
    "haydn/opus1no1/movement2": Known("Bb major", "3/4", 62, {10: "IAC", 34: "IAC", 62: "PAC"}),
    "mozart/k80/movement3": Known("G major", "3/4", 52, {8: "PAC", 28: "PAC", 36: "PAC", 52: "PAC"}),
    "mozart/k155/movement2": Known("A major", "3/4", 50, {20: "PAC", 50: "PAC"}),
    "mozart/k156/movement3": Known("G major", "3/4", 62, {62: "PAC"}),
    "mozart/k156/movement4": Known("e minor", "4/4", 24, {10: "PAC", 24: "PAC"}),
    "schumann_clara/polonaise_op1n3": Known("D major", "3/4", 48, {8: "PAC", 24: "PAC"}),
    "corelli/opus3no1/1grave": Known("F major", "4/4", 19, {19: "PAC"}),
    "johnson_j_r/lift_every_voice": Known("Ab major", "6/8", 31, {15: "PAC", 31: "PAC"}),
}


@cache
def scores() -> dict[str, Path]:
    """The corpus' MusicXML files by a short name such as ``bach/bwv66.6``."""
    paths = [path for path in corpus.getCorePaths() if path.suffix in {".mxl", ".xml", ".musicxml"}]
    return {str(path.with_suffix("")).replace("\\", "/").partition("/corpus/")[2]: path for path in sorted(paths)}


def chosen() -> list[str]:
    """Every seventh of Bach's chorales, and the others."""
    chorales = [name for name in scores() if name.startswith("bach/bwv")]
    return [*chorales[::7], *OTHERS]


def structure_of(name: str) -> MusicStructure:
    path = scores()[name]
    (piece,) = read_any(path.name, path.read_bytes())
    assert piece.format == "musicxml"
    assert piece.structure is not None
    return piece.structure


def test_there_are_a_hundred() -> None:
    assert len(chosen()) == len(set(chosen())) >= 100
    assert set(chosen()) <= set(scores())
    assert len(KNOWN) >= 20


@pytest.mark.parametrize("part", range(PARTS))
def test_works_come_in_as_structures_that_agree_and_sound(part: int) -> None:
    for name in chosen()[part::PARTS]:
        structure = structure_of(name)
        assert agrees(structure), name
        assert realize(structure).measures == structure.measures, name
        assert any(phrase.melody for section in structure.sections for phrase in section.phrases or ()), name


@pytest.mark.parametrize("name", KNOWN)
def test_works_are_what_their_scores_show(name: str) -> None:
    structure, known = structure_of(name), KNOWN[name]
    closes: dict[int, str | None] = {}
    at = 0
    for section in structure.sections:
        for phrase in section.phrases or ():
            at += phrase.measures
            closes[at] = phrase.cadence
    assert structure.key == known.key
    assert structure.time_signature == known.meter
    assert structure.measures == known.bars
    assert {bar: closes.get(bar) for bar in known.closes} == known.closes
