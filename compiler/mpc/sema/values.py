"""Values: whether what is written in examples, tests and defaults is of the type that is wanted there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, assert_never

from microprompt.patterns import Pattern, PatternError

from ..diagnostics import Reporter, suggestion
from ..source import Span
from ..syntax import nodes
from .checked import Broken, Symbol
from .types import (
    DEFAULT_MAX_CHARACTERS,
    DEFAULT_MAX_ITEMS,
    MAX_NUMBER,
    AliasType,
    BoolType,
    EnumType,
    EnumValue,
    ErrorType,
    FloatType,
    IntType,
    ListType,
    ListValue,
    LiteralType,
    OptionalType,
    RecordType,
    RecordValue,
    StrType,
    Type,
    Value,
    describe,
    resolved,
)

_WORDS = ("true", "false", "none")


class Names(Protocol):
    """Where the checker looks names up."""

    def lookup(self, path: nodes.Path) -> Symbol | None: ...

    def type_names(self) -> set[str]: ...


class Slot(Protocol):
    """What takes an argument: a parameter of a prompt or a field of a record."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> Type: ...

    @property
    def has_default(self) -> bool: ...

    @property
    def default(self) -> Value: ...


S = TypeVar("S", bound=Slot)


def read_number(text: str) -> int | float | None:
    """The number, whole if it is written without point and exponent; `None` beyond 15 digits."""
    if "." in text or "e" in text or "E" in text:
        value: int | float = float(text)
    elif len(text.lstrip("+-0")) > 15:
        return None
    else:
        value = int(text)
    return value if abs(value) <= MAX_NUMBER else None


