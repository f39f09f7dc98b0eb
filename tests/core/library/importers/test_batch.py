"""Many files: nothing comes in twice, one that fails stops nothing, a person may, and tables find their tunes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from workbench.core.library.importers import Arrived, Failure, Outcome, Skipped, batch, digest_of, import_many
from workbench.core.library.importers.registry import ImportedPiece

GOOD = b"Time Signature: 4/4\nm1 C: I\nm2 V\nm3 I ||\n"
OTHER = b"Time Signature: 3/4\nm1 a: i\nm2 V\nm3 i ||\n"
TABLE = (
    b"mc\tmn\tmn_onset\ttimesig\tvolta\tglobalkey\tlocalkey\tchord\tcadence\tphraseend\n"
    b"1\t1\t0\t4/4\t\tC\tI\tI\t\t{\n2\t2\t0\t4/4\t\tC\tI\tV7\t\t\n3\t3\t0\t4/4\t\tC\tI\tI\tPAC\t}\n"
)
NOTES = (
    b"mn\tmn_onset\tduration_qb\tstaff\tgracenote\ttied\ttpc\tmidi\n"
    b"1\t0\t4\t1\t\t\t1\t67\n2\t0\t4\t1\t\t\t2\t74\n3\t0\t4\t1\t\t\t0\t72\n"
)


def names(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(type(outcome).__name__, outcome.name) for outcome in outcomes]


def test_it_goes_on_after_failures() -> None:
    outcomes = list(import_many([("a.rntxt", GOOD), ("b.mid", b"MThd"), ("c.xml", b"\x00"), ("d.rntxt", OTHER)]))
    assert names(outcomes) == [
        ("Arrived", "a.rntxt"),
        ("Failure", "b.mid"),
        ("Failure", "c.xml"),
        ("Arrived", "d.rntxt"),
    ]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert all(outcome.error.hint for outcome in failed)


def test_nothing_comes_in_twice() -> None:
    digest = digest_of(OTHER)
    outcomes = list(
        import_many([("a.rntxt", GOOD), ("b.txt", GOOD), ("c.rntxt", OTHER)], known=lambda each: each == digest)
    )
    assert names(outcomes) == [("Arrived", "a.rntxt"), ("Skipped", "b.txt"), ("Skipped", "c.rntxt")]
    whys = [outcome.why for outcome in outcomes if isinstance(outcome, Skipped)]
    assert whys == ["The same content came before.", "It has been imported before."]
    assert len({outcome.digest for outcome in outcomes}) == 2


def test_it_can_be_stopped_between_files() -> None:
    done: list[str] = []
    given = import_many(
        [("a.rntxt", GOOD), ("b.rntxt", OTHER)],
        stop=lambda: bool(done),
        progress=lambda count, name: done.append(f"{count} {name}"),
    )
    assert names(list(given)) == [("Arrived", "a.rntxt")]
    assert done == ["1 a.rntxt"]


def test_files_are_taken_one_at_a_time() -> None:
    taken: list[str] = []

    def files() -> Iterator[tuple[str, bytes]]:
        for name in ("a.rntxt", "b.rntxt"):
            taken.append(name)
            yield name, GOOD if name[0] == "a" else OTHER

    given = import_many(files())
    next(given)
    assert taken == ["a.rntxt"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_table_waits_for_its_notes(order: tuple[int, int]) -> None:
    pair = [("harmonies/K1.harmonies.tsv", TABLE), ("notes/K1.notes.tsv", NOTES)]
    outcomes = list(import_many([pair[order[0]], ("a.rntxt", GOOD), pair[order[1]]]))
    assert names(outcomes) == [("Arrived", "a.rntxt"), ("Arrived", "harmonies/K1.harmonies.tsv")]
    arrived = outcomes[1]
    assert isinstance(arrived, Arrived)
    structure = arrived.pieces[0].structure
    assert structure is not None
    assert (structure.sections[0].phrases or ())[0].melody is not None


def test_a_table_without_a_partner_comes_by_itself() -> None:
    outcomes = list(import_many([("K1.harmonies.tsv", TABLE), ("K2.notes.tsv", NOTES), ("a.rntxt", GOOD)]))
    assert names(outcomes) == [("Arrived", "a.rntxt"), ("Arrived", "K1.harmonies.tsv"), ("Failure", "K2.notes.tsv")]


def test_with_its_tune_a_table_is_another_piece() -> None:
    alone, both = digest_of(TABLE), digest_of(TABLE, NOTES)
    assert alone != both
    (outcome,) = import_many([("K1.harmonies.tsv", TABLE), ("K1.notes.tsv", NOTES)], known=lambda each: each == alone)
    assert isinstance(outcome, Arrived)
    assert outcome.digest == both


def test_tables_do_not_wait_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_WAITING", len(TABLE))
    given = import_many([(f"K{number}.harmonies.tsv", TABLE.replace(b"V7", b"V" * number)) for number in (1, 2, 3)])
    assert next(given).name == "K1.harmonies.tsv"
    assert [outcome.name for outcome in given] == ["K2.harmonies.tsv", "K3.harmonies.tsv"]


def test_of_json_lines_the_good_ones_arrive_and_the_bad_ones_are_told() -> None:
    section = {"name": "A", "key": "C", "measures": 4, "chordProgression": ["I", "V", "I"]}
    piece = {"key": "C", "tempo": 90, "timeSignature": "4/4", "form": "binary", "sections": [section]}
    outcomes = list(import_many([("x.jsonl", f"{json.dumps(piece)}\n{{broken\n".encode())]))
    assert names(outcomes) == [("Arrived", "x.jsonl"), ("Failure", "x.jsonl#2")]


def test_a_fault_of_ours_ends_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, data: bytes, **_: object) -> tuple[ImportedPiece, ...]:
        raise ZeroDivisionError

    monkeypatch.setattr(batch, "read_any", broken)
    (outcome,) = import_many([("a.rntxt", GOOD)])
    assert isinstance(outcome, Failure)
    assert "ZeroDivisionError" in outcome.error.message
    assert outcome.error.hint
