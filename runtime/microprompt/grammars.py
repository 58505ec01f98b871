"""Lark grammars as llguidance reads them: whether one is of use, and what it matches.

A leaf: the compiler asks here too. llguidance is what decodes, so nobody else is asked what a grammar means.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_FUEL: Final = 50_000_000
"""What llguidance may spend on all of a text: ten times what the longest text of a pattern takes with the
largest nested counts."""


def can_match(grammar: str) -> bool:
    """Whether any text matches a grammar that is well formed."""
    matcher = make_matcher(grammar)
    if not matcher.is_error():
        matcher.compute_bitmask()
    return not matcher.is_error()


def make_matcher(grammar: str) -> LLMatcher:
    """A matcher over bytes; what is wrong with the grammar it tells itself."""
    from llguidance import LLMatcher, LLParserLimits  # 30 ms that programs without grammars do not pay

    limits = LLParserLimits(step_lexer_fuel=_FUEL, verbose_errors=False)
    return LLMatcher(bytes_as_tokens(), grammar, log_level=0, limits=limits)


@cache
def bytes_as_tokens() -> LLTokenizer:
    """A vocabulary of bytes."""
    from llguidance import LLTokenizer

    return LLTokenizer("byte")
