"""`dict[str, T]`, `dict[str, T](..8)`: values by names that are not known before.

No key is there twice, in an answer neither. A grammar cannot say that, for it knows nothing of what was
written; so a token is refused where it would complete a key that is there (`distinct_keys`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, get_args, get_origin

from ..abi import DEFAULT_LIST_COUNT, KEY_LENGTH
from ..errors import ArgumentError
from ..notation import ranged
from .annotations import Annotation
from .base import AnyKind, DeclaredType, KindOf, Schema, TypeOf, open_ended, require_length
from .compound import Compound
from .grammar import Expression, Terminals, chain, either, free_text, in_quotes, repeated, text
from .nothing import NothingType
from .punctuation import DICT, dict_text
from .schemas import within
from .shown import in_brackets
from .verdicts import Verdict

_KEY_CHAR: Final = r'(?:[^"\\\x00-\x1F\x7F]|\\["\\])'
_KEY: Final = re.compile(r"[^\x00-\x1F\x7F]+")
_KEYS: Final = f"^[^\\x00-\\x1F\\x7F]{{1,{KEY_LENGTH}}}$"
"""The keys in a schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DictType(DeclaredType):
    """`min_count` to `max_count` values of a type, by names."""

    value: DeclaredType
    min_count: int = 0
    max_count: int | None = None


class DictKind(Compound[DictType]):
    def __init__(self, declared: DictType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._value = of(declared.value)

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> DictType | NothingType | None:
        is_dict = get_origin(annotation.python) is dict
        if not is_dict or not annotation.has_only("min_length", "max_length"):
            return None
        key, value = get_args(annotation.python)
        limits = annotation.limits
        if key is not str:
            return None
        found, least = of(value), limits.get("min_length", 0)
        if isinstance(found, NothingType):
            return DictType(value=found, max_count=0) if least == 0 else found
        return DictType(value=found, min_count=least, max_count=limits.get("max_length"))

    def inside(self) -> tuple[AnyKind, ...]:
        return (self._value,)

    def has_keys(self) -> bool:
        return True

    def spans(self, value: object) -> tuple[tuple[int, int], ...]:
        return tuple(place for _, item in _items(value) for place in self._value.spans(item))

    def describe(self) -> str:
        name = f"dict[str, {self._value.describe()}]"
        return ranged(name, self.declared.min_count or None, self.declared.max_count)

    def check(self, value: object, where: str) -> dict[str, object]:
        if not isinstance(value, dict):
            raise self.mismatch(value, where)
        if isinstance(self.declared.value, NothingType):
            for key, item in value.items():
                self._value.check(item, f"{where}[{key!r}]")
        require_length(len(value), self.declared.min_count, self.declared.max_count, "entries", where)
        for key in value:
            if not isinstance(key, str) or not _KEY.fullmatch(key) or len(key) > KEY_LENGTH:
                raise ArgumentError(
                    f"a key of {where} is {key!r}; keys are one line of 1 to {KEY_LENGTH} characters"
                )
        found = {str(key): self._value.check(item, f"{where}[{key!r}]") for key, item in value.items()}
        is_as_found = type(value) is dict and all(found[key] is item for key, item in value.items())
        return value if is_as_found else found

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        if self.is_asserted:
            assert isinstance(value, Mapping)
            for key, item in value.items():
                yield from self._value.verdicts(item, f"{place}[{json.dumps(key, ensure_ascii=False)}]")

    def with_attributes(self, value: object) -> object:
        if not self.has_keys_for_fields:
            return value
        return {key: self._value.with_attributes(item) for key, item in _items(value)}

    def meanings(self) -> Iterator[str]:
        return self._value.meanings()

    def json(self, value: object) -> str:
        return dict_text((key, self._value.json(item)) for key, item in _items(value))

    def inline(self, value: object) -> str:
        return in_brackets((key, self._value.inline(item)) for key, item in _items(value))

    def in_lines(self, value: object) -> str | None:
        return "\n".join(self._value.labelled(key, item) for key, item in _items(value)) if value else None

    def json_grammar(self, terminals: Terminals) -> Expression:
        start, colon, between, end = map(text, DICT)
        least, most = self._bounds()
        if most == 0:
            return chain(start, end)
        name = terminals.name(f"/{_KEY_CHAR}{{1,{KEY_LENGTH}}}/")
        entry = chain(in_quotes(free_text(name, 1, KEY_LENGTH)), colon, self._value.json_grammar(terminals))
        more = repeated(chain(between, entry), max(0, least - 1), most - 1)
        entries = chain(entry, more) if most > 1 else entry
        return chain(start, entries if least else either([entries, text("")]), end)

    def read_json(self, data: object) -> object:
        if not isinstance(data, dict):
            raise ValueError(f"{data!r} is no dict")
        return {key: self._value.read_json(item) for key, item in data.items()}

    def to_data(self, value: object) -> dict[str, object]:
        return {key: self._value.to_data(item) for key, item in _items(value)}

    def read_data(self, data: object, where: str) -> object:
        if not isinstance(data, dict):
            raise self.unreadable(data, where)
        return {key: self._value.read_data(item, f"{where}.{key}") for key, item in data.items()}

    def json_schema(self) -> Schema:
        return {**self.schema(is_answer=True), "patternProperties": {_KEYS: self._value.json_schema()}}

    def schema(self, *, is_answer: bool = False) -> Schema:
        value = self._value.schema(is_answer=is_answer)
        bounds = self._bounds() if is_answer else (self.declared.min_count, self.declared.max_count)
        return {
            "type": "object",
            "patternProperties": {_KEYS: value},
            "additionalProperties": False,
            **within("Properties", *bounds),
        }

    def is_free_text(self) -> bool:
        return True

    def is_cut(self, value: object) -> bool:
        return any(self._value.is_cut(item) for _, item in _items(value))

    def _bounds(self) -> tuple[int, int]:
        least = self.declared.min_count
        return least, open_ended(least, self.declared.max_count, DEFAULT_LIST_COUNT)


def _items(value: object) -> list[tuple[str, object]]:
    assert isinstance(value, Mapping)
    return list(value.items())


# ---------------------------------------------------------------------------------- while it is written

_PIECE: Final = re.compile(r'"((?:[^"\\]|\\.)*)("?)|[{}\[\],]', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)


def distinct_keys(written: bytes) -> bool:
    """Whether the objects in a text of JSON, as far as it is written, may still have keys that all differ.

    A key that has no room for another character, and is there already, could only end as it is. Of records
    the same holds: their labels differ.
    """
    objects: list[set[str] | None] = []  # those that are open; `None` for a list
    is_key = False
    for piece in _PIECE.finditer(written.decode(errors="ignore")):
        match piece[0][0]:
            case "{":
                objects.append(set())
                is_key = True
            case "[":
                objects.append(None)
                is_key = False
            case "}" | "]":
                if objects:
                    objects.pop()
                is_key = False
            case ",":
                is_key = bool(objects) and objects[-1] is not None
            case _ if is_key and objects[-1] is not None:
                key, is_closed, seen = piece[1], bool(piece[2]), objects[-1]
                is_full = len(_ESCAPED.sub("x", key)) == KEY_LENGTH
                if key in seen and (is_closed or is_full):
                    return False
                seen.add(key)
                is_key = False
    return True
