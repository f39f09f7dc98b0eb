"""Forms as data agree with themselves."""

from __future__ import annotations

import pytest

from workbench.core.music.cadences import CADENCE_TYPES
from workbench.core.music.forms import FORM_IDS, FORMS, FormDescription
from workbench.core.music.keys import parse_key
from workbench.core.music.numerals import tonicized_key

ASKED_FOR = {"ABA", "rondo", "theme-variation", "sonata", "minuet-trio", "binary", "rounded-binary"}


def test_every_form_of_the_contract_is_there() -> None:
    assert set(FORM_IDS) == ASKED_FOR


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_a_form_holds_together(form: FormDescription) -> None:
    sections = (*form.opening, *form.cycle, *form.closing)
    names = {section.name for section in sections}
    assert form.opening
    assert form.meaning.endswith(".")
    assert (form.cycles[1] > 0) == bool(form.cycle)
    for section in sections:
        assert section.weight > 0
        assert section.cadence in CADENCE_TYPES
        assert not section.returns or section.returns in names
        assert section.major
        assert section.minor
        for numeral in section.major:
            assert tonicized_key(numeral, parse_key("C major"))
        for numeral in section.minor:
            assert tonicized_key(numeral, parse_key("a minor"))


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_a_form_begins_and_ends_at_home(form: FormDescription) -> None:
    assert form.opening[0].major[0] == "I"
    last = (*form.opening, *form.cycle, *form.closing)[-1]
    assert last.major[0] == "I"
    assert last.minor[0] == "i"
    assert last.cadence == "PAC"


def test_the_second_subject_of_a_sonata_leaves_and_comes_home() -> None:
    sections = {section.name: section for section in FORMS["sonata"].opening}
    assert sections["Exposition (S)"].major == ("V",)
    assert sections["Exposition (S)"].minor == ("III",)
    assert sections["Recapitulation (S)"].major == ("I",)
    assert sections["Recapitulation (S)"].returns == "Exposition (S)"
