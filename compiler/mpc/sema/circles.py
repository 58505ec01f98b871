"""Circles: which of a file's records contain themselves, and how deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from microprompt.abi import DEFAULT_DEPTH

from ..diagnostics import Reporter
from ..syntax import nodes
from ..syntax.items import Declaration
from ..types.base import Circle
from ..types.circles import MAX_CIRCLE_DEPTH


def circles_of(declared: Mapping[str, Declaration], reporter: Reporter) -> dict[str, Circle]:
    """The circle of each record and alias that leads back to itself; depths that do not fit are reported.

    Files do not import one another in a circle, so the names of one file are enough.
    """
    uses = {
        name: [used for used in _named(declaration) if used in declared]
        for name, declaration in declared.items()
        if isinstance(declaration, (nodes.RecordDecl, nodes.TypeDecl))
    }
    found: dict[str, Circle] = {}
    for names in _together(uses):
        records = [each for name in names if isinstance(each := declared[name], nodes.RecordDecl)]
        if not records or (len(names) == 1 and names[0] not in uses[names[0]]):
            continue
        depths = [depth for each in records if (depth := _depth(each, reporter)) is not None]
        circle = Circle(frozenset(each.name.text for each in records), min(depths, default=DEFAULT_DEPTH))
        found.update(dict.fromkeys(names, circle))
    for declaration in declared.values():
        if isinstance(declaration, nodes.RecordDecl) and declaration.name.text not in found:
            _report_idle(declaration, reporter)
    return found


def _depth(record: nodes.RecordDecl, reporter: Reporter) -> int | None:
    node = record.depth
    if node is None:
        return None
    if node.text.isdecimal() and len(node.text) < 4 and 1 <= int(node.text) <= MAX_CIRCLE_DEPTH:
        return int(node.text)
    reporter.report(
        "MP0342",
        node.span,
        f"records cannot lie {node.text} deep",
        label=f"a depth is a whole number from 1 to {MAX_CIRCLE_DEPTH}",
        help=f"write `{record.name.text}(..{DEFAULT_DEPTH})`, or leave it out, which means the same",
    )
    return None


def _report_idle(record: nodes.RecordDecl, reporter: Reporter) -> None:
    if record.depth is not None:
        reporter.report(
            "MP0343",
            record.depth.span,
            f"`{record.name.text}` does not contain itself",
            label="this depth bounds nothing",
            help="leave the parentheses out",
        )


def _named(declaration: Declaration) -> Iterator[str]:
    """The names of the types that a declaration mentions."""
    return (node.path.text for node in nodes.walk(declaration) if isinstance(node, nodes.NamedTypeAst))


def _together(uses: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """The names that lead to one another, in groups (strongly connected components, by Tarjan's algorithm,
    without recursion: a chain of declarations may be long)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    for start in uses:
        if start in index:
            continue
        work = [(start, iter(uses[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        while work:
            name, rest = work[-1]
            following = next((used for used in rest if used in uses), None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    cut = stack.index(name)
                    yield tuple(stack[cut:])
                    del stack[cut:]
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                work.append((following, iter(uses[following])))
            elif following in stack:
                low[name] = min(low[name], index[following])
