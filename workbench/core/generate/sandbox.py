"""Filling templates that anybody may have written: Jinja in its sandbox, with bounds on size, loops and results.

Jinja's sandbox keeps a template away from Python. What it does not bound is work: so loops are counted, time is
measured, nothing is worked out while a template is only being read, and nothing is there that lets a value grow out of
another (no assignments, calls, powers, lists of other lists, joined or repeated texts without a bound).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from time import thread_time
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes, pass_context, pass_environment
from jinja2.exceptions import SecurityError, TemplateRuntimeError, UndefinedError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workbench.core.errors import TemplateError

MAX_SOURCE = 20_000
MAX_FILLED = 200_000
MAX_ROUNDS = 20_000
"""Rounds of all loops of one part together."""
MAX_SECONDS = 1.0
"""Processor time of one part; an ordinary one takes thousandths of it."""

_FILTERS = (
    "abs", "capitalize", "default", "d", "first", "float", "int", "last", "length", "count", "list", "lower", "map",
    "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "sum", "title", "trim",
    "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
_LOOP = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})
_PLAIN = (str, int, float, type(None), Undefined)
_DIGITS = 12
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Import: "import", nodes.FromImport: "from", nodes.Include: "include", nodes.Extends: "extends",
    nodes.Macro: "macro", nodes.CallBlock: "call", nodes.Block: "block", nodes.With: "with", nodes.Assign: "set",
    nodes.AssignBlock: "set", nodes.FilterBlock: "filter blocks", nodes.ScopedEvalContextModifier: "autoescape",
    nodes.Concat: "~", nodes.Call: "calls",
}  # fmt: skip


@dataclass
class _Work:
    """What filling one part has taken so far."""

    rounds: int = 0
    began: float = field(default_factory=thread_time)

    def go_on(self, rounds: int = 0) -> None:
        self.rounds += rounds
        if self.rounds > MAX_ROUNDS:
            raise TemplateRuntimeError(f"its loops go round more than {MAX_ROUNDS:,} times")
        if thread_time() - self.began > MAX_SECONDS:
            raise TemplateRuntimeError("it takes too long")


_work: ContextVar[_Work] = ContextVar("work")


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    work = _work.get()
    for item in items:
        work.go_on(1)
        yield item


def _seen(value: Any) -> Any:
    """A value that is about to be shown; what is no data (a method, an iterator) would show Python's insides."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += [*node.keys(), *_counted(node.values())]
        elif isinstance(node, list | tuple):
            waiting += _counted(node)
        elif isinstance(node, Undefined):
            str(node)  # says which
        elif not isinstance(node, _PLAIN):
            raise TemplateRuntimeError("it shows something that is no value; after map or select write | list")
    return value


@pass_context
def _shown(_: Any, value: Any) -> Any:
    return _seen(value)


def _joined(items: Iterable[Any], between: str = "") -> str:
    pieces, length = [], 0
    for item in _counted(items):
        pieces.append(str(_seen(item)))
        length += len(pieces[-1]) + len(between)
        if length > MAX_FILLED:
            raise TemplateRuntimeError(f"it grows longer than {MAX_FILLED:,} characters")
    return str(between).join(pieces)


def _as_json(value: Any) -> str:
    return json.dumps(_seen(value), ensure_ascii=False, separators=(",", ":"))


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that watches the time and takes no lists of lists beside its value: it could give them back, doubled."""
    own = 2 if hasattr(function, "jinja_pass_arg") else 1

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        _work.get().go_on()
        for each in (*arguments[own:], *named.values()):
            items = each if isinstance(each, list | tuple) else (each,)
            if not all(isinstance(item, _PLAIN) for item in items) and each != {}:
                raise TemplateRuntimeError("a filter takes texts, numbers and lists of them beside its value")
        return function(*arguments, **named)

    return call


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, optimized=False, finalize=_shown)
        self.globals = {}
        usual = dict(self.filters)

        @pass_environment
        def added(environment: Any, items: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
            if not isinstance(start, int | float):
                raise TemplateRuntimeError("sum adds numbers")  # lists would grow by it
            return usual["sum"](environment, items, attribute, start)

        def rounded(value: Any, precision: int = 0, method: str = "common") -> Any:
            if abs(precision) > _DIGITS:
                raise TemplateRuntimeError(f"numbers are rounded to {_DIGITS} digits at most")
            return usual["round"](value, precision, method)

        own = {"counted": _counted, "join": _joined, "tojson": _as_json, "sum": added, "round": rounded}
        self.filters = {name: _bounded(made) for name, made in ({name: usual[name] for name in _FILTERS} | own).items()}

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic with numbers alone, and without powers."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" or not numbers or abs(left) > 1e12 or abs(right) > 1e12:
            raise SecurityError(f"{operator} is for numbers of ordinary size")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Members of the values given and of ``loop``, and no methods: ``format`` can make texts without end."""
        if isinstance(obj, LoopContext):
            return attr in _LOOP
        return isinstance(obj, Mapping) and not callable(value) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """No ``format``, not even a safe one."""


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    return _Environment()


