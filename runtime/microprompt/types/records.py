"""Records: closed objects, with the names of the program outside and the labels before the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Final

from .. import abi, shapes
from ..errors import AbiError, AnswerRefused, ArgumentError
from .annotations import Annotation
from .arguments import held
from .base import AnyKind, Arm, DeclaredType, KindOf, Part, Schema, TypeOf, cut, dotted
from .compound import Compound
from .grammar import Expression, Terminals, chain, text
from .nothing import NothingType
from .punctuation import RECORD_END, SPACE, field_lead, record_text
from .schemas import closed_object, described
from .shown import in_brackets
from .verdicts import Verdict

_KEPT: Final = "__mp_type__"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """A record's field: its name in the program and the name the model sees (`label`). Where it `is_mutable`,
    the class wants a `set`."""

    name: str
    label: str
    type: DeclaredType
    description: str | None = None
    is_mutable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType(DeclaredType):
    """An instance of a record class. The class is the identity of the type: it has its fields once; those
    that contain themselves, once for each number of records that may be `left` inside one another from here
    on."""

    python: type[object]
    left: int | None = None
    fields: tuple[RecordField, ...] = dataclasses.field(compare=False, repr=False)


class RecordKind(Compound[RecordType]):
    def __init__(self, declared: RecordType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._fields = tuple(Part(field.name, field.label, of(field.type)) for field in declared.fields)
        self._mutable = frozenset(field.name for field in declared.fields if field.is_mutable)
        self._is_dict = shapes.is_typed_dict(declared.python)

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> RecordType | NothingType | None:
        python = annotation.python
        if not isinstance(python, type) or not shapes.is_record(python) or annotation.limits:
            return None
        # Records hold records: each class is read once for each depth that is left, and keeps what was found.
        kept: dict[int | None, RecordType | NothingType] = python.__dict__.get(_KEPT, {})
        left: int | None = None
        if (circle := abi.circle_of(python)) is not None:
            left, of = of.within(circle)
        if left not in kept:
            kept[left] = _read(python, left, circle, of)
            type.__setattr__(python, _KEPT, kept)
        return kept[left]

    def inside(self) -> tuple[AnyKind, ...]:
        return tuple(field.kind for field in self._fields)

    def spans(self, value: object) -> tuple[tuple[int, int], ...]:
        return tuple(
            place for field in self._fields for place in field.kind.spans(held(value, field.name))
        )

    def describe(self) -> str:
        return self.declared.python.__name__

    def check(self, value: object, where: str) -> object:
        if not isinstance(value, dict if self._is_dict else self.declared.python):
            raise self.mismatch(value, where)
        self._check_names(value, where)
        # An instance proves little: Pydantic checks neither `model_copy(update=...)` nor what is changed
        # inside a list later, and a dataclass checks nothing.
        found = {}
        for field in self._fields:
            found[field.name] = field.kind.check(held(value, field.name), f"{where}.{field.name}")
        if all(held(value, name) is part for name, part in found.items()):
            return value
        try:
            return self._made(found)
        except Exception as error:  # whatever a user's class raises
            raise self._refused(error, where) from error

    def _check_names(self, value: object, where: str) -> None:
        """Raise `ArgumentError` for fields that are not there, and for keys that are no fields."""
        for field in self._fields:
            if field.name not in value if isinstance(value, dict) else not hasattr(value, field.name):
                raise ArgumentError(f"{where}.{field.name} is missing")
        if isinstance(value, dict):
            self._require_fields(value, where)

    def _require_fields(self, names: Iterable[object], where: str) -> None:
        """Raise `ArgumentError` for a name that no field has."""
        known = [field.name for field in self._fields]
        for name in names:
            if name not in known:
                raise ArgumentError(
                    f"{where} has no field `{cut(str(name))}`",
                    help=f"{self.describe()} has {', '.join(known)}",
                )

    def meanings(self) -> Iterator[str]:
        for declared, field in zip(self.declared.fields, self._fields, strict=True):
            if declared.description:
                yield f"- {field.label}: {declared.description}"
            yield from field.kind.meanings()

    def fields(self) -> tuple[Part, ...]:
        return self._fields

    def arms(self) -> tuple[Arm, ...]:
        own, name = abi.own_words_of(self.declared.python), self.describe()
        return (Arm(name, own.label or name, own.description, self),)

    def only(self, names: Container[str]) -> tuple[RecordType, Callable[[object], object]]:
        fields = tuple(field for field in self.declared.fields if field.name in names)
        # A class is the identity of a type; of this one nothing is said but its fields.
        python = type(self.declared.python.__name__, (SimpleNamespace,), {"__mp_words__": {}})

        def part(value: object) -> object:
            return python(**{field.name: held(value, field.name) for field in fields})

        return RecordType(python=python, fields=fields), part

    def nested(self) -> Mapping[str, int]:
        circle = abi.circle_of(self.declared.python)
        return super().nested() if circle is None else {self.describe(): circle.depth}

    def is_free_text(self) -> bool:
        return any(field.kind.is_free_text() for field in self._fields)

    def is_cut(self, value: object) -> bool:
        return any(field.kind.is_cut(held(value, field.name)) for field in self._fields)

    @cached_property
    def is_asserted(self) -> bool:
        return bool(abi.checks_of(self.declared.python)) or any(kind.is_asserted for kind in self.inside())

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        for field in self._fields:
            if field.kind.is_asserted:
                yield from field.kind.verdicts(held(value, field.name), dotted(place, field.name))
        for assertion in abi.checks_of(self.declared.python):
            problem = assertion.failure(self.with_attributes(value))
            yield Verdict(place=place, assertion=assertion, problem=problem)

    @cached_property
    def has_keys_for_fields(self) -> bool:
        return self._is_dict or any(kind.has_keys_for_fields for kind in self.inside())

    def with_attributes(self, value: object) -> object:
        if not self.has_keys_for_fields:
            return value
        parts = {field.name: field.kind.with_attributes(held(value, field.name)) for field in self._fields}
        return SimpleNamespace(**parts)

    def json(self, value: object) -> str:
        return record_text(
            (field.label, field.kind.json(held(value, field.name))) for field in self._fields
        )

    def inline(self, value: object) -> str:
        return in_brackets(
            (field.label, field.kind.inline(held(value, field.name))) for field in self._fields
        )

    def in_lines(self, value: object) -> str:
        return "\n".join(
            field.kind.labelled(field.label, held(value, field.name)) for field in self._fields
        )

    def json_grammar(self, terminals: Terminals) -> Expression:
        parts = []
        for place, field in enumerate(self._fields):
            parts.append(text(field_lead(field.label, is_first=not place) + SPACE))
            parts.append(field.kind.json_grammar(terminals))
        made = chain(*parts, text(RECORD_END))
        # Written out wherever it stands, a record inside itself would make a grammar of exponential size.
        return made if self.declared.left is None else replace(made, lark=terminals.rule(made.lark))

    def json_schema(self) -> Schema:
        properties = {field.label: field.kind.json_schema() for field in self._fields}
        return closed_object(properties, properties)

    def read_json(self, data: object) -> object:
        if not isinstance(data, dict) or data.keys() != {field.label for field in self._fields}:
            raise ValueError(f"{data!r} is no {self.describe()}")
        return self._answer({field.name: field.kind.read_json(data[field.label]) for field in self._fields})

    def to_data(self, value: object) -> dict[str, object]:
        return {field.name: field.kind.to_data(held(value, field.name)) for field in self._fields}

    def read_data(self, data: object, where: str) -> object:
        if not isinstance(data, dict):
            raise self.unreadable(data, where)
        self._require_fields(data, where)
        kinds = {field.name: field.kind for field in self._fields}
        values = {name: kinds[name].read_data(item, f"{where}.{name}") for name, item in data.items()}
        try:
            return self._made(values)
        except Exception as error:  # whatever a user's class raises
            raise self._refused(error, where) from None

    def _refused(self, error: Exception, where: str) -> ArgumentError:
        place, problem = problem_of(error)
        return ArgumentError(f"{'.'.join((where, *place))}: {problem}")

    def schema(self, *, is_answer: bool = False) -> Schema:
        properties = {field.name: field.kind.schema(is_answer=is_answer) for field in self._fields}
        if not is_answer:
            for field in self.declared.fields:
                properties[field.name] = described(properties[field.name], field.description)
        return closed_object(properties, properties)

    def take_apart(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        for field in self._fields:
            yield from field.kind.take_apart(dotted(name, field.name), held(value, field.name))

    def put_together(self, name: str, found: Mapping[str, object]) -> object:
        return self._answer(
            {field.name: field.kind.put_together(dotted(name, field.name), found) for field in self._fields}
        )

    def _answer(self, fields: Mapping[str, object]) -> object:
        """The value of an answer. Raises `AnswerRefused` where a user's class does not take it."""
        try:
            return self._made(fields)
        except Exception as error:  # whatever a user's class raises
            if abi.is_generated(self.declared.python):
                raise
            place, problem = problem_of(error)
            raise AnswerRefused(
                f"{'.'.join((self.describe(), *place))} refuses the model's answer: {problem}",
                help="ask for it in the prompt, or show it in examples",
            ) from error

    def _made(self, fields: Mapping[str, object]) -> object:
        wanted = {name: self._wanted(name, value) for name, value in fields.items()}
        return self.declared.python(**wanted)

    def _wanted(self, name: str, value: object) -> object:
        return set(value) if name in self._mutable and isinstance(value, frozenset) else value


