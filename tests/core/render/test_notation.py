from fractions import Fraction
from itertools import pairwise

import pytest
from handmade import build
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.music.meters import DIVISIONS, TIME_SIGNATURES, meter_of
from workbench.core.render.notation import VALUES, Event, Pitch, Written, bars, write

C = (Pitch(60, 0),)


def signs(meter: str, *lengths: str) -> list[str]:
    """What a bar of lengths in quarters (``-`` before a rest) is written with: ``quarter.``, ``8th~`` for a tie."""
    at, events = 0, []
    for length in lengths:
        size = int(Fraction(length.lstrip("-")) * DIVISIONS)
        events.append(Event(at, at + size, () if length.startswith("-") else C))
        at += size
    return [
        ("-" if not sign.pitches else "") + sign.value + "." * sign.dots + "~" * sign.tied_out
        for sign in write(events, meter_of(meter))
    ]


def nominal(sign: Written) -> Fraction:
    size = Fraction({name: length for length, name in VALUES.items()}[sign.value])
    size *= Fraction(3, 2) if sign.dots else 1
    return size * Fraction(sign.tuplet[1], sign.tuplet[0]) if sign.tuplet else size


@pytest.mark.parametrize(
    ("meter", "lengths", "expected"),
    [
        ("4/4", ["4"], ["whole"]),
        ("4/4", ["3", "1"], ["half.", "quarter"]),
        ("4/4", ["1", "2", "1"], ["quarter", "half", "quarter"]),
        ("4/4", ["1/2", "1", "5/2"], ["eighth", "quarter", "eighth~", "half"]),
        (
            "4/4",
            ["1/2", "3", "1/2"],
            ["eighth", "eighth~", "half~", "eighth", "eighth"],
        ),
        ("4/4", ["5/2", "3/2"], ["half~", "eighth", "quarter."]),
        ("4/4", ["3/4", "1/4", "3"], ["eighth.", "16th", "half."]),
        ("4/4", ["1", "-3"], ["quarter", "-quarter", "-half"]),
        ("3/4", ["3"], ["half."]),
        ("3/4", ["1", "-2"], ["quarter", "-quarter", "-quarter"]),
        ("6/8", ["3/2", "1", "1/2"], ["quarter.", "quarter", "eighth"]),
        ("6/8", ["2", "1"], ["quarter.~", "eighth", "quarter"]),
        ("9/8", ["9/2"], ["half.~", "quarter."]),
        ("12/8", ["6"], ["whole."]),
        ("9/8", ["-9/2"], ["-whole"]),
        ("3/8", ["3/2"], ["quarter."]),
    ],
)
def test_values_show_the_beat(meter: str, lengths: list[str], expected: list[str]):
    assert signs(meter, *lengths) == expected


def test_triplets_fill_one_beat():
    written = write(
        [Event(0, 1120, C), Event(1120, 2240, C), Event(2240, 3360, C), Event(3360, 13440, C)], meter_of("4/4")
    )
    assert [(sign.value, sign.tuplet, sign.edge) for sign in written[:3]] == [
        ("eighth", (3, 2), "start"),
        ("eighth", (3, 2), ""),
        ("eighth", (3, 2), "stop"),
    ]
    assert written[3].tuplet is None


def test_a_triplet_over_two_beats_is_one_group_of_quarters():
    written = write(
        [Event(0, 2240, C), Event(2240, 4480, C), Event(4480, 6720, C), Event(6720, 13440, C)], meter_of("4/4")
    )
    assert [sign.value for sign in written] == ["quarter", "quarter", "quarter", "half"]


def test_quintuplets_and_septuplets_are_written():
    five = [Event(index * 672, (index + 1) * 672, C) for index in range(5)]
    seven = [Event(3360 + index * 480, 3360 + (index + 1) * 480, C) for index in range(7)]
    written = write([*five, *seven], meter_of("2/4"))
    assert {sign.tuplet for sign in written[:5]} == {(5, 4)}
    assert {sign.tuplet for sign in written[5:]} == {(7, 4)}
    assert {sign.value for sign in written} == {"16th"}


def test_eighths_are_beamed_in_half_bars_of_common_time_and_sixteenths_by_the_beat():
    eighths = write([Event(index * 1680, (index + 1) * 1680, C) for index in range(8)], meter_of("4/4"))
    assert [sign.beams[0] for sign in eighths] == ["begin", "continue", "continue", "end"] * 2
    sixteenths = write([Event(index * 840, (index + 1) * 840, C) for index in range(16)], meter_of("4/4"))
    assert [sign.beams[0] for sign in sixteenths] == ["begin", "continue", "continue", "end"] * 4


def test_a_dotted_eighth_and_a_sixteenth_share_a_beam_with_a_hook():
    written = write([Event(0, 2520, C), Event(2520, 3360, C)], meter_of("2/4"))
    assert [sign.beams for sign in written] == [("begin",), ("end", "backward hook")]


def test_compound_meters_beam_in_threes():
    written = write([Event(index * 1680, (index + 1) * 1680, C) for index in range(6)], meter_of("6/8"))
    assert [sign.beams[0] for sign in written] == ["begin", "continue", "end"] * 2


def test_a_note_over_the_bar_line_is_tied():
    score = build(["C5:3 D5:2 E5:3"])
    first, second = bars(score, 0)
    assert (first[-1].tied_out, second[0].tied_in, second[0].end) == (True, True, 3360)


def test_times_that_no_notation_holds_fall_on_the_nearest_128th():
    written = write([Event(0, 373, C), Event(373, 13440, C)], meter_of("4/4"))
    assert sum(sign.length for sign in written) == 13440
    assert written[0].length == 420


LENGTHS = st.lists(
    st.sampled_from([210, 420, 480, 560, 672, 840, 1120, 1260, 1680, 2240, 2520, 3360, 5040, 6720]), max_size=20
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TIME_SIGNATURES), LENGTHS, st.integers(0, 6))
def test_any_bar_is_filled_exactly_and_every_sign_sounds_as_long_as_it_says(name: str, lengths: list[int], rest: int):
    meter = meter_of(name)
    events, at = [], 0
    for index, length in enumerate(lengths):
        end = min(at + length, meter.bar)
        if end > at:
            events.append(Event(at, end, () if index == rest else C))
        at = end
    if at < meter.bar:
        events.append(Event(at, meter.bar, ()))
    written = write(events, meter)
    assert sum(sign.length for sign in written) == meter.bar
    assert all(before.start + before.length == after.start for before, after in pairwise(written))
    assert all(nominal(sign) == sign.length for sign in written if sign.length < meter.bar or sign.pitches)
    edges = [sign.edge for sign in written if sign.edge]
    assert edges == ["start", "stop"] * (len(edges) // 2)
