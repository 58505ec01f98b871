"""The grammar of a guided text: Lark expressions that know how long their texts are.

Sizes are in bytes of UTF-8. Every token has at least one byte, so they bound tokens too, from above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .punctuation import quoted

_CHAR_BYTES: Final = 4
"""The most bytes of a character, also of one that JSON writes with a backslash."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A Lark expression.

    `shortest` and `longest` are the bytes of its shortest and its longest text, `characters` those of the
    longest text in characters, which is nearer to what a text takes in tokens. `free` of the longest one's
    bytes are free text, where the model always has a choice; of the others a guide may force every one.
    """

    lark: str
    shortest: int
    longest: int
    characters: int
    free: int = 0


class Terminals:
    """The terminals of a grammar, each pattern under one name, and the rules that expressions share."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._rules: dict[str, str] = {}

    def name(self, definition: str) -> str:
        """The name of a terminal."""
        return self._names.setdefault(definition, f"T{len(self._names)}")

    def rule(self, definition: str) -> str:
        """The name of a rule; an expression that is in several places is written once."""
        return self._rules.setdefault(definition, f"r{len(self._rules)}")

    def lines(self) -> tuple[str, ...]:
        """The lines that define them."""
        defined = (self._rules, self._names)
        return tuple(f"{name}: {definition}" for names in defined for definition, name in names.items())


def text(fixed: str) -> Expression:
    """A text as it is."""
    size = len(fixed.encode())
    return Expression(quoted(fixed), size, size, len(fixed))


_QUOTE: Final = text('"')


def free_text(name: str, least: int, most: int) -> Expression:
    """The terminal of that name: `least` to `most` characters of text."""
    longest = most * _CHAR_BYTES
    return Expression(name, least, longest, most, free=longest)


def chain(*parts: Expression) -> Expression:
    """One after the other."""
    return Expression(
        f"({' '.join(part.lark for part in parts)})",
        sum(part.shortest for part in parts),
        sum(part.longest for part in parts),
        sum(part.characters for part in parts),
        sum(part.free for part in parts),
    )


def in_quotes(inside: Expression) -> Expression:
    """A JSON string, by what is between its quotes."""
    return chain(_QUOTE, inside, _QUOTE)


def either(options: Sequence[Expression]) -> Expression:
    """One of several."""
    longest = max(option.longest for option in options)
    return Expression(
        f"({' | '.join(option.lark for option in options)})",
        min(option.shortest for option in options),
        longest,
        max(option.characters for option in options),
        # What may be forced is largest where it is, whichever option is taken.
        longest - max(option.longest - option.free for option in options),
    )


def repeated(item: Expression, least: int, most: int) -> Expression:
    """`least` to `most` times."""
    return Expression(
        f"({item.lark}){{{least},{most}}}",
        least * item.shortest,
        most * item.longest,
        most * item.characters,
        most * item.free,
    )


def one_of(texts: Iterable[str]) -> Expression:
    """One of several texts."""
    return either([text(each) for each in texts])


def one_terminal(texts: Iterable[str], terminals: Terminals) -> Expression:
    """One of many texts, as one terminal: a lexer compares thousands at once, where rules are tried in
    turn."""
    found = either([text(each) for each in texts])
    return replace(found, lark=terminals.name(found.lark))