def problem_of(error: Exception) -> tuple[tuple[str, ...], str]:
    """Where in a value a problem is, and what it is: Pydantic's first, or what the error says."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return (), str(error) or type(error).__name__
    first = errors()[0]
    return tuple(str(step) for step in first["loc"]), first["msg"].lower()


def _read(
    python: type[Any], left: int | None, circle: abi.Nesting | None, of: TypeOf
) -> RecordType | NothingType:
    nothing = NothingType(record=python.__name__, depth=0 if circle is None else circle.depth)
    if left == 0:
        return nothing
    fields = tuple(_fields(python, of))
    # A record that lacks a field is none.
    if any(isinstance(field.type, NothingType) for field in fields):
        return nothing
    return RecordType(python=python, left=left, fields=fields)


def _fields(python: Any, of: TypeOf) -> Iterator[RecordField]:
    """The fields of a class, with what a generated module says of them, or the user's class itself."""
    if not abi.is_generated(python):
        yield from _of_user(python, of)
        return
    words = abi.words_of(python)
    for name, declared in python.model_fields.items():
        yield RecordField(
            name=name,
            label=words[name].label or name,
            type=of(declared.annotation, declared.metadata),
            description=words[name].description,
        )


def _of_user(python: type, of: TypeOf) -> Iterator[RecordField]:
    from ..shapes import classes, meaning  # not at the top: they are for programs with classes of users

    try:
        fields = classes.fields_of(python)
    except meaning.NoCounterpart as error:
        raise AbiError(f"a field of {python.__name__} is {error}", help=error.help) from error
    for field in fields:
        yield RecordField(
            name=field.name,
            label=field.name,
            type=of(field.annotation),
            description=field.description,
            is_mutable=field.is_mutable,
        )
