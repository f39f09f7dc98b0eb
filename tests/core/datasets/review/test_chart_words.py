from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.datasets.review.chart_words import NONE, beside_words, chart_words, coverage_words
from workbench.core.datasets.review.statistics import NAMES, Counts, Moved, coverage_of_cells
from workbench.core.library.examples import load_examples
from workbench.core.music.moods import mood_word


def counts_of(**tallies: dict[str, int]) -> Counts:
    counts = Counts()
    for name, tally in tallies.items():
        counts.tallies[name] = Counter(tally)
    return counts


@pytest.mark.parametrize(
    ("name", "tally", "said"),
    [
        ("moods", {"calm": 3, "warm": 1}, "75 % of the pieces are calm; none are agitated, excited"),
        ("keys", {"C major": 2, "a minor": 1, "Gb major": 1}, "3 of 24 keys occur, C major the most often with 50 %"),
        ("keys", {"F# major": 1, "Gb major": 1}, "1 of 24 keys occur"),
        ("cadences", {"HC": 3, "PAC": 1}, "The most frequent is the half cadence with 75 %."),
        ("phrase_lengths", {"4": 3, "5": 1}, "75 % of the phrases have 4 bars; 75 % are multiples of four."),
        ("seconds", {"30 to 45": 1, "45 to 60": 3, "90 to 120": 1}, "The middle piece lasts 45 to 60 seconds"),
        ("tokens", {"under 500": 4}, "Every row has under 500 tokens."),
        ("meters", {"3/4": 1, "4/4": 3}, "2 meters occur; the most frequent is 4/4 with 75 %."),
        ("meters", {"4/4": 3}, "1 meter occurs"),
    ],
)
def test_a_chart_answers_its_question_in_a_sentence(name: str, tally: dict[str, int], said: str):
    assert said in chart_words(name, counts_of(**{name: tally}))


def test_chords_are_told_of_one_mode():
    counts = counts_of(chords={"major|I": 6, "major|V7": 3, "major|IV": 1, "minor|i": 5})
    assert chart_words("chords", counts) == "3 different chords occur in major; I, V⁷ and IV make up 100 %."
    assert chart_words("chords", counts, mode="minor") == "The only chord in minor is i."


def test_cadences_far_from_real_music_are_told_and_others_said_to_be_near():
    square = counts_of(cadences={"PAC": 90, "HC": 10})
    assert "in sonatas by Mozart, Beethoven and Corelli it is" in chart_words("cadences", square)
    mozart = counts_of(cadences={"PAC": 528, "HC": 398, "IAC": 69, "DC": 120}, last_cadence={"PAC": 53, "IAC": 1})
    assert chart_words("cadences", mozart).endswith("That is near what annotated sonatas have.")


def test_coverage_is_told_of_all_moods_and_of_one():
    found = coverage_of_cells({"rondo|baroque|calm": 2, "sonata|modern|warm": 5})
    assert coverage_words(found).startswith("2 of 252 combinations of form, period and mood have a row; the fullest is")
    assert coverage_words(found, "calm").startswith("1 of 28 combinations of form and period has a row")
    assert coverage_words(found, "serene") == "None of the 28 combinations of form and period has a row."


def test_what_stands_beside_is_told_with_whether_it_is_noise():
    assert beside_words(None, "the library") == "It is the same in the library."
    move = Moved("moods", 0.25, (), 0.001)
    assert beside_words(move, "small 1") == "25 % of it lies elsewhere than in small 1, more than noise."


def test_every_name_has_words_for_the_shipped_library_and_for_nothing():
    counts = Counts()
    for each in load_examples():
        mood = mood_word(each.request.valence, each.request.arousal)
        counts.add(each.structure, mood=mood, seconds=60, tokens=2_000)
    for name in NAMES:
        assert chart_words(name, counts).endswith(".")
        assert chart_words(name, Counts()) == NONE


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=12), st.integers(1, 40), min_size=1, max_size=5))
def test_foreign_forms_and_meters_are_told_too(tally: dict[str, int]):
    placed = counts_of(cells={f"{form}|baroque|calm": count for form, count in tally.items()})
    assert chart_words("cells", placed).endswith(".")
    for name in ("forms", "meters", "periods", "cadences", "local_keys"):
        assert chart_words(name, counts_of(**{name: tally})).endswith(".")
