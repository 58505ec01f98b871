"""`"yes" | "no"`."""

from __future__ import annotations

from typing import Any, Literal

from .. import abi
from ..notation import literals
from .base import Listed, Schema
from .punctuation import quoted


class LiteralKind(Listed[abi.LiteralType]):
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
