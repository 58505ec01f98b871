"""`bool`: true or false."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import Reporter
from ..spec import Constant, Expr, Ref
from ..syntax import nodes
from .base import BuiltinType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import takes_no_range, takes_only_range
from .operands import Sort


@dataclass(frozen=True, slots=True)
class CheckedBool(Simple, BuiltinType):
    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if error := takes_only_range(node, reporter):
            return error
        takes_no_range(node, "leave the parentheses out", reporter)
        return cls()

    def describe(self) -> str:
        return "bool"

    def hint(self) -> str:
        return "write `true` or `false`"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if isinstance(node, nodes.ReferenceAst) and node.path.text in ("true", "false"):
            return node.path.text == "true"
        return reading.mismatch(node)

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.TRUTH)

    @property
    def options(self) -> int:
        return 2

    @property
    def longest(self) -> int:
        return len("false")

    def annotation(self, naming: Naming) -> Expr:
        return Ref(("bool",))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, bool)
        return Constant(value)
