"""Records: a value for each field that a declaration names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..diagnostics import Reporter, listed
from ..source import Span
from ..spec import CallOf, Expr, FieldSpec, RecordSpec, TypeSpec
from ..syntax import nodes
from .arguments import read_arguments
from .base import Broken, Circle, Dependence, ErrorType, NamedType, Naming, Operand, Reading, Type, Value
from .operands import Sort
from .python import own_words, words


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedField:
    """A field: its name in the program and the name the model sees (`label`).

    `default` counts only when `has_default` is true: none is a default too.
    """

    name: str
    label: str
    type: Type
    description: str | None
    has_default: bool = False
    default: Value = None
    span: Span = field(compare=False, repr=False)


class Rule(ABC):
    """What is said to hold of a record. Its condition is made of what types are used in, so it is told here
    only as far as a record needs it."""

    __slots__ = ()

    is_required: bool
    span: Span

    @abstractmethod
    def problem(self, values: Mapping[str, object]) -> str | None:
        """What is wrong with the fields, which `Type.unfold` has made; nothing where the rule holds."""

    @abstractmethod
    def in_python(self, record: str, naming: Naming) -> Expr:
        """The rule in the generated module, for the record of that name."""


@dataclass(frozen=True, slots=True)
class RecordValue:
    """The fields that were written, in the order of the declaration."""

    fields: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class CheckedRecord(NamedType):
    """Its fields are part of the type, so a complete type needs no table to be understood. Its `label` and
    `description` are what the model sees of it among the types of a union.

    Its depth, the length of its longest answer, whether it has choices and what it depends on are kept:
    records hold records, and looking anew at each would take a time that is exponential in their depth.
    """

    fields: Mapping[str, CheckedField]
    _depth: int
    _longest: int | None
    _has_choices: bool
    _depends_on: frozenset[Dependence]
    label: str | None = None
    description: str | None = None
    rules: tuple[Rule, ...] = field(default=(), compare=False, repr=False)
    circle: Circle | None = field(default=None, compare=False, repr=False)
    _is_asserted: bool = False

    @staticmethod
    def of(
        fields: Mapping[str, CheckedField],
        rules: Sequence[Rule],
        declaration: nodes.RecordDecl,
        origin: str,
        circle: Circle | None = None,
    ) -> CheckedRecord:
        found = fields.values()
        has_choices = any(each.type.has_choices for each in found)
        depends_on = frozenset(source for each in found for source in each.type.depends_on)
        made = CheckedRecord(
            origin,
            declaration.name.text,
            fields,
            1 + max((each.type.depth for each in found), default=0),
            # Those of a circle are not all there yet.
            _longest(fields) if circle is None else None,
            has_choices,
            depends_on,
            None if declaration.label is None else declaration.label.text,
            None if declaration.description is None else declaration.description.text,
            tuple(rules),
            circle,
            any(rule.is_required for rule in rules) or any(each.type.is_asserted for each in found),
            span=declaration.name.span,
        )
        if circle is not None:
            circle.add(made, depends_on, has_choices=has_choices)
        return made

    def describe(self) -> str:
        return self.name

    def hint(self) -> str:
        return f"write `{self.name}(...)` with its fields by name"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.RecordAst):
            return reading.mismatch(node)
        found = reading.names.lookup(node.path)
        if isinstance(found, Broken):
            return None
        if found is None:
            return reading.unknown_name(node.path)
        if (found.resolved if isinstance(found, NamedType) else found) != self:
            return reading.mismatch(node)
        before = len(reading.reporter.found)
        values = read_arguments(
            node.arguments, self.fields, reading, f"`{self.name}`", node.path.span, by_name=True
        )
        value = RecordValue(tuple((name, values[name]) for name in self.fields if name in values))
        if len(reading.reporter.found) == before:
            self._check_rules(value, node, reading)
        return value

    def _check_rules(self, value: RecordValue, node: nodes.RecordAst, reading: Reading) -> None:
        """Report what the record's own rules say against a value."""
        if not self.rules:
            return
        values = self.unfold(value)
        for rule in self.rules:
            problem = rule.problem(values)
            if problem is None or not (rule.is_required or reading.is_answer):
                continue
            own = self.origin == reading.reporter.source.path
            reading.reporter.report(
                "MP1033" if rule.is_required else "MP1034",
                node.span,
                f"the value fails {'an assertion' if rule.is_required else 'a check'} of `{self.name}`",
                label=f"this does not hold: {problem}",
                help="change the value, or what is said of it",
                also=[(rule.span, "this says so")] if own else (),
            )

    @property
    def made_of(self) -> tuple[tuple[str, Type, bool], ...]:
        return tuple((each.name, each.type, each.has_default) for each in self.fields.values())

    @property
    def keys(self) -> tuple[frozenset[str], frozenset[str]]:
        needed = frozenset(name for name, each in self.fields.items() if not each.has_default)
        return needed, frozenset(self.fields)

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label or self.name,)

    @property
    def depth(self) -> int:
        return self._depth

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return self._depends_on if self.circle is None else self.circle.depends_on

    @property
    def options(self) -> None:
        return None

    @property
    def has_choices(self) -> bool:
        return self._has_choices if self.circle is None else self.circle.has_choices

    @property
    def in_circle(self) -> Circle | None:
        return self.circle

    @property
    def ends(self) -> bool:
        if self.circle is None:
            return True
        return self.circle.walk("ends", self, lambda: all(each.type.ends for each in self.fields.values()),
        False)

    @property
    def may_be_none(self) -> bool:
        return False

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        assert isinstance(value, RecordValue)
        for own, inside in value.fields:
            yield from self.fields[own].type.free_texts(inside, f"{name}.{own}" if name else own)

    @property
    def longest(self) -> int:
        if self._longest is not None:
            return self._longest
        assert self.circle is not None, "only those of a circle have to be asked"
        return self.circle.walk("longest", self, lambda: _longest(self.fields), 0)

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return True

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.RECORD)

    @property
    def is_asserted(self) -> bool:
        return self._is_asserted

    def unfold(self, value: Value) -> dict[str, object]:
        assert isinstance(value, RecordValue)
        given = dict(value.fields)
        return {
            name: field.type.unfold(given.get(name, field.default)) for name, field in self.fields.items()
        }

    @property
    def has_fields(self) -> bool:
        return True

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        found = self.fields.get(name.text)
        if found is not None:
            return found.type
        reporter.report(
            "MP0402",
            name.span,
            f"`{self.name}` has no field `{name.text}`",
            label="unknown field",
            help=reporter.suggestion(name.text, self.fields) or listed(self.fields, before="its fields are"),
        )
        return ErrorType()

    def part(self, value: Value, name: str) -> tuple[Type, Value] | None:
        if not isinstance(value, RecordValue) or name not in self.fields:
            return None
        return self.fields[name].type, dict(value.fields).get(name, self.fields[name].default)

    def within(self, limit: int) -> str | None:
        largest = max(self.fields.values(), key=_length, default=None)
        if largest is None:
            return None
        # The largest field gives way to the others, though not below its share of the whole.
        rest = self.longest - largest.type.longest
        inside = largest.type.within(max(limit - rest, limit // len(self.fields)))
        return None if inside is None else f"{inside} for the field `{largest.name}` of `{self.name}`"

    def annotation(self, naming: Naming) -> Expr:
        return naming.named(self)

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, RecordValue)
        keywords = tuple((name, self.fields[name].type.value(item, naming)) for name, item in value.fields)
        return CallOf(naming.named(self), keywords=keywords)

    def definition(self, naming: Naming) -> TypeSpec:
        found = self.fields.values()
        fields = tuple(
            FieldSpec(
                each.name,
                each.type.annotation(naming),
                each.type.value(each.default, naming) if each.has_default else None,
                each.description,
            )
            for each in found
        )
        return RecordSpec(
            self.name,
            self.description,
            fields,
            own_words(self.label, self.description),
            words((each.name, each.label, each.description) for each in found),
            tuple(rule.in_python(self.name, naming) for rule in self.rules),
        )


def _longest(fields: Mapping[str, CheckedField]) -> int:
    return len("{}") + sum(map(_length, fields.values()))


def _length(field: CheckedField) -> int:
    """The most characters that a field takes in an answer: its label, its value, and what is between."""
    return len('"": "", ') + len(field.label) + field.type.longest
