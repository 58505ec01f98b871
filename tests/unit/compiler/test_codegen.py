"""Text from outside stays text in generated Python."""

from __future__ import annotations

import ast
import inspect
import io
import subprocess
import sys
import tokenize
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.codegen import emit, writer
from mpc.codegen.literals import comment, doc, ident, laid_out, lit
from mpc.codegen.proof import prove
from mpc.codegen.writer import WIDTH, Writer, inline
from mpc.diagnostics import InternalError
from mpc.spec import (
    ArmSpec,
    AssignSpec,
    Awaited,
    CallOf,
    Connected,
    Constant,
    DoSpec,
    EnumSpec,
    Expr,
    FlowSpec,
    ForSpec,
    IfSpec,
    ImportSpec,
    ListOf,
    ModuleSpec,
    PromptSpec,
    Ref,
    ReturnSpec,
    StatementSpec,
    TupleOf,
    WhileSpec,
)

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
            lambda items: CallOf(Ref(("abi", "f")), tuple(items[:1]), (("x", items[-1]),) if items else ())
        ),
    ),
    max_leaves=12,
)


@given(LITERALS)
def test_a_literal_means_its_value(value: str | int | float | bool | None) -> None:
    text = lit(value)
    assert "\n" not in text
    assert ast.literal_eval(text) == value


@given(TEXT, st.sampled_from(["", "    "]))
def test_a_docstring_means_its_text(text: str, indent: str) -> None:
    quoted = doc(text, indent)
    assert ast.literal_eval(quoted) == laid_out(text, indent)
    if "\n" not in text:
        assert laid_out(text, indent) == text


@given(st.text('a"\\\n', max_size=8))
def test_a_docstring_of_quotes_and_backslashes_means_its_text(text: str) -> None:
    assert ast.literal_eval(doc(text, "    ")) == laid_out(text, "    ")


@given(st.text("ab \n", max_size=30))
def test_readers_of_docstrings_see_the_text(text: str) -> None:
    seen = inspect.cleandoc(laid_out(text, "    "))
    assert seen.rstrip() == inspect.cleandoc(text).rstrip()


@given(TEXT)
def test_a_comment_stays_on_its_line(text: str) -> None:
    assert ast.parse(f"# {comment(text)}\nx = 1").body[0].lineno == 2


@pytest.mark.parametrize("name", ["a b", "class", "", "1a", "a.b", "a\n"])
def test_what_is_no_name_is_a_defect_of_the_compiler(name: str) -> None:
    with pytest.raises(InternalError, match="codegen"):
        ident(name)


@given(EXPRESSIONS)
def test_a_broken_expression_means_what_it_means_on_one_line(value: Expr) -> None:
    out = Writer()
    out.expression("x = ", value)
    assert ast.dump(ast.parse(out.text())) == ast.dump(ast.parse(f"x = {inline(value)}"))


@given(st.lists(st.text("ab ", max_size=60), min_size=1, max_size=8))
def test_lines_that_can_be_broken_fit(items: list[str]) -> None:
    out = Writer()
    out.expression("x = ", ListOf(tuple(Constant(item) for item in items)))
    assert all(len(line) <= WIDTH for line in out.text().splitlines())


# ------------------------------------------------------------------------------------------ whole modules


def module_of(text: str, source: str = "a.mp") -> ModuleSpec:
    """A module that holds `text` in every place where there may be some."""
    return ModuleSpec(
        source=source,
        docstring=text,
        imports=(),
        exports=("Act", "ask"),
        digests=(),
        circles=(),
        models=(),
        tools=(),
        flows=(),
        types=(
            EnumSpec(
                "Act",
                text,
                (("yes", text), ("no", None)),
                Constant(text),
                (("yes", Constant(text)), ("no", Constant(-1.5))),
            ),
        ),
        prompts=(PromptSpec("ask", (), Ref(("str",)), text, CallOf(Ref(("f",)), (Constant(text),))),),
    )


