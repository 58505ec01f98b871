"""The proof that a module says what its spec does, as Black proves that it has changed nothing.

The text is parsed as Python will read it, from bytes, and every literal in it is compared, in order, with
what the spec holds. All text that a program brings along is in literals, so it is there as it was meant.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TypeAlias, assert_never

from ..diagnostics import InternalError
from ..spec import (
    AliasSpec,
    CallOf,
    Constant,
    DictOf,
    EitherOf,
    EnumSpec,
    Expr,
    FlowSpec,
    ListOf,
    ModuleSpec,
    Operation,
    OrNone,
    PromptSpec,
    RecordSpec,
    Ref,
    Subscript,
    TupleOf,
    TypeSpec,
)
from .literals import laid_out
from .statements import expressions, lines_of
from .writer import INDENT

_Literal: TypeAlias = str | int | float | bool | None


def prove(module: bytes, spec: ModuleSpec, abi_version: int) -> None:
    """Raise `InternalError` unless the module parses and its literals are those of the spec."""
    try:
        tree = ast.parse(module)
    except (SyntaxError, ValueError) as error:
        raise InternalError("codegen", f"the module does not parse: {error}") from error
    for flow in spec.flows:
        if list(_rows(flow)) != list(_rows_in(tree, flow)):
            raise InternalError("codegen", f"the lines of the flow {flow.name} are not where its table says")
    found = _literals(tree)
    meant = list(_module(spec, abi_version))
    if [repr(literal) for _, literal in found] != [repr(literal) for literal in meant]:
        pairs = zip(found, meant, strict=False)
        line = next((line for (line, literal), right in pairs if repr(literal) != repr(right)), "the last")
        raise InternalError("codegen", f"a literal of the module is not what was meant: line {line}")


# ------------------------------------------------------------------------------------- what the text says


def _literals(tree: ast.Module) -> list[tuple[int, object]]:
    """Every literal with its line, in the order of the text."""
    found: list[tuple[int, int, object]] = []
    pending: list[object] = [tree]
    while pending:  # in any order; Python's own walk takes three times as long
        match pending.pop():
            case ast.Constant() as node:
                found.append((node.lineno, node.col_offset, node.value))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()) as node:
                # A negative number is not one literal to Python.
                found.append((node.lineno, node.col_offset, ast.literal_eval(node)))
            case ast.AST() as node:
                pending += [getattr(node, field) for field in node._fields]
            case list() as nodes:
                pending += nodes
            case _:  # a name
                pass
    found.sort(key=lambda place: place[:2])
    return [(line, literal) for line, _, literal in found]


# ---------------------------------------------------------------------------------- where its lines are


def _rows(flow: FlowSpec) -> Iterator[tuple[object, object]]:
    """The pairs of the table of lines."""
    table = dict(flow.table.keywords)["lines"]
    assert isinstance(table, TupleOf)
    for row in table.items:
        assert isinstance(row, TupleOf)
        here, there = _expressions(row.items)
        yield here, there


def _rows_in(tree: ast.Module, flow: FlowSpec) -> Iterator[tuple[object, object]]:
    """The same, read from the text and from what it was made of."""
    bodies = {
        node.name: node.body
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for name, statements in ((flow.name, flow.statements), (f"_{flow.name}", flow.in_tasks)):
        has_docstring = flow.docstring and name == flow.name
        body = bodies[name][1:] if has_docstring else bodies[name]
        for found, meant in zip(_starts(body), lines_of(statements), strict=True):
            yield from zip(found, meant, strict=False)


def _starts(body: Iterable[ast.stmt]) -> Iterator[tuple[int, ...]]:
    """The lines on which statements begin, with those inside of them; of a call that is assigned, its
    arguments' too."""
    for statement in body:
        value = statement.value if isinstance(statement, ast.Assign) else None
        call = value.value if isinstance(value, ast.Await) else value
        if isinstance(call, ast.Call):
            yield statement.lineno, *(argument.lineno for argument in call.args)
        elif not isinstance(statement, ast.Pass):
            yield (statement.lineno,)
        if isinstance(statement, ast.If | ast.For | ast.While):
            yield from _starts(statement.body)
            yield from _starts(statement.orelse)


# ---------------------------------------------------------------------------------- what the spec holds


def _module(spec: ModuleSpec, abi_version: int) -> Iterator[_Literal]:
    if spec.docstring:
        yield laid_out(spec.docstring, "")
    yield from spec.exports
    yield abi_version
    yield spec.source
    for _, digest in spec.digests:
        yield digest
    for type in spec.types:
        yield from _type(type)
    yield from (circle.depth for circle in spec.circles)
    for prompt in spec.prompts:
        yield from _prompt(prompt)
    for flow in spec.flows:
        yield from _flow(flow)
    for type in spec.types:
        if not isinstance(type, AliasSpec):
            yield from _expressions([type.own_words, *(words for _, words in type.words)])
    for type in spec.types:
        if isinstance(type, RecordSpec):
            yield from _expressions(type.assertions)
    yield from _expressions(model.value for model in spec.models)
    yield from _expressions(prompt.body for prompt in spec.prompts)
    yield from _expressions(flow.table for flow in spec.flows)


def _type(type: TypeSpec) -> Iterator[_Literal]:
    match type:
        case AliasSpec():
            yield from _expressions([type.annotation])
        case EnumSpec():
            yield from _description(type.description)
            for name, description in type.members:
                yield name
                yield from _description(description)
        case RecordSpec():
            yield from _description(type.description)
            for field in type.fields:
                yield from _expressions([field.annotation, field.default])
                yield from _description(field.description)
        case _:
            assert_never(type)


def _prompt(prompt: PromptSpec) -> Iterator[_Literal]:
    yield from _head(prompt)
    yield laid_out(prompt.english, INDENT)


def _flow(flow: FlowSpec) -> Iterator[_Literal]:
    yield from _head(flow)
    yield from _description(flow.docstring)
    yield from _expressions(expressions(flow.statements))
    yield from _head(flow)
    yield from _expressions(expressions(flow.in_tasks))


def _head(declared: PromptSpec | FlowSpec) -> Iterator[_Literal]:
    for parameter in declared.parameters:
        yield from _expressions([parameter.annotation, parameter.default])
    yield from _expressions([declared.returns])


def _description(text: str | None) -> Iterator[_Literal]:
    if text:
        yield laid_out(text, INDENT)


def _expressions(values: Iterable[Expr | None]) -> Iterator[_Literal]:
    for value in values:
        match value:
            case None | Ref():
                pass
            case Constant():
                yield value.value
            case CallOf():
                yield from _expressions([value.function, *value.arguments])
                yield from _expressions(item for _, item in value.keywords)
            case DictOf():
                yield from _expressions(part for key, item in value.entries for part in (Constant(key), item))
            case TupleOf() | ListOf() | Subscript() | EitherOf():
                yield from _expressions(value.items)
            case OrNone():
                yield from _expressions([value.item, Constant(None)])
            case Operation():
                yield from _expressions(value.operands)
            case _:
                assert_never(value)
