"""Refining passes mend what they name, and never make anything worse."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from benchmarks.spread import draw_requests
from tests.core.checks.music import broken, good, plain
from workbench.core.checks import check
from workbench.core.compose import compose
from workbench.core.compose.refine import all_passes, refine
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, Phrase, Section

PIECES, CHUNKS = 1000, 20


def _phrase(section: int, number: int, **fields: Any) -> Any:
    return lambda data: data["sections"][section]["phrases"][number].update(fields)


def test_good_music_is_left_alone() -> None:
    refined = refine(good(), request=Request(duration=48, tempo=120))
    assert refined.steps == ()
    assert refined.structure == good()


def test_a_minor_dominant_before_the_tonic_is_raised() -> None:
    refined = refine(plain(["i", "iv", "v", "i"], key="a minor"), passes={"leading-tone-raised"})
    assert refined.structure.sections[0].chord_progression == ("i", "iv", "V", "i")
    assert refined.steps[0].paths == ("/sections/0/chordProgression/2",)


def test_cadences_are_made_as_planned() -> None:
    wrong = broken(_phrase(0, 0, chords=["I", "V7", "I", "IV"]))
    step = refine(wrong, passes={"cadence-as-planned"}).steps[0]
    assert (step.after.sections[0].phrases or ())[0].chords == ("I", "V7", "I", "V")
    assert step.after.sections[0].chord_progression[3] == "V"
    for tag, end in (("PAC", ("V7", "I")), ("DC", ("V7", "vi")), ("PC", ("IV", "I")), ("IAC", ("V7", "I"))):
        piece = broken(_phrase(2, 1, chords=["I", "ii", "iii", "iii"], chordBeats=[4] * 4, cadence=tag))
        chords = (refine(piece, passes={"cadence-as-planned"}).structure.sections[2].phrases or ())[1].chords or ()
        assert chords[-2:] == end


def test_the_tune_arrives_with_the_cadence() -> None:
    wrong = broken(_phrase(2, 1, melody={"degrees": [3, 4, 2], "rhythm": [12, 2, 2]}))
    tune = (refine(wrong, passes={"tune-arrives"}).structure.sections[2].phrases or ())[1].melody
    assert tune is not None
    assert tune.degrees == (3, 4, 1)


def test_an_antecedent_is_opened() -> None:
    wrong = broken(_phrase(0, 0, cadence="PAC", chords=["I", "IV", "V7", "I"]))
    refined = refine(wrong)
    first = (refined.structure.sections[0].phrases or ())[0]
    assert (first.cadence, (first.chords or ())[-1]) == ("HC", "V")


def test_copied_bars_are_broken_up() -> None:
    wrong = broken(_phrase(0, 0, melody={"degrees": [1, 3, 2, 1] * 4, "rhythm": [1] * 16}))
    tune = (refine(wrong, passes={"melody-unblocked"}).structure.sections[0].phrases or ())[0].melody
    assert tune is not None
    assert tune.degrees[:8] == (1, 3, 2, 1, 2, 4, 3, 2)


def test_the_length_is_fitted_by_tempo_or_by_bars() -> None:
    quick = refine(good(), request=Request(duration=45), passes={"measures-fitted"})
    assert quick.structure.tempo == 128
    loose = plain(["I", "IV", "V", "I"], measures=8)
    fitted = refine(loose, request=Request(duration=60, tempo=100), passes={"measures-fitted"}).structure
    assert abs(fitted.measures * 2.4 - 60) <= 2.4


def test_a_dominant_is_prepared() -> None:
    wrong = broken(
        lambda data: data["sections"][2]["phrases"][1].update(
            chords=["I", "IV", "vi", "I", "V7", "I"], chordBeats=[4, 4, 2, 2, 2, 2], melody=None
        )
    )
    chords = (refine(wrong, passes={"dominant-prepared"}).structure.sections[2].phrases or ())[1].chords
    assert chords == ("I", "IV", "vi", "ii6", "V7", "I")


def test_a_tune_without_a_high_point_gets_one() -> None:
    flat = {"degrees": [1, 3, 4, 3] * 4, "rhythm": [1] * 16}

    def level(data: Any) -> None:
        for section in data["sections"]:
            section["key"] = "D major"
            for each in section["phrases"]:
                each["melody"] = flat

    refined = refine(broken(level), passes={"climax-placed"}).structure
    tops = [
        max(degree for degree in phrase.melody.degrees if isinstance(degree, int))
        for section in refined.sections
        for phrase in section.phrases or ()
        if phrase.melody
    ]
    assert sorted(tops) == [4, 4, 4, 4, 4, 11]
    assert tops.index(11) in {3, 4}


def test_passes_can_be_switched_off_and_explain_themselves() -> None:
    wrong = plain(["i", "iv", "v", "i"], key="a minor")
    assert refine(wrong, passes=()).steps == ()
    assert len({each.id for each in all_passes()}) == len(all_passes()) >= 8
    assert all(each.explanation.endswith(".") and each.title for each in all_passes())


def _worse(before: MusicStructure, after: MusicStructure, request: Request) -> Counter[str]:
    profile = before.period or "classical"

    def counts(piece: MusicStructure) -> Counter[str]:
        findings = check(piece, request=request, profile=profile).findings
        return Counter(finding.check for finding in findings if finding.severity != "info")

    return counts(after) - counts(before)


def _damaged(piece: MusicStructure, rng: random.Random) -> MusicStructure:
    """The same piece with a few things that models get wrong."""

    def phrase(written: Phrase) -> Phrase:
        chords = list(written.chords or ())
        if rng.random() < 0.3:
            chords[rng.randrange(len(chords))] = rng.choice(("v", "vi", "IV", "iii", "V"))
        update: dict[str, Any] = {"chords": tuple(chords)}
        if rng.random() < 0.2:
            update["cadence"] = rng.choice(("PAC", "HC", "IAC", "DC", "PC"))
        return written.model_copy(update=update)

    def section(written: Section) -> Section:
        phrases = tuple(phrase(each) for each in written.phrases or ())
        progression = tuple(chord for each in phrases for chord in each.chords or ())
        return written.model_copy(
            update={"phrases": phrases, "chord_progression": progression, "cadence": phrases[-1].cadence}
        )

    return piece.model_copy(update={"sections": tuple(section(each) for each in piece.sections)})


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_over_a_thousand_pieces_composed_ones_have_no_error_and_none_gets_worse(chunk: int) -> None:
    requests = draw_requests(PIECES, seed=77, shortest=20, longest=50)[chunk::CHUNKS]
    rng = random.Random(chunk)
    for request in requests:
        piece = compose(request)
        report = check(piece, request=request, profile=piece.period or "classical")
        assert report.valid, (request.to_json(), [each for each in report.findings if each.severity == "error"])
        refined = refine(piece, request=request)
        assert not _worse(piece, refined.structure, request), request.to_json()
        damaged = _damaged(piece, rng)
        mended = refine(damaged, request=request)
        errors = [sum(f.severity == "error" for f in check(each).findings) for each in (damaged, mended.structure)]
        assert errors[1] <= errors[0], (request.to_json(), [step.id for step in mended.steps])
        assert not refine(mended.structure, request=request).steps, "refining twice changes nothing more"
