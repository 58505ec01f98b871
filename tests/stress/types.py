"""Random types, how a file writes them, and values of them, which an answer may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hypothesis import strategies as st

from .words import CHARACTERS, Draw, lines, quoted, texts


@dataclass(frozen=True, slots=True)
class Text:
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    regex: str


@dataclass(frozen=True, slots=True)
class Number:
    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    pass


@dataclass(frozen=True, slots=True)
class Literals:
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Single:
    """A type as it is written, and some of its values."""

    written: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """A set of the labels of a choice."""

    of: Literals | Enum


@dataclass(frozen=True, slots=True)
class Entries:
    """A dict of values of a type."""

    of: Type


@dataclass(frozen=True, slots=True)
class Items:
    of: Type
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Maybe:
    of: Type


@dataclass(frozen=True, slots=True)
class Enum:
    """`home` is the file that declares it, as an import names it."""

    home: str
    name: str
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """`fields` holds the types by name; those in `optional` have a default."""

    home: str
    name: str
    fields: Mapping[str, Type]
    optional: frozenset[str]


@dataclass(frozen=True, slots=True)
class Alias:
    home: str
    name: str
    of: Type


Named: TypeAlias = Enum | Record | Alias
Type: TypeAlias = (
    Text | Pattern | Number | Truth | Literals | Single | Labels | Entries | Items | Maybe | Named
)

SINGLES: Final = (
    Single("date", ("2024-02-29", "0001-01-01", "9999-12-31")),
    Single("date(2020-01-01..)", ("2020-01-01", "2100-02-28")),
    Single("time(08:00..18:00)", ("08:00", "17:59:59")),
    Single("datetime(..2030-12-31T23:59)", ("2024-02-29T08:30", "1999-12-31T00:00:01")),
    Single("decimal", ("0.125", "-12", "999999999999999.999999")),
    Single("decimal(-1.00..99.995)", ("12.5", "-0.01", "7")),
    Single("1 | 5 | 10", ("1", "5", "10")),
    Single('"auto" | -3 | 3', ('"auto"', "-3")),
)

PATTERNS: Final = (
    r"[A-Z]{2}-[0-9]{3}",
    r"\d{4}-\d\d-\d\d",
    r"[a-z]+@[a-z]+\.(com|org)",
    r"a\/b|c\\d",
    r"(x|yy){3,5}",
    r"[^a-z,]{2,4}",
    r".{1,9}",
    r"\w{1,5}( \w{1,5}){0,2}",
    r"[äöü日]+",
    r"(?i:yes|no)",
)


def behind(declared: Type) -> Type:
    """The type behind aliases."""
    while isinstance(declared, Alias):
        declared = declared.of
    return declared


def has_none(declared: Type) -> bool:
    """Whether the word of the missing value is taken."""
    match behind(declared):
        case Literals(words):
            return "none" in words
        case Enum(members=members):
            return "none" in members.values()
        case Maybe():
            return True
        case Text() | Pattern() | Number() | Truth() | Single() | Labels() | Entries() | Items() | Record():
            return False
        case Alias():
            raise AssertionError("`behind` leaves no alias")


def bounded(low: float | None, high: float | None) -> str:
    """A range of the language."""

    def end(number: float | None) -> str:
        return "" if number is None else str(number)

    return "" if low is None and high is None else f"({end(low)}..{end(high)})"


@dataclass(slots=True)
class Scope:
    """What a file can name: the types, and before the names of those from another file, its prefix."""

    types: list[Named] = field(default_factory=list)
    prefixes: dict[str, str] = field(default_factory=dict)

    def name(self, named: Named) -> str:
        return self.prefixes.get(named.home, "") + named.name

    def write(self, declared: Type) -> str:
        """A type as this file writes it."""
        match declared:
            case Text(low, high):
                return f"str{bounded(low, high)}"
            case Pattern(regex):
                return f"str(/{regex}/)"
            case Number(name, low, high):
                return f"{name}{bounded(low, high)}"
            case Truth():
                return "bool"
            case Literals(words):
                return " | ".join(map(quoted, words))
            case Single(written):
                return written
            case Labels(of):
                return f"set[{self.write(of)}]"
            case Entries(of):
                return f"dict[str, {self.write(of)}]"
            case Items(of, low, high):
                return f"list[{self.write(of)}]{bounded(low, high)}"
            case Maybe(of):
                inner = self.write(of)
                return f"({inner})?" if " | " in inner else f"{inner}?"
            case Enum() | Record() | Alias():
                return self.name(declared)

    def value(self, draw: Draw, declared: Type, *, alone: bool = False) -> str:
        """A value of a type, which an answer may hold; `alone` if it is the whole answer."""
        match behind(declared):
            case Text(low, high):
                return quoted(draw(_lines_within(low, high) if alone else _texts_within(low, high)))
            case Pattern(regex):
                strategy = st.from_regex(
                    regex, fullmatch=True, alphabet=st.characters(max_codepoint=126, min_codepoint=32)
                )
                if "日" in regex:
                    strategy = st.text("äöü日", min_size=1, max_size=9)
                return quoted(draw(strategy.filter(lambda text: len(text) <= 200)))
            case Number(name, low, high):
                return draw(_numbers(name, low, high))
            case Truth():
                return draw(st.sampled_from(("true", "false")))
            case Literals(words):
                return quoted(draw(st.sampled_from(words)))
            case Single(_, values):
                return draw(st.sampled_from(values))
            case Labels(of):
                labels = list(map(quoted, of.words)) if isinstance(of, Literals) else list(of.members)
                return "{" + draw(_COMMAS).join(draw(st.lists(st.sampled_from(labels), unique=True))) + "}"
            case Entries(of):
                keys = draw(st.lists(lines(), max_size=3, unique=True))
                entries = [f"{quoted(key)}: {self.value(draw, of)}" for key in keys]
                return "{" + draw(_COMMAS).join(entries) + "}"
            case Items(of, low, high):
                least = low or 0
                count = draw(st.integers(least, min(16 if high is None else high, least + 3)))
                return "[" + draw(_COMMAS).join(self.value(draw, of) for _ in range(count)) + "]"
            case Maybe(of):
                return "none" if draw(st.booleans()) else self._present(draw, of, alone=alone)
            case Enum(members=members) as enum:
                member = draw(st.sampled_from(sorted(members)))
                return member if draw(st.booleans()) else f"{self.name(enum)}.{member}"
            case Record(fields=fields, optional=optional) as record:
                given = [
                    f"{name}={self.value(draw, of)}"
                    for name, of in fields.items()
                    if name not in optional or draw(st.booleans())
                ]
                return f"{self.name(record)}({draw(_COMMAS).join(given)})"
            case Alias():
                raise AssertionError("`behind` leaves no alias")

    def _present(self, draw: Draw, declared: Type, *, alone: bool) -> str:
        written = self.value(draw, declared, alone=alone)
        # By itself the word stands for the missing value, with and without quotes.
        return '"some"' if written == '"none"' and isinstance(behind(declared), Text) else written


_COMMAS: Final = st.sampled_from((", ", ",", ",\n            "))


def _texts_within(low: int | None, high: int | None) -> st.SearchStrategy[str]:
    return texts(low or 0, 200 if high is None else high)


def _lines_within(low: int | None, high: int | None) -> st.SearchStrategy[str]:
    least, most = low or 0, 200 if high is None else high
    characters = st.sampled_from(CHARACTERS[:-1])
    return (
        st.lists(characters, min_size=least, max_size=min(most, least + 10))
        .map("".join)
        .map(lambda text: "x" + text[1:] if text[:1].isspace() else text)
    )


def _numbers(name: str, low: float | None, high: float | None) -> st.SearchStrategy[str]:
    least = -(10**15) + 1 if low is None else low
    most = 10**15 - 1 if high is None else high
    if name == "int":
        return st.integers(int(least), int(most)).map(str)
    # Written with the six digits that an answer has behind its point.
    millionths = st.integers(round(least * 10**6), round(most * 10**6))
    return millionths.map(
        lambda number: f"{'-' if number < 0 else ''}{abs(number) // 10**6}.{abs(number) % 10**6:06}"
    )


@st.composite
def types(draw: Draw, scope: Scope, depth: int = 2) -> Type:
    """A type that can be written in a scope."""
    kinds = ["text", "pattern", "int", "float", "bool", "literals", *(["named"] * 3 if scope.types else [])]
    kinds += ["single", "single", "set"]
    kind = draw(st.sampled_from([*kinds, "list", "dict", "maybe"] if depth else kinds))
    match kind:
        case "text":
            low, high = draw(_range(0, 30, least_high=1))
            return Text(low, high)
        case "pattern":
            return Pattern(draw(st.sampled_from(PATTERNS)))
        case "int":
            return Number("int", *draw(_range(-300, 10**6)))
        case "float":
            low, high = draw(_range(-300, 10**6))
            return Number("float", low, high if high is None else high + 0.5)
        case "bool":
            return Truth()
        case "literals":
            return Literals(tuple(draw(st.lists(lines(), min_size=1, max_size=5, unique=True))))
        case "single":
            return draw(st.sampled_from(SINGLES))
        case "set":
            enums = [found for found in scope.types if isinstance(found, Enum)]
            words = draw(st.lists(lines(), min_size=1, max_size=5, unique=True))
            choices: list[Literals | Enum] = [*enums, Literals(tuple(words))]
            return Labels(draw(st.sampled_from(choices)))
        case "dict":
            return Entries(draw(types(scope, depth - 1)))
        case "named":
            return draw(st.sampled_from(scope.types))
        case "list":
            low, high = draw(_range(0, 4, least_high=1))
            return Items(draw(types(scope, depth - 1)), low, high)
        case _:
            of = draw(types(scope, depth - 1))
            return of if has_none(of) else Maybe(of)


@st.composite
def _range(draw: Draw, least: int, most: int, least_high: int | None = None) -> tuple[int | None, int | None]:
    low = draw(st.none() | st.integers(least, most))
    bottom = max(least if low is None else low, least if least_high is None else least_high)
    return low, draw(st.none() | st.integers(bottom, most + 1))
