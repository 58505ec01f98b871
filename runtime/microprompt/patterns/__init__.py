"""What a pattern is: one meaning of `str(/.../)` for the compiler, the decoder and every check."""

from .pattern import MAX_NESTED, MAX_TEXT, Pattern
from .syntax import MAX_PATTERN, PatternError

__all__ = ["MAX_NESTED", "MAX_PATTERN", "MAX_TEXT", "Pattern", "PatternError"]
