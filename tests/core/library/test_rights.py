"""Rights fail closed: what is missing, contradictory or unknown means no, and each verdict says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InvalidInputError
from workbench.core.library.rights import (
    BASES,
    LAYERS,
    USES,
    Layer,
    Rights,
    contradiction,
    licences,
    may,
    missing,
    own_rights,
    public_domain,
    read_rights,
    uses_of,
)

TODAY = date(2026, 11, 24)
OWN = own_rights("AIRIA Workbench", "written for this library")


def allowed(rights: Rights) -> set[str]:
    return {use for use in USES if may(rights, use, today=TODAY)}


def with_layer(**changes: object) -> Rights:
    """Own rights with another work layer."""
    return Rights((Layer("work", **changes), *OWN.layers[1:]))  # type: ignore[arg-type]


BACH = with_layer(
    holder="public domain", basis="public domain", source="BWV 996", evidence="Bach died in 1750.", author="J. S. Bach",
    died=1750, published=1866,
)  # fmt: skip


def test_own_work_under_cc0_may_be_used_for_everything() -> None:
    assert allowed(OWN) == set(USES)
    assert missing(OWN) == ()


def test_a_work_in_the_public_domain_may_be_used_and_says_since_when() -> None:
    assert allowed(BACH) == set(USES)
    assert "public domain" in " ".join(uses_of(BACH, today=TODAY)["training"].reasons)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_missing_layer_means_no_to_everything(layer: str) -> None:
    rights = Rights(tuple(each for each in OWN.layers if each.layer != layer))
    assert allowed(rights) == set()
    assert missing(rights)


@pytest.mark.parametrize("name", ["holder", "source", "licence", "basis"])
@pytest.mark.parametrize("layer", range(3))
def test_each_missing_answer_means_no(name: str, layer: int) -> None:
    layers = list(OWN.layers)
    layers[layer] = replace(layers[layer], **{name: ""})
    rights = Rights(tuple(layers))
    assert allowed(rights) == set()
    assert missing(rights)
    assert all(uses_of(rights, today=TODAY)[use].reasons for use in USES)


@pytest.mark.parametrize("name", ["author", "evidence", "died", "published"])
def test_the_public_domain_needs_author_years_and_evidence(name: str) -> None:
    layer = replace(BACH.layer("work"), **{name: None if name in {"died", "published"} else ""})
    assert allowed(Rights((layer, *OWN.layers[1:]))) == set()


def test_a_licence_that_is_not_known_means_no() -> None:
    assert allowed(with_layer(holder="X", basis="licence", licence="CC-BY-99.0", source="Y")) == set()


@pytest.mark.parametrize(
    ("licence", "uses"),
    [
        ("CC-BY-4.0", set(USES)),
        ("MIT", set(USES)),
        ("CC-BY-NC-4.0", {"prompt", "training", "sharing"}),
        ("CC-BY-NC-SA-4.0", {"prompt", "sharing"}),
        ("CC-BY-SA-4.0", {"prompt", "commercial_prompt", "sharing"}),
        ("CC-BY-ND-4.0", {"sharing"}),
        ("LicenseRef-all-rights-reserved", set()),
    ],
)
def test_a_licence_allows_what_it_allows(licence: str, uses: set[str]) -> None:
    rights = with_layer(holder="X", basis="licence", licence=licence, source="Y")
    assert allowed(rights) == uses
    for use in set(USES) - uses:
        assert licence in " ".join(uses_of(rights, today=TODAY)[use].reasons)


def test_the_strictest_layer_decides() -> None:
    layers = list(BACH.layers)
    layers[2] = Layer("annotation", "DCML", "licence", "CC-BY-NC-SA-4.0", "the Mozart sonatas")
    assert allowed(Rights(tuple(layers))) == {"prompt", "sharing"}


def test_a_keepers_no_is_no() -> None:
    assert allowed(replace(OWN, training=False)) == set(USES) - {"training", "commercial_training"}
    assert allowed(replace(OWN, prompt=False)) == set(USES) - {"prompt", "commercial_prompt"}


@pytest.mark.parametrize(
    ("died", "published", "eu", "japan", "usa"),
    [
        (1750, 1725, True, True, True),
        (1925, 1888, True, True, True),  # Satie
        (1955, 1930, True, True, True),
        (1956, 1931, False, True, False),
        (1957, 1930, False, False, True),  # wartime years may be added in Japan
        (1967, 1940, False, False, False),
        (1971, 1958, False, False, False),  # Stravinsky
        (None, 1900, False, False, True),
        (1900, None, True, True, False),
        (None, None, False, False, False),
    ],
)
def test_the_public_domain_is_counted_by_place(
    died: int | None, published: int | None, eu: bool, japan: bool, usa: bool
) -> None:
    verdicts = public_domain(died=died, published=published, today=TODAY)
    assert (verdicts["EU"].holds, verdicts["Japan"].holds, verdicts["USA"].holds) == (eu, japan, usa)
    assert all(verdict.why.endswith(".") for verdict in verdicts.values())


def test_protection_runs_to_the_end_of_the_year() -> None:
    assert not public_domain(died=1956, published=1900, today=date(2026, 12, 31))["EU"].holds
    assert public_domain(died=1956, published=1900, today=date(2027, 1, 1))["EU"].holds
    assert not public_domain(died=1900, published=1931, today=date(2026, 12, 31))["USA"].holds
    assert public_domain(died=1900, published=1931, today=date(2027, 1, 1))["USA"].holds


@pytest.mark.parametrize(
    "layer",
    [
        Layer("work", "X", "public domain", "CC-BY-4.0", "Y", "Z", "A", 1700, 1700),
        Layer("work", "X", "own work", "CC0-1.0", "Y", died=1900),
        Layer("work", "X", "own work", "LicenseRef-all-rights-reserved", "Y"),
        Layer("work", "X", "public domain", "", "Y", "Z", "A", 1500, 1950),
    ],
)
def test_a_contradiction_means_no(layer: Layer) -> None:
    assert contradiction(layer)
    assert allowed(Rights((layer, *OWN.layers[1:]))) == set()


def test_rights_read_back_as_they_were_written() -> None:
    for rights in (OWN, BACH):
        assert read_rights(rights.to_dict()) == rights


def test_what_nobody_said_is_not_offered() -> None:
    assert allowed(read_rights({"layers": OWN.to_dict()["layers"]})) == {"sharing"}


@pytest.mark.parametrize(
    "data",
    [
        None, [], "x", {"other": 1}, {"layers": 3}, {"layers": [{}]}, {"layers": [{"layer": "cover"}]},
        {"layers": [{"layer": "work", "basis": "found it"}]}, {"layers": [{"layer": "work", "died": "1750"}]},
        {"layers": [{"layer": "work", "died": True}]}, {"layers": [{"layer": "work", "holder": "x" * 2000}]},
        {"layers": [{"layer": "work"}] * 2}, {"layers": [{"layer": "work"}] * 9}, {"layers": [], "prompt": "yes"},
        {"layers": [{"layer": "work", "secret": 1}]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_rights_is_refused_with_a_hint(data: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_rights(data)
    assert caught.value.hint


LAYER = st.builds(
    Layer,
    layer=st.sampled_from(LAYERS),
    holder=st.sampled_from(["", "X"]),
    basis=st.sampled_from(["", *BASES]),
    licence=st.sampled_from(["", "odd", *licences()]),
    source=st.sampled_from(["", "Y"]),
    evidence=st.sampled_from(["", "Z"]),
    author=st.sampled_from(["", "A"]),
    died=st.none() | st.integers(1500, 2030),
    published=st.none() | st.integers(1500, 2030),
)


@given(layers=st.lists(LAYER, max_size=3), prompt=st.booleans(), training=st.booleans())
def test_no_use_is_ever_allowed_on_incomplete_rights(layers: list[Layer], prompt: bool, training: bool) -> None:
    rights = Rights(tuple(layers), prompt, training)
    uses = uses_of(rights, today=TODAY)
    if missing(rights):
        assert not any(use.allowed for use in uses.values())
    if uses["commercial_training"].allowed:
        assert uses["training"].allowed
        assert training
    if uses["commercial_prompt"].allowed:
        assert uses["prompt"].allowed
        assert prompt
    assert all(use.reasons for use in uses.values())
