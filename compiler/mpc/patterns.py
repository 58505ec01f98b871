"""Regular expressions: whether the decoder can follow a pattern, and what matches it."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from microprompt.abi import DEFAULT_STR_LENGTH

if TYPE_CHECKING:
    from llguidance import LLMatcher

MAX_PATTERN: Final = 1_000


class PatternError(Exception):
    """A pattern is of no use: `never` when it compiles but nothing is known to match it."""

    def __init__(self, reason: str, *, never: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.never = never


@lru_cache(maxsize=256)
def check_pattern(pattern: str) -> None:
    """Raise `PatternError` unless Python and llguidance both compile the pattern and some text matches it.

    The decoder runs on llguidance's derivatives, arguments are checked with Python's `re`; a pattern must be
    one for both.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"it has {len(pattern):,} characters; {MAX_PATTERN:,} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(pattern)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError) as error:
        raise PatternError(str(error)) from None
    if compiled.flags & re.VERBOSE:
        # Its comments would swallow what generated code puts behind the pattern.
        raise PatternError("the verbose flag `x` is not supported")
    matcher = _matcher(pattern)
    if not matcher.is_error():
        matcher.compute_bitmask()
        if not matcher.is_error():
            return
        if "fuel" not in matcher.get_error():
            # llguidance has looked for a text that matches, and there is none.
            raise PatternError(f"no text of up to {DEFAULT_STR_LENGTH} characters matches", never=True)
    raise PatternError(_reason(matcher.get_error()), never="fuel" in matcher.get_error())


def matches(pattern: str, text: str) -> bool:
    """Whether a checked pattern matches the whole text, in time proportional to its length.

    Python's `re` would say the same, but may take exponential time to say it.
    """
    data = text.encode()
    matcher = _matcher(pattern)
    return matcher.try_consume_tokens(list(data)) == len(data) and matcher.is_accepting()


def _matcher(pattern: str) -> LLMatcher:
    from llguidance import LLMatcher, LLTokenizer  # 30 ms that programs without patterns do not pay

    escaped = re.sub(r"(?<!\\)((?:\\\\)*)/", r"\1\\/", pattern)
    grammar = f"start: TEXT\nTEXT: /{escaped}/ & /(?s:.{{0,{DEFAULT_STR_LENGTH}}})/\n"
    return LLMatcher(LLTokenizer("byte"), LLMatcher.grammar_from_lark(grammar), log_level=0)


def _reason(error: str) -> str:
    """The part of llguidance's message that is about the pattern."""
    if "fuel" in error:
        return "it is too complex to tell whether anything matches"
    for line in error.splitlines():
        if "error: " in line:
            return line.split("error: ", 1)[1].strip()
    if "lookarounds" in error:
        return "word boundaries and look-around are not supported"
    return error.splitlines()[0].split("(in regex): ")[-1][:120] if error else "it does not compile"
