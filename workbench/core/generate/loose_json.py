"""Reading JSON that is not quite JSON: what language models and people write when they mean an object.

One pass with a stack of its own, so nothing recurses; patterns are possessive, so nothing backtracks. What is sound is
left to the C parser, which takes whole sub-values at once. What cannot be guessed is left out, never made up.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from workbench.core.errors import InputTooLargeError
from workbench.core.generate.json_problems import Problems
from workbench.core.music.reading import MAX_DEPTH

MAX_TOKENS = 60_000
_MAX_SEARCHES = 200
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "‘": "’", "«": "»", "`": "`"}
_SKIP = re.compile(r"(?:[\s,;，、\u200b\u2060\ufeff]++|//[^\n]*+|#(?!\d)[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?)*+")
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:[^'\\]++|\\.|'(?!\s*+(?:[,:;}\])]|\Z)))*+)'", re.DOTALL)
_ENDS = re.compile(r"\s*+(?:[,:;}\])=，：]|\Z|//|/\*|#|```)")
_NEXT_KEY = re.compile(r'[ \t]*+[A-Za-z_]\w{0,40}+"\s*+:')
_NEXT_VALUE = re.compile(r"\s++[\"'{\[\d-]")
_CLOSING = re.compile(r'"(?=\s*+(?:[,}\]]|\Z))')
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?=[\s,:;}\])，]|\Z)")
_BARE = re.compile(
    r"[^\s,:;{}\[\]\"“”，：=][^\s,:;{}\[\]\"“”，：=]*+(?:[ \t]++(?!//|/\*|#)[^\s,:;{}\[\]\"“”，：=]++)*+"
)
_EASY = re.compile(
    # A comma, then a name with its colon, a text or a number, each followed by what must follow: most of any text.
    r"\s*+(,)?\s*+(?:"
    r'"([^"\\\x00-\x1f]*+)"\s*+:|\'([^\'"\\\x00-\x1f]*+)\'\s*+:|'
    r'"([^"\\\x00-\x1f]*+)"(?=\s*+[,}\]])|\'([^\'"\\\x00-\x1f]*+)\'(?=\s*+[,}\]])|'
    r"(-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?)(?=[\s,}\]]))"
)
_BAD_ESCAPE = re.compile(r'\\(?![\\"/bfnrt]|u[0-9a-fA-F]{4})')
_LITERALS: dict[str, Any] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "None": None, "NULL": None, "nil": None, "undefined": None,
}  # fmt: skip
_NO_NUMBERS = frozenset({"nan", "infinity", "inf"})


class Loose(NamedTuple):
    """A value read from a text, where it ends, and the path to where the text broke off (None when it did not)."""

    value: Any
    end: int
    cut: tuple[str | int, ...] | None


class _Frame:
    """An open object or array: where it hangs in its parent, and the name that waits for a value."""

    __slots__ = ("colon", "key", "step", "value")

    def __init__(self, value: Any, step: str | int) -> None:
        self.value = value
        self.step = step
        self.key: str | None = None
        self.colon = False


class LooseReader:
    """Reads values from one text; the limits on work hold for the whole text."""

    def __init__(self, text: str, problems: Problems) -> None:
        self.text = text
        self.problems = problems
        self._decode = problems.decoder().raw_decode
        self._tokens = 0
        self._searches = 0
        self._budget = 2 * len(text) + len(text) // 4 + 4000
        self._stack: list[_Frame] = []
        self._at = 0

    def read(self, start: int) -> Loose:
        """Read the value whose opening bracket stands at ``start``.

        Raises:
            InputTooLargeError: too many values, or nested too deeply.
        """
        text, problems = self.text, self.problems
        stack: list[_Frame] = []
        self._stack = stack
        self._at = start
        root: Any = None
        while True:
            self._tokens += 1
            if self._tokens > MAX_TOKENS:
                raise InputTooLargeError(
                    f"The broken text holds more than {MAX_TOKENS:,} values.", hint="Send one piece, as plain JSON."
                )
            if stack and self._easy():
                continue
            begin = self._at
            at = self._at = _SKIP.match(text, begin).end()  # type: ignore[union-attr]
            commas = 0
            if at > begin:
                skipped = text[begin:at]
                commas = skipped.count(",")
                if "//" in skipped or "#" in skipped or "/*" in skipped:
                    problems.note("json.comment", text, begin + 1)
                    commas = min(commas, 1)
            if at >= len(text) or text.startswith("```", at):
                return Loose(root, at, tuple(frame.step for frame in stack[1:]))
            char = text[at]
            if stack:
                top = stack[-1]
                if top.key is not None and commas:
                    self._drop_key(top)
                elif char not in "}]):=：" and (commas > 1 or (commas and not top.value)):
                    problems.note("json.extra-comma", text, at)
                elif not commas and top.value and top.key is None and char not in "}]):=：":
                    problems.note("json.missing-comma", text, at)
                elif char in "}])" and commas:
                    problems.note("json.extra-comma", text, at)
            if char in "{[(":
                if root is None:
                    root = {} if char == "{" else []
                    whole = self._sound(at)
                    if whole is not None:
                        return Loose(whole[0], whole[1], None)
                    stack.append(_Frame(root, ""))
                    self._at += 1
                else:
                    self._open(char, at)
            elif char in "}])":
                self._at += 1
                self._close("{" if char == "}" else "[", at)
                if not stack:
                    return Loose(root, self._at, None)
            elif char in ":=：":
                self._at += 2 if text.startswith("=>", at) else 1
                self._colon(at)
            else:
                self._scalar(char, at)

    def _easy(self) -> bool:
        """Take the next token if it is plain and in its place; False leaves it to the careful reading."""
        match = _EASY.match(self.text, self._at)
        if match is None:
            return False
        kind, top = match.lastindex, self._stack[-1]
        value = top.value
        if kind == 2 or kind == 3:
            if not isinstance(value, dict) or top.key is not None or (match[1] is None) is not (not value):
                return False
            top.key, top.colon = match[kind], True
        elif isinstance(value, list):
            if kind == 1 or kind is None or (match[1] is None) is not (not value):
                return False
            value.append(match[kind] if kind < 6 else _number(match[6]))
        else:
            if (
                kind == 1
                or kind is None
                or match[1] is not None
                or top.key is None
                or not top.colon
                or top.key in value
            ):
                return False
            value[top.key] = match[kind] if kind < 6 else _number(match[6])
            top.key, top.colon = None, False
        if kind == 3 or kind == 5:
            self.problems.note("json.quotes", self.text, match.start(kind) - 1)
        self._at = match.end()
        return True

    def _sound(self, at: int) -> tuple[Any, int] | None:
        """A whole sub-value by the C parser, when it is sound; its failures are paid for from a budget."""
        if self._budget <= 0:
            return None
        twice, found = len(self.problems.twice), dict(self.problems.found)
        try:
            return self._decode(self.text, at)
        except json.JSONDecodeError as problem:
            self._budget -= problem.pos - at + problem.pos // 50
        except (RecursionError, ValueError):
            self._budget = 0
        del self.problems.twice[twice:]
        self.problems.found = found
        return None

    def _open(self, char: str, at: int) -> None:
        stack, top = self._stack, self._stack[-1]
        if isinstance(top.value, dict) and top.key is None:
            if char == "{" and len(stack) > 1 and isinstance(stack[-2].value, list):
                self.problems.note("json.missing-bracket", self.text, at)
                stack.pop()
                top = stack[-1]
            else:
                top.key, top.colon = f"item {len(top.value) + 1}", True
                self.problems.note("json.missing-value", self.text, at)
        if char == "(":
            self.problems.note("json.literal", self.text, at)
        whole = self._sound(at) if char != "(" else None
        if whole is not None:
            self._attach(whole[0], at)
            self._at = whole[1]
            return
        if len(stack) >= MAX_DEPTH:
            raise InputTooLargeError(
                f"The input is nested more than {MAX_DEPTH} levels deep.",
                hint="A structure needs about eight levels: check for brackets that were never closed.",
            )
        value: Any = {} if char == "{" else []
        step: str | int = top.key if top.key is not None else len(top.value)
        self._attach(value, at, still_open=True)
        stack.append(_Frame(value, step))
        self._at += 1

    def _attach(self, value: Any, at: int, *, still_open: bool = False) -> None:
        top = self._stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is not None:
            if not top.colon:
                self.problems.note("json.missing-colon", self.text, at)
            self.problems.put(top.value, top.key, value, still_open=still_open)
            top.key, top.colon = None, False

    def _close(self, kind: str, at: int) -> None:
        stack, wanted = self._stack, dict if kind == "{" else list
        if stack[-1].key is not None:
            self._drop_key(stack[-1])
        if isinstance(stack[-1].value, wanted):
            stack.pop()
            return
        after = _SKIP.match(self.text, self._at).end()  # type: ignore[union-attr]
        following = self.text[after : after + 1]
        stray = (kind == "{" and following in ("{", "]")) or not any(isinstance(f.value, wanted) for f in stack)
        if stray:
            self.problems.note("json.extra-bracket", self.text, at)
            return
        self.problems.note("json.missing-bracket", self.text, at)
        while not isinstance(stack[-1].value, wanted):
            stack.pop()
        stack.pop()

    def _colon(self, at: int) -> None:
        stack, top = self._stack, self._stack[-1]
        if isinstance(top.value, dict):
            top.colon = top.key is not None
            return
        if not top.value or not isinstance(top.value[-1], str):
            return
        # A name in an array: either the array was never closed, or an object in it was never opened.
        name = top.value.pop()
        self.problems.note("json.missing-bracket", self.text, at)
        scalars = top.value and not any(isinstance(item, dict | list) for item in top.value)
        if scalars and len(stack) > 1 and isinstance(stack[-2].value, dict):
            stack.pop()
        elif len(stack) < MAX_DEPTH:
            value: dict[str, Any] = {}
            top.value.append(value)
            stack.append(_Frame(value, len(top.value) - 1))
        else:
            return
        stack[-1].key, stack[-1].colon = name, True

    def _drop_key(self, frame: _Frame) -> None:
        self.problems.note("json.missing-value", self.text, self._at)
        frame.key, frame.colon = None, False

    def _scalar(self, char: str, at: int) -> None:
        top = self._stack[-1]
        wants_key = isinstance(top.value, dict) and top.key is None
        if char in _QUOTES:
            value: Any = self._string(char, at)
            if value is None:  # never closed: the text breaks off here
                self._at = len(self.text)
                return
        else:
            value, known = self._bare(at, wants_key)
            if not known:
                return
        if wants_key:
            top.key, top.colon = str(value), False
        else:
            self._attach(value, at)

    def _string(self, quote: str, at: int) -> str | None:
        text = self.text
        if quote == "'":
            single = _SINGLE.match(text, at)
            if single is None:
                return None
            self.problems.note("json.quotes", text, at)
            self._at = single.end()
            return self._unescaped(single[1].replace("\\'", "'").replace('"', '\\"'), at)
        if quote != '"':
            end = text.find(_QUOTES[quote], at + 1)
            if end < 0 and quote == "„":
                end = text.find("”", at + 1)
            if end < 0:
                return None
            self.problems.note("json.quotes", text, at)
            self._at = end + 1
            return text[at + 1 : end]
        match = _DOUBLE.match(text, at)
        if match is None:
            return None
        end = self._at = match.end()
        body = match[1]
        if _ENDS.match(text, end):
            return self._unescaped(body, at)
        cut = max(body.rfind(","), body.rfind("\n"))
        if _NEXT_KEY.match(text, end) and cut >= 0:
            self.problems.note("json.missing-quote", text, at)
            self._at = at + 1 + cut
            return self._unescaped(body[:cut].rstrip(", \n\t"), at)
        if not _NEXT_VALUE.match(text, end) and self._searches < _MAX_SEARCHES:
            self._searches += 1
            closing = _CLOSING.search(text, end, min(len(text), end + 4000))
            if closing is not None:
                self.problems.note("json.inner-quotes", text, end)
                self._at = closing.end()
                return text[at + 1 : closing.start()].replace('\\"', '"')
        return self._unescaped(body, at)

    def _unescaped(self, body: str, at: int) -> str:
        if not body.isprintable() and any(char < " " for char in body):
            self.problems.note("json.control-characters", self.text, at)
        if "\\" not in body:
            return body
        try:
            return str(json.loads(f'"{body}"', strict=False))
        except ValueError:
            self.problems.note("json.escape", self.text, at)
        try:
            return str(json.loads('"' + _BAD_ESCAPE.sub(r"\\\\", body) + '"', strict=False))
        except ValueError:
            return body.replace("\\", "")

    def _bare(self, at: int, wants_key: bool) -> tuple[Any, bool]:
        """A number, a literal or words without quotation marks; False when there is nothing to keep."""
        text, problems = self.text, self.problems
        number = _NUMBER.match(text, at)
        if number is not None and not wants_key:
            self._at = number.end()
            if self._at == len(text):
                return None, False  # perhaps only its first digits
            if number[0][0] in "+." or number[0][-1] == ".":
                problems.note("json.number", text, at)
            return _number(number[0]), True
        match = _BARE.match(text, at)
        if match is None:
            self._at = at + 1
            problems.note("json.unquoted", text, at)
            return None, False
        word = match[0].rstrip("'\"”)") if not match[0].startswith("(") else match[0]
        self._at = match.end()
        if word.startswith(("...", "…")):
            problems.note("json.ellipsis", text, at)
            return None, False
        if self._at == len(text):
            return None, False
        if wants_key:
            problems.note("json.unquoted", text, at)
            return word, True
        if word in _LITERALS:
            if word not in ("true", "false", "null"):
                problems.note("json.literal", text, at)
            return _LITERALS[word], True
        if word.lstrip("+-").lower() in _NO_NUMBERS:
            problems.note("json.not-a-number", text, at)
            return None, True
        problems.note("json.unquoted", text, at)
        return word, True


def _number(text: str) -> int | float:
    try:
        return int(text) if len(text) < 18 else float(text)
    except ValueError:
        return float(text)
