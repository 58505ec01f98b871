"""`"yes" | "no"`, `1 | 5 | 10`."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from ..notation import literals
from .annotations import Annotation
from .base import Arm, DeclaredType, Listed, Schema, TypeOf, as_words
from .punctuation import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralType(DeclaredType):
    """One of a few fixed strings and whole numbers, no two of which read alike."""

    values: tuple[str | int, ...]


class LiteralKind(Listed[LiteralType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> LiteralType | None:
        if get_origin(annotation.python) is not Literal or annotation.limits:
            return None
        values = get_args(annotation.python)
        return LiteralType(values=values) if all(type(each) in (str, int) for each in values) else None

    def describe(self) -> str:
        return literals(self.declared.values)

    def check(self, value: object, where: str) -> str | int:
        if isinstance(value, str):
            found: str | int = str.__str__(value)
        elif isinstance(value, numbers.Integral) and not isinstance(value, bool):
            found = int(value)
        else:
            raise self.mismatch(value, where)
        if found not in self.declared.values:
            raise self.mismatch(value, where)
        return found

    def options(self) -> tuple[str | int, ...]:
        return self.declared.values

    def arms(self) -> tuple[Arm, ...]:
        return tuple(Arm(self.key(each), self.plain(each), None, None, each) for each in self.options())

    def plain(self, value: object) -> str:
        return str(value)

    def json(self, value: object) -> str:
        return quoted(value) if isinstance(value, str) else str(value)

    def words(self, value: object) -> tuple[str, ...]:
        return (as_words(value),) if isinstance(value, str) else ()

    def read_plain(self, text: str) -> str | int:
        for value in self.declared.values:
            if str(value) == text:
                return value
        raise ValueError(f"{text!r} is none of the literals")

    def read_json(self, data: object) -> str | int:
        if not self._has(data):
            raise ValueError(f"{data!r} is none of the literals")
        return data  # type: ignore[return-value]  # it is one of them

    def to_data(self, value: object) -> str | int:
        return str(value) if isinstance(value, str) else value  # type: ignore[return-value]  # an int then

    def read_data(self, data: object, where: str) -> str | int:
        if not self._has(data):
            raise self.unreadable(data, where)
        return data  # type: ignore[return-value]  # it is one of them

    def read_word(self, word: str, where: str) -> str | int:
        try:
            return self.read_plain(word)
        except ValueError:
            raise self.unreadable(word, where) from None

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"enum": list(self.declared.values)}

    def outlines(self) -> Any:
        return Literal[self.declared.values]

    def _has(self, data: object) -> bool:
        # `True` and `1.0` are equal to 1, and are no 1.
        return type(data) in (str, int) and data in self.declared.values
