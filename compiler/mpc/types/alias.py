"""Aliases: a type by the name that `type` gave it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..diagnostics import Reporter
from ..spec import AliasSpec, Expr, TypeSpec
from ..syntax import nodes
from .base import Dependence, NamedType, Naming, Operand, Reading, Type, Value


@dataclass(frozen=True, slots=True)
class CheckedAlias(NamedType):
    """Means what its target means; only messages and generated annotations have the name.

    Its depth is kept: it is asked for at every use, and a walk to the end of a chain of declarations would
    make it dear.
    """

    target: Type
    _depth: int

    @staticmethod
    def to(target: Type, declaration: nodes.TypeDecl, origin: str) -> CheckedAlias:
        name = declaration.name
        return CheckedAlias(origin, name.text, target, 1 + target.depth, span=name.span)

    @property
    def resolved(self) -> Type:
        return self.target.resolved if isinstance(self.target, NamedType) else self.target

    def instead_of_constraint(self, called: str) -> str:
        return f"write the constraint where `{called}` is declared"

    def describe(self) -> str:
        return self.name

    def hint(self) -> str:
        return self.target.hint()

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        return self.target.read(node, reading)

    @property
    def alternatives(self) -> tuple[Type, ...]:
        found = self.target.alternatives
        return (self,) if found == (self.target,) else found

    @property
    def family(self) -> str:
        return self.target.family

    @property
    def strings(self) -> frozenset[str] | None:
        return self.target.strings

    @property
    def is_string(self) -> bool:
        return self.target.is_string

    @property
    def keys(self) -> tuple[frozenset[str], frozenset[str]] | None:
        return self.target.keys

    @property
    def fixed(self) -> frozenset[str | int] | None:
        return self.target.fixed

    @property
    def made_of(self) -> tuple[tuple[str, Type, bool], ...] | None:
        return self.target.made_of

    @property
    def labels(self) -> tuple[str, ...]:
        return self.target.labels

    @property
    def depth(self) -> int:
        return self._depth

    def part(self, value: Value, name: str) -> tuple[Type, Value] | None:
        return self.target.part(value, name)

    @property
    def is_text(self) -> bool:
        return self.target.is_text

    @property
    def item_type(self) -> Type | None:
        return self.target.item_type

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return self.target.depends_on

    @property
    def stands_alone(self) -> bool:
        return self.target.stands_alone

    @property
    def options(self) -> int | None:
        return self.target.options

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        return self.target.free_texts(value, name)

    @property
    def has_choices(self) -> bool:
        return self.target.has_choices

    @property
    def may_be_none(self) -> bool:
        return self.target.may_be_none

    @property
    def ends(self) -> bool:
        return self.target.ends

    @property
    def longest(self) -> int:
        return self.target.longest

    @property
    def likely_longest(self) -> int:
        return self.target.likely_longest

    @property
    def most_items(self) -> int | None:
        return self.target.most_items

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return self.target.allows_none(mark, called, reporter)

    @property
    def operand(self) -> Operand:
        return self.target.operand

    @property
    def is_asserted(self) -> bool:
        return self.target.is_asserted

    def unfold(self, value: Value) -> object:
        return self.target.unfold(value)

    @property
    def has_fields(self) -> bool:
        return self.target.has_fields

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        return self.target.field(name, way, called, reporter)

    def within(self, limit: int) -> str | None:
        inside = self.target.within(limit)
        return None if inside is None else f"{inside} where `{self.name}` is declared"

    def annotation(self, naming: Naming) -> Expr:
        return naming.named(self)

    def value(self, value: Value, naming: Naming) -> Expr:
        return self.target.value(value, naming)

    def definition(self, naming: Naming) -> TypeSpec:
        return AliasSpec(self.name, self.target.annotation(naming))
