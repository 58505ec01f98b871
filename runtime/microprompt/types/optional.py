"""`T?`: a value, or none."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from ..errors import AbiError, ArgumentError, NoAnswer
from ..notation import optional
from .annotations import Annotation
from .base import AnyKind, Arm, DeclaredType, Kind, KindOf, Part, Schema, TypeOf, Way
from .grammar import Expression, Terminals, either, text
from .punctuation import NULL
from .schemas import json_schema
from .shown import NOTHING
from .unions import NameType, WayName, name_of
from .verdicts import Verdict

_SOME: Final = "some"
_OTHER_NONE: Final = "(none)"
_PRESENCE: Final = tuple(WayName(name=name, label=name) for name in (_SOME, NOTHING))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalType(DeclaredType):
    """`item`, or none."""

    item: DeclaredType


class OptionalKind(Kind[OptionalType]):
    def __init__(self, declared: OptionalType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._item = of(declared.item)
        # Which type of a union it is, and whether there is one, is one decision.
        inner = self._item.arms() if self._item.ways(is_json=True) else ()
        found = (*map(name_of, inner), WayName(name=NOTHING, label=NOTHING)) if inner else _PRESENCE
        self._first: AnyKind = self if self.options() is not None else of(NameType(names=found))

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> OptionalType | None:
        # `X | None` is a `Union` where X is none of Python's own types.
        if get_origin(annotation.python) not in (UnionType, Union) or annotation.limits:
            return None
        items = tuple(each for each in get_args(annotation.python) if each is not NoneType)
        is_optional = len(items) < len(get_args(annotation.python))
        return OptionalType(item=of(reduce(or_, items))) if is_optional else None

    def inside(self) -> tuple[AnyKind, ...]:
        return (self._item,)

    def given(self, call: Mapping[str, object]) -> AnyKind:
        try:
            found = super().given(call)
        except NoAnswer:
            return _OnlyNone(self.declared, self._of)
        options = (value for value in found.options() or () if value is not None)
        if found is not self and NOTHING in map(found.plain, options):
            raise ArgumentError(
                f'an option in argument `{min(self.depends_on)}` is "{NOTHING}", the word for no answer',
                help="give it another word, or let the type be one without `?`",
            )
        return found

    def spans(self, value: object) -> tuple[tuple[int, int], ...]:
        return () if value is None else self._item.spans(value)

    def outcome(self, value: object) -> Hashable:
        return None if value is None else self._item.outcome(value)

    def describe(self) -> str:
        return optional(self._item.describe())

    def check(self, value: object, where: str) -> object:
        return None if value is None else self._item.check(value, where)

    def options(self) -> tuple[object, ...] | None:
        options = self._item.options()
        return None if options is None else (*options, None)

    @property
    def is_choice(self) -> bool:
        return self._item.is_choice

    def meanings(self) -> Iterator[str]:
        return self._item.meanings()

    def fields(self) -> tuple[Part, ...]:
        return ()

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        return iter(()) if value is None else self._item.verdicts(value, place)

    def with_attributes(self, value: object) -> object:
        return None if value is None else self._item.with_attributes(value)

    def plain(self, value: object) -> str:
        return NOTHING if value is None else self._item.plain(value)

    def json(self, value: object) -> str:
        return NULL if value is None else self._item.json(value)

    def inline(self, value: object) -> str:
        return NOTHING if value is None else self._item.inline(value)

    def in_lines(self, value: object) -> str | None:
        return None if value is None else self._item.in_lines(value)

    def is_short(self) -> bool:
        return self._item.is_short()

    def item(self) -> AnyKind | None:
        return self._item.item()

    def items(self, value: object) -> Sequence[object]:
        return () if value is None else self._item.items(value)

    def part(self, name: str) -> AnyKind:
        return self._item.part(name)

    def words(self, value: object) -> tuple[str, ...]:
        return () if value is None else self._item.words(value)

    def grammar(self, terminals: Terminals) -> Expression:
        return _either(NOTHING, self._item, lambda: self._item.grammar(terminals))

    def json_grammar(self, terminals: Terminals) -> Expression:
        return _either(NULL, self._item, lambda: self._item.json_grammar(terminals))

    def read_plain(self, text: str) -> object:
        return None if text == NOTHING else self._item.read_plain(text)

    def read_json(self, data: object) -> object:
        return None if data is None else self._item.read_json(data)

    def to_data(self, value: object) -> object:
        return None if value is None else self._item.to_data(value)

    def read_data(self, data: object, where: str) -> object:
        return None if data is None else self._item.read_data(data, where)

    def read_word(self, word: str, where: str) -> object:
        return None if word == NOTHING else self._item.read_word(word, where)

    def json_schema(self) -> Schema:
        if self._item.options() == ():
            return {"type": "null"}
        return {"anyOf": [self._item.json_schema(), {"type": "null"}]}

    def schema(self, *, is_answer: bool = False) -> Schema:
        none: Schema = {"type": "null"}
        if self._item.options() == ():
            return none
        return {"anyOf": [self._item.schema(is_answer=is_answer), none]}

    def outlines(self) -> Any:
        return json_schema(self.schema(is_answer=True))

    def arms(self) -> tuple[Arm, ...]:
        raise AbiError("none is no type of a union; the whole union is optional")

    def ways(self, *, is_json: bool) -> tuple[Way, ...]:
        if self.options() is not None:
            return ()
        none = Way(NOTHING, None, NULL if is_json else NOTHING)
        return (*(self._item.ways(is_json=is_json) or (Way(_SOME, self._item, ""),)), none)

    def first(self) -> AnyKind:
        return self._first

    def way_of(self, value: object) -> Way | None:
        if value is None and self.options() is None:
            return Way(NOTHING, None, NULL)
        return self._item.way_of(value) or next(iter(self.ways(is_json=True)), None)

    def item_spans(self, text: str) -> Iterator[tuple[int, int]]:
        return iter(()) if text.startswith((NOTHING, NULL)) else self._item.item_spans(text)

    def is_free_text(self) -> bool:
        return self._item.is_free_text()

    def is_cut(self, value: object) -> bool:
        return value is not None and self._item.is_cut(value)

    def is_one_line(self) -> bool:
        return self._item.is_one_line()

    def key(self, value: object) -> str:
        # A label may be called "null", and a member `none` that the model sees as another word.
        if value is not None:
            return self._item.key(value)
        taken = {self._item.key(option) for option in self._item.options() or ()}
        return _OTHER_NONE if NOTHING in taken else NOTHING


class _OnlyNone(OptionalKind):
    """What is left of `T?` in a call where nothing can be a `T`."""

    def inside(self) -> tuple[AnyKind, ...]:
        return ()

    def options(self) -> tuple[object, ...]:
        return (None,)

    def json_schema(self) -> Schema:
        return {"type": "null"}

    def grammar(self, terminals: Terminals) -> Expression:
        return text(NOTHING)

    def json_grammar(self, terminals: Terminals) -> Expression:
        return text(NULL)


def _either(none: str, item: AnyKind, some: Callable[[], Expression]) -> Expression:
    return text(none) if item.options() == () else either([text(none), some()])
