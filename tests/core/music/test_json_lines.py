"""The line of a value in a JSON text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.music.json_lines import line_at, lines_of

TEXT = """{
  "key": "C major",
  "sections": [
    {"name": "A, \\"the first\\"", "chords": ["I",
      "V7"]},
    {
      "name": "B: {x}"
    }
  ]
}"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [("", 1), ("/key", 2), ("/sections/0/chords/0", 4), ("/sections/0/chords/1", 5), ("/sections/1/name", 7)],
)
def test_every_value_is_found_on_its_line(pointer: str, line: int) -> None:
    assert line_at(lines_of(TEXT), pointer) == line


def test_what_is_missing_is_looked_for_where_it_should_stand() -> None:
    assert line_at(lines_of(TEXT), "/sections/1/measures") == 6
    assert line_at(lines_of(TEXT), "/tempo") == 1


def test_a_text_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    assert line_at(lines_of(TEXT[:80]), "/sections/0/name") == 4


def test_a_hostile_text_fills_no_memory() -> None:
    name = "x" * 100_000
    found = lines_of(f'{{"{name}": [{"1," * 200_000}1]}}')
    assert sum(len(pointer) for pointer in found) < 10_000_000
    assert len(lines_of("[" * 5_000)) < 50


@given(st.text(alphabet='{}[],:"\\\n a1~/', max_size=80))
def test_any_text_has_lines(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in lines_of(text).values())


@given(
    st.recursive(
        st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_every_value_of_a_json_text_has_a_line(value: object) -> None:
    found = lines_of(json.dumps(value, indent=1))

    def walk(node: object, pointer: str) -> None:
        assert pointer in found
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for name, item in items:
            walk(item, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")

    walk(value, "")
