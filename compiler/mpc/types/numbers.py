"""`int` and `float`: numbers in a range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from microprompt.abi import FLOAT_DIGITS, INT_DIGITS, INT_OPTIONS
from microprompt.notation import ranged

from ..diagnostics import Reporter
from ..spec import Constant, Expr, Ref
from ..syntax import nodes
from .base import NUMBERS, BuiltinType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import bounds, check_in_range, read_number, takes_only_range, whole_bounds
from .operands import Numeric, Sort
from .python import annotated, given


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedInt(Simple, BuiltinType):
    low: int | None = None
    high: int | None = None

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if error := takes_only_range(node, reporter):
            return error
        low, high = whole_bounds(node, reporter)
        return cls(low=low, high=high)

    def describe(self) -> str:
        return ranged("int", self.low, self.high)

    def hint(self) -> str:
        return "write a whole number"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.NumberAst):
            return reading.mismatch(node)
        value = _number(node, reading)
        if isinstance(value, float):
            return reading.mismatch(node)
        if value is not None:
            help = f"write a number that fits `{self.describe()}`"
            check_in_range(node.span, value, self.low, self.high, help, reading)
        return value

    @property
    def family(self) -> str:
        return NUMBERS

    @property
    def operand(self) -> Operand:
        return Operand(type=CheckedInt(), sort=Sort.NUMBER, is_ordered=True, numeric=Numeric.WHOLE)

    @property
    def options(self) -> int | None:
        if self.low is None or self.high is None or self.high - self.low >= INT_OPTIONS:
            return None
        return self.high - self.low + 1

    @property
    def longest(self) -> int:
        ends = [f"-{'9' * INT_DIGITS}" if end is None else str(end) for end in (self.low, self.high)]
        return max(map(len, ends))

    def annotation(self, naming: Naming) -> Expr:
        return annotated(Ref(("int",)), ge=given(self.low), le=given(self.high))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, int)
        return Constant(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFloat(Simple, BuiltinType):
    low: float | None = None
    high: float | None = None

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if error := takes_only_range(node, reporter):
            return error
        low, high = bounds(node, reporter)
        if node.constraint is not None and low is not None and high is not None and low <= high:
            _check_decimal(node.constraint, low, high, reporter)
        return cls(low=low, high=high)

    def describe(self) -> str:
        return ranged("float", self.low, self.high)

    def hint(self) -> str:
        return "write a number"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.NumberAst):
            return reading.mismatch(node)
        value = _number(node, reading)
        if value is None:
            return None
        help = f"write a number that fits `{self.describe()}`"
        check_in_range(node.span, float(value), self.low, self.high, help, reading)
        return float(value)

    @property
    def family(self) -> str:
        return NUMBERS

    @property
    def operand(self) -> Operand:
        return Operand(type=CheckedFloat(), sort=Sort.NUMBER, is_ordered=True, numeric=Numeric.FLOAT)

    @property
    def options(self) -> None:
        return None

    @property
    def longest(self) -> int:
        return len("-.") + INT_DIGITS + FLOAT_DIGITS

    def annotation(self, naming: Naming) -> Expr:
        return annotated(Ref(("float",)), ge=given(self.low), le=given(self.high))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, float)
        return Constant(value)


def _number(node: nodes.NumberAst, reading: Reading) -> int | float | None:
    value = read_number(node.text)
    if value is None:
        reading.outside(
            node.span, f"has more than {INT_DIGITS} digits before the point", "write a smaller number"
        )
    return value


def _check_decimal(node: nodes.SyntaxNode, low: float, high: float, reporter: Reporter) -> None:
    """Report a range that is too narrow for the digits behind the point that an answer has."""
    scale = Decimal(10) ** FLOAT_DIGITS
    if math.ceil(Decimal(str(low)) * scale) > math.floor(Decimal(str(high)) * scale):
        reporter.report(
            "MP0301",
            node.span,
            "nothing is in this range",
            label=f"no number with {FLOAT_DIGITS} digits behind the point lies between its ends",
            help="widen the range",
        )
