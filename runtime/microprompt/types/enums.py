"""Enums: the model sees labels, programs see names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

from .. import abi
from ..errors import ArgumentError
from .base import KindOf, Listed, Schema
from .punctuation import quoted


class EnumKind(Listed[abi.EnumType]):
    def __init__(self, declared: abi.EnumType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._labels = {member.name: member.label for member in declared.members}
        self._by_label = {label: declared.python(name) for name, label in self._labels.items()}

    def describe(self) -> str:
        return self.declared.python.__name__

    def check(self, value: object, where: str) -> StrEnum:
        if not isinstance(value, self.declared.python):
            raise self.mismatch(value, where)
        return value

    def options(self) -> tuple[StrEnum, ...]:
        return tuple(self._by_label.values())

    def meanings(self) -> Iterator[str]:
        for member in self.declared.members:
            if member.description:
                yield f"- {member.label}: {member.description}"

    def plain(self, value: object) -> str:
        return self._labels[str(value)]

    def json(self, value: object) -> str:
        return quoted(self.plain(value))

    def read_plain(self, text: str) -> StrEnum:
        return self.read_json(text)

    def read_json(self, data: object) -> StrEnum:
        if not isinstance(data, str) or data not in self._by_label:
            raise ValueError(f"{data!r} is no label of {self.describe()}")
        return self._by_label[data]

    def to_data(self, value: object) -> str:
        return str(value)

    def read_data(self, data: object, where: str) -> StrEnum:
        if not isinstance(data, str) or data not in self._labels:
            raise ArgumentError(
                f"{where} is {json.dumps(data, ensure_ascii=False)}: not in {self.describe()}",
                help=f"it is one of {', '.join(self._labels)}",
            )
        return self.declared.python(data)

    def schema(self) -> Schema:
        return {"enum": list(self._labels)}

    def outlines(self) -> Any:
        return Literal[tuple(self._labels)]
