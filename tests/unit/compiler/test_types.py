"""What types say of their answers, and what is read where a value is written."""

from __future__ import annotations

import pytest

from mpc.diagnostics import Diagnostic
from mpc.pipeline import Compiled, compile_module
from mpc.sema.prompts import MAX_ANSWER
from mpc.source import Source
from mpc.syntax import parse

RECORD = "record R:\n    name: str(..10)\n    tags: list[str(..5)](..2)\n"
ENUM = 'enum E:\n    a as "alpha"\n    b\n'


def compiled(text: str) -> Compiled:
    source = Source("a.mp", text)
    tree, found = parse(source)
    return compile_module(source, tree, found, {})


def returning(type: str, declarations: str = "") -> str:
    return f"{declarations}prompt f(x: str) -> {type}:\n    {{x}}\n"


@pytest.mark.parametrize(
    ("type", "longest"),
    [
        ("str", "x" * 200),
        ("str(..7)", "x" * 7),
        ("int", "-" + "9" * 15),
        ("int(1..50)", "50"),
        ("int(-100..5)", "-100"),
        ("float", "-" + "9" * 15 + "." + "9" * 6),
        ("bool", "false"),
        ('"yes" | "maybe"', "maybe"),
        ("bool?", "false"),
        ("int(1..5)?", "none"),
        ("decimal", "-" + "9" * 15 + "." + "9" * 6),
        ("decimal(0.00..99.995)", "99.995"),
        ("decimal(-5.00..)", "-" + "9" * 15 + ".99"),
        ("date", "2024-02-29"),
        ("time(08:00..)", "08:30:15"),
        ("datetime", "2024-02-29T08:30:15"),
        ("1 | 50", "50"),
        ("dict[str, int(1..9)](..2)", "{}" + 2 * ('"": "", ' + "k" * 64 + "9")),
        ("set[E]", '{"alpha": false, "alpha": false, }'),
        ("E", "alpha"),
        ("T", "alpha"),
        ("list[int(1..5)](..3)", '["5","5","5",]'),
        ("R", '{"name": "xxxxxxxxxx", "tags": "["xxxxx","xxxxx",]", }'),
    ],
)
def test_the_longest_answer_is_known(type: str, longest: str) -> None:
    text = returning(type, f"{RECORD}{ENUM}type T = E\n")
    (prompt,) = compiled(text).checked.prompts
    assert prompt.returns.longest == len(longest)


LARGE = [
    ("str(..5000000)", ""),
    ("str(..5000000)?", ""),
    ("list[str](..1000000)", ""),
    ("list[str(..900000)](2..)", ""),
    ("list[list[list[list[str]]]]", ""),
    ("Big", "type Big = list[str](5..90000)\n"),
    ("list[R](..900)", "record R:\n    note: str(..9)\n    pages: list[str(..5000)](..400)\n"),
    ("R", "record R:\n    one: str(..800000)\n    two: str(..800000)\n    three: int\n"),
]


@pytest.mark.parametrize(("type", "declarations"), LARGE)
def test_an_answer_that_no_context_holds_is_refused(type: str, declarations: str) -> None:
    (found,) = compiled(returning(type, declarations)).diagnostics
    assert found.code == "MP0312"
    assert found.primary.source.slice(found.primary.span) == type


@pytest.mark.parametrize(("type", "declarations"), LARGE[:5])
def test_the_bound_that_the_help_names_is_enough(type: str, declarations: str) -> None:
    (found,) = compiled(returning(type, declarations)).diagnostics
    assert found.help is not None
    bounded = found.help.split("`")[1]
    while compiled(returning(bounded)).checked.prompts[0].returns.longest < MAX_ANSWER // 100:
        bounded = f"list[{bounded}]"  # the help is about the innermost type
    assert not compiled(returning(bounded)).diagnostics


def test_an_argument_may_be_longer_than_an_answer() -> None:
    assert not compiled("prompt f(x: list[str](..1000000)) -> bool:\n    {x}\n").diagnostics


