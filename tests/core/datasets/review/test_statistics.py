import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.datasets.review.statistics import (
    EDGES,
    NAMES,
    Counts,
    bin_of,
    bins,
    count_piece,
    coverage_of_cells,
    degree_of,
    moved,
)
from workbench.core.library.coverage import coverage
from workbench.core.library.examples import load_examples
from workbench.core.music.keys import ALL_KEYS, parse_key
from workbench.core.music.moods import mood_word
from workbench.core.music.reading import read_structure
from workbench.core.music.structure import MusicStructure

CELLS = st.dictionaries(st.text(max_size=4), st.integers(0, 40), max_size=6)


def piece(sections: Sequence[dict[str, Any]], **changed: Any) -> MusicStructure:
    whole = {"key": "C major", "tempo": 100, "timeSignature": "4/4", "form": "rondo", "period": "baroque"}
    return read_structure({**whole, **changed, "sections": list(sections)})


def section(**changed: Any) -> dict[str, Any]:
    return {"name": "A", "key": "C major", "measures": 8, "chordProgression": ["I", "V7", "I"], **changed}


def counts_of(**tallies: dict[str, int]) -> Counts:
    counts = Counts(pieces=max((sum(tally.values()) for tally in tallies.values()), default=0))
    for name, tally in tallies.items():
        counts.tallies[name] = Counter(tally)
    return counts


def library() -> Counts:
    counts = Counts()
    for each in load_examples():
        mood = mood_word(each.request.valence, each.request.arousal)
        counts.add(each.structure, mood=mood, seconds=60, tokens=2_000)
    return counts


def test_a_piece_is_counted_once_in_each_of_its_own_facts():
    counts = count_piece(piece([section(cadence="PAC")]), mood="calm", seconds=44.9, tokens=500)
    assert counts.pieces == 1
    assert counts.tallies["cells"] == {"rondo|baroque|calm": 1}
    assert counts.tallies["keys"] == {"C major": 1}
    assert counts.tallies["seconds"] == {"30 to 45": 1}
    assert counts.tallies["tokens"] == {"500 to 1,000": 1}
    assert counts.tallies["measures"] == {"8 to 16": 1}


def test_phrases_tell_cadences_and_chords_where_there_are_any():
    phrases = [
        {"measures": 4, "cadence": "HC", "chords": ["I", "V"]},
        {"measures": 5, "cadence": "PAC", "chords": ["vii", "I"]},
    ]
    counts = count_piece(piece([section(cadence="DC", phrases=phrases)]), mood="calm", seconds=1, tokens=1)
    assert counts.tallies["cadences"] == {"HC": 1, "PAC": 1}
    assert counts.tallies["last_cadence"] == {"PAC": 1}
    assert counts.tallies["phrase_lengths"] == {"4": 1, "5": 1}
    assert counts.by_mode("chords") == {"major": {"I": 2, "V": 1, "viio": 1}, "minor": {}}


def test_sections_tell_cadences_and_chords_where_there_are_no_phrases():
    sections = [section(cadence="HC"), section(name="B", key="a minor", chordProgression=["i", "V", "i"])]
    counts = count_piece(piece(sections), mood="calm", seconds=1, tokens=1)
    assert counts.tallies["cadences"] == counts.tallies["last_cadence"] == {"HC": 1}
    assert not counts.tallies["phrase_lengths"]
    assert counts.by_mode("chords") == {"major": {"I": 2, "V7": 1}, "minor": {"i": 2, "V": 1}}
    assert counts.by_mode("local_keys")["major"] == {"I": 1, "vi": 1}


@pytest.mark.parametrize(
    ("key", "home", "degree"),
    [
        ("G major", "C major", "V"), ("a minor", "C major", "vi"), ("c minor", "C major", "i"),
        ("Ab major", "C major", "bVI"), ("F# major", "C major", "#IV"), ("Gb major", "C major", "bV"),
        ("Eb major", "c minor", "III"), ("E major", "c minor", "#III"), ("B major", "Ab major", "bIII"),
        ("E major", "Ab major", "bVI"), ("C# major", "f# minor", "V"), ("Db major", "c minor", "bII"),
    ],
)  # fmt: skip
def test_a_local_key_is_named_as_its_home_key_hears_it(key: str, home: str, degree: str):
    assert degree_of(parse_key(key), parse_key(home)) == degree


def test_keys_that_are_transposed_together_keep_their_degree():
    for home in ALL_KEYS:
        assert degree_of(home.dominant, home) == ("v" if home.is_minor else "V")
        assert degree_of(home.relative, home) == ("III" if home.is_minor else "vi")
        assert degree_of(home.parallel, home) == ("I" if home.is_minor else "i")


@given(st.sampled_from(sorted(EDGES)), st.floats(0, 1e6))
def test_every_value_lies_in_the_bin_that_names_it(name: str, value: float):
    at = bins(name).index(bin_of(name, value))
    edges = (0, *EDGES[name], float("inf"))
    assert edges[at] <= value < edges[at + 1]


def test_counts_of_parts_put_together_are_the_counts_of_the_whole():
    pieces = [each.structure for each in load_examples()]
    whole, parts = Counts(), Counts()
    for structure in pieces:
        whole.add(structure, mood="calm", seconds=50, tokens=900)
        parts.merge(count_piece(structure, mood="calm", seconds=50, tokens=900))
    assert parts == whole
    assert Counts.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_counts_without_a_name_that_was_added_later_can_still_be_read():
    assert Counts.from_dict({"pieces": 3}).tallies["meters"] == {}


