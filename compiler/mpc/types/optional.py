"""`T?`: a value of another type, or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from microprompt.notation import optional

from ..diagnostics import Reporter
from ..spec import Constant, Expr, OrNone
from ..syntax import nodes
from .base import Dependence, Naming, Operand, Reading, Type, Value, no_field


@dataclass(frozen=True, slots=True)
class CheckedOptional(Type):
    item: Type

    @staticmethod
    def written(node: nodes.OptionalTypeAst, item: Type, reporter: Reporter) -> Type:
        """What `?` makes of a type."""
        return CheckedOptional(item) if item.allows_none(node, item.describe(), reporter) else item

    def describe(self) -> str:
        return optional(self.item.describe())

    def hint(self) -> str:
        return self.item.hint()

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if isinstance(node, nodes.ReferenceAst) and node.path.text == "none":
            return None
        return reading.of(self.item).read(node)

    @property
    def alternatives(self) -> tuple[Type, ...]:
        return self.item.alternatives

    @property
    def depth(self) -> int:
        return self.item.depth

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        reporter.report(
            "MP0311",
            mark.span,
            f"`{called}` is optional already",
            label="this `?` adds nothing",
            help="leave the `?` out",
        )
        return False

    @property
    def operand(self) -> Operand:
        return replace(self.item.operand, may_be_none=True)

    @property
    def is_asserted(self) -> bool:
        return self.item.is_asserted

    def unfold(self, value: Value) -> object:
        return None if value is None else self.item.unfold(value)

    @property
    def has_fields(self) -> bool:
        return False

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        because = "the record may be missing; " if self.item.has_fields else ""
        return no_field(name, way, called, reporter, because=because)

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return self.item.depends_on

    @property
    def stands_alone(self) -> bool:
        return self.item.stands_alone

    @property
    def options(self) -> int | None:
        return None if self.item.options is None else self.item.options + 1

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        return iter(()) if value is None else self.item.free_texts(value, name)

    @property
    def has_choices(self) -> bool:
        return self.item.has_choices

    @property
    def may_be_none(self) -> bool:
        return True

    @property
    def longest(self) -> int:
        return max(self.item.longest, len("none"))

    @property
    def likely_longest(self) -> int:
        return self.item.likely_longest

    def within(self, limit: int) -> str | None:
        return self.item.within(limit)

    def annotation(self, naming: Naming) -> Expr:
        return OrNone(self.item.annotation(naming))

    def value(self, value: Value, naming: Naming) -> Expr:
        return Constant(None) if value is None else self.item.value(value, naming)
