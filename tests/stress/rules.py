"""`python -m tests.stress.rules`: is every rule of the compiler tested?

Each place that reports a diagnostic is silenced on its own, and the tests in which it had something to say
run until one fails. A place that no test misses is printed, and the status is 1.

A place is a call of `report`, a `Diagnostic` made by hand, or a call of a function that ends in a report.
One is told from another by where the call ends, which the interpreter knows of every frame: the compiler is
left as it is.
"""

from __future__ import annotations

import argparse
import ast
import os
import pickle
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeAlias

import pytest
from _pytest.runner import runtestprotocol

from mpc import diagnostics

ROOT: Final = Path(__file__).parents[2]
COMPILER: Final = Path(diagnostics.__file__).parent
TESTS: Final = ("specs", "diagnostics", "golden", "unit/compiler", "unit/cli")
"""Where rules are tested."""

CONDITIONAL: Final = frozenset({"take"})
"""Methods that report in some cases only; a rule of its own wherever they are called."""

PASSING_ON: Final = frozenset({"read", "field", "condition"})
"""What ends in a report as well, but stands for no rule where it is called: the rules are inside."""

_CODE: Final = re.compile(r"MP\d{4}")

Place: TypeAlias = tuple[str, int, int]
"""A file of the compiler, and the line and column at which a call in it ends."""


@dataclass
class Silence:
    """Which place is silenced, and which have spoken."""

    off: Place | None = None
    spoken: dict[Place, set[str]] = field(default_factory=dict)
    dropped: set[diagnostics.Diagnostic] = field(default_factory=set)

    def is_kept(self, code: str, frame: FrameType | None) -> bool:
        """Whether a report from `frame` is heard."""
        places = set(_stack(frame))
        for place in places:
            self.spoken.setdefault(place, set()).add(code)
        return self.off not in places