def test_measured_categories_come_by_size_with_the_empty_ones_between():
    counts = counts_of(phrase_lengths={"10": 1, "2": 3, "4": 1, "300": 1}, seconds={"90 to 120": 1, "30 to 45": 2})
    assert list(counts.ordered("phrase_lengths"))[:4] == ["2", "3", "4", "5"]
    assert list(counts.ordered("phrase_lengths"))[-2:] == ["24", "300"]
    assert counts.ordered("seconds") == {"30 to 45": 2, "45 to 60": 0, "60 to 90": 0, "90 to 120": 1}


def test_a_form_that_nobody_knows_is_drawn_after_the_known_ones():
    ordered = counts_of(forms={"fugue": 2, "rondo": 1}).ordered("forms")
    assert list(ordered)[-1] == "fugue"
    assert ordered["sonata"] == 0


def test_counting_a_piece_takes_less_than_a_third_of_a_millisecond():
    structures = [each.structure for each in load_examples()]
    counts = Counts()

    def once() -> float:
        start = time.process_time()
        for structure in structures:
            counts.add(structure, mood="calm", seconds=50, tokens=900)
        return (time.process_time() - start) / len(structures)

    assert min(once() for _ in range(5)) < 0.0003


def test_the_same_counts_have_not_moved():
    assert moved(library(), library()) == []


def test_a_shift_of_a_few_pieces_is_within_noise():
    found = moved(counts_of(modes={"major": 52, "minor": 48}), counts_of(modes={"major": 48, "minor": 52}))
    assert [each.name for each in found] == ["modes"]
    assert found[0].noise is True
    assert found[0].distance == pytest.approx(0.04)
    assert "within noise: major 52.0 % to 48.0 %" in found[0].words


def test_a_large_shift_is_more_than_noise_and_comes_first():
    before = counts_of(modes={"major": 90, "minor": 10}, forms={"ABA": 50, "rondo": 50})
    after = counts_of(modes={"major": 40, "minor": 60}, forms={"ABA": 45, "rondo": 55})
    found = moved(before, after)
    assert [(each.name, each.noise) for each in found] == [("modes", False), ("forms", True)]
    assert found[0].shifts[0].category == "major"
    assert "more than noise" in found[0].words


def test_the_chance_of_a_shift_is_that_of_the_chi_square_test():
    # Agresti, Categorical Data Analysis: 50 of 100 against 30 of 100 gives X2 = 8.333 with one degree of freedom.
    found = moved(counts_of(modes={"major": 50, "minor": 50}), counts_of(modes={"major": 30, "minor": 70}))
    assert found[0].p == pytest.approx(0.003892, rel=1e-3)


def test_a_handful_of_pieces_is_too_few_to_tell():
    found = moved(counts_of(modes={"major": 3}), counts_of(modes={"minor": 3}))
    assert found[0].noise is None
    assert "too few to tell" in found[0].words


def test_rare_categories_are_tested_together():
    rare = {f"rare {at}": 1 for at in range(20)}
    found = moved(counts_of(forms={"ABA": 80} | rare), counts_of(forms={"ABA": 100}))
    assert found[0].noise is False


def test_chords_of_one_piece_do_not_count_as_so_many_witnesses():
    before, after = (
        counts_of(chords={"major|I": 600, "major|V": 400}),
        counts_of(chords={"major|I": 500, "major|V": 500}),
    )
    assert moved(before, after)[0].noise is False
    before.pieces = after.pieces = 10
    assert moved(before, after)[0].noise is not False


def test_variants_of_few_sources_do_not_count_as_so_many_pieces():
    before, after = counts_of(modes={"major": 600, "minor": 400}), counts_of(modes={"major": 500, "minor": 500})
    assert moved(before, after)[0].noise is False
    assert moved(before, after, sources=(50, 50))[0].noise is True


@settings(max_examples=60, deadline=None)
@given(CELLS, CELLS, st.integers(0, 60), st.integers(0, 60))
def test_any_two_counts_can_be_compared(one: dict[str, int], other: dict[str, int], first: int, second: int):
    before, after = counts_of(forms=one, chords=one), counts_of(forms=other, chords=other)
    before.pieces, after.pieces = first, second
    for each in moved(before, after):
        assert 0 < each.distance <= 1 + 1e-9
        assert each.p is None or 0 <= each.p <= 1
        assert each.words.endswith(".")


def test_holes_of_a_version_are_those_of_the_library_it_was_made_from():
    counts = library()
    map_of_counts, map_of_pieces = coverage_of_cells(counts.tallies["cells"]), coverage(load_examples())
    assert map_of_counts.holes == map_of_pieces.holes
    assert map_of_counts.filled == map_of_pieces.filled
    assert map_of_counts.held(form="rondo").count == map_of_pieces.held(form="rondo").count
    assert map_of_counts.holes[0].words.startswith("There is no ")


def test_cells_outside_the_map_are_named_and_still_counted():
    found = coverage_of_cells({"fugue|baroque|calm": 2, "a|b|baroque|calm": 1, "rondo|baroque|calm": 3})
    assert found.outside == ("a|b|baroque|calm", "fugue|baroque|calm")
    assert found.total == 6


def test_every_name_has_a_title_and_a_place():
    assert set(Counts().tallies) == set(NAMES)
