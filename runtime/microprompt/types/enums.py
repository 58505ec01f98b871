"""Enums: the model sees labels, programs see names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from .. import abi, shapes
from ..errors import ArgumentError
from .annotations import Annotation
from .base import Arm, DeclaredType, KindOf, Listed, Schema, TypeOf, as_words, short_data
from .punctuation import quoted
from .schemas import described, meanings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An enum member: its name in the program and the word the model sees (`label`)."""

    name: str
    label: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumType(DeclaredType):
    """A member of an enum class."""

    python: type[Enum]

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of the class, with what a generated module says of them, or the class itself."""
        if not abi.is_generated(self.python):
            from ..shapes import classes  # not at the top: it is for programs with classes of users

            return tuple(
                Member(name=each.name, label=each.label, description=each.description)
                for each in classes.members_of(self.python)
            )
        words = abi.words_of(self.python)
        return tuple(
            Member(name=name, label=words[name].label or name, description=words[name].description)
            for name in self.python.__members__
        )


class EnumKind(Listed[EnumType]):
    def __init__(self, declared: EnumType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._members = declared.members
        self._labels = {member.name: member.label for member in self._members}
        self._by_label = {label: declared.python[name] for name, label in self._labels.items()}

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> EnumType | None:
        python = annotation.python
        if not isinstance(python, type) or not shapes.is_enum(python) or annotation.limits:
            return None
        return EnumType(python=python)

    def describe(self) -> str:
        return self.declared.python.__name__

    def check(self, value: object, where: str) -> Enum:
        if not isinstance(value, self.declared.python):
            raise self.mismatch(value, where)
        return value

    def options(self) -> tuple[Enum, ...]:
        return tuple(self._by_label.values())

    def meanings(self) -> Iterator[str]:
        for member in self._members:
            if member.description:
                yield f"- {member.label}: {member.description}"

    def arms(self) -> tuple[Arm, ...]:
        own, name = abi.own_words_of(self.declared.python), self.describe()
        return (Arm(name, own.label or name, own.description, self),)

    def plain(self, value: object) -> str:
        return self._labels[_name(value)]

    def json(self, value: object) -> str:
        return quoted(self.plain(value))

    def words(self, value: object) -> tuple[str, ...]:
        member = next(member for member in self._members if member.name == _name(value))
        return (as_words(member.label), *([member.description] if member.description else []))

    def json_schema(self) -> Schema:
        return {"enum": list(self._labels.values())}

    def read_plain(self, text: str) -> Enum:
        return self.read_json(text)

    def read_json(self, data: object) -> Enum:
        if not isinstance(data, str) or data not in self._by_label:
            raise ValueError(f"{data!r} is no label of {self.describe()}")
        return self._by_label[data]

    def to_data(self, value: object) -> str:
        return _name(value)

    def read_data(self, data: object, where: str) -> Enum:
        if not isinstance(data, str) or data not in self._labels:
            raise ArgumentError(
                f"{where} is {short_data(data)}: not in {self.describe()}",
                help=f"it is one of {', '.join(self._labels)}",
            )
        return self.declared.python[data]

    def schema(self, *, is_answer: bool = False) -> Schema:
        found: Schema = {"enum": list(self._labels)}
        if is_answer:
            return found
        said = ((member.name, member.description) for member in self._members)
        return described({"type": "string", **found}, *meanings_of(said))

    def outlines(self) -> Any:
        return Literal[tuple(self._labels)]


def _name(value: object) -> str:
    assert isinstance(value, Enum)
    return value.name