class ValueChecker:
    """Checks values against types.

    A value that was reported becomes `None`, which nobody reads: a program with errors goes no further.
    `answer` is true for what the model would have to produce, where the default bounds hold too.
    """

    def __init__(self, names: Names, reporter: Reporter, *, answer: bool = False) -> None:
        self._names = names
        self._reporter = reporter
        self._answer = answer

    def value(self, node: nodes.ValueNode, expected: Type) -> Value:
        wanted = resolved(expected)
        if isinstance(wanted, ErrorType):
            return None
        if isinstance(wanted, OptionalType):
            if isinstance(node, nodes.Reference) and node.path.text == "none":
                return None
            return self.value(node, wanted.item)
        match node, wanted:
            case nodes.StringValue(), StrType():
                return self._string(node, wanted)
            case nodes.StringValue(), LiteralType():
                return self._literal(node, wanted)
            case nodes.NumberValue(), IntType() | FloatType():
                return self._number(node, wanted)
            case nodes.Reference(), BoolType() if node.path.text in ("true", "false"):
                return node.path.text == "true"
            case nodes.Reference(), EnumType():
                return self._member(node, wanted)
            case nodes.RecordValue(), RecordType():
                return self._record(node, wanted)
            case nodes.ListValue(), ListType():
                return self._list(node, wanted)
            case _:
                self._report_mismatch(node, expected)
                return None

    def arguments(
        self, written: Sequence[nodes.Argument], slots: Sequence[S], owner: str, at: Span, *, by_name: bool
    ) -> dict[str, Value]:
        """The value of every slot that an argument is written for; reports missing and surplus ones.

        `by_name` is true where arguments by position are not allowed.
        """
        by_slot = {slot.name: slot for slot in slots}
        given: dict[str, Span] = {}
        found: dict[str, Value] = {}
        unknown = False
        for index, argument in enumerate(written):
            slot = self._slot(argument, index, slots, by_slot, owner, by_name=by_name)
            if slot is None:
                unknown = True
            elif slot.name in given:
                assert argument.name is not None or by_name
                self._reporter.report(
                    "MP0502",
                    argument.span,
                    f"`{slot.name}` is given twice",
                    label="given again here",
                    help="leave one of the two out",
                    also=[(given[slot.name], "first given here")],
                )
            else:
                given[slot.name] = argument.span
                found[slot.name] = self.value(argument.value, slot.type)
        missing = [slot.name for slot in slots if not slot.has_default and slot.name not in given]
        # An unknown name is most likely a missing one, misspelt.
        if missing and not unknown:
            names = " and ".join(f"`{name}`" for name in missing)
            self._reporter.report(
                "MP0501",
                at,
                f"{owner} needs {names}",
                label="missing here",
                help=f"write `{missing[0]}=...`"
                if by_name
                else "give every parameter without a default a value",
            )
        return found

    def _slot(
        self,
        argument: nodes.Argument,
        index: int,
        slots: Sequence[S],
        by_slot: dict[str, S],
        owner: str,
        *,
        by_name: bool,
    ) -> S | None:
        if argument.name is not None:
            slot = by_slot.get(argument.name.text)
            if slot is None:
                kind = "field" if by_name else "parameter"
                self._reporter.report(
                    "MP0502",
                    argument.name.span,
                    f"{owner} has no {kind} `{argument.name.text}`",
                    label="unknown name",
                    help=suggestion(argument.name.text, by_slot) or _listed(by_slot),
                )
            return slot
        if by_name:
            self._reporter.report(
                "MP0501",
                argument.span,
                f"the fields of {owner} are given by name",
                label="no name here",
                help=f"write `{slots[min(index, len(slots) - 1)].name}=...`" if slots else None,
            )
            return None
        if index >= len(slots):
            count = "no parameters" if not slots else f"{len(slots)} parameter{'s' * (len(slots) > 1)}"
            self._reporter.report(
                "MP0501",
                argument.span,
                f"{owner} has {count}",
                label="one argument too many",
                help=_listed(by_slot),
            )
            return None
        return slots[index]

    # ------------------------------------------------------------------------------------------ kinds

    def _string(self, node: nodes.StringValue, wanted: StrType) -> str:
        text = node.text
        if wanted.pattern is not None:
            pattern = Pattern(wanted.pattern)
            try:
                pattern.require_use()
            except PatternError:
                return text  # reported where the type is
            if not pattern.matches(text):
                self._report_outside(
                    node.span, f"does not match /{wanted.pattern}/", "write a text that matches"
                )
            return text
        high = wanted.high
        if high is None and self._answer:
            high = max(DEFAULT_MAX_CHARACTERS, wanted.low or 0)
        self._check_size(node.span, len(text), wanted.low, high, "characters")
        return text

    def _literal(self, node: nodes.StringValue, wanted: LiteralType) -> str:
        if node.text not in wanted.values:
            self._reporter.report(
                "MP0504",
                node.span,
                f'"{node.text}" is not one of the literals',
                label=f"expected {describe(wanted)}",
                help=suggestion(node.text, wanted.values),
            )
        return node.text

    def _number(self, node: nodes.NumberValue, wanted: IntType | FloatType) -> int | float:
        value = read_number(node.text)
        if value is None:
            self._report_outside(
                node.span, "has more than 15 digits before the point", "write a smaller number"
            )
            return 0
        if isinstance(wanted, IntType):
            if not isinstance(value, int):
                self._report_mismatch(node, wanted)
                return 0
        else:
            value = float(value)
        below = wanted.low is not None and value < wanted.low
        above = wanted.high is not None and value > wanted.high
        if below or above:
            bound = wanted.low if below else wanted.high
            self._report_outside(
                node.span,
                f"is {'below' if below else 'above'} {bound}",
                f"write a number that fits `{describe(wanted)}`",
            )
        return value

    def _member(self, node: nodes.Reference, wanted: EnumType) -> Value:
        names = [member.name for member in wanted.members]
        *qualifier, last = node.path.names
        if qualifier:
            of = self._names.lookup(_path(qualifier))
            if isinstance(of, Broken):
                return None
            if of is None:
                self._report_unknown_name(_path(qualifier))
                return None
            if of != wanted:
                self._report_mismatch(node, wanted)
                return None
        if last.text in names:
            return EnumValue(wanted, last.text)
        by_label = {member.label: member.name for member in wanted.members}
        if last.text in by_label:
            help: str | None = (
                f"did you mean `{by_label[last.text]}`? `{last.text}` is the word the model sees"
            )
        else:
            help = suggestion(last.text, names) or _listed(names)
        self._reporter.report(
            "MP0505",
            last.span,
            f"`{wanted.name}` has no member `{last.text}`",
            label="unknown member",
            help=help,
        )
        return None

    def _record(self, node: nodes.RecordValue, wanted: RecordType) -> Value:
        found = self._names.lookup(node.path)
        if isinstance(found, Broken):
            return None
        if found is None:
            self._report_unknown_name(node.path)
            return None
        named = resolved(found) if isinstance(found, AliasType) else found
        if named != wanted:
            self._report_mismatch(node, wanted)
            return None
        values = self.arguments(
            node.arguments, wanted.fields, f"`{wanted.name}`", node.path.span, by_name=True
        )
        return RecordValue(
            wanted, tuple((field.name, values[field.name]) for field in wanted.fields if field.name in values)
        )

    def _list(self, node: nodes.ListValue, wanted: ListType) -> ListValue:
        items = tuple(self.value(item, wanted.item) for item in node.items)
        high = wanted.high
        if high is None and self._answer:
            high = max(DEFAULT_MAX_ITEMS, wanted.low or 0)
        self._check_size(node.span, len(items), wanted.low, high, "items")
        return ListValue(items)

    # -------------------------------------------------------------------------------------- refusing

    def _check_size(self, span: Span, size: int, low: int | None, high: int | None, unit: str) -> None:
        if low is not None and size < low:
            self._report_outside(span, f"has {size} {unit}", f"write at least {low}")
        elif high is not None and size > high:
            self._report_outside(span, f"has {size} {unit}", f"write at most {high}")

    def _report_outside(self, span: Span, problem: str, help: str) -> None:
        self._reporter.report(
            "MP0504", span, "the value is outside its range", label=f"this {problem}", help=help
        )

    def _report_mismatch(self, node: nodes.ValueNode, expected: Type) -> None:
        if isinstance(node, nodes.Reference) and node.path.text not in _WORDS:
            found = self._names.lookup(node.path)
            qualifier = node.path.names[:-1]
            known = found is not None or (qualifier and self._names.lookup(_path(qualifier)) is not None)
            if isinstance(found, Broken):
                return
            if not known:
                self._report_unknown_name(node.path)
                return
        self._reporter.report(
            "MP0503",
            node.span,
            f"expected {_a(describe(expected))}, found {_kind(node)}",
            label=f"this is {_kind(node)}",
            help=_how_to_write(resolved(expected)),
        )

    def _report_unknown_name(self, path: nodes.Path) -> None:
        self._reporter.report(
            "MP0506",
            path.span,
            f"unknown name `{path.text}`",
            label="nothing with this name is in scope",
            help=suggestion(path.text, {*self._names.type_names(), *_WORDS})
            or f'write a string in quotes: `"{path.text}"`',
        )


