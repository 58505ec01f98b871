"""Grammars: text that a `grammar` block describes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from microprompt.abi import DEFAULT_STR_LENGTH
from microprompt.notation import ranged
from microprompt.patterns import lark_fits_json, lark_matches, lark_problem

from ..diagnostics import Reporter
from ..source import Span
from ..spec import AliasSpec, CallOf, Constant, Expr, Ref, Subscript, TypeSpec
from ..syntax import nodes
from .base import NamedType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import lengths, takes_no_pattern
from .python import annotated, given
from .text import CheckedStr


@dataclass(frozen=True, slots=True)
class CheckedGrammar(Simple, NamedType):
    """`most` is the bound that stands behind the name, if one does."""

    text: str
    most: int | None = None

    @staticmethod
    def of(declaration: nodes.GrammarDecl, origin: str, reporter: Reporter) -> CheckedGrammar:
        _check(declaration, reporter)
        return CheckedGrammar(
            origin, declaration.name.text, declaration.text.strip("\n"), span=declaration.name.span
        )

    def constrained(self, node: nodes.NamedTypeAst, reporter: Reporter) -> Type:
        if error := takes_no_pattern(node, "write it into the grammar", reporter):
            return error
        low, high = lengths(node, "characters", DEFAULT_STR_LENGTH, reporter)
        if low is not None:
            reporter.report(
                "MP0373",
                node.span,
                f"`{self.name}` has at least {low} characters",
                label="a grammar tells itself what its texts need",
                help=f"write `{ranged(self.name, None, high or DEFAULT_STR_LENGTH)}`, and the rest as rules",
            )
        return replace(self, most=high)

    def describe(self) -> str:
        return ranged(self.name, None, self.most)

    def hint(self) -> str:
        return f'write a text of `{self.name}`, in double quotes: `"..."`'

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.StringAst):
            return reading.mismatch(node)
        if lark_problem(self.text) is None and not lark_matches(self.text, node.text):
            reading.outside(node.span, f"is not as `{self.name}` has it", "write a text that its rules allow")
        reading.check_size(node.span, len(node.text), None, self.longest, DEFAULT_STR_LENGTH, "characters")
        return node.text

    @property
    def operand(self) -> Operand:
        return CheckedStr().operand

    @property
    def is_text(self) -> bool:
        return True

    @property
    def stands_alone(self) -> bool:
        return lark_problem(self.text) is None and not lark_fits_json(self.text)

    @property
    def options(self) -> None:
        return None

    @property
    def longest(self) -> int:
        return DEFAULT_STR_LENGTH if self.most is None else self.most

    def within(self, limit: int) -> str | None:
        return f"write `{ranged(self.name, None, limit)}`" if limit >= 1 else None

    def annotation(self, naming: Naming) -> Expr:
        return annotated(naming.named(replace(self, most=None)), max_length=given(self.most))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, str)
        return Constant(value)

    def definition(self, naming: Naming) -> TypeSpec:
        made = CallOf(Ref(("Grammar",)), (Constant(self.text),))
        return AliasSpec(self.name, Subscript(Ref(("Annotated",)), (Ref(("str",)), made)))


def _check(declaration: nodes.GrammarDecl, reporter: Reporter) -> None:
    """Report what is wrong with a grammar, where it is."""
    problem = lark_problem(declaration.text)
    if problem is None:
        return
    lines = declaration.text.split("\n")
    number = min(problem.line, len(lines))
    before = sum(len(line) + 1 for line in _written(declaration, reporter)[: number - 1])
    column = declaration.indent + problem.column - 1
    at = declaration.start + before + column
    end = declaration.start + before + len(_written(declaration, reporter)[number - 1])
    span = Span(min(at, end), max(min(at, end), min(at + 1, end)))
    if problem.never:
        reporter.report(
            "MP0371",
            declaration.name.span,
            f"nothing is a `{declaration.name.text}`",
            label="its rules never come to an end, or exclude one another",
            help="give each rule that uses itself another way to go on",
        )
    elif problem.is_refused:
        reporter.report(
            "MP0372",
            span,
            problem.message,
            label="a grammar is made of rules, texts and patterns",
            help='write it out, as in `NUMBER: /[0-9]+/`',
        )
    else:
        reporter.report(
            "MP0370",
            span,
            f"the grammar `{declaration.name.text}` cannot be read",
            label=problem.message,
            help='a rule is `name: other "text" /pattern/`, and the first one is called `start`',
        )


def _written(declaration: nodes.GrammarDecl, reporter: Reporter) -> list[str]:
    """The lines of the source, as they are indented there."""
    return reporter.source.text[declaration.start : declaration.span.end].split("\n")
