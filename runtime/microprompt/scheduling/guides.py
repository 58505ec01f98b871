"""Guides: what llguidance makes of a grammar and a vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..errors import EngineError

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_FUEL: Final = 4_000_000
"""What a guide may spend on one mask, twenty times what llguidance gives it. Patterns with counts inside one
another need it beside a large vocabulary. The largest that are allowed (`MAX_NESTED`) take 0.2 s a mask."""


def make_guide(tokenizer: LLTokenizer, grammar: str) -> LLMatcher:
    """A fresh matcher of a Lark grammar. Raises `EngineError` for a bad grammar."""
    from llguidance import LLMatcher, LLParserLimits

    limits = LLParserLimits(step_lexer_fuel=_FUEL)
    matcher = LLMatcher(tokenizer, grammar, limits=limits)
    if matcher.is_error():
        raise EngineError(f"llguidance refuses a grammar: {matcher.get_error()}")
    return matcher