def emitted(spec: ModuleSpec) -> str:
    return emit(spec, abi_version=1, compiler_version="0", digest="0")


@given(TEXT, TEXT)
def test_a_module_means_the_same_as_bytes_and_as_text(text: str, source: str) -> None:
    module = emitted(module_of(text, source))
    assert ast.dump(ast.parse(module.encode())) == ast.dump(ast.parse(module))


@pytest.mark.parametrize(
    "folder", ["coding=utf-7", "coding: latin-1", "-*- coding: utf-16 -*-", "vim:fileencoding=x"]
)
def test_a_path_declares_no_encoding(folder: str) -> None:
    module = emitted(module_of("é", f"{folder}/a.mp")).encode()
    assert tokenize.detect_encoding(io.BytesIO(module).readline)[0] == "utf-8"
    assert folder in module.decode()


def test_a_module_is_imported_from_in_one_statement_and_in_the_order_of_isort() -> None:
    names = ["item10", "item2", "B", "BIG", "Zebra", "_kept", "apple", "Apple", "zoo", "Item"]
    spec = replace(
        module_of("x"),
        imports=(
            *(ImportSpec(("shop", "stock"), ((name, None),)) for name in names),
            ImportSpec(("shop", "stock"), (("look_up", "_look_up"), ("remember", "_keep"), ("zoo", None))),
            ImportSpec(("shop", "stock"), alias="stock"),
            *(ImportSpec((module,), (("x", alias),)) for module, alias in (("shop10", "a"), ("shop2", "b"))),
            ImportSpec(("Shop", "tills"), (("z", None),)),
            ImportSpec(("Zoo",), (("y", None),)),
            ImportSpec(("re",)),
        ),
    )
    module = emitted(spec)
    assert module.count("from shop.stock import") == 1
    assert module.count("zoo") == 1
    sorting = ["--isolated", "--select=I", "--config=lint.isort.combine-as-imports=true"]
    asked = [sys.executable, "-m", "ruff", "check", *sorting, f"--line-length={WIDTH}", "--diff", "-"]
    text = module.replace("# ruff: noqa\n", "")
    told = subprocess.run(asked, input=text, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")


@pytest.mark.parametrize(
    ("meant", "written"),
    [("one", "two"), ('a"', "a"), ("-1.5", "1.5"), ("no", "no', 'no"), ("x\n    y", "x\ny")],
)
def test_a_module_that_says_something_else_is_a_defect(meant: str, written: str) -> None:
    spec = module_of(meant)
    right = emitted(spec)
    prove(right.encode(), spec, 1)
    wrong = right.replace(repr(meant)[1:-1], written)
    assert wrong != right
    with pytest.raises(InternalError, match="codegen"):
        prove(wrong.encode(), spec, 1)


# ---------------------------------------------------------------------------------------------- statements

NAMES = st.sampled_from(["a", "b", "long_name_of_a_value"])
LINES = st.integers(1, 99)
VALUES = st.one_of(
    EXPRESSIONS,
    NAMES.map(lambda name: Ref((name,))),
    st.lists(NAMES, min_size=2, max_size=12).map(
        lambda names: Connected("and", tuple(Ref((name,)) for name in names))
    ),
)
SIMPLE: st.SearchStrategy[StatementSpec] = st.one_of(
    st.builds(
        lambda name, value, line: AssignSpec(targets=(name,), value=value, line=line), NAMES, VALUES, LINES
    ),
    st.builds(
        lambda line: AssignSpec(targets=("a",), annotation=Ref(("str",)), value=None, line=line), LINES
    ),
    st.builds(lambda value, line: DoSpec(value=value, line=line), VALUES, LINES),
    st.builds(lambda value, line: ReturnSpec(value=value, line=line), VALUES, LINES),
)


def _blocks(inner: st.SearchStrategy[StatementSpec]) -> st.SearchStrategy[StatementSpec]:
    block = st.lists(inner, max_size=3).map(tuple)
    arms = st.lists(
        st.builds(
            lambda value, statements, line: ArmSpec(condition=value, statements=statements, line=line),
            VALUES,
            block,
            LINES,
        ),
        min_size=1,
        max_size=3,
    ).map(tuple)
    return st.one_of(
        st.builds(lambda found, otherwise: IfSpec(arms=found, otherwise=otherwise), arms, block),
        st.builds(
            lambda value, statements, line: WhileSpec(condition=value, statements=statements, line=line),
            VALUES,
            block,
            LINES,
        ),
        st.builds(
            lambda value, statements, line: ForSpec(
                targets=("a", "b"), each=value, statements=statements, line=line
            ),
            VALUES,
            block,
            LINES,
        ),
    )


STATEMENTS = st.lists(st.recursive(SIMPLE, _blocks, max_leaves=8), min_size=1, max_size=4).map(tuple)


def flow_of(statements: tuple[StatementSpec, ...]) -> ModuleSpec:
    """A module with one flow, which does the same in threads and in tasks."""
    flow = FlowSpec(
        name="go",
        parameters=(),
        returns=Ref(("str",)),
        docstring="Go.",
        decorator=Ref(("flow",)),
        statements=statements,
        in_tasks=statements,
        table=CallOf(Ref(("abi", "Flow")), keywords=(("source", Constant("a.mp")), ("line", Constant(1)))),
    )
    return replace(module_of("x"), prompts=(), flows=(flow,))


@given(STATEMENTS)
def test_broken_statements_mean_what_they_mean_on_one_line(statements: tuple[StatementSpec, ...]) -> None:
    def dumped(width: int) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writer, "WIDTH", width)
            found = ast.parse(emitted(flow_of(statements)))
        found.body.pop()  # the table of lines
        return ast.dump(found)

    assert dumped(40) == dumped(10**9)


