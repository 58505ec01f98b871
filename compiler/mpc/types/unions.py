"""`Weather | Mail`: a value of one of several types, of which each value is of one only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..diagnostics import Reporter
from ..source import Span
from ..spec import CallOf, EitherOf, Expr, Ref, Subscript
from ..syntax import nodes
from .base import Dependence, ErrorType, Naming, Operand, Reading, Type, Value, no_field
from .operands import Sort
from .optional import CheckedOptional
from .words import DistinctWords, report_none_twice


@dataclass(frozen=True, slots=True)
class ArmValue:
    """A value, and of which of the types it is."""

    arm: int
    value: Value


@dataclass(frozen=True, slots=True)
class CheckedUnion(Type):
    """`arms` are at least two, none of them a union or optional itself."""

    arms: tuple[Type, ...]

    @staticmethod
    def written(items: Sequence[tuple[Type, Span]], reporter: Reporter) -> Type:
        """What types joined by `|` mean. Unions among them are flattened, and where one may be none, the
        whole may. Those that nothing tells apart are reported."""
        arms = [(arm, span) for item, span in items for arm in item.alternatives]
        if any(isinstance(arm, ErrorType) for arm, _ in arms) or not _tell_apart(arms, reporter):
            return ErrorType()
        union = CheckedUnion(tuple(arm for arm, _ in arms))
        optional = next((span for item, span in items if item.may_be_none), None)
        return CheckedOptional(union) if optional and union._takes_none(optional, reporter) else union

    def describe(self) -> str:
        return " | ".join(arm.describe() for arm in self.arms)

    def hint(self) -> str:
        return f"write a value of {' or '.join(f'`{arm.describe()}`' for arm in self.arms)}"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        likely: Type | None = None
        for index, arm in enumerate(self.arms):
            trial = Reporter(reading.reporter.source)
            value = arm.read(node, replace(reading, wanted=arm, reporter=trial))
            if not trial.found:
                return ArmValue(index, value)
            if not any(found.code == "MP0503" and found.primary.span == node.span for found in trial.found):
                likely = likely or arm
        # What is wrong with a value of one of the types says more than that it is of none.
        if likely is None:
            return reading.mismatch(node)
        return likely.read(node, replace(reading, wanted=likely))

    @property
    def depth(self) -> int:
        return max(arm.depth for arm in self.arms)

    @property
    def alternatives(self) -> tuple[Type, ...]:
        return self.arms

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for arm in self.arms for label in arm.labels)

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return self._takes_none(mark.span, reporter)

    def _takes_none(self, span: Span, reporter: Reporter) -> bool:
        if "none" in self.labels:
            report_none_twice(span, self.describe(), reporter)
        return True

    @property
    def has_fields(self) -> bool:
        return False

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        because = "which of the types it is of differs from call to call; "
        return no_field(name, way, called, reporter, because=because)

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.RECORD)

    @property
    def is_asserted(self) -> bool:
        return any(arm.is_asserted for arm in self.arms)

    def unfold(self, value: Value) -> object:
        assert isinstance(value, ArmValue)
        return self.arms[value.arm].unfold(value.value)

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return frozenset(source for arm in self.arms for source in arm.depends_on)

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        if not isinstance(value, ArmValue):
            return iter(())
        return self.arms[value.arm].free_texts(value.value, name)

    @property
    def options(self) -> None:
        return None

    @property
    def has_choices(self) -> bool:
        return True

    @property
    def may_be_none(self) -> bool:
        return False

    @property
    def ends(self) -> bool:
        return any(arm.ends for arm in self.arms)

    @property
    def longest(self) -> int:
        return max(_around(arm) + arm.longest for arm in self.arms)

    def within(self, limit: int) -> str | None:
        largest = max(self.arms, key=lambda arm: _around(arm) + arm.longest)
        return largest.within(limit - _around(largest))

    def annotation(self, naming: Naming) -> Expr:
        either = EitherOf(tuple(arm.annotation(naming) for arm in self.arms))
        if not self._has_alike:
            return either
        return Subscript(Ref(("Annotated",)), (either, CallOf(Ref(("ByName",)))))

    @property
    def _has_alike(self) -> bool:
        """Whether an object may be the data of two of its types."""
        found = [arm.keys for arm in self.arms if arm.keys is not None]
        pairs = ((one, other) for place, one in enumerate(found) for other in found[:place])
        return any(one[0] <= other[1] and other[0] <= one[1] for one, other in pairs)

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, ArmValue)
        return self.arms[value.arm].value(value.value, naming)


def _around(arm: Type) -> int:
    """What stands around a value where it is written with what it is of."""
    return len('{"": }') + max(map(len, arm.labels))


def _tell_apart(arms: Sequence[tuple[Type, Span]], reporter: Reporter) -> bool:
    """Report types that nothing tells apart: neither their values in Python, nor their data, nor the words
    under which the model sees them."""
    for place, (arm, span) in enumerate(arms):
        for other, at in arms[:place]:
            why = _why_alike(other, arm)
            if why is not None:
                reporter.report(
                    "MP0340",
                    span,
                    f"nothing tells `{other.describe()}` and `{arm.describe()}` apart",
                    label=why,
                    help="leave one of them out, or put it into a record, whose name tells what it is",
                    also=[(at, f"`{other.describe()}` is here")],
                )
                return False
    words = DistinctWords(reporter, help='give a record or an enum another word: `record name as "word":`')
    for arm, span in arms:
        for label in arm.labels:
            words.take(label, span)
    return True


def _why_alike(first: Type, second: Type) -> str | None:
    if first.family == second.family:
        same = "both have the same values"
        return same if first == second else "their values look alike in Python and in JSON"
    for one, other in ((first, second), (second, first)):
        if one.strings is None and other.is_string:
            return f"`{one.describe()}` has the strings of `{other.describe()}` too"
    if first.strings and second.strings and first.strings & second.strings:
        return f'both have "{min(first.strings & second.strings)}" in JSON'
    return None
