"""`set[E]`, `set[E](1..3)`: several labels of a choice at once, none of them twice.

To the model a set says of each label whether it is in it: `{"bug": true, "billing": false}`. So no label is
there twice, there is one text for each set, and each label can be asked for by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args, get_origin

from ..notation import ranged
from .annotations import Annotation
from .base import AnyKind, DeclaredType, KindOf, Schema, Several, TypeOf, require_length
from .compound import Compound
from .grammar import Expression, Terminals, chain, either, text
from .punctuation import RECORD_END, SPACE, TRUTH, field_lead, record_text
from .schemas import closed_object
from .shown import NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class SetType(DeclaredType):
    """`min_count` to `max_count` of the values of a choice."""

    item: DeclaredType
    min_count: int = 0
    max_count: int | None = None


class SetKind(Compound[SetType]):
    def __init__(self, declared: SetType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._item: AnyKind = of(declared.item)
        self._labels = {value: self._item.plain(value) for value in self._item.options() or ()}
        self._least = declared.min_count
        self._most = len(self._labels) if declared.max_count is None else declared.max_count

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> SetType | None:
        is_set = get_origin(annotation.python) is frozenset
        if not is_set or not annotation.has_only("min_length", "max_length"):
            return None
        (item,) = get_args(annotation.python)
        limits = annotation.limits
        return SetType(
            item=of(item), min_count=limits.get("min_length", 0), max_count=limits.get("max_length")
        )

    def inside(self) -> tuple[AnyKind, ...]:
        return (self._item,)

    def describe(self) -> str:
        name = f"set[{self._item.describe()}]"
        return ranged(name, self.declared.min_count or None, self.declared.max_count)

    def check(self, value: object, where: str) -> frozenset[object]:
        if not isinstance(value, (frozenset, set)):
            raise self.mismatch(value, where)
        require_length(len(value), self.declared.min_count, self.declared.max_count, "labels", where)
        found = frozenset(self._item.check(item, f"a label of {where}") for item in value)
        return value if type(value) is frozenset else found

    def several(self) -> Several:
        return Several(tuple(self._labels.items()), self._least, self._most)

    def meanings(self) -> Iterator[str]:
        return self._item.meanings()

    def inline(self, value: object) -> str:
        return ", ".join(self._labels[each] for each in self._in_order(value)) or NOTHING

    def item(self) -> AnyKind:
        return self._item

    def items(self, value: object) -> Sequence[object]:
        return tuple(self._in_order(value))

    def json(self, value: object) -> str:
        taken = set(self._in_order(value))
        return record_text((label, TRUTH[each in taken]) for each, label in self._labels.items())

    def json_grammar(self, terminals: Terminals) -> Expression:
        leads = [
            text(field_lead(label, is_first=not place) + SPACE)
            for place, label in enumerate(self._labels.values())
        ]
        if not self._least and self._most >= len(leads):
            taken = either([text(TRUTH[True]), text(TRUTH[False])])
            return chain(*(part for lead in leads for part in (lead, taken)), text(RECORD_END))
        return self._counted(leads, terminals)

    def read_json(self, data: object) -> object:
        if not isinstance(data, dict) or data.keys() != set(self._labels.values()):
            raise ValueError(f"{data!r} is no {self.describe()}")
        return frozenset(value for value, label in self._labels.items() if data[label] is True)

    def to_data(self, value: object) -> list[object]:
        return [self._item.to_data(each) for each in self._in_order(value)]

    def read_data(self, data: object, where: str) -> object:
        if not isinstance(data, list):
            raise self.unreadable(data, where)
        found = [self._item.read_data(each, f"{where}[{index}]") for index, each in enumerate(data)]
        if len(set(found)) < len(found):
            raise self.unreadable(data, where)
        return frozenset(found)

    def key(self, value: object) -> str:
        # A distribution has a set's labels.
        return super().key(value) if isinstance(value, frozenset) else self._item.key(value)

    def json_schema(self) -> Schema:
        taken: dict[str, Schema] = {label: {"type": "boolean"} for label in self._labels.values()}
        return closed_object(taken, taken)

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {
            "type": "array",
            "items": self._item.schema(is_answer=is_answer),
            "uniqueItems": True,
            "minItems": self._least,
            "maxItems": self._most,
        }

    def _counted(self, leads: Sequence[Expression], terminals: Terminals) -> Expression:
        """A rule for what is behind each label with so many taken: where no more may be, all others are not,
        and where all others have to be, they are."""
        count = len(leads)
        # Once enough are taken and there is no other bound, it does not matter how many.
        counts = self._most if self._most < count else self._least
        behind = dict.fromkeys(range(counts + 1), text(RECORD_END).lark)
        for place in reversed(range(count)):
            now = {}
            for taken in range(min(place, counts) + 1):
                ways = []
                if taken < self._most:
                    ways.append(f"{text(TRUTH[True]).lark} {behind.get(min(taken + 1, counts), '')}")
                if taken + count - place - 1 >= self._least:
                    ways.append(f"{text(TRUTH[False]).lark} {behind.get(taken, '')}")
                now[taken] = terminals.rule(f"{leads[place].lark} ({' | '.join(ways)})")
            behind = now
        size = chain(*leads, text(RECORD_END))
        return Expression(
            behind[0],
            size.shortest + count * len(TRUTH[True]),
            size.longest + count * len(TRUTH[False]),
            size.characters + count * len(TRUTH[False]),
        )

    def _in_order(self, value: object) -> list[object]:
        assert isinstance(value, frozenset | set)
        return [each for each in self._labels if each in value]
