"""Text from outside stays text in generated Python."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.codegen.literals import comment, doc, ident, lit
from mpc.codegen.writer import WIDTH, Writer, inline
from mpc.diagnostics import InternalError
from mpc.spec import Call, Constant, Expr, ListOf, Ref, TupleOf

TEXT = st.text(st.one_of(st.characters(), st.sampled_from("\"'\\\n\r\t{}#\x00\x0c\x85\u2028\ufeff")))
LITERALS = st.one_of(
    TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
EXPRESSIONS: st.SearchStrategy[Expr] = st.recursive(
    LITERALS.map(Constant),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: ListOf(tuple(items))),
        st.lists(inner, max_size=4).map(lambda items: TupleOf(tuple(items))),
        st.lists(inner, max_size=4).map(
            lambda items: Call(Ref(("abi", "f")), tuple(items[:1]), (("x", items[-1]),) if items else ())
        ),
    ),
    max_leaves=12,
)


@given(LITERALS)
def test_a_literal_means_its_value(value: str | int | float | bool | None) -> None:
    text = lit(value)
    assert "\n" not in text
    assert ast.literal_eval(text) == value


@given(TEXT)
def test_a_docstring_is_one_string_and_nothing_else(text: str) -> None:
    module = ast.parse(f"def f():\n    {doc(text, '    ')}\n    return 1\n")
    function = module.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 2
    found = ast.get_docstring(function, clean=False)
    assert found is not None
    wanted = [line.strip() for line in text.split("\n")]
    assert [line.strip() for line in found.split("\n")][: len(wanted)] == wanted


@given(TEXT)
def test_a_comment_stays_on_its_line(text: str) -> None:
    assert ast.parse(f"# {comment(text)}\nx = 1").body[0].lineno == 2


@pytest.mark.parametrize("name", ["a b", "class", "", "1a", "a.b", "a\n"])
def test_what_is_no_name_is_a_defect_of_the_compiler(name: str) -> None:
    with pytest.raises(InternalError, match="codegen"):
        ident(name)


@given(EXPRESSIONS)
def test_a_broken_expression_means_what_it_means_on_one_line(value: Expr) -> None:
    writer = Writer()
    writer.expression("x = ", value)
    assert ast.dump(ast.parse(writer.text())) == ast.dump(ast.parse(f"x = {inline(value)}"))


@given(st.lists(st.text("ab ", max_size=60), min_size=1, max_size=8))
def test_lines_that_can_be_broken_fit(items: list[str]) -> None:
    writer = Writer()
    writer.expression("x = ", ListOf(tuple(Constant(item) for item in items)))
    assert all(len(line) <= WIDTH for line in writer.text().splitlines())
