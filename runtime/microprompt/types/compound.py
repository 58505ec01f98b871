"""Types of several parts: what they have in common."""

from __future__ import annotations

from typing import Any

from .base import D, Kind, Part
from .grammar import Expression, Terminals
from .punctuation import decoded
from .schemas import json_schema


class Compound(Kind[D]):
    """A type of several parts: its text is JSON, by itself too."""

    def options(self) -> tuple[object, ...] | None:
        return None

    def fields(self) -> tuple[Part, ...]:
        return ()

    def plain(self, value: object) -> str:
        return self.json(value)

    def grammar(self, terminals: Terminals) -> Expression:
        return self.json_grammar(terminals)

    def read_plain(self, text: str) -> object:
        return self.read_json(decoded(text))

    def read_word(self, word: str, where: str) -> object:
        return self.read_data(self.decoded_word(word, where), where)

    def outlines(self) -> Any:
        return json_schema(self.schema(is_answer=True))
