r"""A pattern's text becomes a tree of characters, sequences, alternatives and repetitions.

The syntax is what Python's `re` and Rust's `regex` share, without what is not regular (look-around,
back-references) and without what has no use here (boundaries, flags but `i`). The tree says what each piece
means, so nobody has to ask which of the engines around reads `\w` or `.` in which way:

- `\w`, `\d`, `\s` and their opposites are Unicode's: `\w+` takes "Müller".
- A text is one line. `.`, `[^,]`, `\s` and all else that stands for many characters leave out the line ends
  `\n` and `\r`, unless the pattern names one of these two itself, outside of a negated class.
- The pattern matches the whole text, so `^` and `$` are allowed where it begins and ends, and say nothing.
- Greedy and lazy repetitions are the same, since only the whole text counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_PATTERN: Final = 1_000
"""The most characters of a pattern."""

MAX_NESTING: Final = 50
"""Groups inside one another."""

LINE_ENDS: Final = (10, 13)
_SPACES: Final = (
    *((9, 13), (32, 32), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
"""Unicode's `White_Space`."""

_CONTROLS: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_HEX_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_COUNT: Final = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_FLAGS: Final = re.compile(r"\?[a-zA-Z-]*(?=[:)])")
_GROUP_NAME: Final = re.compile(r"\?P<[A-Za-z_][A-Za-z0-9_]*>")

Range: TypeAlias = tuple[int, int]
"""Code points from the first to the last, both included."""


