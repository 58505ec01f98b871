"""`decimal`: numbers that keep their digits, as many behind the point as their bounds have."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from microprompt.abi import FLOAT_DIGITS, INT_DIGITS
from microprompt.notation import ranged

from ..diagnostics import Reporter
from ..spec import CallOf, Constant, Expr
from ..syntax import nodes
from .base import NUMBERS, BuiltinType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import check_in_range, check_order, report_bound, takes_only_range
from .operands import Numeric, Sort
from .python import annotated, given


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDecimal(Simple, BuiltinType):
    """Values have `places` digits behind the point; `None` leaves them open."""

    low: Decimal | None = None
    high: Decimal | None = None
    places: int | None = None

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if error := takes_only_range(node, reporter):
            return error
        if not isinstance(node.constraint, nodes.RangeAst):
            return cls()
        low, high = (_bound(end, reporter) for end in (node.constraint.low, node.constraint.high))
        check_order(node.constraint, low, high, reporter)
        places = max((_places(end) for end in (low, high) if end is not None), default=None)
        if places == 0:
            _report_no_places(node.constraint, reporter)
        return cls(low=low, high=high, places=places or None)

    def describe(self) -> str:
        low, high = (None if end is None else self._text(end) for end in (self.low, self.high))
        return ranged("decimal", low, high)

    def hint(self) -> str:
        return "write a number without quotes: `12.50`"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.NumberAst):
            return reading.mismatch(node)
        value = _read(node.text)
        if value is None:
            problem = f"has an exponent, or more than {INT_DIGITS} digits before the point"
            return reading.outside(node.span, problem, "write a smaller number, with all its digits")
        places = self.places
        if places is None and reading.is_answer:
            places = FLOAT_DIGITS
        if places is not None and _places(value) > places:
            problem = f"has {_places(value)} digits behind the point"
            return reading.outside(node.span, problem, f"write at most {places} of them")
        help = f"write a number that fits `{self.describe()}`"
        check_in_range(node.span, value, self.low, self.high, help, reading, written=self._text)
        return value

    @property
    def is_string(self) -> bool:
        return True

    @property
    def family(self) -> str:
        return NUMBERS

    @property
    def operand(self) -> Operand:
        return Operand(type=CheckedDecimal(), sort=Sort.NUMBER, is_ordered=True, numeric=Numeric.DECIMAL)

    @property
    def options(self) -> None:
        return None

    @property
    def longest(self) -> int:
        places = FLOAT_DIGITS if self.places is None else self.places
        open_end = Decimal("-" + "9" * INT_DIGITS)
        ends = (open_end if end is None else end for end in (self.low, self.high))
        return max(len(format(end, f".{places}f")) for end in ends)

    def annotation(self, naming: Naming) -> Expr:
        low, high = (None if end is None else self.value(end, naming) for end in (self.low, self.high))
        return annotated(
            naming.imported("decimal", "Decimal"), ge=low, le=high, decimal_places=given(self.places)
        )

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, Decimal)
        return CallOf(naming.imported("decimal", "Decimal"), (Constant(self._text(value)),))

    def _text(self, value: Decimal) -> str:
        return format(value, "f" if self.places is None else f".{self.places}f")


def _bound(node: nodes.BoundAst | None, reporter: Reporter) -> Decimal | None:
    if node is None:
        return None
    value = _read(node.text) if isinstance(node, nodes.NumberAst) else None
    if value is not None and _places(value) <= INT_DIGITS:
        return value
    if isinstance(node, nodes.MomentAst):
        problem = "this is not a number"
    else:
        problem = f"a bound has no exponent, and at most {INT_DIGITS} digits on either side of the point"
    report_bound(node, problem, "write a number such as `0.00`", reporter)
    return None


def _read(text: str) -> Decimal | None:
    """The number with its digits; `None` for one with an exponent or too many digits before the point."""
    if "e" in text.lower():
        return None
    value = Decimal(text)
    return value if abs(value) < 10**INT_DIGITS else None


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "the number is finite"
    return -exponent


def _report_no_places(node: nodes.RangeAst, reporter: Reporter) -> None:
    low, high = ("" if end is None else f"{end.text}.00" for end in (node.low, node.high))
    reporter.report(
        "MP0324",
        node.span,
        "a decimal without digits behind the point",
        label="the bounds say how many digits there are, and these say none",
        help=f"write `decimal({low}..{high})` for two digits, or `int` for whole numbers",
    )
