"""Assertions: what must hold of a record, and what is only looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..diagnostics import Reporter
from ..expressions import Checked, check_condition, evaluate, in_python
from ..expressions.checked import fields_of
from ..source import Span
from ..spec import Constant, Expr, Lambda, Ref, TupleOf
from ..syntax import nodes
from ..types.base import Names, Naming
from ..types.python import abi_call
from ..types.records import CheckedField, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAssertion(Rule):
    """An assertion that an answer must fulfil, or one that `is_required` is false of, which `check` makes."""

    condition: Checked
    message: str
    is_required: bool
    line: int
    span: Span = field(compare=False, repr=False)

    def problem(self, values: Mapping[str, object]) -> str | None:
        try:
            return None if evaluate(self.condition, values) else self.message
        except (ArithmeticError, ValueError) as error:
            return f"{self.message}: {error}"

    def in_python(self, record: str, naming: Naming) -> Expr:
        parameter = _parameter(record, naming)
        ways = sorted(fields_of(self.condition))
        roots = {way[0]: Ref((parameter, way[0])) for way in ways}
        test = in_python(self.condition, roots, naming)
        return abi_call(
            "Assertion",
            Constant(self.message),
            Lambda((parameter,), test),
            about=TupleOf(tuple(Constant(".".join(way)) for way in ways)),
            line=Constant(self.line),
            required=None if self.is_required else Constant(False),
        )


def check_assertions(
    written: Sequence[nodes.AssertionAst],
    fields: Mapping[str, CheckedField],
    names: Names,
    reporter: Reporter,
) -> tuple[CheckedAssertion, ...]:
    """The assertions of a record with these fields; those that are wrong are reported and left out."""
    return tuple(_checked(written, fields, names, reporter))


def _checked(
    written: Sequence[nodes.AssertionAst],
    fields: Mapping[str, CheckedField],
    names: Names,
    reporter: Reporter,
) -> Iterator[CheckedAssertion]:
    scope = {name: field.type for name, field in fields.items()}
    messages: dict[str, Span] = {}
    for node in written:
        before = len(reporter.found)
        condition = check_condition(node.condition, scope, names, reporter)
        said = " ".join(reporter.source.slice(node.condition.span).split())
        message = said if node.message is None else node.message.text
        if not _is_message(message):
            assert node.message is not None
            reporter.report(
                "MP1031",
                node.message.span,
                "a message that says nothing",
                label="this is shown where the assertion fails",
                help="say what holds, on one line, or leave the message out",
            )
        elif message in messages:
            reporter.report(
                "MP1032",
                node.span,
                "two assertions that say the same",
                label="nobody could tell which of the two has failed",
                help="leave one out, or say something else",
                also=[(messages[message], "the same is said here")],
            )
        messages.setdefault(message, node.span)
        if len(reporter.found) == before:
            yield CheckedAssertion(
                condition=condition,
                message=message,
                is_required=node.word == "assert",
                line=reporter.source.line_of(node.span.start),
                span=node.span,
            )


def _is_message(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()


def _parameter(record: str, naming: Naming) -> str:
    """The record's name as a variable is called: `LineItem` as `line_item`."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in record)
    name = words.strip("_").replace("__", "_") or "it"
    while naming.is_taken(name):
        name += "_"
    return name
