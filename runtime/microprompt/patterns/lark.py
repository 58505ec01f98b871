"""Lark grammars of `grammar` blocks: what is wrong with one, what it matches, and how it reads inside JSON.

llguidance says what a grammar means. What is not said in texts, strings and patterns has no place in one:
special tokens belong to one model, and what a JSON schema or a negation leaves open can't be written inside a
JSON string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ..grammars import can_match, make_matcher
from .pattern import bytes_of, chars_in, escapes_of, json_bytes_of, json_regex, parse_once, plain_regex
from .syntax import Chars, PatternError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_PIECE: Final = re.compile(
    r"""(?P<comment>//[^\n]*|\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*")(?P<flag>i?)
      | (?P<regex>/(?:\\.|[^/\\\n])+/)(?P<flags>[a-z]*)
      | (?P<common>\bcommon\.(?P<name>\w+))
      | (?P<refused>%(?!import\b|ignore\b)\w+ | <[^>\n]*> | @\w+ | ~ | \[[^\]\n]*\])
    """,
    re.VERBOSE,
)

_COMMON: Final = frozenset(
    (
        *("DIGIT", "HEXDIGIT", "INT", "SIGNED_INT", "DECIMAL", "FLOAT", "SIGNED_FLOAT", "NUMBER"),
        *("SIGNED_NUMBER", "LCASE_LETTER", "UCASE_LETTER", "LETTER", "WORD", "CNAME"),
    )
)
"""What may be imported: it holds nothing that JSON would write with a backslash."""

_PLACE: Final = re.compile(r"(?:at )?(\d+)\((\d+)\): (.*)")


@dataclass(frozen=True, slots=True)
class LarkProblem:
    """What is wrong with a grammar, and where: `line` and `column` count from 1. `is_refused` says that it is
    only refused here; `never` that it can be read, but nothing matches it."""

    message: str
    line: int = 1
    column: int = 1
    is_refused: bool = False
    never: bool = False


@dataclass(frozen=True, slots=True)
class Grammar:
    """In generated modules: text that a Lark grammar matches as a whole, `Annotated[str, Grammar("start:
    ...")]`."""

    text: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import PydanticCustomError, core_schema

        def check(text: str) -> str:
            if not lark_matches(self.text, text):
                raise PydanticCustomError("string_grammar_mismatch", "String should match its grammar")
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))


@lru_cache(maxsize=256)
def lark_problem(text: str) -> LarkProblem | None:
    """What is wrong with a grammar, if anything is."""
    for match in _PIECE.finditer(text):
        place = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
        if match["refused"]:
            return LarkProblem(f"`{match['refused']}` has no meaning here", *place, is_refused=True)
        if match["name"] and match["name"] not in _COMMON:
            return LarkProblem(f"`common.{match['name']}` is not to be had here", *place, is_refused=True)
        try:
            if match["string"]:
                json.loads(match["string"])
            if match["flags"]:
                raise PatternError("it has flags; write `(?i)` at its start")
            if match["regex"]:
                parse_once(_pattern(match["regex"]))
        except PatternError as error:
            return LarkProblem(error.reason, *place)
        except ValueError:
            return LarkProblem("a string with an escape that JSON does not have", *place)
    matcher = make_matcher(text)
    if matcher.is_error():
        first, *_ = matcher.get_error().split("\n")
        found = _PLACE.match(first)
        if found is None:
            return LarkProblem(first)
        return LarkProblem(found[3].split(" (at ")[0], int(found[1]), int(found[2]))
    return None if can_match(lark_plain(text)) else LarkProblem("no text matches it", never=True)


def lark_matches(grammar: str, text: str) -> bool:
    """Whether a grammar matches a whole text."""
    data = list(text.encode(errors="surrogatepass"))
    matcher = make_matcher(lark_plain(grammar))
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


@lru_cache(maxsize=256)
def lark_plain(grammar: str) -> str:
    """The grammar with its patterns spelt out, so that they mean what patterns mean elsewhere."""

    def written(match: re.Match[str]) -> str:
        return f"/{plain_regex(_pattern(match['regex']))}/" if match["regex"] else match[0]

    return _PIECE.sub(written, grammar)


@lru_cache(maxsize=256)
def lark_in_json(grammar: str) -> str:
    """The grammar of the same texts inside a JSON string, without its quotes."""

    def written(match: re.Match[str]) -> str:
        if match["string"]:
            value: str = json.loads(match["string"])
            return json.dumps(json.dumps(value, ensure_ascii=False)[1:-1], ensure_ascii=False) + match["flag"]
        if match["regex"]:
            return f"/{json_regex(_pattern(match['regex']))}/"
        return match[0]

    return _PIECE.sub(written, grammar)


@lru_cache(maxsize=256)
def lark_fits_json(grammar: str) -> bool:
    """Whether it can be followed inside a JSON string. A terminal is as long as it can be, and one that may
    go on with a backslash swallows that of the next: so only one character may be written with a
    backslash."""
    return len({escape for chars in _chars(grammar) for escape in escapes_of(chars)}) <= 1


@lru_cache(maxsize=256)
def lark_has_line_ends(grammar: str) -> bool:
    """Whether a text may hold a line feed."""
    return any(chars.has(ord("\n")) for chars in _chars(grammar))


@lru_cache(maxsize=256)
def lark_bytes(grammar: str, *, is_json: bool) -> int:
    """The most bytes of a character of a text, in JSON or as it is."""
    return max((json_bytes_of(chars) if is_json else bytes_of(chars) for chars in _chars(grammar)), default=1)


def _chars(grammar: str) -> Iterator[Chars]:
    for match in _PIECE.finditer(grammar):
        if match["string"]:
            for char in json.loads(match["string"]):
                yield Chars(((ord(char), ord(char)),))
        elif match["regex"]:
            yield from chars_in(parse_once(_pattern(match["regex"])))


def _pattern(regex: str) -> str:
    return regex[1:-1].replace(r"\/", "/")
