"""A kind of type is one file and one row in the compiler, and forgetting a part of it is loud."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from mypy import api

from mpc import render
from mpc.diagnostics import Diagnostic, Reporter
from mpc.pipeline import Compiled, compile_module
from mpc.source import Source
from mpc.spec import CallOf, Constant, Expr
from mpc.syntax import nodes, parse
from mpc.types import BUILTINS, BuiltinType, Type, Value
from mpc.types.base import Naming, Operand, Reading, Simple
from mpc.types.constraints import takes_no_arguments, takes_no_pattern, takes_no_range
from mpc.types.operands import Sort

ROOT = Path(__file__).parents[2]
MPC = ROOT / "compiler" / "mpc"

# ------------------------------------------------------------------------------------------- a toy kind


@dataclass(frozen=True, slots=True)
class Day(Simple, BuiltinType):
    """`day`: a date, written as in ISO 8601."""

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        help = "leave it out"
        return (
            takes_no_arguments(node, reporter)
            or takes_no_pattern(node, help, reporter)
            or takes_no_range(node, help, reporter)
            or cls()
        )

    def describe(self) -> str:
        return "day"

    def hint(self) -> str:
        return 'write a date: `"2024-05-17"`'

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.StringAst):
            return reading.mismatch(node)
        try:
            return date.fromisoformat(node.text)
        except ValueError:
            return reading.mismatch(node)

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.MOMENT, is_ordered=True)

    @property
    def options(self) -> None:
        return None

    @property
    def longest(self) -> int:
        return len("2024-05-17")

    def annotation(self, naming: Naming) -> Expr:
        return naming.imported("datetime", "date")

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, date)
        parts = (Constant(value.year), Constant(value.month), Constant(value.day))
        return CallOf(naming.imported("datetime", "date"), parts)


def compiled(text: str) -> tuple[Compiled, tuple[Diagnostic, ...]]:
    source = Source("a.mp", text)
    tree, found = parse(source)
    result = compile_module(source, tree, found, {})
    return result, result.diagnostics


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILTINS, "day", Day)


@pytest.mark.usefixtures("day")
def test_a_row_is_all_that_a_kind_needs_to_become_python() -> None:
    result, diagnostics = compiled(
        "record Stay:\n"
        "    arrival: day\n"
        "    others: list[day](..3)\n"
        "    assert arrival <= min(others)\n"
        "prompt read(text: str, today: day) -> Stay?:\n"
        "    On {today}: {text}\n"
        "examples:\n"
        '    "tomorrow", "2024-05-17" -> Stay(arrival="2024-05-18", others=["2024-06-01"])\n'
    )
    assert not diagnostics, render.as_text(diagnostics)
    assert result.text is not None
    assert "from datetime import date\n" in result.text
    assert "    arrival: date\n" in result.text
    assert "others: Annotated[list[date], Field(max_length=3)]" in result.text
    assert "def read(text: str, today: date) -> Stay | None:" in result.text
    assert "lambda stay: stay.arrival <= min(stay.others)" in result.text
    assert "Stay(arrival=date(2024, 5, 18), others=[date(2024, 6, 1)])" in result.text
    ast.parse(result.text)


@pytest.mark.usefixtures("day")
@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('prompt f(x: day = "soon") -> day:\n    {x}\n', "MP0503", "expected `day`, found a string"),
        ("prompt f(x: day = 3) -> day:\n    {x}\n", "MP0503", 'write a date: `"2024-05-17"`'),
        ("type T = day(1..3)\n", "MP0302", "`day` takes no range"),
        ("prompt f(x: day) -> day:\n    {x.year}\n", "MP0403", "it is `day`, not a record"),
        ("type day = str\n", "MP0205", "it is the name of a type"),
        ("type T = dayy\n", "MP0203", "did you mean `day`?"),
    ],
)
def test_messages_speak_of_a_kind_by_what_it_says_of_itself(text: str, code: str, said: str) -> None:
    _, diagnostics = compiled(text)
    assert [diagnostic.code for diagnostic in diagnostics] == [code]
    assert said in render.as_text(diagnostics)


# ------------------------------------------------------------------------------------ what is forgotten

OPERATIONS = sorted(Type.__abstractmethods__)


def without(source: str, operation: str) -> str:
    """The text of a kind's file without one of its methods."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == operation:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "".join([*lines[: first - 1], *lines[node.end_lineno :]])
    raise AssertionError(f"there is no {operation}")


