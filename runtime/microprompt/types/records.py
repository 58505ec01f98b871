"""Records: closed objects, with the names of the program outside and the labels before the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from .. import abi
from ..errors import ArgumentError
from .annotations import Annotation
from .base import AnyKind, Arm, DeclaredType, Kind, KindOf, Part, Schema, TypeOf, dotted
from .grammar import Expression, Terminals, chain, text
from .nothing import NothingType
from .punctuation import RECORD_END, SPACE, decoded, field_lead, record_text
from .schemas import json_schema
from .shown import in_brackets, labelled
from .verdicts import Verdict

_KEPT: Final = "__mp_type__"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """A record's field: its name in the program and the name the model sees (`label`)."""

    name: str
    label: str
    type: DeclaredType
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType(DeclaredType):
    """An instance of a record class. The class is the identity of the type: it has its fields once; those
    that contain themselves, once for each number of records that may be `left` inside one another from here
    on."""

    python: type[object]
    left: int | None = None
    fields: tuple[RecordField, ...] = dataclasses.field(compare=False, repr=False)


class RecordKind(Kind[RecordType]):
    def __init__(self, declared: RecordType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._fields = tuple(Part(field.name, field.label, of(field.type)) for field in declared.fields)

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> RecordType | NothingType | None:
        python = annotation.python
        if not isinstance(python, type) or not hasattr(python, "model_fields") or annotation.limits:
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
            place for field in self._fields for place in field.kind.spans(getattr(value, field.name))
        )

    def describe(self) -> str:
        return self.declared.python.__name__

    def check(self, value: object, where: str) -> object:
        if not isinstance(value, self.declared.python):
            raise self.mismatch(value, where)
        # An instance proves little: Pydantic checks neither `model_copy(update=...)` nor what is changed
        # inside a list later, and a dataclass checks nothing.
        found = {}
        for field in self._fields:
            if not hasattr(value, field.name):
                raise ArgumentError(f"{where}.{field.name} is missing")
            found[field.name] = field.kind.check(getattr(value, field.name), f"{where}.{field.name}")
        if all(getattr(value, name) is part for name, part in found.items()):
            return value
        return self._made(found)

    def options(self) -> None:
        return None

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

    def nested(self) -> Mapping[str, int]:
        circle = abi.circle_of(self.declared.python)
        return super().nested() if circle is None else {self.describe(): circle.depth}

    def is_free_text(self) -> bool:
        return any(field.kind.is_free_text() for field in self._fields)

    def is_cut(self, value: object) -> bool:
        return any(field.kind.is_cut(getattr(value, field.name)) for field in self._fields)

    @cached_property
    def is_asserted(self) -> bool:
        return bool(abi.checks_of(self.declared.python)) or any(kind.is_asserted for kind in self.inside())

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        for field in self._fields:
            if field.kind.is_asserted:
                yield from field.kind.verdicts(getattr(value, field.name), dotted(place, field.name))
        for assertion in abi.checks_of(self.declared.python):
            yield Verdict(place=place, assertion=assertion, problem=assertion.failure(value))

    def plain(self, value: object) -> str:
        return self.json(value)

    def json(self, value: object) -> str:
        return record_text(
            (field.label, field.kind.json(getattr(value, field.name))) for field in self._fields
        )

    def shown(self, value: object) -> str:
        fields = ((field, getattr(value, field.name)) for field in self._fields)
        return "\n".join(
            labelled(field.label, field.kind.shown(part), in_lines=field.kind.in_lines(part))
            for field, part in fields
        )

    def inline(self, value: object) -> str:
        return in_brackets(
            (field.label, field.kind.inline(getattr(value, field.name))) for field in self._fields
        )

    def in_lines(self, value: object) -> bool:
        return True

    def grammar(self, terminals: Terminals) -> Expression:
        return self.json_grammar(terminals)

    def json_grammar(self, terminals: Terminals) -> Expression:
        parts = []
        for place, field in enumerate(self._fields):
            parts.append(text(field_lead(field.label, is_first=not place) + SPACE))
            parts.append(field.kind.json_grammar(terminals))
        made = chain(*parts, text(RECORD_END))
        # Written out wherever it stands, a record inside itself would make a grammar of exponential size.
        return made if self.declared.left is None else replace(made, lark=terminals.rule(made.lark))

    def read_plain(self, text: str) -> object:
        return self.read_json(decoded(text))

    def read_json(self, data: object) -> object:
        if not isinstance(data, dict) or data.keys() != {field.label for field in self._fields}:
            raise ValueError(f"{data!r} is no {self.describe()}")
        return self._made({field.name: field.kind.read_json(data[field.label]) for field in self._fields})

    def to_data(self, value: object) -> dict[str, object]:
        return {field.name: field.kind.to_data(getattr(value, field.name)) for field in self._fields}

    def read_data(self, data: object, where: str) -> object:
        if not isinstance(data, dict):
            raise self.unreadable(data, where)
        kinds = {field.name: field.kind for field in self._fields}
        for name in data:
            if name not in kinds:
                raise ArgumentError(
                    f"{where} has no field `{name}`", help=f"{self.describe()} has {', '.join(kinds)}"
                )
        values = {name: kinds[name].read_data(item, f"{where}.{name}") for name, item in data.items()}
        from pydantic import ValidationError  # not at the top: it takes time to import

        try:
            return self._made(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join((where, *(str(step) for step in first["loc"])))
            raise ArgumentError(f"{place}: {first['msg'].lower()}") from None
        except (TypeError, ValueError) as error:  # what other classes raise
            raise ArgumentError(f"{where}: {error}") from None

    def read_word(self, word: str, where: str) -> object:
        return self.read_data(self.decoded_word(word, where), where)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {field.name: field.kind.schema() for field in self._fields},
            "required": [field.name for field in self._fields],
            "additionalProperties": False,
        }

    def outlines(self) -> Any:
        return json_schema(self.schema())

    def take_apart(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        for field in self._fields:
            yield from field.kind.take_apart(dotted(name, field.name), getattr(value, field.name))

    def put_together(self, name: str, found: Mapping[str, object]) -> object:
        return self._made(
            {field.name: field.kind.put_together(dotted(name, field.name), found) for field in self._fields}
        )

    def _made(self, fields: Mapping[str, object]) -> object:
        return self.declared.python(**fields)


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
    """The fields of a Pydantic model, with what a generated module says of them."""
    words = abi.words_of(python)
    for name, declared in python.model_fields.items():
        yield RecordField(
            name=name,
            label=words[name].label or name,
            type=of(declared.annotation, declared.metadata),
            description=words[name].description,
        )

