"""The grammar, made into a parser once a process."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lark import Lark


@cache
def grammar() -> Lark:
    """A parser of one item, which is what `chunks` cuts a file into."""
    text = files("mpc.syntax").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start="item", propagate_positions=True, maybe_placeholders=True)
