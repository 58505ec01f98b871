"""What a pattern is: one meaning of `str(/.../)` for the compiler, the decoder and every check; and what a
grammar is, whose terminals are patterns."""

from .lark import (
    Grammar,
    LarkProblem,
    lark_bytes,
    lark_fits_json,
    lark_has_line_ends,
    lark_in_json,
    lark_matches,
    lark_plain,
    lark_problem,
)
from .pattern import MAX_NESTED, MAX_TEXT, Pattern
from .syntax import MAX_PATTERN, PatternError

__all__ = [
    "MAX_NESTED",
    "MAX_PATTERN",
    "MAX_TEXT",
    "Grammar",
    "LarkProblem",
    "Pattern",
    "PatternError",
    "lark_bytes",
    "lark_fits_json",
    "lark_has_line_ends",
    "lark_in_json",
    "lark_matches",
    "lark_plain",
    "lark_problem",
]