def test_records_of_records_are_measured_in_no_time() -> None:
    deep = "".join(f"record R{n}:\n    a: R{n - 1}\n    b: R{n - 1}\n    c: R{n - 1}\n" for n in range(1, 32))
    found = compiled(f"record R0:\n    x: str\n{deep}prompt f(x: str) -> R31:\n    {{x}}\n").diagnostics
    assert [diagnostic.code for diagnostic in found] == ["MP0312"]


@pytest.mark.parametrize("number", ["0" * 5000 + "3", "-" + "0" * 5000 + "3", "+" + "0" * 5000])
def test_leading_zeros_are_no_digits(number: str) -> None:
    assert not compiled(f"prompt f(x: int(-3..3) = {number}) -> bool:\n    {{x}}\n").diagnostics


def test_a_missing_value_is_not_a_reported_one() -> None:
    text = "prompt f(x: int? = none, y: str? = none) -> bool:\n    {x} {y}\n"
    assert "x: int | None = None, y: str | None = None" in (compiled(text).text or "")


# -------------------------------------------------------------------------------------------- arguments


def about_case(case: str) -> list[Diagnostic]:
    head = 'prompt f(x: str, y: str, z: str = "c") -> float:\n    {x} {y} {z}\n'
    return list(compiled(f"{head}examples:\n    {case} -> 0.5\n").diagnostics)


@pytest.mark.parametrize(
    ("case", "codes"),
    [
        ('"a", "b"', []),
        ('"a", y="b"', []),
        ('y="b", x="a"', []),
        ('y="a", "b"', ["MP0501"]),
        ('x="a", "b"', ["MP0501"]),
        ('x="a", "b", "c"', ["MP0501"]),
        ('"a", y="b", "c"', ["MP0501"]),
        ('"a", q="b", "c"', ["MP0502", "MP0501"]),
        ('"a", x="b"', ["MP0502", "MP0501"]),
        ('x="a", x="b", y="c"', ["MP0502"]),
        ('"a", "b", "c", "d", "e"', ["MP0501", "MP0501"]),
        ('"a"', ["MP0501"]),
    ],
)
def test_arguments_go_by_position_then_by_name(case: str, codes: list[str]) -> None:
    assert [diagnostic.code for diagnostic in about_case(case)] == codes


# --------------------------------------------------------------------------------------- the checked tree


def test_the_checked_tree_knows_where_everything_is() -> None:
    text = (
        f'model m = "tiny"\n{ENUM}{RECORD}type T = E\n'
        'prompt f(x: str, r: R) -> T:\n    {x} {r.name}\nexamples:\n    "q", R(name="n", tags=[]) -> a\n'
    )
    checked = compiled(text).checked

    def at(span: object) -> str:
        assert hasattr(span, "start")
        return checked.source.slice(span)  # type: ignore[arg-type]  # it has a start, so it is a span

    (prompt,) = checked.prompts
    assert [at(model.span) for model in checked.models] == ["m"]
    assert [at(type.span) for type in checked.types] == ["E", "R", "T"]
    assert at(prompt.span) == "f"
    assert [at(parameter.span) for parameter in prompt.parameters] == ["x: str", "r: R"]
    assert [at(part.span) for part in prompt.parts if not isinstance(part, str)] == ["{x}", "{r.name}"]
    assert [at(case.span) for case in prompt.examples] == ['"q", R(name="n", tags=[]) -> a']


@pytest.mark.parametrize(
    "form", ["type T{0} = T{1}", "record T{0}:\n    x: list[T{1}]?", "type T{0} = list[T{1}]"]
)
@pytest.mark.parametrize("step", [1, -1])
def test_types_that_are_too_deep_are_reported_once(form: str, step: int) -> None:
    chain = ["type T0 = str", *(form.format(n, n - 1) for n in range(1, 45))][::step]
    found = compiled("\n".join(chain) + "\n").diagnostics
    assert [each.code for each in found] == ["MP0113"]
