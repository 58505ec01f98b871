"""`list[T]`, `list[T](1..3)`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args, get_origin

from ..abi import DEFAULT_LIST_COUNT
from ..errors import NoAnswer
from ..notation import ranged
from .annotations import Annotation
from .base import AnyKind, DeclaredType, KindOf, Schema, TypeOf, open_ended, require_length
from .compound import Compound
from .grammar import Expression, Terminals, chain, either, repeated, text
from .nothing import NothingType
from .punctuation import LIST, list_text
from .schemas import within
from .shown import NOTHING, lines_of
from .verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ListType(DeclaredType):
    """A list of `min_count` to `max_count` items."""

    item: DeclaredType
    min_count: int = 0
    max_count: int | None = None


class ListKind(Compound[ListType]):
    def __init__(self, declared: ListType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._item = of(declared.item)

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> ListType | NothingType | None:
        if get_origin(annotation.python) is not list or not annotation.has_only("min_length", "max_length"):
            return None
        (item,) = get_args(annotation.python)
        found, limits = of(item), annotation.limits
        least, most = limits.get("min_length", 0), limits.get("max_length")
        if isinstance(found, NothingType):
            return ListType(item=found, max_count=0) if least == 0 else found
        return ListType(item=found, min_count=least, max_count=most)

    def inside(self) -> tuple[AnyKind, ...]:
        return (self._item,)

    def given(self, call: Mapping[str, object]) -> AnyKind:
        try:
            return super().given(call)
        except NoAnswer:
            if self.declared.min_count:
                raise
            return _NoItems(replace(self.declared, max_count=0), self._of)

    def spans(self, value: object) -> tuple[tuple[int, int], ...]:
        return tuple(place for item in _items(value) for place in self._item.spans(item))

    def describe(self) -> str:
        name = f"list[{self._item.describe()}]"
        return ranged(name, self.declared.min_count or None, self.declared.max_count)

    def check(self, value: object, where: str) -> list[object]:
        if not isinstance(value, (list, tuple)):
            raise self.mismatch(value, where)
        if isinstance(self.declared.item, NothingType) and value:
            self._item.check(value[0], f"{where}[0]")
        require_length(len(value), self.declared.min_count, self.declared.max_count, "items", where)
        found = [self._item.check(item, f"{where}[{index}]") for index, item in enumerate(value)]
        is_as_found = type(value) is list and all(map(lambda new, old: new is old, found, value))
        return value if is_as_found else found  # type: ignore[return-value]  # a list then

    def meanings(self) -> Iterator[str]:
        return self._item.meanings()

    def item_spans(self, text: str) -> Iterator[tuple[int, int]]:
        opening, between, end = LIST
        place = len(opening)
        while not text.startswith(end, place):
            _, behind = json.JSONDecoder().raw_decode(text, place)
            yield place, behind
            place = behind + (len(between) if text.startswith(between, behind) else 0)

    def is_free_text(self) -> bool:
        return self._item.is_free_text()

    def is_cut(self, value: object) -> bool:
        return any(map(self._item.is_cut, _items(value)))

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        if self.is_asserted:
            for index, item in enumerate(_items(value)):
                yield from self._item.verdicts(item, f"{place}[{index}]")

    def with_attributes(self, value: object) -> object:
        return list(map(self._item.with_attributes, _items(value))) if self.has_keys_for_fields else value

    def json(self, value: object) -> str:
        return list_text(map(self._item.json, _items(value)))

    def inline(self, value: object) -> str:
        return ", ".join(map(self._item.inline, _items(value))) or NOTHING

    def in_lines(self, value: object) -> str | None:
        if not value or self._item.is_short():
            return None
        return lines_of(map(self._item.shown, _items(value)))

    def item(self) -> AnyKind:
        return self._item

    def items(self, value: object) -> Sequence[object]:
        return _items(value)

    def json_grammar(self, terminals: Terminals) -> Expression:
        start, between, end = map(text, LIST)
        least, most = self._bounds()
        if most == 0:
            return chain(start, end)
        item = self._item.json_grammar(terminals)
        more = repeated(chain(between, item), max(0, least - 1), most - 1)
        items = chain(item, more) if most > 1 else item
        return chain(start, items if least else either([items, text("")]), end)

    def read_json(self, data: object) -> object:
        if not isinstance(data, list):
            raise ValueError(f"{data!r} is no list")
        return [self._item.read_json(item) for item in data]

    def to_data(self, value: object) -> list[object]:
        return [self._item.to_data(item) for item in _items(value)]

    def read_data(self, data: object, where: str) -> object:
        if not isinstance(data, list):
            raise self.unreadable(data, where)
        return [self._item.read_data(item, f"{where}[{index}]") for index, item in enumerate(data)]

    def json_schema(self) -> Schema:
        return {**self.schema(is_answer=True), "items": self._item.json_schema()}

    def schema(self, *, is_answer: bool = False) -> Schema:
        items = self._item.schema(is_answer=is_answer)
        bounds = self._bounds() if is_answer else (self.declared.min_count, self.declared.max_count)
        return {"type": "array", "items": items, **within("Items", *bounds)}

    def _bounds(self) -> tuple[int, int]:
        least = self.declared.min_count
        return least, open_ended(least, self.declared.max_count, DEFAULT_LIST_COUNT)


class _NoItems(ListKind):
    """What is left of a list in a call where nothing can be an item."""

    def inside(self) -> tuple[AnyKind, ...]:
        return ()


def _items(value: object) -> list[object]:
    assert isinstance(value, (list, tuple))
    return list(value)