class PatternError(Exception):
    """A pattern is of no use: `never` when it can be read but nothing is known to match it."""

    def __init__(self, reason: str, *, never: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.never = never


@dataclass(frozen=True, slots=True)
class Chars:
    r"""One character of a set: of `ranges` and of the classes named by the letters in `classes`, or, where
    `is_negated`, any other. The letters are `w` and `d`; a negated set may also name `W` and `D`."""

    ranges: tuple[Range, ...]
    classes: str = ""
    is_negated: bool = False

    def without(self, points: tuple[Range, ...]) -> Chars:
        """The set less these characters. (The classes are taken to have none of them.)"""
        if self.is_negated:
            more = (span for span in points if span not in self.ranges)
            return Chars((*self.ranges, *more), self.classes, True)
        ranges = self.ranges
        for low, high in points:
            ranges = tuple(piece for old in ranges for piece in _cut(old, low, high))
        return Chars(ranges, self.classes)

    def has(self, point: int) -> bool:
        r"""Whether the set has a character that is neither a letter nor a digit."""
        is_listed = any(low <= point <= high for low, high in self.ranges)
        return (is_listed or any(letter in "WD" for letter in self.classes)) != self.is_negated

    @property
    def last(self) -> int:
        """A code point that none of the set is beyond."""
        if self.is_negated or self.classes:
            return 0x10FFFF
        return max((high for _, high in self.ranges), default=0)


@dataclass(frozen=True, slots=True)
class Joined:
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    options: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`least` to `most` of an item; `most` is `None` where there is no limit."""

    item: Tree
    least: int
    most: int | None


Tree: TypeAlias = Chars | Joined | Either | Repeat


def parse(pattern: str) -> Tree:
    """The tree of a pattern. Raises `PatternError`."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"it has {len(pattern):,} characters; {MAX_PATTERN:,} are allowed")
    parser = _Parser(pattern)
    tree = parser.whole()
    return tree if parser.names_line_end else _on_one_line(tree)


def _on_one_line(node: Tree) -> Tree:
    match node:
        case Chars():
            return node.without(tuple((point, point) for point in LINE_ENDS))
        case Joined(items):
            return Joined(tuple(map(_on_one_line, items)))
        case Either(options):
            return Either(tuple(map(_on_one_line, options)))
        case Repeat(item, least, most):
            return Repeat(_on_one_line(item), least, most)


class _Parser:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0
        self._ignores_case = False
        self.names_line_end = False

    def whole(self) -> Tree:
        if self._take("(?i)"):
            self._ignores_case = True
        tree = self._either()
        if self._at < len(self._text):
            raise PatternError("a `)` has no `(`")
        return tree

    def _either(self) -> Tree:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _sequence(self) -> Tree:
        items: list[Tree] = []
        if not self._depth:
            self._take("^")
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if (
                not self._depth
                and self._text[self._at] == "$"
                and self._text[self._at + 1 :][:1] in ("", "|")
            ):
                self._at += 1
                break
            items.append(self._repeated(self._atom()))
        return items[0] if len(items) == 1 else Joined(tuple(items))

    def _is_at_end(self) -> bool:
        """Whether the next character is the last of the pattern, or of an alternative outside of groups."""
        return not self._depth and self._text[self._at + 1 : self._at + 2] in ("", "|")

    def _repeated(self, item: Tree) -> Tree:
        counts = self._counts()
        if counts is None:
            return item
        self._take("?")  # lazy
        if self._text[self._at : self._at + 1] in ("*", "+", "?", "{"):
            raise PatternError("a repetition is repeated; put the first into a group: `(?:a+)*`")
        return Repeat(item, *counts)

    def _counts(self) -> tuple[int, int | None] | None:
        for mark, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(mark):
                return counts
        if not self._text.startswith("{", self._at):
            return None
        found = _COUNT.match(self._text, self._at)
        if found is None or not (found[1] or found[3]):
            raise PatternError("a brace that is text is written `\\{`")
        self._at = found.end()
        least = int(found[1] or 0)
        most = int(found[3]) if found[3] else None if found[2] else least
        if most is not None and least > most:
            raise PatternError(f"nothing is from {least} to {most} times there")
        return least, most

    def _atom(self) -> Tree:
        char = self._text[self._at]
        self._at += 1
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return Chars(tuple((point, point) for point in LINE_ENDS), is_negated=True)
            case "*" | "+" | "?" | "{":
                raise PatternError(f"`{char}` has nothing to repeat; as text it is written `\\{char}`")
            case "^" | "$":
                raise PatternError(f"`{char}` stands inside; a pattern matches the whole text anyway")
            case "\\":
                found = self._escape()
                return _class_of(found) if isinstance(found, str) else self._literal(found)
            case _:
                return self._literal(ord(char))

    def _group(self) -> Tree:
        outer = self._ignores_case
        if self._text.startswith("?", self._at):
            self._open_special()
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise PatternError(f"its groups are more than {MAX_NESTING} deep")
        inside = self._either()
        self._depth -= 1
        if not self._take(")"):
            raise PatternError("a `(` has no `)`")
        self._ignores_case = outer
        return inside

    def _open_special(self) -> None:
        if self._take("?:"):
            return
        if self._take("?i:"):
            self._ignores_case = True
        elif named := _GROUP_NAME.match(self._text, self._at):
            self._at = named.end()
        elif self._text.startswith(("?=", "?!", "?<=", "?<!"), self._at):
            raise PatternError("look-around, including look-ahead and look-behind, is not supported")
        elif _FLAGS.match(self._text, self._at):
            raise PatternError("of the flags only `i` is supported, at the start or as `(?i:...)`")
        else:
            raise PatternError("groups are `(...)` or `(?:...)`; others are not supported")

    def _literal(self, point: int) -> Chars:
        self._note(point)
        return Chars(self._both_cases((point, point)))

    def _note(self, *points: int) -> None:
        self.names_line_end |= any(point in LINE_ENDS for point in points)

    def _class(self) -> Tree:
        is_negated = self._take("^")
        ranges: list[Range] = []
        classes = ""
        start = self._at
        while not self._text.startswith("]", self._at) or self._at == start:
            if self._at >= len(self._text):
                raise PatternError("a `[` has no `]`")
            first = self._member()
            if isinstance(first, str):
                classes += first
                if self._text.startswith("-", self._at) and self._text[self._at + 1 :][:1] != "]":
                    raise PatternError(f"a range cannot begin with `\\{first}`")
                continue
            last = first
            if self._text.startswith("-", self._at) and self._text[self._at + 1 :][:1] not in ("", "]"):
                self._at += 1
                end = self._member()
                if isinstance(end, str) or end < first:
                    raise PatternError("a range in a class ends before it begins")
                last = end
            if not is_negated:
                self._note(first, last)
            ranges += self._both_cases((first, last))
        self._at += 1
        return _negated_class(ranges, classes) if is_negated else _listed_class(ranges, classes)

    def _member(self) -> int | str:
        """A character of a class, or the letter of a class inside it."""
        for doubled in ("&&", "--", "~~", "||"):
            if self._text.startswith(doubled, self._at):
                raise PatternError(f"in a class `{doubled}` is written `\\{doubled[0]}\\{doubled[0]}`")
        char = self._text[self._at]
        self._at += 1
        if char == "[":
            raise PatternError("in a class `[` is written `\\[`")
        return self._escape() if char == "\\" else ord(char)

    def _escape(self) -> int | str:
        """What stands behind a backslash: a character, or the letter of a class."""
        char = self._text[self._at : self._at + 1]
        self._at += 1
        if char and char in "wWdDsS":
            return char
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in _HEX_DIGITS:
            digits = self._text[self._at : self._at + _HEX_DIGITS[char]]
            if not re.fullmatch(f"[0-9A-Fa-f]{{{_HEX_DIGITS[char]}}}", digits) or int(digits, 16) > 0x10FFFF:
                raise PatternError(f"`\\{char}` needs {_HEX_DIGITS[char]} hexadecimal digits of a character")
            self._at += len(digits)
            if 0xD800 <= int(digits, 16) < 0xE000:
                raise PatternError(f"`\\{char}{digits}` is half of a surrogate pair, which is no character")
            return int(digits, 16)
        if char.isdigit():
            raise PatternError("back-references are not supported")
        if char in ("b", "B", "A", "Z", "z"):
            raise PatternError("word boundaries and other places without a character are not supported")
        if not char or char.isalnum():
            raise PatternError(f"`\\{char}` means nothing here")
        return ord(char)

    def _both_cases(self, span: Range) -> tuple[Range, ...]:
        """The range, and its letters in the other case if case does not count."""
        if not self._ignores_case:
            return (span,)
        others = set()
        for point in range(span[0], min(span[1], 0x1FFFF) + 1):
            letter = chr(point)
            others |= {ord(each) for each in (letter.lower(), letter.upper()) if len(each) == 1}
        return (span, *((point, point) for point in sorted(others) if not span[0] <= point <= span[1]))

    def _take(self, text: str) -> bool:
        is_there = self._text.startswith(text, self._at)
        self._at += len(text) if is_there else 0
        return is_there


def _class_of(letter: str) -> Tree:
    """`\\w` and its like by themselves."""
    return _listed_class([], letter)


def _listed_class(ranges: list[Range], classes: str) -> Tree:
    """`[...]`. The opposites of classes become alternatives of their own."""
    options: list[Tree] = [
        Chars(_SPACES if letter == "S" else (), letter.lower().replace("s", ""), is_negated=True)
        for letter in sorted(set(classes) & set("WDS"))
    ]
    listed = Chars((*ranges, *(_SPACES if "s" in classes else ())), "".join(sorted(set(classes) & set("wd"))))
    if listed.ranges or listed.classes:
        options.append(listed)
    return options[0] if len(options) == 1 else Either(tuple(options))


def _negated_class(ranges: list[Range], classes: str) -> Tree:
    """`[^...]`. With `\\S` in it, it is what is left of the spaces."""
    kept = "".join(sorted(set(classes) & set("wdWD")))
    if "S" not in classes:
        return Chars((*ranges, *(_SPACES if "s" in classes else ())), kept, is_negated=True)
    if "s" in classes or set(classes) & set("WD"):
        return Chars(())
    return Chars(_SPACES).without(tuple(ranges))


def _cut(span: Range, low: int, high: int) -> tuple[Range, ...]:
    """What is left of a range without the points from `low` to `high`."""
    pieces = ((span[0], min(span[1], low - 1)), (max(span[0], high + 1), span[1]))
    return tuple(piece for piece in pieces if piece[0] <= piece[1])
