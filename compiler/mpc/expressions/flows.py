"""Expressions of flows: those of conditions, and calls, records, lists, and what is asked of unions."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from ..source import Span
from ..syntax import nodes
from ..types import BUILTINS, ErrorType, NamedType, Type
from ..types.arguments import given_arguments
from ..types.base import WORDS, Broken, Reading
from ..types.boolean import CheckedBool
from ..types.fitting import fits, is_same
from ..types.lists import CheckedList
from ..types.numbers import CheckedFloat
from ..types.operands import Sort
from ..types.text import CheckedStr
from . import flow_problems as problems
from .check import ExpressionChecker, ExpressionPlace, unknown
from .checked import (
    Assembled,
    Calculation,
    Checked,
    Confidence,
    Constructed,
    FieldOf,
    Invoked,
    IsOfType,
    Known,
    Reached,
    Way,
)
from .flow_problems import Wanted
from .functions import FUNCTIONS
from .problems import written
from .signatures import FlowSignature, FunctionSignature, PromptSignature, Signature
from .values import record_of, value_of

CONFIDENCE: Final = "confidence"
"""What is asked of an answer as if it were a field."""


@dataclass(frozen=True, slots=True)
class FlowNames:
    """The names of a flow, whatever is known of them where an expression stands.

    `variables` are those of its parameters and of all that it assigns. `answers` are the variables that hold
    an answer with its confidence, and `partly` those that are assigned on some of the ways that lead here.
    `callables` are what the file can call.
    """

    variables: AbstractSet[str]
    answers: AbstractSet[str]
    partly: AbstractSet[str]
    callables: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class FlowExpressions(ExpressionChecker):
    """Checks expressions at a place of a flow: `scope` holds the names that have a value there."""

    flow: FlowNames

    def value(self, node: nodes.ExpressionAst, wanted: Wanted | None, place: ExpressionPlace) -> Checked:
        """The expression, whose value is for something that wants a type; with `None`, for a name without
        one. What does not fit is reported."""
        if wanted is None:
            return self._unwanted(node, place)
        plain = self._plain(node)
        if plain is not None and not self._is_slip(node, wanted.type):
            reading = Reading(names=self.names, reporter=self.reporter, wanted=wanted.type)
            return Known(value=reading.inside(wanted.type).read(plain), type=wanted.type)
        if isinstance(node, nodes.ListDisplayAst):
            return self._assembled(node, wanted, place)
        place = replace(place, wanted=wanted.type.operand, takes_lists=True)
        found = self.expression(node, place)
        self.fit(node, found, wanted)
        return found

    def fit(self, node: nodes.ExpressionAst, found: Checked, wanted: Wanted) -> None:
        """Report a value that is not of the type that is wanted."""
        if found.type.operand.sort is Sort.UNKNOWN or fits(found.type, wanted.type):
            return
        arms = found.type.alternatives
        if found.type.may_be_none and all(fits(arm, wanted.type) for arm in arms):
            problems.report_maybe_none(node, found, wanted, self.reporter)
        elif len(arms) > 1 and any(fits(arm, wanted.type) for arm in arms):
            problems.report_not_told(node, found, wanted, self.reporter)
        else:
            problems.report_misfit(node, found, wanted, self.reporter)

    def expression(self, node: nodes.ExpressionAst, place: ExpressionPlace) -> Checked:
        if isinstance(node, nodes.InvocationAst):
            return self._heard(node, self.invocation(node, place))
        if isinstance(node, nodes.ListDisplayAst):
            return self._list(node, place)
        if isinstance(node, nodes.SetAst | nodes.DictAst):
            return self._in_braces(node, place)
        if isinstance(node, nodes.FieldOfAst):
            return self._field_of(node, place)
        if isinstance(node, nodes.TypeTestAst):
            return self._type_test(node, place)
        if isinstance(node, nodes.ReferenceAst):
            return self._reference(node, place)
        return ExpressionChecker.expression(self, node, place)

    def leans(self, node: nodes.ExpressionAst) -> bool:
        if isinstance(node, nodes.ReferenceAst) and node.path.names[0].text in self.flow.variables:
            return False
        return ExpressionChecker.leans(self, node)

    # ------------------------------------------------------------------------------------------ names

    def _reference(self, node: nodes.ReferenceAst, place: ExpressionPlace) -> Checked:
        first, *rest = node.path.names
        name = first.text
        if name not in self.flow.variables:
            return self._member(node, place)
        if name not in self.scope:
            problems.report_unassigned(first, is_partly=name in self.flow.partly, reporter=self.reporter)
            return unknown()
        if [each.text for each in rest] == [CONFIDENCE]:
            if name in self.flow.answers:
                whole = Reached(way=(name,), type=self.scope[name])
                return Confidence(of=whole, type=CheckedFloat())
            if not self.scope[name].operand.type.has_fields:
                problems.report_no_confidence(node.span, f"`{name}`", self.reporter)
                return unknown()
        return ExpressionChecker.expression(self, node, place)

    def _member(self, node: nodes.ReferenceAst, place: ExpressionPlace) -> Checked:
        """A member by its whole name, `Act.question`, needs nothing beside it that tells its type."""
        qualifier = node.path.qualifier
        found = None if qualifier is None else self.names.lookup(qualifier)
        if isinstance(found, NamedType) and found.operand.sort is Sort.MEMBER:
            place = replace(place, wanted=found.operand)
        elif isinstance(found, Broken):
            return unknown()
        return ExpressionChecker.expression(self, node, place)

    def report_no_fields(self, name: nodes.Name, way: Way, type: Type) -> None:
        if len(type.alternatives) > 1:
            problems.report_field_of_union(name, ".".join(way), type, self.reporter)
        else:
            ExpressionChecker.report_no_fields(self, name, way, type)

    def report_missing(self, at: Span, text: str) -> None:
        problems.report_missing(at, text, self.reporter)

    # --------------------------------------------------------------------------------------- literals

    def _unwanted(self, node: nodes.ExpressionAst, place: ExpressionPlace) -> Checked:
        """A value that is to say its own type."""
        if isinstance(node, nodes.ReferenceAst) and node.path.text == "none":
            problems.report_untyped(node, "`none` does not say of which type", "str?", "none", self.reporter)
            return unknown()
        if isinstance(node, nodes.ListDisplayAst) and not node.items:
            problems.report_untyped(
                node, "an empty list does not say of what", "list[str]", "[]", self.reporter
            )
            return unknown()
        return self.expression(node, replace(place, wanted=None, takes_lists=True))

    def _plain(self, node: nodes.ExpressionAst) -> nodes.ValueAst | None:
        return value_of(node, self.flow.variables, self.names)

    def _is_slip(self, node: nodes.ExpressionAst, wanted: Type) -> bool:
        """Whether a name that nothing has is most likely meant to be one of the flow's."""
        return (
            isinstance(node, nodes.ReferenceAst)
            and len(node.path.names) == 1
            and node.path.text not in WORDS
            and self.names.lookup(node.path) is None
            and all(arm.operand.sort is not Sort.MEMBER for arm in wanted.alternatives)
        )

    def _assembled(
        self, node: nodes.ListDisplayAst, wanted: Wanted | None, place: ExpressionPlace
    ) -> Checked:
        if wanted is not None:
            item = _item(wanted.type)
            if item is None:
                problems.report_no_list_wanted(node, wanted, self.reporter)
                return unknown()
            each = Wanted(item, f"the items of {wanted.whose}")
            items = tuple(self.value(item, each, place) for item in node.items)
            return Assembled(items=items, type=CheckedList(item=item))
        place = replace(place, wanted=None, takes_lists=True)
        items = tuple(self.expression(item, place) for item in node.items)
        if not items or any(item.type.operand.sort is Sort.UNKNOWN for item in items):
            return unknown()
        type = items[0].type.operand.type if not items[0].type.may_be_none else items[0].type
        for other, found in zip(node.items[1:], items[1:], strict=True):
            if not is_same(found.type, type):
                self.fit(other, found, Wanted(type, "the items before it"))
                return unknown()
        return Assembled(items=items, type=CheckedList(item=type))

    def _list(self, node: nodes.ListDisplayAst, place: ExpressionPlace) -> Checked:
        plain = self._plain(node)
        if isinstance(plain, nodes.ListAst) and place.wanted and place.wanted.sort is Sort.LIST:
            return ExpressionChecker.expression(self, plain, place)
        return self._assembled(node, None, place)

    def _in_braces(self, node: nodes.SetAst | nodes.DictAst, place: ExpressionPlace) -> Checked:
        if place.wanted is None:
            problems.report_untyped(
                node, "braces do not say of what", "set[Topic]", "{...}", self.reporter
            )
            return unknown()
        type = place.wanted.type
        reading = Reading(names=self.names, reporter=self.reporter, wanted=type)
        return Known(value=reading.read(node), type=type)

    # ------------------------------------------------------------------------------------------ calls

    def invocation(
        self, node: nodes.InvocationAst, place: ExpressionPlace, *, wants_confidence: bool = False
    ) -> Checked:
        """A call, or a record that is made."""
        found = self.names.lookup(node.path)
        # A variable that hides what is called has been reported.
        if found is None and node.path.names[0].text in self.flow.variables:
            problems.report_method(node, self.reporter)
            return unknown()
        if found is None and node.path.text in FUNCTIONS:
            return self._function(node, place)
        if isinstance(found, PromptSignature | FlowSignature | FunctionSignature):
            return self._called(node, found, place, wants_confidence=wants_confidence)
        if isinstance(found, NamedType) and found.made_of is not None:
            return self._constructed(node, found, found.made_of, place)
        for argument in node.arguments:  # they are looked at, whatever is called
            self.expression(argument.value, replace(place, wanted=None, takes_lists=True))
        if found is None:
            problems.report_unknown_call(node.path, self.flow.callables, self.reporter)
        elif not isinstance(found, Broken | ErrorType):
            problems.report_no_call(node.path, found, self.reporter)
        return unknown()

    def _heard(self, node: nodes.InvocationAst, found: Checked) -> Checked:
        """What is called for its value, which has to have one."""
        callee = found.callee if isinstance(found, Invoked) else None
        if isinstance(callee, FunctionSignature) and not callee.gives_value:
            problems.report_no_value(node, self.reporter)
            return unknown()
        return found

    def _called(
        self, node: nodes.InvocationAst, callee: Signature, place: ExpressionPlace, *, wants_confidence: bool
    ) -> Checked:
        if wants_confidence and not isinstance(callee, PromptSignature):
            problems.report_no_confidence(node.span, f"`{node.path.text}(...)`", self.reporter)
            return unknown()
        takers = {parameter.name: parameter for parameter in callee.parameters}
        owner = f"`{node.path.text}`"
        arguments = tuple(
            (
                taker.name,
                self.value(argument.value, Wanted(taker.type, f"`{taker.name}` of {owner}"), place),
            )
            for argument, taker in given_arguments(
                node.arguments, takers, self.reporter, owner, node.span, by_name=False
            )
        )
        return Invoked(
            callee=callee,
            arguments=arguments,
            positional=sum(argument.name is None for argument in node.arguments),
            wants_confidence=wants_confidence,
            type=callee.returns,
            span=node.span,
        )

    def _constructed(
        self,
        node: nodes.InvocationAst,
        record: NamedType,
        made_of: tuple[tuple[str, Type, bool], ...],
        place: ExpressionPlace,
    ) -> Checked:
        plain = record_of(node, self.flow.variables, self.names)
        if plain is not None:
            reading = Reading(names=self.names, reporter=self.reporter, wanted=record)
            return Known(value=reading.read(plain), type=record)
        takers = {name: _Part(name, type, has_default) for name, type, has_default in made_of}
        owner = f"`{record.name}`"
        fields = tuple(
            (field.name, self.value(each.value, Wanted(field.type, f"`{field.name}` of {owner}"), place))
            for each, field in given_arguments(
                node.arguments, takers, self.reporter, owner, node.path.span, by_name=True
            )
        )
        return Constructed(fields=fields, type=record)

    def _function(self, node: nodes.InvocationAst, place: ExpressionPlace) -> Checked:
        """A function of the language, which has no names for what it takes."""
        named = next((each.name for each in node.arguments if each.name is not None), None)
        if named is not None:
            problems.report_named(named, node.path.text, self.reporter)
            return unknown()
        function, *_ = node.path.names
        arguments = tuple(each.value for each in node.arguments)
        return self.call(nodes.CallAst(function=function, arguments=arguments, span=node.span), place)

    def _field_of(self, node: nodes.FieldOfAst, place: ExpressionPlace) -> Checked:
        inside = replace(place, wanted=None, takes_lists=True)
        if node.name.text == CONFIDENCE and isinstance(node.operand, nodes.InvocationAst):
            found = self.names.lookup(node.operand.path)
            if not (isinstance(found, PromptSignature) and has_field(found.returns, CONFIDENCE)):
                call = self.invocation(node.operand, inside, wants_confidence=True)
                return Confidence(of=call, type=CheckedFloat()) if isinstance(call, Invoked) else unknown()
        operand = self.expression(node.operand, inside)
        type = operand.type
        here = written(node.operand, self.reporter)
        if type.operand.sort is Sort.UNKNOWN:
            return unknown()
        if type.operand.may_be_none:
            problems.report_call_may_be_none(node, here, self.reporter)
            return unknown()
        if not type.has_fields:
            self.report_no_fields(node.name, (here,), type)
            return unknown()
        field = type.field(node.name, here, type.describe(), self.reporter)
        return FieldOf(operand=operand, name=node.name.text, type=field)

    # ----------------------------------------------------------------------------------------- unions

    def _type_test(self, node: nodes.TypeTestAst, place: ExpressionPlace) -> Checked:
        operand = self.expression(node.operand, replace(place, wanted=None, takes_lists=True))
        if operand.type.operand.sort is Sort.UNKNOWN:
            return unknown()
        asked = self._type_named(node.path)
        if asked is None:
            return unknown()
        arms: Sequence[Type] = operand.type.alternatives
        is_narrowed = isinstance(operand, Reached) and operand.way in place.told
        if len(arms) == 1 and not is_narrowed:
            problems.report_no_union(node, operand, self.reporter)
            return unknown()
        arm = next((arm for arm in arms if is_same(arm, asked)), None)
        if arm is None:
            problems.report_no_arm(node, operand, self.reporter)
            return unknown()
        return IsOfType(operand=operand, way=arm, negated=node.negated, type=CheckedBool())

    def _type_named(self, path: nodes.Path) -> Type | None:
        """The type that a test asks for; `None` where it has been reported."""
        if path.text in BUILTINS:
            word = nodes.NamedTypeAst(path=path, arguments=(), constraint=None, span=path.span)
            return BUILTINS[path.text].written(word, (), self.reporter)
        found = self.names.lookup(path)
        if isinstance(found, NamedType):
            return found
        if not isinstance(found, Broken):
            problems.report_no_type(path, self.names.type_names(), self.reporter)
        return None

    # ------------------------------------------------------------------------------------------- sums

    def joined(self, node: nodes.CalculationAst, left: Checked, right: Checked) -> Checked | None:
        """Texts and lists are put together with `+`."""
        sorts = {left.type.operand.sort, right.type.operand.sort}
        if node.sign != "+" or not sorts & {Sort.TEXT, Sort.LIST}:
            return None
        if Sort.UNKNOWN in sorts:
            return unknown()
        present = [self.check_present(node.left, left), self.check_present(node.right, right)]
        if not all(present):
            return unknown()
        if sorts == {Sort.TEXT}:
            return Calculation(sign="+", left=left, right=right, type=CheckedStr())
        if sorts == {Sort.LIST} and is_same(left.type, right.type):
            return Calculation(sign="+", left=left, right=right, type=left.type.operand.type)
        problems.report_not_joined(node, left, right, self.reporter)
        return unknown()

    def _membership(self, node: nodes.MembershipAst, place: ExpressionPlace) -> Checked:
        plain = self._plain(node.whole)
        if isinstance(plain, nodes.ListAst):
            node = replace(node, whole=plain)
        return ExpressionChecker._membership(self, node, place)


@dataclass(frozen=True, slots=True)
class _Part:
    """A field of a record that is made."""

    name: str
    type: Type
    has_default: bool


def has_field(type: Type, name: str) -> bool:
    """Whether a type is a record with this field."""
    return type.keys is not None and name in type.keys[1]


def _item(type: Type) -> Type | None:
    """The type of the items where a list is wanted."""
    return next((arm.item_type for arm in type.alternatives if arm.operand.sort is Sort.LIST), None)
