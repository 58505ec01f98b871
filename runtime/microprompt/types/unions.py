"""`Weather | Mail`: a value of one of several types. Which of them is decided first.

The model says a type's word and then the value: by itself `Weather: {"city": "Paris"}`, inside records and
lists `{"Weather": {"city": "Paris"}}`. A literal stands for itself. Data has the program's names, and only
objects are under theirs: whatever else it is, its JSON tells. """

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from types import UnionType as PipeUnion
from typing import Any, Literal, Union, get_args, get_origin

from ..errors import ArgumentError, NoAnswer
from .annotations import Annotation
from .base import AnyKind, Arm, DeclaredType, Kind, KindOf, Listed, Part, Schema, TypeOf, Way, as_words
from .grammar import Expression, Terminals, chain, either, text
from .nothing import NothingType
from .punctuation import RECORD_END, SPACE, field_lead, quoted, record_text
from .schemas import closed_object, described, json_schema, meanings_of
from .shown import behind, below
from .verdicts import Verdict

# ------------------------------------------------------------------------------------------------- which


@dataclass(frozen=True, slots=True, kw_only=True)
class WayName:
    """A name to choose, the word for it that the model sees, and what that means."""

    name: str
    label: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameType(DeclaredType):
    """One of a few names: which type of a union a value is of, or whether there is one. No program declares
    it."""

    names: tuple[WayName, ...]


class NameKind(Listed[NameType]):
    def __init__(self, declared: NameType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._labels = {each.name: each.label for each in declared.names}

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> None:
        return None

    def describe(self) -> str:
        return " | ".join(self._labels)

    def check(self, value: object, where: str) -> str:
        if not isinstance(value, str) or value not in self._labels:
            raise self.mismatch(value, where)
        return value

    def options(self) -> tuple[str, ...]:
        return tuple(self._labels)

    def plain(self, value: object) -> str:
        return self._labels[str(value)]

    def json(self, value: object) -> str:
        return quoted(self.plain(value))

    def json_schema(self) -> Schema:
        return {"enum": list(self._labels.values())}

    def words(self, value: object) -> tuple[str, ...]:
        found = next(each for each in self.declared.names if each.name == value)
        return (as_words(found.label), *([found.description] if found.description else []))

    def read_plain(self, text: str) -> str:
        return self.read_json(text)

    def read_json(self, data: object) -> str:
        found = next((name for name, label in self._labels.items() if label == data), None)
        if found is None:
            raise ValueError(f"{data!r} is none of {self.describe()}")
        return found

    def to_data(self, value: object) -> str:
        return str(value)

    def read_data(self, data: object, where: str) -> str:
        if not isinstance(data, str) or data not in self._labels:
            raise self.unreadable(data, where)
        return data

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"enum": list(self._labels)}

    def outlines(self) -> Any:
        return Literal[tuple(self._labels)]


# ---------------------------------------------------------------------------------------------- the union


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionType(DeclaredType):
    """One of several types, of which each value is of one at most. Those that would lie too deep here are
    `beyond`."""

    items: tuple[DeclaredType, ...]
    beyond: tuple[NothingType, ...] = ()


