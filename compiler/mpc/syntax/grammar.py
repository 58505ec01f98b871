"""The grammars of files and of flows, each made into a parser once a process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from .lalr import Parser
from .tables import kept, work_out

STARTS: Final = ("item", "expression", "value")
FLOW_STARTS: Final = ("statements",)


@cache
def parser() -> Parser:
    """A parser of one `item`, which is what `chunks` cuts a file into, and of an `expression` or a `value` by
    itself."""
    return _parser("grammar", STARTS)


@cache
def flow_parser() -> Parser:
    """A parser of the `statements` of a flow, which is told where lines and blocks end."""
    return _parser("flow", FLOW_STARTS)


def text_of(name: str) -> str:
    """The text of a grammar, with what the two have in common in front."""
    folder = files("mpc.syntax")
    parts = (folder.joinpath(f"{each}.lark").read_text(encoding="utf-8") for each in ("expressions", name))
    return "\n".join(parts)


def _parser(name: str, starts: Sequence[str]) -> Parser:
    grammar = text_of(name)
    tables = kept(files("mpc.syntax").joinpath(f"{name}.json").read_text(encoding="utf-8"), grammar)
    # While somebody works on the grammar, its tables are of an earlier one.
    return Parser(tables or work_out(grammar, starts))
