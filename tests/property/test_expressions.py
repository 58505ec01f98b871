"""Random expressions: the generated Python says what the compiler makes of them over values that it knows."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microprompt import abi
from microprompt.enums import LabelEnum
from microprompt.records import Record
from mpc import project, render
from mpc.diagnostics import has_errors
from mpc.sema import check
from mpc.source import Source
from mpc.syntax.parser import parse
from mpc.types.records import CheckedRecord

PROGRAM = """\
enum Colour:
    red
    blue

record Line:
    name: str
    amount: float
    count: int
    discount: float?
    colour: Colour
    tags: list[str]

record Bill:
    total: float
    count: int
    paid: bool
    note: str?
    colour: Colour
    scores: list[int]
    lines: list[Line]
    first: Line
"""
NUMBERS = ("total", "count", "first.amount", "first.count", "len(scores)", "sum(scores)", "sum(lines.amount)")
EACH_NUMBER = ("lines.amount", "lines.count", "len(lines.name)", "len(lines.tags)", "total", "count")
SIGNS = ("==", "!=", "<", "<=", ">", ">=")
LITERALS = ("0", "1", "2.5", "-3", "0.1", "100")


def joined(signs: tuple[str, ...]) -> Any:
    return lambda inner: st.tuples(inner, st.sampled_from(signs), inner).map(
        lambda found: f"({found[0]} {found[1]} {found[2]})"
    )


def numbers(ways: tuple[str, ...]) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(ways) | st.sampled_from(LITERALS)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            joined(("+", "-", "*", "/"))(inner),
            inner.map(lambda found: f"-{found}"),
            inner.map(lambda found: f"abs({found})"),
            inner.map(lambda found: f"round({found}, 2)"),
            st.tuples(inner, inner).map(lambda pair: f"max({pair[0]}, {pair[1]})"),
        ),
        max_leaves=4,
    )


def comparisons(ways: tuple[str, ...]) -> st.SearchStrategy[str]:
    number = numbers(ways)
    return st.one_of(
        st.tuples(st.sampled_from(ways), st.sampled_from(SIGNS), number).map(" ".join),
        st.tuples(number, st.sampled_from(ways), number).map(" < ".join),
    )


ATOMS = st.sampled_from(
    (
        *("paid", "note", "scores", "lines", "paid == false", "colour == red", "first.colour != Colour.blue"),
        *("(note is none or len(note) > 2)", "(note is not none and note matches /[a-z]+/)"),
        '"a" in first.name',
        *('"a" in lines.name', '"x" in first.tags', "colour in [red, blue]", "first.discount is none"),
        *("(first.discount is none or first.discount < total)", "max(scores) >= count", "1 in scores"),
        *("all(lines.discount is none or lines.discount < lines.amount)", 'any("x" in lines.tags)'),
        *("any(lines.colour == red)", "all(scores < len(scores))", "all(lines.tags)"),
        "any(scores in [1, 2])",
    )
)
CONDITIONS = st.recursive(
    st.one_of(
        ATOMS,
        comparisons(NUMBERS),
        comparisons(EACH_NUMBER[:4]).map(lambda found: f"all({found})"),
        numbers(EACH_NUMBER).map(lambda found: f"sum(lines.amount * {found}) > total"),
    ),
    lambda inner: st.one_of(
        joined(("and", "or"))(inner),
        inner.map(lambda found: f"not ({found})"),
        inner.map(lambda found: f"not {found}"),
    ),
    max_leaves=4,
)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
FEW_NUMBERS = st.sampled_from((0, 1, 2, 3, 100, -3))
FEW_FLOATS = st.sampled_from((0.0, 0.1, 0.2, 0.3, 2.5, 1e15, -3.0))
WORDS = st.sampled_from(("", "a", "abc", "ABC", "x"))
COLOURS = st.sampled_from(("red", "blue"))
LINES = st.fixed_dictionaries(
    {
        "name": WORDS,
        "amount": FEW_FLOATS,
        "count": FEW_NUMBERS,
        "discount": st.none() | FEW_FLOATS,
        "colour": COLOURS,
        "tags": st.lists(WORDS, max_size=2),
    }
)
BILLS = st.fixed_dictionaries(
    {
        "total": FEW_FLOATS,
        "count": FEW_NUMBERS,
        "paid": st.booleans(),
        "note": st.none() | WORDS,
        "colour": COLOURS,
        "scores": st.lists(FEW_NUMBERS, max_size=3),
        "lines": st.lists(LINES, max_size=3),
        "first": LINES,
    }
)


@settings(deadline=None, derandomize=True, max_examples=10, suppress_health_check=QUIET)
@given(st.lists(CONDITIONS, min_size=5, max_size=20, unique=True), st.lists(BILLS, min_size=5, max_size=10))
def test_generated_python_is_what_the_compiler_evaluates(
    conditions: list[str], bills: list[dict[str, Any]]
) -> None:
    program = PROGRAM + "".join(f"    assert {each}\n" for each in conditions)
    source = Source("bills.mp", program)
    checked, diagnostics = check(parse(source)[0], source, {})
    # What can be told to be always the same is refused: those are taken out, and the rest is held together.
    refused = {source.line_of(found.primary.span.start) for found in diagnostics}
    assert {found.code for found in diagnostics} <= {"MP1016", "MP1018"}, render.as_text(diagnostics)
    lines = program.splitlines()
    kept = "\n".join(line for number, line in enumerate(lines, 1) if number not in refused) + "\n"
    source = Source("bills.mp", kept)
    checked, diagnostics = check(parse(source)[0], source, {})
    assert not has_errors(diagnostics)
    bill = checked.exports["Bill"]
    assert isinstance(bill, CheckedRecord)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bills.mp"
        path.write_text(kept, encoding="utf-8")
        module: Any = project.load(path)
    linecache.clearcache()
    assertions = abi.checks_of(module.Bill)
    assert len(assertions) == len(bill.rules)
    for values in bills:
        made = module.Bill(**values)
        for assertion, rule in zip(assertions, bill.rules, strict=True):
            assert assertion.failure(made) == rule.problem(unfolded(made)), assertion.message


def unfolded(value: object) -> Any:
    """A value as `Type.unfold` gives it."""
    match value:
        case Record():
            return {name: unfolded(getattr(value, name)) for name in type(value).model_fields}
        case list():
            return tuple(map(unfolded, value))
        case LabelEnum():
            return value.name
        case Mapping():
            raise AssertionError("no mapping is in a bill")
        case _:
            return value
