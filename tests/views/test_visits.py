"""A visit keeps its takes, within bounds, and knows each only once."""

from __future__ import annotations

from workbench.core.music.request import Request
from workbench.views.details import on_paper, plain
from workbench.core.music.moods import mood_word
from workbench.views.visits import MAX_TAKES, MAX_VISITS, Take, Visit, Visits


def _take(number: int) -> Take:
    return Take(f"{number:016x}", Request(), number)


def test_a_take_made_twice_is_kept_once() -> None:
    visit = Visit()
    first = visit.keep(_take(1))
    assert visit.keep(_take(1)) is first
    assert visit.takes == [first]
    assert visit.find(first.piece_id) is first
    assert visit.find("unknown") is None


def test_only_the_latest_takes_and_visits_are_kept() -> None:
    visit, visits = Visit(), Visits()
    for number in range(MAX_TAKES + 5):
        visit.keep(_take(number))
    assert visit.takes[0].seed == 5
    first = visits.of("first")
    assert visits.of("first") is first
    for number in range(MAX_VISITS):
        visits.of(str(number))
    assert visits.of("first") is not first


def test_a_take_from_a_file_is_linked_by_its_id() -> None:
    assert Take("abc", None, None).link == {"piece": "abc"}
    assert _take(7).link == {"seed": "7"}


def test_every_mood_has_a_word() -> None:
    assert mood_word(-1, 1) == "agitated"
    assert mood_word(1, 1) == "joyful"
    assert mood_word(-1, 0) == "melancholic"
    assert mood_word(1, 0) == "serene"
    assert mood_word(0, 0.5) == "thoughtful"


def test_texts_from_files_are_shown_letter_by_letter() -> None:
    assert plain("*a* [b](c) $d$ <e>") == r"\*a\* \[b\]\(c\) \$d\$ \<e\>"


def test_the_score_lies_on_paper_in_either_theme() -> None:
    assert on_paper('<?xml version="1.0"?><svg width="1"><g/></svg>').index("<rect") > 0
