from collections import Counter

import pytest

from workbench.core.datasets.review.balance import balance_faults, unlike_real_music
from workbench.core.datasets.review.statistics import Counts, coverage_of_cells


def counts_of(**tallies: dict[str, int]) -> Counts:
    counts = Counts(pieces=max((sum(tally.values()) for tally in tallies.values()), default=0))
    for name, tally in tallies.items():
        counts.tallies[name] = Counter(tally)
    return counts


def test_music_like_mozarts_is_not_unlike_real_music():
    mozart = {"PAC": 528, "HC": 398, "IAC": 69, "DC": 38}
    lengths = {"4": 30, "5": 9, "8": 18, "9": 5, "6": 38}
    assert (
        unlike_real_music(counts_of(cadences=mozart, phrase_lengths=lengths, last_cadence={"PAC": 53, "IAC": 1})) == []
    )


def test_too_many_full_closes_and_too_square_phrases_are_told_in_words():
    told = unlike_real_music(counts_of(cadences={"PAC": 90, "HC": 10}, phrase_lengths={"4": 98, "8": 2}))
    assert (
        "90 % of the cadences are perfect authentic; in sonatas by Mozart, Beethoven and Corelli it is 45 to 66 %."
        in told
    )
    assert "98 % of the phrases have 4 or 5 bars; in sonatas by Mozart and Beethoven it is 28 to 39 %." in told


def test_a_few_cadences_are_not_compared_with_real_music():
    assert unlike_real_music(counts_of(cadences={"PAC": 29})) == []


def balanced() -> Counts:
    return counts_of(
        forms=dict.fromkeys(
            ("ABA", "rondo", "theme-variation", "sonata", "minuet-trio", "binary", "rounded-binary"), 100
        ),
        periods=dict.fromkeys(("baroque", "classical", "romantic", "modern"), 175),
        modes={"major": 350, "minor": 350},
        moods={mood: 70 for row in coverage_of_cells({}).cells for mood in [row.mood]},
        keys={"C major": 200, "G major": 200, "a minor": 300 - 100, "e minor": 100},
    )


def test_a_balanced_version_has_no_faults():
    assert balance_faults(balanced(), {"train": 560, "validation": 70}) == []


@pytest.mark.parametrize(
    ("name", "tally", "said"),
    [
        ("modes", {"major": 700}, "None of the 700 pieces is in minor."),
        ("forms", {"ABA": 600, "rondo": 100}, "86 % of the pieces have the form ABA."),
        ("keys", {"C major": 300, "G major": 200, "F major": 200}, "43 % of the pieces have the home key C major."),
        (
            "periods",
            {"baroque": 690, "classical": 4, "romantic": 3, "modern": 3},
            "Only 4 of 700 pieces have the period",
        ),
        ("moods", {"calm": 400, "warm": 300}, "pieces has the moods agitated, excited, joyful"),
    ],
)
def test_each_kind_of_imbalance_is_a_warning_in_its_own_words(name: str, tally: dict[str, int], said: str):
    counts = balanced()
    counts.tallies[name] = Counter(tally)
    faults = balance_faults(counts)
    assert any(said in fault.message for fault in faults)
    assert {(fault.check, fault.severity) for fault in faults} == {(f"balance.{name}", "warning")}
    assert all(fault.hint for fault in faults)


def test_what_a_recipe_asked_for_is_no_imbalance():
    counts = balanced()
    counts.tallies["modes"], counts.tallies["forms"] = Counter(minor=700), Counter(ABA=350, rondo=350)
    assert balance_faults(counts, sought={"modes": ("minor",), "forms": ("ABA", "rondo")}) == []


def test_a_split_with_fewer_than_ten_rows_is_told():
    told = [str(fault) for fault in balance_faults(Counts(), {"train": 9, "validation": 10, "test": 0})]
    assert told == [
        "The train split has 9 rows. OpenAI takes no file with fewer than 10.",
        "The test split has no rows. OpenAI takes no file with fewer than 10.",
    ]