def _path(names: Sequence[nodes.Name]) -> nodes.Path:
    return nodes.Path(names=tuple(names), span=names[0].span.to(names[-1].span))


def _a(type: str) -> str:
    return f"`{type}`"


def _kind(node: nodes.ValueNode) -> str:
    match node:
        case nodes.StringValue():
            return "a string"
        case nodes.NumberValue():
            return "a whole number" if node.text.lstrip("+-").isdigit() else "a number with a fraction"
        case nodes.Reference():
            return f"`{node.path.text}`"
        case nodes.RecordValue():
            return f"a `{node.path.text}`"
        case nodes.ListValue():
            return "a list"
        case _:
            assert_never(node)


def _how_to_write(type: Type) -> str:
    match type:
        case StrType() | LiteralType():
            return 'strings are in double quotes: `"..."`'
        case IntType():
            return "write a whole number"
        case FloatType():
            return "write a number"
        case BoolType():
            return "write `true` or `false`"
        case EnumType():
            return f"write a member, such as `{type.members[0].name}`" if type.members else "write a member"
        case RecordType():
            return f"write `{type.name}(...)` with its fields by name"
        case ListType():
            return "write the items in brackets: `[a, b]`"
        case _:
            return f"write a value of `{describe(type)}`"


def _listed(names: Sequence[str] | dict[str, S]) -> str | None:
    few = list(names)[:5]
    return (
        f"there is {', '.join(f'`{name}`' for name in few)}" + (", ..." if len(names) > 5 else "")
        if few
        else None
    )
