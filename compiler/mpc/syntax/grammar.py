"""The grammar, made into a parser once a process."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from .lalr import Parser
from .tables import kept, work_out

STARTS: Final = ("item", "expression", "value")


@cache
def parser() -> Parser:
    """A parser of one `item`, which is what `chunks` cuts a file into, and of an `expression` or a `value` by
    itself."""
    folder = files("mpc.syntax")
    grammar = folder.joinpath("grammar.lark").read_text(encoding="utf-8")
    tables = kept(folder.joinpath("grammar.json").read_text(encoding="utf-8"), grammar)
    # While somebody works on the grammar, its tables are of an earlier one.
    return Parser(tables or work_out(grammar, STARTS))
