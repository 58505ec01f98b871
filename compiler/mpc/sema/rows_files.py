"""Tests that are the rows of a file: its path, and what the answers to it must measure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Final

from microprompt import abi

from ..diagnostics import Reporter, listed
from ..syntax import nodes
from ..types import Type
from ..types.constraints import read_number
from .checked_cases import CheckedRowsFile
from .settings import report_twice

_FITS: Final[Mapping[str, tuple[str, Callable[[Type], bool]]]] = {
    abi.ACCURACY: ("anything", lambda returns: True),
    abi.MACRO_F1: ("a choice", lambda returns: returns.options is not None),
    abi.SIMILARITY: ("text", lambda returns: returns.options is None and returns.operand.type.is_text),
}
"""For each measure, what must be returned for it, and whether a type is that."""


def check_rows_files(
    clause: nodes.TestsAst, returns: Type, reporter: Reporter
) -> tuple[CheckedRowsFile, ...]:
    """The files that a clause names; what is wrong with them is reported."""
    return tuple(
        CheckedRowsFile(
            file=_file(node.file, reporter),
            bounds=_bounds(node, returns, reporter),
            line=reporter.source.line_of(node.span.start),
            span=node.span,
        )
        for node in clause.entries
        if isinstance(node, nodes.RowsFileAst)
    )


def refuse_rows(clause: nodes.ExamplesAst, reporter: Reporter) -> None:
    """Report files among the examples: what the model is shown is part of the program."""
    for node in clause.entries:
        if isinstance(node, nodes.RowsFileAst):
            reporter.report(
                "MP0614",
                node.span,
                "examples cannot be in a file",
                label="the model is shown every example",
                help="write a few of them here, and name the file below `tests:` or in `mpc tune --on`",
            )


def _file(node: nodes.StringAst, reporter: Reporter) -> str:
    path = node.text
    folder = posixpath.dirname(reporter.source.path)
    label: str | None = None
    if not path.strip() or not path.isprintable() or path.endswith("/"):
        label = "this is not the path of a file"
    elif "\\" in path:
        label = "between folders stands `/`, on every system"
    elif path.startswith(("/", "~")) or path[1:2] == ":":
        label = "on another machine it lies elsewhere"
    elif posixpath.normpath(posixpath.join(folder, path)).startswith(".."):
        label = "it lies outside the project"
    if label is not None:
        reporter.report(
            "MP0613",
            node.span,
            "tests cannot be in this file",
            label=label,
            help='write the path from this file on, inside the project: `from "cases.jsonl"`',
        )
    return path


def _bounds(node: nodes.RowsFileAst, returns: Type, reporter: Reporter) -> tuple[tuple[str, float], ...]:
    found: dict[str, tuple[nodes.Name, float]] = {}
    for bound in node.bounds:
        name = bound.measure.text
        least = _least(bound, reporter)
        if name not in _FITS:
            reporter.report(
                "MP0610",
                bound.measure.span,
                f"unknown measure `{name}`",
                label="nothing is measured under this name",
                help=reporter.suggestion(name, _FITS) or listed(_FITS, most=None),
            )
        elif name in found:
            report_twice(bound.measure, found[name][0], reporter)
        elif not _FITS[name][1](returns):
            reporter.report(
                "MP0611",
                bound.measure.span,
                f"`{name}` is for prompts that return {_FITS[name][0]}",
                label=f"this prompt returns {returns.describe()}",
                help=f"write `{abi.ACCURACY} >= {bound.number.text}`, which is for all",
            )
        elif least is not None:
            found[name] = (bound.measure, least)
    return tuple((name, least) for name, (_, least) in found.items())


def _least(bound: nodes.AtLeastAst, reporter: Reporter) -> float | None:
    name = bound.measure.text
    value = read_number(bound.number.text)
    share = "0.8"
    if value is not None and 0 < value <= 1:
        if bound.sign == ">=":
            return float(value)
        share = bound.number.text
    elif value is not None and 1 < value <= 100:
        share = f"{value / 100:g}"
    reporter.report(
        "MP0612",
        bound.number.span if bound.sign == ">=" else bound.span,
        "no answers can be held to this bound",
        label=f"`{name}` is a number from 0 to 1, and more is better",
        help=f"write `{name} >= {share}`",
    )
    return None