def test_the_table_of_a_flow_has_the_lines_of_both_its_forms() -> None:
    before = AssignSpec(targets=("a",), value=Constant("x"), line=3)
    written = emitted(flow_of((before, ReturnSpec(value=Ref(("a",)), line=7)))).splitlines()
    of = {'    a = "x"': 3, "    return a": 7}
    rows = [(number, of[text]) for number, text in enumerate(written, 1) if text in of]
    assert len(rows) == 4
    assert written[-1] == f'go.body = abi.Flow(source="a.mp", line=1, lines={tuple(rows)})'


@given(TEXT.filter(bool))
def test_docstrings_of_several_lines_move_the_lines_of_a_flow(text: str) -> None:
    spec = flow_of((ReturnSpec(value=Constant(text), line=7),))
    (flow,) = spec.flows
    prompt = PromptSpec("ask", (), Ref(("str",)), text, CallOf(Ref(("f",))))
    flows = (replace(flow, docstring=text),)
    emitted(replace(spec, prompts=(prompt,), flows=flows))  # which proves the table


def test_a_flow_whose_lines_are_elsewhere_is_a_defect() -> None:
    spec = flow_of((ReturnSpec(value=Ref(("a",)), line=7),))
    (flow,) = spec.flows
    rows = TupleOf((TupleOf((Constant(1), Constant(7))),))
    moved = replace(flow, table=replace(flow.table, keywords=(*flow.table.keywords, ("lines", rows))))
    with pytest.raises(InternalError, match="the lines of the flow go"):
        prove(emitted(spec).encode(), replace(spec, flows=(moved,)), 1)


def test_what_is_awaited_is_broken_as_what_it_awaits() -> None:
    out = Writer()
    call = CallOf(Ref(("f", "acall")), tuple(Constant("x" * 40) for _ in range(4)))
    out.expression("return ", Awaited(call), depth=1)
    first, *_, last = out.text().splitlines()
    assert (first, last) == ("    return await f.acall(", "    )")