@lru_cache(maxsize=256)
def _compiled(source: str) -> Any:
    environment = _environment()
    tree = environment.parse(source)
    for refused in tree.find_all(tuple(_REFUSED)):
        raise TemplateSyntaxError(f"templates here have no {_REFUSED[type(refused)]}", refused.lineno)
    for loop in list(tree.find_all(nodes.For)):
        if loop.recursive:
            raise TemplateSyntaxError("loops are not recursive here", loop.lineno)
        loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
    for named in tree.find_all(nodes.Filter):
        if named.name not in environment.filters:
            raise TemplateSyntaxError(f"there is no filter {named.name[:40]!r}", named.lineno)
    for literal in tree.find_all((nodes.List, nodes.Tuple, nodes.Dict)):
        if getattr(literal, "ctx", "load") == "load" and any(literal.find_all((nodes.Name, nodes.Filter))):
            raise TemplateSyntaxError("lists are written with texts and numbers alone", literal.lineno)
    return environment.from_string(tree)


def check_source(source: str, part: str = "") -> None:
    """Whether a text is a template.

    Raises:
        TemplateError: it is too long, or not a template.
    """
    if len(source) > MAX_SOURCE:
        raise TemplateError(
            f"The {part or 'template'} is longer than {MAX_SOURCE:,} characters.", hint="Shorten it.", field=part
        )
    try:
        _compiled(source)
    except TemplateSyntaxError as problem:
        raise TemplateError(
            f"The {part or 'template'} cannot be read: {_short(problem.message)} (line {problem.lineno}).",
            hint="Mend it there: {{ value }} shows a value, {% for … %} … {% endfor %} repeats.",
            field=part,
        ) from None
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        raise TemplateError(
            f"The {part or 'template'} is nested too deeply, or holds an endless number.", hint="Simplify it.",
            field=part,
        ) from None  # fmt: skip


def _short(message: str | None) -> str:
    text = (message or "").rstrip(".")
    return text if len(text) <= 200 else text[:199] + "…"


def fill(source: str, values: Mapping[str, Any], part: str = "") -> str:
    """The filled template, without white space around it.

    Raises:
        TemplateError: it names a value that there is not, works too long or grows too large.
    """
    check_source(source, part)
    token = _work.set(_Work())
    pieces: list[str] = []
    length = 0
    try:
        for piece in _compiled(source).generate(values):
            length += len(piece)
            if length > MAX_FILLED:
                raise TemplateRuntimeError(f"it grows longer than {MAX_FILLED:,} characters")
            pieces.append(piece)
        text = "".join(pieces).strip()
        text.encode()  # half a surrogate pair cannot be sent
    except UndefinedError as problem:
        raise TemplateError(
            f"The {part or 'template'} names something that there is not: {_short(problem.message)}.",
            hint="The list beside the template shows what there is.",
            field=part,
        ) from None
    except Exception as problem:
        # A template may fail in as many ways as an expression can; each is its author's to mend.
        half = isinstance(problem, UnicodeEncodeError)
        said = "it holds half a character" if half else _short(str(problem) or type(problem).__name__)
        raise TemplateError(
            f"The {part or 'template'} cannot be filled: {said}.", hint="Change it there.", field=part
        ) from None
    finally:
        _work.reset(token)
    return text
