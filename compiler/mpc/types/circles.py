"""Records that contain themselves, directly or through one another.

Such records are a *circle*. It has a depth: so many of its records lie inside one another at most. Behind the
last of them stands what needs no further one, an empty list or none, so every answer ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from ..diagnostics import InternalError, Reporter
from ..spec import Expr, TypeSpec
from ..syntax import nodes
from .base import Circle, Dependence, ErrorType, NamedType, Naming, Operand, Reading, Type, Value
from .operands import Sort

MAX_CIRCLE_DEPTH: Final = 16
"""How many records of a circle may lie inside one another at most."""


@dataclass(frozen=True, slots=True)
class CheckedAgain(NamedType):
    """A record of a circle inside the circle, met before it was read: it stands for the record."""

    called: str
    circle: Circle = field(compare=False, repr=False)

    @property
    def record(self) -> NamedType:
        found = self.circle.records.get(self.name)
        if found is None:
            raise InternalError("sema", f"the record {self.name} is not known yet")
        return found

    @property
    def resolved(self) -> Type:
        return self.record

    def describe(self) -> str:
        return self.name

    def hint(self) -> str:
        return f"write `{self.name}(...)` with its fields by name"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if self.name in self.circle.records:
            return self.record.read(node, replace(reading, wanted=self.record))
        reading.reporter.report(
            "MP0344",
            node.span,
            f"the default holds a `{self.name}`, of which it is a part",
            label=f"`{self.name}` is not complete here",
            help="let the default be an empty list or none",
        )
        return None

    @property
    def made_of(self) -> tuple[tuple[str, Type, bool], ...] | None:
        return self.record.made_of

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.called,)

    @property
    def keys(self) -> tuple[frozenset[str], frozenset[str]] | None:
        return self.record.keys

    @property
    def depth(self) -> int:
        return 0

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return True

    @property
    def has_fields(self) -> bool:
        return True

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        if self.name in self.circle.records:
            return self.record.field(name, way, called, reporter)
        reporter.report(
            "MP0403",
            name.span,
            f"`{way}` is not complete here",
            label=f"it is a `{self.name}` inside the record that this is about",
            help="say what holds of a record without the fields of those of its own circle",
        )
        return ErrorType()

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.RECORD)

    @property
    def is_asserted(self) -> bool:
        return self.name in self.circle.records and self.record.is_asserted

    def unfold(self, value: Value) -> object:
        return self.record.unfold(value)

    def part(self, value: Value, name: str) -> tuple[Type, Value] | None:
        return self.record.part(value, name)

    @property
    def ends(self) -> bool:
        return self.record.ends

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return frozenset()  # the circle's records tell by themselves

    @property
    def options(self) -> None:
        return None

    @property
    def has_choices(self) -> bool:
        return False  # as with what it depends on

    @property
    def may_be_none(self) -> bool:
        return False

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        return self.record.free_texts(value, name)

    @property
    def longest(self) -> int:
        return self.record.longest

    def within(self, limit: int) -> str | None:
        return None

    def annotation(self, naming: Naming) -> Expr:
        return naming.named(self)

    def value(self, value: Value, naming: Naming) -> Expr:
        return self.record.value(value, naming)

    def definition(self, naming: Naming) -> TypeSpec:
        return self.record.definition(naming)