class UnionKind(Kind[UnionType]):
    def __init__(self, declared: UnionType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._items = tuple(map(of, declared.items))
        self._arms = tuple(arm for item in self._items for arm in item.arms())
        self._names = of(NameType(names=tuple(map(name_of, self._arms))))
        # Text takes whatever word there is, so it is asked last.
        self._by_word = sorted(self._items, key=lambda item: item.is_free_text())

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> UnionType | NothingType | None:
        items = get_args(annotation.python)
        is_union = get_origin(annotation.python) in (PipeUnion, Union) and NoneType not in items
        if not is_union or annotation.limits:
            return None
        found = tuple(map(of, items))
        some = tuple(item for item in found if not isinstance(item, NothingType))
        beyond = tuple(item for item in found if isinstance(item, NothingType))
        return UnionType(items=some, beyond=beyond) if some else beyond[0]

    def inside(self) -> tuple[AnyKind, ...]:
        return self._items

    def given(self, call: Mapping[str, object]) -> AnyKind:
        if not self.depends_on:
            return self
        found: dict[DeclaredType, AnyKind] = {}
        lacking: NoAnswer | None = None
        for item in self._items:
            try:
                found[item.declared] = item.given(call)
            except NoAnswer as error:
                lacking = error
        if not found and lacking is not None:
            raise lacking
        # The kind of the names is no type inside it, and depends on no call.
        of = self._of
        return UnionKind(UnionType(items=tuple(found)), lambda inner: found.get(inner) or of(inner))

    def spans(self, value: object) -> tuple[tuple[int, int], ...]:
        arm = self._arm(value)
        return () if arm.kind is None else arm.kind.spans(value)

    def describe(self) -> str:
        return " | ".join(item.describe() for item in self._items)

    def check(self, value: object, where: str) -> object:
        errors = []
        for item in self._items:
            try:
                return item.check(value, where)
            except ArgumentError as error:
                errors.append(error)
        for each in self.declared.beyond:
            if type(value).__name__ == each.record:
                self._of(each).check(value, where)
        # What is wrong inside a value of one type says more than that it is of no other.
        mismatch = f"{where} must be "
        raise next((error for error in errors if not error.message.startswith(mismatch)), None) or (
            self.mismatch(value, where)
        )

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        arm = self._arm(value)
        return iter(()) if arm.kind is None else arm.kind.verdicts(value, place)

    def with_attributes(self, value: object) -> object:
        arm = self._arm(value)
        return value if arm.kind is None else arm.kind.with_attributes(value)

    def options(self) -> None:
        return None

    def meanings(self) -> Iterator[str]:
        for arm in self._arms:
            if arm.description:
                yield f"- {arm.label}: {arm.description}"
        for item in self._items:
            yield from item.meanings()

    def fields(self) -> tuple[Part, ...]:
        return ()

    # ------------------------------------------------------------------------------------- to the model

    def plain(self, value: object) -> str:
        arm = self._arm(value)
        return arm.label if arm.kind is None else f"{arm.label}:{SPACE}{arm.kind.plain(value)}"

    def json(self, value: object) -> str:
        arm = self._arm(value)
        return _json(arm) if arm.kind is None else record_text([(arm.label, arm.kind.json(value))])

    def inline(self, value: object) -> str:
        arm = self._arm(value)
        if arm.kind is None:
            return arm.label
        found = arm.kind.inline(value)
        return behind(arm.label, found) if arm.kind.fields() else found  # what it is, others show

    def in_lines(self, value: object) -> str | None:
        arm = self._arm(value)
        if arm.kind is None or (found := arm.kind.in_lines(value)) is None:
            return None
        return below(arm.label, found) if arm.kind.fields() else found

    def is_short(self) -> bool:
        return all(item.is_short() for item in self._items)

    def grammar(self, terminals: Terminals) -> Expression:
        return self._grammar(lambda kind: kind.grammar(terminals), is_json=False)

    def json_grammar(self, terminals: Terminals) -> Expression:
        return self._grammar(lambda kind: kind.json_grammar(terminals), is_json=True)

    def _grammar(self, of: Callable[[AnyKind], Expression], *, is_json: bool) -> Expression:
        return either(
            [
                text(way.before)
                if way.kind is None
                else chain(text(way.before + SPACE), of(way.kind), text(way.after))
                for way in self.ways(is_json=is_json)
            ]
        )

    def json_schema(self) -> Schema:
        inside = {arm.label: arm.kind.json_schema() for arm in self._arms if arm.kind is not None}
        literals = [arm.value for arm in self._arms if arm.kind is None]
        return {
            "anyOf": [
                *(closed_object({label: schema}, [label]) for label, schema in inside.items()),
                *([{"enum": literals}] if literals else []),
            ]
        }

    # ----------------------------------------------------------------------------------- from the model

    def read_plain(self, text: str) -> object:
        label, _, rest = text.partition(f":{SPACE}")
        for arm in self._arms:
            if arm.kind is None and text == arm.label:
                return arm.value
            if arm.kind is not None and label == arm.label:
                return arm.kind.read_plain(rest)
        raise ValueError(f"{text!r} is no {self.describe()}")

    def read_json(self, data: object) -> object:
        for arm in self._arms:
            if arm.kind is None:
                if _is_literal(arm, data):
                    return arm.value
            elif isinstance(data, dict) and list(data) == [arm.label]:
                return arm.kind.read_json(data[arm.label])
        raise ValueError(f"{data!r} is no {self.describe()}")

    # ------------------------------------------------------------------------------- for other programs

    def to_data(self, value: object) -> object:
        arm = self._arm(value)
        if arm.kind is None:
            return value
        data = arm.kind.to_data(value)
        return {arm.name: data} if arm.name in self._objects else data

    def read_data(self, data: object, where: str) -> object:
        if isinstance(data, dict) and len(data) == 1:
            [(name, inside)] = data.items()
            for each in self.declared.beyond:
                if name == each.record:
                    return self._of(each).read_data(inside, where)
            if name in self._objects:
                return self._objects[name].read_data(inside, f"{where}.{name}")
        found = []
        for item in self._items:
            try:
                found.append(item.read_data(data, where))
            except ArgumentError:
                continue
        if len(found) == 1:
            return found[0]
        help = None
        if isinstance(data, dict) and self._objects:
            help = f'say which it is, as in {{"{next(iter(self._objects))}": {{...}}}}'
        raise ArgumentError(self.unreadable(data, where).message, help=help)

    def read_word(self, word: str, where: str) -> object:
        for item in self._by_word:
            try:
                return item.read_word(word, where)
            except ArgumentError:
                continue
        return self.read_data(self.decoded_word(word, where), where)

    def schema(self, *, is_answer: bool = False) -> Schema:
        literals = [arm.value for arm in self._arms if arm.kind is None]
        found: Schema = {
            "anyOf": [
                *(
                    _under(arm.name, arm.kind.schema(is_answer=is_answer))
                    for arm in self._arms
                    if arm.kind is not None
                ),
                *([{"enum": literals}] if literals else []),
            ]
        }
        said = ((arm.name, arm.description) for arm in self._arms)
        return found if is_answer else described(found, *meanings_of(said))

    def outlines(self) -> Any:
        return json_schema(self.schema(is_answer=True))

    @cached_property
    def _objects(self) -> dict[str, AnyKind]:
        """The arms whose data is an object, by name."""
        return {
            arm.name: arm.kind
            for arm in self._arms
            if arm.kind is not None and _is_object(arm.kind.schema())
        }

    # ------------------------------------------------------------------------------------------- which

    def arms(self) -> tuple[Arm, ...]:
        return self._arms

    def ways(self, *, is_json: bool) -> tuple[Way, ...]:
        return tuple(_way(arm, is_json) for arm in self._arms)

    def first(self) -> AnyKind:
        return self._names

    def way_of(self, value: object) -> Way:
        return _way(self._arm(value), is_json=True)

    def is_one_line(self) -> bool:
        return all(item.is_one_line() for item in self._items)

    def is_free_text(self) -> bool:
        return any(item.is_free_text() for item in self._items)

    def is_cut(self, value: object) -> bool:
        arm = self._arm(value)
        return arm.kind is not None and arm.kind.is_cut(value)

    def _arm(self, value: object) -> Arm:
        """The arm that a value is of."""
        for arm in self._arms:
            if arm.kind is None:
                if _is_literal(arm, value):
                    return arm
            elif _is_of(arm.kind, value):
                return arm
        raise ValueError(f"{value!r} is no {self.describe()}")


def name_of(arm: Arm) -> WayName:
    """What is chosen for an arm to be taken."""
    return WayName(name=arm.name, label=arm.label, description=arm.description)


def _way(arm: Arm, is_json: bool) -> Way:
    if arm.kind is None:
        return Way(arm.name, None, _json(arm) if is_json else arm.label, value=arm.value)
    if is_json:
        return Way(arm.name, arm.kind, field_lead(arm.label, is_first=True), RECORD_END)
    return Way(arm.name, arm.kind, f"{arm.label}:")


def _is_of(kind: AnyKind, value: object) -> bool:
    try:
        kind.check(value, "it")
    except ArgumentError:
        return False
    return True


def _is_literal(arm: Arm, value: object) -> bool:
    return type(value) is type(arm.value) and value == arm.value


def _json(literal: Arm) -> str:
    return quoted(literal.label) if isinstance(literal.value, str) else literal.label


def _is_object(schema: Schema) -> bool:
    """Whether the data is an object, which does not tell by itself of which type it is."""
    return schema.get("type") == "object"


def _under(name: str, inside: Schema) -> Schema:
    if not _is_object(inside):
        return inside
    return closed_object({name: inside}, [name])