def test_mypy_refuses_a_kind_that_lacks_an_operation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (MPC / "types" / "optional.py").read_text(encoding="utf-8").replace("from ..", "from mpc.")
    source = source.replace("from .", "from mpc.types.")
    source += '\nROW: dict[str, type[Type]] = {"optional": CheckedOptional}\n'
    monkeypatch.setenv("MYPYPATH", f"{ROOT / 'compiler'}:{ROOT / 'runtime'}")
    monkeypatch.chdir(tmp_path)
    for operation in OPERATIONS:
        (tmp_path / f"without_{operation}.py").write_text(without(source, operation), encoding="utf-8")
    (tmp_path / "whole.py").write_text(source, encoding="utf-8")
    out, err, _ = api.run(
        ["--strict", "--follow-imports=silent", "--cache-dir", str(ROOT / ".mypy_cache" / "kinds"), "."]
    )
    assert not err
    refused = set(re.findall(r"without_(\w+)\.py:\d+: error: Only concrete class can be given", out))
    assert refused == set(OPERATIONS), out
    assert "whole.py" not in out


def test_a_kind_that_lacks_an_operation_cannot_be_instantiated() -> None:
    @dataclass(frozen=True, slots=True)
    class Half(Simple):
        def describe(self) -> str:
            return "half"

    with pytest.raises(TypeError, match="abstract"):
        Half()  # type: ignore[abstract]  # what the test is about


# ------------------------------------------------------------------------------------- who asks for kinds

STAGES = [
    *(MPC / "bodies.py", MPC / "lower.py"),
    *(path for room in ("expressions", "sema", "types") for path in sorted((MPC / room).glob("*.py"))),
]
KINDS = {
    node.name
    for path in (MPC / "types").glob("*.py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef) and node.name.startswith("Checked")
}


def silent_defaults(tree: ast.AST) -> Iterator[int]:
    """The lines of `case _:` that do anything but fail."""
    for node in ast.walk(tree):
        if isinstance(node, ast.match_case) and isinstance(node.pattern, ast.MatchAs):
            if node.pattern.pattern is not None or node.guard is not None:
                continue
            (first, *_) = node.body
            names = {name.id for name in ast.walk(first) if isinstance(name, ast.Name)}
            if "assert_never" not in names:
                yield node.pattern.lineno


def questions_of_kind(tree: ast.AST) -> Iterator[int]:
    """The lines that ask whether a type is of one kind or another, by `isinstance` or by `match`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            asked: ast.AST = node.args[1]
        elif isinstance(node, ast.MatchClass):
            asked = node.cls
        else:
            continue
        if any(isinstance(name, ast.Name) and name.id in KINDS for name in ast.walk(asked)):
            yield node.lineno


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.relative_to(MPC).as_posix())
def test_no_stage_asks_which_kind_a_type_is_of(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [*silent_defaults(tree), *questions_of_kind(tree)]


@pytest.mark.parametrize(
    "text",
    [
        "match type:\n    case CheckedStr():\n        x = 1\n",
        "match node:\n    case Name():\n        x = 1\n    case _:\n        x = 2\n",
        "x = isinstance(type, CheckedStr | CheckedList)\n",
        "x = isinstance(type, (CheckedStr, int))\n",
    ],
)
def test_such_a_question_is_seen(text: str) -> None:
    tree = ast.parse(text)
    assert [*silent_defaults(tree), *questions_of_kind(tree)]


def test_a_default_that_fails_is_welcome() -> None:
    text = "match node:\n    case Name():\n        x = 1\n    case _:\n        assert_never(node)\n"
    tree = ast.parse(text)
    assert not [*silent_defaults(tree), *questions_of_kind(tree)]
