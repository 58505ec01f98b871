"""`"yes" | "no"`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from ..notation import literals
from .annotations import Annotation
from .base import DeclaredType, Listed, Schema, TypeOf, as_words
from .punctuation import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralType(DeclaredType):
    """One of a few fixed strings."""

    values: tuple[str, ...]


class LiteralKind(Listed[LiteralType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> LiteralType | None:
        values = get_args(annotation.python)
        is_choice = get_origin(annotation.python) is Literal and all(isinstance(each, str) for each in values)
        return LiteralType(values=values) if is_choice and not annotation.limits else None

    def describe(self) -> str:
        return literals(self.declared.values)

    def check(self, value: object, where: str) -> str:
        if not isinstance(value, str) or value not in self.declared.values:
            raise self.mismatch(value, where)
        return str.__str__(value)

    def options(self) -> tuple[str, ...]:
        return self.declared.values

    def plain(self, value: object) -> str:
        return str(value)

    def json(self, value: object) -> str:
        return quoted(str(value))

    def words(self, value: object) -> tuple[str, ...]:
        return (as_words(str(value)),)

    def read_plain(self, text: str) -> str:
        return self.read_json(text)

    def read_json(self, data: object) -> str:
        if not isinstance(data, str) or data not in self.declared.values:
            raise ValueError(f"{data!r} is none of the literals")
        return data

    def to_data(self, value: object) -> str:
        return str(value)

    def read_data(self, data: object, where: str) -> str:
        if not isinstance(data, str) or data not in self.declared.values:
            raise self.unreadable(data, where)
        return data

    def schema(self) -> Schema:
        return {"enum": list(self.declared.values)}

    def outlines(self) -> Any:
        return Literal[self.declared.values]
