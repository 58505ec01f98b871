"""Enums: one of the members that a declaration names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..diagnostics import Reporter, listed
from ..source import Span
from ..spec import EnumSpec, Expr, Ref, TypeSpec
from ..syntax import nodes
from .base import Broken, NamedType, Naming, Operand, Reading, Simple, Value
from .operands import Sort
from .python import own_words, words
from .words import report_none_twice


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMember:
    """A member: its name in the program and the word the model sees (`label`)."""

    name: str
    label: str
    description: str | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CheckedEnum(Simple, NamedType):
    """Its `label` and `description` are what the model sees of it among the types of a union."""

    members: Mapping[str, CheckedMember]
    label: str | None = None
    description: str | None = None

    def describe(self) -> str:
        return self.name

    def hint(self) -> str:
        first = next(iter(self.members), None)
        return "write a member" if first is None else f"write a member, such as `{first}`"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.ReferenceAst):
            return reading.mismatch(node)
        qualifier = node.path.qualifier
        if qualifier is not None:
            of = reading.names.lookup(qualifier)
            if isinstance(of, Broken):
                return None
            if of is None:
                return reading.unknown_name(qualifier)
            if of != self:
                return reading.mismatch(node)
        name = node.path.names[-1]
        if name.text not in self.members:
            self._report_unknown(name, reading.reporter)
        return name.text

    def _report_unknown(self, name: nodes.Name, reporter: Reporter) -> None:
        labelled = next((member for member in self.members.values() if member.label == name.text), None)
        if labelled is not None:
            help: str | None = f"did you mean `{labelled.name}`? `{name.text}` is the word the model sees"
        else:
            help = reporter.suggestion(name.text, self.members) or listed(self.members)
        reporter.report(
            "MP0505",
            name.span,
            f"`{self.name}` has no member `{name.text}`",
            label="unknown member",
            help=help,
        )

    @property
    def strings(self) -> frozenset[str]:
        return frozenset(self.members)

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label or self.name,)

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        if any(member.label == "none" for member in self.members.values()):
            report_none_twice(mark.span, called, reporter)
        return True

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.MEMBER)

    @property
    def options(self) -> int:
        return len(self.members)

    @property
    def longest(self) -> int:
        return max((len(member.label) for member in self.members.values()), default=0)

    def annotation(self, naming: Naming) -> Expr:
        return naming.named(self)

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, str)
        return Ref((*naming.named(self).path, value))

    def definition(self, naming: Naming) -> TypeSpec:
        members = self.members.values()
        return EnumSpec(
            self.name,
            self.description,
            tuple((member.name, member.description) for member in members),
            own_words(self.label, self.description),
            words((member.name, member.label, member.description) for member in members),
        )
