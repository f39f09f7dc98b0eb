"""A template may show, choose and repeat what it is given; whatever else it tries ends in words, soon, and in vain."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.core.errors import TemplateError
from workbench.core.generate.sandbox import MAX_FILLED, MAX_ROUNDS, MAX_SOURCE, check_source, fill

SECONDS = 15.0
"""A hang is what these tests are to find, under coverage and beside other work; by itself each takes about a second."""
INSIDES = ("<class", "<function", "<built-in", "<method", "<module", "<generator", "object at 0x", "Undefined", "jinja")

VALUES: dict[str, Any] = {
    "request": {"brief": "A slow walk {{ 7*7 }}", "tempo": None, "valence": 0.5},
    "plan": {
        "form": "ABA",
        "sections": [
            {
                "name": "A",
                "measures": 8,
                "phrases": [{"label": "a", "cadence": "HC"}, {"label": "a′", "cadence": "PAC"}],
            },
            {"name": "B", "measures": 4, "phrases": [{"label": "b", "cadence": None}]},
        ],
    },
    "chords": ["I", "ii6", "V7"],
    "draft": "abc " * 12_000,
    "kept": "",
}


def filled(source: str) -> str:
    return fill(source, VALUES, "plan")


def outcome(source: str) -> str | TemplateError:
    """What a template comes to; anything but a text or a TemplateError is a failure, and so is a long wait."""
    began = time.monotonic()
    result: str | TemplateError
    try:
        result = filled(source)
    except TemplateError as problem:
        result = problem
    assert time.monotonic() - began < SECONDS
    if isinstance(result, TemplateError):
        assert result.message.startswith("The plan ")
        assert result.field == "plan"
        assert result.hint
        assert len(str(result)) < 450
    else:
        assert len(result) <= MAX_FILLED
        assert not any(inside in result for inside in INSIDES if inside not in source)
    return result


def refused(source: str) -> TemplateError:
    result = outcome(source)
    assert isinstance(result, TemplateError), result[:200]
    return result


# What templates may do ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("", ""),
        (" \n plain text \n", "plain text"),
        ("{{ plan.form }} {{ plan['form'] }}", "ABA ABA"),
        ("{{ request.tempo or 'free' }}", "free"),
        ("{% if kept %}Keep {{ kept }}{% else %}New{% endif %}", "New"),
        ("{% for section in plan.sections %}{{ loop.index }}{{ section.name }} {% endfor %}", "1A 2B"),
        ("{% for c in chords %}{{ c }}{{ '; ' if not loop.last else '.' }}{% endfor %}", "I; ii6; V7."),
        ("{% for c in chords if c != 'I' %}{{ loop.index }}/{{ loop.length }} {% endfor %}", "1/2 2/2"),
        ("{% for c in [] %}x{% else %}none{% endfor %}", "none"),
        ("{% for key, value in [('a', 1), ('b', 2)] %}{{ key }}{{ value }}{% endfor %}", "a1b2"),
        ("{{ chords | join(' ') }} {{ chords | first | lower }} {{ chords | length }}", "I ii6 V7 i 3"),
        ("{{ plan.sections | map(attribute='name') | join('-') }}", "A-B"),
        ("{{ plan.sections | sum(attribute='measures') }}", "12"),
        ("{{ plan.sections | map(attribute='measures') | max }}", "8"),
        ("{{ plan.sections | selectattr('name', 'eq', 'B') | map(attribute='measures') | list }}", "[4]"),
        ("{{ plan.sections[0].phrases | selectattr('cadence', 'in', ['PAC', 'IAC']) | list | count }}", "1"),
        ("{{ plan.sections[0].phrases[-1].label | upper }}{{ chords[:2] | join }}", "A′Iii6"),
        ("{{ request.opus | default('none') }}{{ request.opus is defined }}", "noneFalse"),
        ("{{ 3 * 4 + 7 % 4 - 1 }} {{ 2.345 | round(1) }} {{ -7 // 2 }}", "14 2.3 -4"),
        ("{{ chords | tojson }}{{ {'a': 1} | tojson }}", '["I","ii6","V7"]{"a":1}'),
        ("{% for key in request %}{{ key }} {% endfor %}", "brief tempo valence"),
        ("{# a remark #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ 'アダージョ' }} ♭", "アダージョ ♭"),
    ],
)
def test_values_are_shown_chosen_and_repeated(source: str, wanted: str) -> None:
    assert outcome(source) == wanted


def test_what_a_value_says_is_text_and_never_a_template() -> None:
    assert filled("{{ request.brief }}") == "A slow walk {{ 7*7 }}"


def test_filling_changes_nothing_of_what_was_given() -> None:
    before = repr(VALUES)
    for source in ("{{ chords | sort | reverse | list }}", "{{ chords.append('x') }}", "{{ chords | sort | join }}"):
        outcome(source)
    assert repr(VALUES) == before


def test_a_template_may_be_as_long_as_a_few_pages_and_no_longer() -> None:
    assert len(filled("x" * MAX_SOURCE)) == MAX_SOURCE
    problem = refused("x" * (MAX_SOURCE + 1))
    assert problem.message == "The plan is longer than 20,000 characters."


# What is not there --------------------------------------------------------------------------------------------------

ATTACKS = [
    "{{ ''.__class__ }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ chords['__class__'] }}",
    "{{ plan.__init__.__globals__ }}", "{{ chords | map(attribute='__class__') | list }}",
    "{{ chords | map(attribute='__class__.__mro__') | join }}", "{{ plan.sections | sum(attribute='__len__') }}",
    "{{ chords | selectattr('__class__') | list }}", "{{ chords | sort(attribute='__doc__') }}", "{{ self }}",
    "{{ self.__init__ }}", "{{ self._TemplateReference__context }}", "{{ loop }}", "{{ caller }}",
    "{% for c in chords %}{{ loop }}{% endfor %}", "{% for c in chords %}{{ loop.__class__ }}{% endfor %}",
    "{% for c in chords %}{{ loop._iterable }}{% endfor %}", "{% for c in chords %}{{ loop.cycle }}{% endfor %}",
    "{% for c in chords %}{{ loop.changed }}{{ loop.previtem }}{% endfor %}", "{{ range(3) }}", "{{ dict(a=1) }}",
    "{{ lipsum() }}", "{{ cycler }}", "{{ joiner }}", "{{ namespace }}", "{{ range }}", "{{ config }}",
    "{{ get_flashed_messages }}", "{{ __builtins__ }}", "{{ environment }}", "{{ context }}", "{{ plan.items() }}",
    "{{ plan.items }}", "{{ plan.keys }}", "{{ 'x'.upper() }}", "{{ 'x'.upper }}", "{{ chords.append }}",
    "{{ 'x'.format }}", "{{ 'x'.format_map }}", "{{ 'x'['format'] }}",
    "{{ chords | map(attribute='format') | list }}", "{{ '{0.__class__}'.format(1) }}", "{{ '%s' % chords }}",
    "{{ '%999999999d' % 1 }}", "{{ chords | map('lower') }}", "{{ chords | select }}",
    "{{ [['a']] | map('reverse') | list }}", "{{ chords | reverse }}", "{{ [['a']] | map('reverse') | join }}",
    "{{ [['a']] | map('reverse') | list | tojson }}", "{% import 'os' as os %}", "{% from 'os' import path %}",
    "{% include 'default-1.toml' %}", "{% extends 'a' %}", "{% macro m() %}x{% endmacro %}",
    "{% call m() %}x{% endcall %}", "{% set a = 1 %}", "{% set a %}x{% endset %}", "{% with a = 1 %}x{% endwith %}",
    "{% block b %}x{% endblock %}", "{% filter upper %}x{% endfilter %}", "{% autoescape true %}x{% endautoescape %}",
    "{% do 1 %}", "{% debug %}", "{% trans %}x{% endtrans %}", "{% break %}",
    "{% for a in chords recursive %}{{ loop(a) }}{% endfor %}", "{% for loop in chords %}{% endfor %}",
    "{{ 2 ** 9 }}", "{{ 'a' * 9 }}", "{{ 'a' + 'b' }}", "{{ chords + chords }}", "{{ chords * 9 }}",
    "{{ 'a' ~ 'b' }}", "{{ 1000001000000 * 2 }}", "{{ request.opus }}", "{{ opus }}", "{{ plan.sections[9] }}",
    "{{ 1 / 0 }}", "{{ chords | tojson(indent=99) }}", "{{ [chords, chords] }}", "{{ {'a': plan} }}",
    "{{ (chords, 1) }}", "{{ '\\ud800' }}",
]  # fmt: skip


@pytest.mark.parametrize("source", ATTACKS)
def test_nothing_else_is_there(source: str) -> None:
    refused(source)


@pytest.mark.parametrize(
    "name",
    ["format", "replace", "attr", "xmlattr", "xmltojson", "center", "indent", "batch", "slice", "groupby", "pprint",
     "string", "safe", "escape", "e", "urlize", "wordwrap", "striptags", "random", "dictsort", "items",
     "filesizeformat", "forceescape", "urlencode", "nothing"],
)  # fmt: skip
def test_filters_that_could_do_harm_are_absent(name: str) -> None:
    assert f"there is no filter '{name}'" in refused(f"{{{{ 'x' | {name} }}}}").message
    assert "there is no filter" in refused(f"{{% if kept %}}{{{{ 'x' | {name} }}}}{{% endif %}}").message
    refused(f"{{{{ chords | map('{name}') | list }}}}")


def test_what_stands_where_nobody_looks_is_refused_all_the_same() -> None:
    with pytest.raises(TemplateError, match="no set"):
        check_source("{% if false %}{% set a = 1 %}{% endif %}")
    with pytest.raises(TemplateError, match="no calls"):
        check_source("{{ 'x' if true else plan.items() }}")


# Work and size ------------------------------------------------------------------------------------------------------


def _nested(opening: str, inside: str, depth: int) -> str:
    return "".join(opening.format(at, at + 1) for at in range(depth)) + inside + "{% endfor %}" * depth


HEAVY = {
    "loops": "{% for a in draft %}{% for b in draft %}{% for c in draft %}{% endfor %}{% endfor %}{% endfor %}",
    "loops-of-constants": _nested("{{% for a{1} in '0123456789' %}}", "", 12),
    "lookups-in-loops": "{% for a in draft %}" + "{% if plan.sections[0].name %}{% endif %}" * 400 + "{% endfor %}",
    "filters-in-loops": "{% for a in draft %}" + "{% if chords|sort %}{% endif %}" * 600 + "{% endfor %}",
    "sorting": "{{draft|sort|max}}" * 1_100,
    "mapping": "{{ draft|" + "map('upper')|" * 50 + "list|length }}",
    "power-while-reading": "{{ 10**10**10 }}",
    "rounding-up": "{{ 1|round(999999999, 'floor') }}",
    "rounding-down": "{{ 1|round(-999999999) }}",
    "huge-integer": "{{ " + "9" * 19_000 + " }}",
    "huge-hexadecimal": "{{ 0x" + "f" * 19_000 + " }}",
    "huge-division": "{{ 0x" + "f" * 9_000 + " // 3 - 0x" + "f" * 9_000 + " }}",
    "huge-underscored": "{{ " + "1_" * 9_000 + "1 }}",
    "huge-float": "{{ 1e999999999|int }}",
}  # fmt: skip

GROWING = {
    "texts": "{% for c in chords %}{{ draft }}{{ draft }}{{ draft }}{% endfor %}",
    "lines": "{% for a in draft %}" + "x" * 500 + "{% endfor %}",
    "joined": "{{ draft|map('truncate', 0, true, '')|join(draft) }}",
    "laughs": _nested("{{% for a{1} in [[" + ",".join(["a{0}"] * 10) + "]] %}}", "{{ a9 }}", 9).replace("a0", "'ha'"),
    "sums": _nested("{{% for a{1} in [[" + ",".join(["a{0}"] * 10) + "]|sum(start=[])] %}}", "{{ a9 }}", 9),
    "sums-of-defaults": "{% for a in [0]|map('default', [1, 1], true) %}"
    + "{% for a in [0]|map('default', [0,0,0,0,0,0,0,0,0,0]|map('default', a, true)|sum(start=[]), true) %}" * 12
    + "{{ a|length }}" + "{% endfor %}" * 13,
    "lists-of-defaults": "{% for a in [0]|map('default', [1, 1], true) %}"
    + "{% for a in [0]|map('default', ['x','x','x','x','x','x','x','x','x','x']|map('int', a)|list, true) %}" * 12
    + "{{ a|tojson }}" + "{% endfor %}" * 13,
}  # fmt: skip

DEEP = {
    "loops": _nested("{{% for a{1} in chords %}}", "", 30),
    "conditions": "{% if plan %}" * 400 + "{% endif %}" * 400,
    "brackets": "{{ " + "[" * 9_000 + "]" * 9_000 + " }}",
    "parentheses": "{{ " + "(" * 9_000 + "1" + ")" * 9_000 + " }}",
    "braces": "{" * MAX_SOURCE,
    "sums": "{{ 1" + " + 1" * 3_000 + " }}",
    "some-sums": "{{ 1" + " + 1" * 250 + " }}",
    "differences": "{{ plan" + " - plan" * 300 + " }}",
    "filters": "{{ 'x'" + "|lower" * 2_000 + " }}",
    "some-filters": "{{ 'x'" + "|lower" * 250 + " }}",
    "members": "{{ plan" + ".form" * 3_000 + " }}",
    "some-members": "{{ plan" + ".form" * 250 + " }}",
    "choices": "{{ " + "1 if 1 else " * 1_500 + "1 }}",
    "negations": "{{ " + "not " * 4_000 + "1 }}",
    "minuses": "{{ " + "-" * 15_000 + "1 }}",
    "some-minuses": "{{ " + "-" * 250 + "plan }}",
    "conjunctions": "{{ 1" + " and 1" * 3_000 + " }}",
}


@pytest.mark.parametrize("name", HEAVY)
def test_hard_work_is_given_up(name: str) -> None:
    refused(HEAVY[name])


@pytest.mark.parametrize("name", GROWING)
def test_nothing_grows_out_of_bounds(name: str) -> None:
    tracemalloc.start()
    try:
        refused(GROWING[name])
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_refused_and_not_fallen_into(name: str) -> None:
    refused(DEEP[name])


def test_all_loops_of_a_part_share_their_rounds() -> None:
    inner = "{% for b in draft[:100] %}{% endfor %}"
    assert outcome("{% for a in draft[:190] %}" + inner + "{% endfor %}") == ""
    problem = refused("{% for a in draft[:200] %}" + inner + "{% endfor %}")
    assert f"{MAX_ROUNDS:,} times" in problem.message


def test_each_filling_begins_anew() -> None:
    source = "{% for a in draft[:15000] %}{% endfor %}done"
    assert [filled(source), filled(source)] == ["done", "done"]


def test_a_broken_template_does_not_spoil_the_next() -> None:
    for source in ("{{ 1 / 0 }}", "{% for a in draft %}{% for b in draft %}{% endfor %}{% endfor %}", "{{"):
        refused(source)
        assert filled("{{ plan.form }}") == "ABA"


@pytest.mark.parametrize(
    "unit",
    ["{{a}}", "{{ plan }}", "{% if a %}", "{%", "%}", "{#", "{{'", '{{"', "{% raw %}", "{{ 1 < 2 }}", "\\",
     "{{ chords[", "\0", "{% for a in chords %}", "{{ a.b|c(", "{% if 0 %}{% elif 0 %}", "é", "{{ '\\", "\r\n", "{{-",
     "{% endfor %}", "_1", "1."],
)  # fmt: skip
def test_twenty_thousand_characters_of_anything_are_read_or_refused(unit: str) -> None:
    long = unit * (MAX_SOURCE // len(unit))
    outcome(long)
    outcome("{{ " + long[: MAX_SOURCE - 6] + " }}")


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a\nb\n{{ plan.form", "line 3"),
        ("{% if plan %}", "line 1"),
        ("{{ opus }}", "'opus' is undefined"),
        ("{{ plan.opus }}", "'opus'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{% set a = 1 %}", "no set"),
        ("{{ plan.items() }}", "no calls"),
        ("{{ chords | map('lower') }}", "| list"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(source: str, said: str) -> None:
    assert said in refused(source).message


def test_a_long_word_does_not_make_a_long_error() -> None:
    assert len(refused("{{ " + "a" * 15_000 + " }}").message) < 300
    assert len(refused("{{ 1 " + "a" * 15_000 + " }}").message) < 300
    assert len(refused("{% " + "a" * 15_000 + " %}").message) < 300


# Anything -----------------------------------------------------------------------------------------------------------

TOKENS = st.sampled_from(
    ["{{ ", " }}", "{% ", " %}", "{%- ", "{#", "#}", "for a in chords", "for a, b in plan", "endfor", "if ", "elif a",
     "else", "endif", "a", "plan", "chords", "draft", "request", "loop", "self", "super", ".sections", ".name",
     ".__class__", ".format", "['format']", "[0]", "[::-1]", "[", "]", "(", ")", "{", "}", "()", ",", ":", "=", "==",
     "<", " in ", " is ", " not ", "defined", " and ", " or ", "'x'", '"', "'", "1", "0x9", "1e9", "999999999", "-",
     "+", "*", "**", "/", "//", "%", "~", "|", "|sort", "|map('upper')", "|map(attribute='__class__')",
     "|map('default', a, true)", "|list", "|join(draft)", "|sum(start=chords)", "|tojson", "|round(9)", "|int",
     "|first", "|default(plan)", "|format(1)", "|attr('x')", "|unique", "|select('callable')", "set a = 1",
     "macro m()", "raw", "endraw", "recursive", "autoescape true", "\n", "\\", "\0", "é", "ﷺ", "𝔵", "\x85"],
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(TOKENS, max_size=14).map("".join))
@example("{{ self }}{{ self.x }}")
def test_any_template_like_text_is_a_text_or_an_error(source: str) -> None:
    outcome(source)
    outcome("{{ " + source + " }}")
    outcome("{% for a in chords %}" + source + "{% endfor %}")


@settings(max_examples=150)
@given(st.lists(TOKENS, min_size=1, max_size=4).map("".join), st.integers(2, 900), st.sampled_from(["{{ ", "{% ", ""]))
def test_any_repetition_is_a_text_or_an_error(unit: str, times: int, opening: str) -> None:
    outcome((opening + unit * times)[:MAX_SOURCE])
    outcome((opening + unit * times)[: MAX_SOURCE - 3] + " }}")


@given(st.text(max_size=200))
def test_any_text_at_all(source: str) -> None:
    outcome(source)
    outcome("{{" + source + "}}")
    outcome("{%" + source + "%}")


@given(st.text(max_size=200))
def test_text_without_brackets_stays_as_it_is(text: str) -> None:
    plain = text.replace("{", "(")
    lines = plain.replace("\r\n", "\n").replace("\r", "\n")
    assert filled(plain) == lines.strip()
    assert fill("{{ text }}", {"text": text}) == text.strip()
