"""A pattern at work: a terminal of the decoder's grammar, a check of a text, a constraint of Pydantic.

All of them run on llguidance, which is what decodes. Python's `re` would take exponential time on some
patterns, and neither it nor Pydantic's own engine has the decoder's version of Unicode.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

from ..abi import DEFAULT_STR_LENGTH
from ..grammars import make_matcher
from .syntax import Chars, Either, Joined, PatternError, Range, Repeat, Tree, parse

if TYPE_CHECKING:
    from llguidance import LLMatcher
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

MAX_TEXT: Final = DEFAULT_STR_LENGTH
"""The most characters that a pattern matches: a longer text is refused, whatever the pattern says."""

MAX_NESTED: Final = 500
"""How many characters counts inside one another may multiply a pattern to, as `(.{1,20}){1,20}` does. A text
can be read in so many ways then that llguidance takes seconds for a mask, or gives up."""

_ANY_TEXT: Final = rf"/(?s:.){{0,{MAX_TEXT}}}/"
_ANY_JSON: Final = rf'/(?:[^"\\\x00-\x1f]|\\["\\bfnrt]|\\u00[01][0-9a-f]){{0,{MAX_TEXT}}}/'
_ESCAPED: Final[tuple[Range, ...]] = ((0, 0x1F), (ord('"'), ord('"')), (ord("\\"), ord("\\")))
"""The characters that JSON writes with a backslash."""

_NOTHING: Final = r"[^\s\S]"
_IN_CLASS: Final = r"\]-[^&~/"
_BY_ITSELF: Final = r"\.+*?()|[]{}^$/"
"""The characters that get a backslash in a class, and outside of one."""

_MANY: Final = 10**6
"""Stands for lengths without an end; products of counts stop here too."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that matches a text of up to `MAX_TEXT` characters as a whole.

    What it may hold and what that means is told in `syntax`. In generated modules it constrains the fields of
    records: `Annotated[str, Pattern("[A-Z]+")]`. Making one costs nothing; it is read at its first use, which
    raises `PatternError` if it can't be.
    """

    text: str

    def require_use(self) -> None:
        """Raise `PatternError` unless the decoder can follow the pattern and some text matches it."""
        if self.shortest > MAX_TEXT:
            raise PatternError(f"no text of up to {MAX_TEXT} characters matches", never=True)
        size = _nested_size(parse_once(self.text))
        if size > MAX_NESTED:
            raise PatternError(
                f"its counts inside one another make {size:,} characters of it; {MAX_NESTED} are allowed, "
                "and `+` counts as one"
            )
        matcher = _matcher(self.text)
        if not matcher.is_error():
            matcher.compute_bitmask()
        if matcher.is_error():
            # llguidance has looked for a text that matches: there is none, or it has given up.
            is_hard = "fuel" in matcher.get_error() or "too many" in matcher.get_error()
            known = "it is too complex to tell whether anything matches"
            raise PatternError(
                known if is_hard else f"no text of up to {MAX_TEXT} characters matches", never=True
            )

    def matches(self, text: str) -> bool:
        """Whether the pattern matches the whole text, in time proportional to its length."""
        if len(text) > MAX_TEXT:
            return False
        data = text.encode(errors="surrogatepass")
        matcher = _matcher(self.text)
        return matcher.try_consume_tokens(list(data)) == len(data) and matcher.is_accepting()

    def regex(self) -> str:
        """The pattern spelt out, so that little of its meaning is left to who reads it."""
        return plain_regex(self.text)

    def terminal(self) -> str:
        """The texts as a terminal of a Lark grammar."""
        regex = f"/{self.regex()}/"
        return regex if self._ends_by_itself() else f"{regex} & {_ANY_TEXT}"

    def json_terminal(self) -> str:
        """The same for the texts inside a JSON string, without its quotes."""
        regex = f"/{json_regex(self.text)}/"
        return regex if self._ends_by_itself() else f"{regex} & {_ANY_JSON}"

    @property
    def shortest(self) -> int:
        """The characters of the shortest text."""
        return _shortest(parse_once(self.text))

    @property
    def longest(self) -> int:
        """The characters of the longest text."""
        return min(MAX_TEXT, _longest(parse_once(self.text), lambda _: 1))

    @property
    def longest_bytes(self) -> int:
        """The bytes of the longest text."""
        return self._most(bytes_of)

    @property
    def longest_json_bytes(self) -> int:
        """The bytes of the longest text inside a JSON string."""
        return self._most(json_bytes_of)

    @property
    def has_line_ends(self) -> bool:
        """Whether a text may hold a line feed."""
        return _widest(parse_once(self.text), lambda chars: int(chars.has(ord("\n")))) > 0

    def _most(self, size: Callable[[Chars], int]) -> int:
        tree = parse_once(self.text)
        return min(_longest(tree, size), MAX_TEXT * _widest(tree, size))

    def _ends_by_itself(self) -> bool:
        return _longest(parse_once(self.text), lambda _: 1) <= MAX_TEXT

    # What Pydantic asks the constraints of a field for.

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import PydanticCustomError, core_schema

        def check(text: str) -> str:
            if not self.matches(text):
                message = "String should match pattern '{pattern}'"
                raise PydanticCustomError("string_pattern_mismatch", message, {"pattern": self.text})
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self.regex()})$"}


def plain_regex(pattern: str) -> str:
    """A pattern spelt out."""
    return _written(parse_once(pattern), _chars)


def json_regex(pattern: str) -> str:
    """The same for what it matches inside a JSON string, without its quotes."""
    return _written(parse_once(pattern), _json_chars)


def chars_in(node: Tree) -> Iterator[Chars]:
    """The sets of characters that a pattern is made of."""
    match node:
        case Chars():
            yield node
        case Joined(items) | Either(items):
            for item in items:
                yield from chars_in(item)
        case Repeat(item):
            yield from chars_in(item)
        case _:
            assert_never(node)


@lru_cache(maxsize=1024)
def parse_once(pattern: str) -> Tree:
    """The tree of a pattern, kept."""
    return parse(pattern)


def _matcher(pattern: str) -> LLMatcher:
    """A matcher over bytes. Copies would share, and keep for good, all the states that texts lead to; making
    one anew takes a millisecond."""
    return make_matcher(_grammar(pattern))


@lru_cache(maxsize=1024)
def _grammar(pattern: str) -> str:
    from llguidance import LLMatcher  # 30 ms that programs without patterns do not pay

    grammar: str = LLMatcher.grammar_from_lark(f"start: TEXT\nTEXT: {Pattern(pattern).terminal()}\n")
    return grammar


# ---------------------------------------------------------------------------------------------- lengths


def _shortest(node: Tree) -> int:
    match node:
        case Chars():
            return 1
        case Joined(items):
            return min(_MANY, sum(map(_shortest, items)))
        case Either(options):
            return min(map(_shortest, options))
        case Repeat(item, least, _):
            return min(_MANY, least * _shortest(item))


def _longest(node: Tree, size: Callable[[Chars], int]) -> int:
    match node:
        case Chars():
            return size(node)
        case Joined(items):
            return min(_MANY, sum(_longest(item, size) for item in items))
        case Either(options):
            return max(_longest(option, size) for option in options)
        case Repeat(item, _, most):
            return min(_MANY, (_MANY if most is None else most) * _longest(item, size))


def _widest(node: Tree, size: Callable[[Chars], int]) -> int:
    """The size of the largest character."""
    match node:
        case Chars():
            return size(node)
        case Joined(items) | Either(items):
            return max((_widest(item, size) for item in items), default=0)
        case Repeat(item, _, _):
            return _widest(item, size)


def _size(node: Tree) -> int:
    """The characters of a pattern with its counted repetitions written out."""
    match node:
        case Chars():
            return 1
        case Joined(items) | Either(items):
            return min(_MANY, sum(map(_size, items)))
        case Repeat(item):
            return min(_MANY, _times(node) * _size(item))


def _nested_size(node: Tree) -> int:
    """The size of the largest counted repetition that has others inside."""
    match node:
        case Chars():
            return 0
        case Joined(items) | Either(items):
            return max(map(_nested_size, items), default=0)
        case Repeat(item):
            inside = _nested_size(item)
            return max(inside, _size(node)) if _times(node) > 1 and _is_counted(item) else inside


def _is_counted(node: Tree) -> bool:
    match node:
        case Chars():
            return False
        case Joined(items) | Either(items):
            return any(map(_is_counted, items))
        case Repeat(item):
            return _times(node) > 1 or _is_counted(item)


def _times(node: Repeat) -> int:
    """How often a repetition is written out: an open one only as often as it must be there."""
    is_open = node.most is None or node.most > MAX_TEXT
    return max(1, min(node.least, MAX_TEXT) if is_open else node.most or 0)


def bytes_of(chars: Chars) -> int:
    """The most bytes of a character of a set."""
    return 4 if chars.last > 0xFFFF else 3 if chars.last > 0x7FF else 2 if chars.last > 0x7F else 1


def json_bytes_of(chars: Chars) -> int:
    """The same in a JSON string."""
    return max([bytes_of(chars), *(len(escape) for escape in escapes_of(chars))])


# ---------------------------------------------------------------------------------------------- writing


def _written(node: Tree, chars: Callable[[Chars], str]) -> str:
    """A tree as a regular expression, with `chars` for its characters."""
    match node:
        case Chars():
            return chars(node)
        case Joined(items):
            written = (_grouped if isinstance(item, Either) else _written for item in items)
            return "".join(write(item, chars) for write, item in zip(written, items, strict=True))
        case Either(options):
            return "|".join(_written(option, chars) for option in options)
        case Repeat(item, least, most):
            return _grouped(item, chars) + _count(item, least, most)


def _grouped(node: Tree, chars: Callable[[Chars], str]) -> str:
    text = _written(node, chars)
    return text if isinstance(node, Chars) else f"(?:{text})"


def _count(item: Tree, least: int, most: int | None) -> str:
    """The count of a repetition. A text ends after `MAX_TEXT` characters, so more than that is no bound."""
    if most is not None and most > MAX_TEXT:
        most = None
    if not _shortest(item):
        least = 0  # an item can be empty as often as it has to
    signs = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in signs:
        return signs[least, most]
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def _chars(chars: Chars) -> str:
    classes = "".join(f"\\{letter}" for letter in chars.classes)
    ranges = chars.ranges
    if chars.is_negated:
        return f"[^{_ranges(ranges)}{classes}]"
    if not ranges and len(chars.classes) <= 1:
        return classes or _NOTHING
    if not classes and len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _point(ranges[0][0], _BY_ITSELF)
    return f"[{_ranges(ranges)}{classes}]"


def _ranges(ranges: tuple[Range, ...]) -> str:
    ends = ([low] if low == high else [low, high] for low, high in ranges)
    return "".join("-".join(_point(point, _IN_CLASS) for point in pair) for pair in ends)


def _point(point: int, escaped: str) -> str:
    char = chr(point)
    if char in escaped:
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\x{point:02x}" if point < 0x80 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _json_chars(chars: Chars) -> str:
    """The characters as they are in a JSON string: some by themselves, others behind a backslash."""
    bare = _chars(chars.without(_ESCAPED))
    options = [] if bare == _NOTHING else [bare]
    escapes = escapes_of(chars)
    if short := [escape[1] for escape in escapes if len(escape) == 2]:
        options.append(rf"\\[{''.join(_point(ord(letter), _IN_CLASS) for letter in short)}]")
    for lead in ("u000", "u001"):
        if digits := "".join(escape[-1] for escape in escapes if escape[1:-1] == lead):
            options.append(rf"\\{lead}[{digits}]")
    if options == [bare]:
        return bare
    return f"(?:{'|'.join(options)})" if options else _NOTHING


def escapes_of(chars: Chars) -> list[str]:
    """What JSON writes for those of the characters that it does not write as they are."""
    points = (point for low, high in _ESCAPED for point in range(low, high + 1))
    return [json.dumps(chr(point))[1:-1] for point in points if chars.has(point)]
