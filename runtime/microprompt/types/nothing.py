"""What no value is of: what would lie deeper than records that contain themselves may.

Lists of it are empty, and what is optional is none. No program declares it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import ArgumentError
from .annotations import Annotation
from .base import DeclaredType, Listed, Schema, TypeOf


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingType(DeclaredType):
    """No value. `record` would lie here, if not `depth` of its circle were around it."""

    record: str
    depth: int


class NothingKind(Listed[NothingType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> None:
        return None

    def describe(self) -> str:
        return self.declared.record

    def check(self, value: object, where: str) -> NoReturn:
        raise ArgumentError(
            f"{where} lies too deep: {self.declared.depth} such records may lie inside one another",
            help=f"leave it out, or let them be deeper, as in `record {self.declared.record}(..6)`",
        )

    def options(self) -> tuple[object, ...]:
        return ()

    def plain(self, value: object) -> NoReturn:
        self.check(value, "the value")

    def json(self, value: object) -> NoReturn:
        self.check(value, "the value")

    def read_plain(self, text: str) -> NoReturn:
        raise ValueError(f"{text!r} lies too deep")

    def read_json(self, data: object) -> NoReturn:
        raise ValueError(f"{data!r} lies too deep")

    def to_data(self, value: object) -> NoReturn:
        self.check(value, "the value")

    def read_data(self, data: object, where: str) -> NoReturn:
        self.check(data, where)

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"enum": []}

    def outlines(self) -> Any:
        raise ValueError("nothing can be generated of a type without values")