def _stack(frame: FrameType | None) -> Iterator[Place]:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(str(COMPILER)):
            _, line, _, column = list(code.co_positions())[frame.f_lasti // 2]
            yield (code.co_filename, line or 0, column or 0)
        frame = frame.f_back


def listen(silence: Silence) -> None:
    """Have all diagnostics pass through `silence`. Comes before the rest of the compiler is imported."""
    report, ordered, has_errors = (
        diagnostics.Reporter.report,
        diagnostics.in_order,
        diagnostics.has_errors,
    )
    made = diagnostics.Diagnostic.__init__

    def quiet_report(self: diagnostics.Reporter, code: str, *arguments: Any, **named: Any) -> None:
        if silence.is_kept(code, sys._getframe(1)):
            report(self, code, *arguments, **named)

    def quiet_init(self: diagnostics.Diagnostic, **named: Any) -> None:
        made(self, **named)
        if not silence.is_kept(self.code, sys._getframe(1)):
            silence.dropped.add(self)

    def heard(found: Iterable[diagnostics.Diagnostic]) -> list[diagnostics.Diagnostic]:
        return [diagnostic for diagnostic in found if diagnostic not in silence.dropped]

    diagnostics.Reporter.report = quiet_report  # type: ignore[method-assign]  # for this process only
    diagnostics.Diagnostic.__init__ = quiet_init  # type: ignore[method-assign]  # for this process only
    diagnostics.in_order = lambda diagnostics: ordered(heard(diagnostics))
    diagnostics.has_errors = lambda diagnostics: has_errors(heard(diagnostics))


def places() -> dict[Place, str]:
    """Every place, with how it is written."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(COMPILER.rglob("*.py"))
        if path.name != "diagnostics.py" and path.parent.name != "cli"
    }
    public = _public(list(trees.values())) - PASSING_ON
    found: dict[Place, str] = {}
    for path, tree in trees.items():
        reporting = {name for name in _reporting(tree, public) if name[0] == "_" or name in public}
        for call in _calls(tree):
            name = _name(call)
            if name in reporting or name in ("report", "Diagnostic") or name in CONDITIONAL:
                codes = _CODE.findall(" ".join(map(ast.unparse, [*call.args, *call.keywords])))
                where = f"{path.relative_to(COMPILER.parent)}:{call.lineno}"
                place = (str(path), call.end_lineno or 0, call.end_col_offset or 0)
                found[place] = f"{where}: {ast.unparse(call.func)} {' '.join(dict.fromkeys(codes))}".rstrip()
    return found


def _public(trees: Sequence[ast.Module]) -> set[str]:
    """The names of which every function that other modules may call ends in a report."""
    found = {name for tree in trees for name in _reporting(tree) if name[0] != "_"}
    while True:
        others = {name for tree in trees for name in _functions(tree).keys() - _reporting(tree, found)}
        if not found & others:
            return found
        found -= others


def _reporting(tree: ast.Module, known: Set[str] = frozenset()) -> set[str]:
    """The names of the functions of a module that end in a report; of other modules, those `known` do."""
    functions = _functions(tree)
    found = {"report", *known}
    while True:
        more = {
            name
            for name, same in functions.items()
            if all(any(_name(call) in found for call in _last_calls(function)) for function in same)
        }
        if more <= found:
            return found - {"report"}
        found |= more


def _functions(tree: ast.Module) -> dict[str, list[ast.FunctionDef]]:
    found: dict[str, list[ast.FunctionDef]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
    return found


def _last_calls(function: ast.FunctionDef) -> list[ast.Call]:
    """The calls that a function's body consists of, outside of all conditions."""
    return [
        statement.value
        for statement in function.body
        if isinstance(statement, (ast.Expr, ast.Return)) and isinstance(statement.value, ast.Call)
    ]


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


@dataclass(frozen=True)
class Run:
    """What a test said without silence: how long it took, and which places spoke with which codes."""

    seconds: float
    spoken: dict[Place, set[str]]


class Trial:
    """A pytest plugin that runs the tests as the places need them, each time in a process of its own."""

    def __init__(self, silence: Silence, only: Sequence[str]) -> None:
        self.silence, self.only = silence, only
        self.survivors: list[str] = []
        self.tried = 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        _warm_up()
        runs: dict[int, Run] = _in_child(partial(self._listened, session.items))
        for place, text in places().items():
            hit = {at: run for at, run in runs.items() if place in run.spoken}
            codes = {code for run in hit.values() for code in run.spoken[place]}
            if self.only and not codes.union(_CODE.findall(text)).intersection(self.only):
                continue
            self.tried += 1
            quickest = [session.items[at] for at in sorted(hit, key=lambda at: hit[at].seconds)]
            if not _in_child(partial(self._is_missed, place, quickest)):
                line = f"{text} [{' '.join(sorted(codes))}] spoke in {len(hit)} tests"
                self.survivors.append(line)
                print(line, flush=True)
        return True

    def _listened(self, items: Sequence[pytest.Item]) -> dict[int, Run]:
        runs = {}
        for at, item in enumerate(items):
            self.silence.spoken = {}
            start = time.perf_counter()
            if not _passes(item):
                print(f"fails as it is: {item.nodeid}", flush=True)
                continue
            runs[at] = Run(time.perf_counter() - start, self.silence.spoken)
        return runs

    def _is_missed(self, place: Place, items: Sequence[pytest.Item]) -> bool:
        self.silence.off = place
        return not all(map(_passes, items))


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _in_child(function: Callable[[], Any]) -> Any:
    """The function's result, in a fork of this process that takes all it changes with it."""
    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            try:
                pickle.dump(function(), file)
                file.flush()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        file.seek(0)
        return pickle.load(file)


def _warm_up() -> None:
    """Build the parser and the rest that is made once, so that no fork has to."""
    from mpc import project

    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "main.mp")
        program.write_text("prompt ask(text: str) -> bool:\n    Is it?\n\n    {text}\n", encoding="utf-8")
        project.check([program])


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every place, or those of some codes."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.rules", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="CODE", help="the places of these codes")
    parser.add_argument("--specs", action="store_true", help="count the pages of tests/specs only")
    options = parser.parse_args(arguments)
    silence = Silence()
    listen(silence)
    trial = Trial(silence, options.only)
    folders = [str(ROOT / "tests" / name) for name in (TESTS[:1] if options.specs else TESTS)]
    os.chdir(ROOT)
    pytest.main(["-q", "-q", "-m", "not model", "-p", "no:cacheprovider", *folders], plugins=[trial])
    print(f"{len(trial.survivors)} of {trial.tried} places are missed by no test")
    return 1 if trial.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
