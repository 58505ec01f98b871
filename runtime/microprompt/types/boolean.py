"""`bool`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .annotations import Annotation
from .base import DeclaredType, Listed, Schema, TypeOf
from .punctuation import TRUTH

_PLAIN: Final = {"yes": True, "no": False}
_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoolType(DeclaredType):
    """True or false."""


class BoolKind(Listed[BoolType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> BoolType | None:
        return BoolType() if annotation.is_of(bool) else None

    def describe(self) -> str:
        return "bool"

    def check(self, value: object, where: str) -> bool:
        if isinstance(value, bool):
            return value
        import numpy as np  # not at the top: without it a module of prompts imports in half the time

        if isinstance(value, np.bool_):
            return bool(value)
        raise self.mismatch(value, where)

    def options(self) -> tuple[bool, ...]:
        return (True, False)

    def plain(self, value: object) -> str:
        return "yes" if value else "no"

    def json(self, value: object) -> str:
        return TRUTH[bool(value)]

    def read_plain(self, text: str) -> bool:
        if text not in _PLAIN:
            raise ValueError(f"{text!r} is neither yes nor no")
        return _PLAIN[text]

    def read_json(self, data: object) -> bool:
        if not isinstance(data, bool):
            raise ValueError(f"{data!r} is neither true nor false")
        return data

    def to_data(self, value: object) -> object:
        return value

    def read_data(self, data: object, where: str) -> bool:
        if not isinstance(data, bool):
            raise self.unreadable(data, where)
        return data

    def read_word(self, word: str, where: str) -> bool:
        if word.lower() not in _WORDS:
            raise self.unreadable(word, where)
        return _WORDS[word.lower()]

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"type": "boolean"}

    def outlines(self) -> Any:
        return bool
