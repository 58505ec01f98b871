"""The types of an expression. What an operation takes, the types of its operands say (`Type.operand`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from microprompt.abi import FLOAT_DIGITS

from ..diagnostics import InternalError, Reporter
from ..source import Span
from ..syntax import nodes
from ..types import ErrorType, Type
from ..types.base import Names, Operand, Reading
from ..types.boolean import CheckedBool
from ..types.lists import CheckedList
from ..types.moments import type_of
from ..types.numbers import CheckedFloat, CheckedInt
from ..types.operands import Numeric, Sort
from ..types.text import CheckedStr, check_pattern
from . import problems
from .checked import (
    Assembled,
    Calculation,
    Called,
    Checked,
    Comparison,
    Confidence,
    Constructed,
    Each,
    FieldOf,
    Invoked,
    IsFilled,
    IsNone,
    IsOfType,
    Known,
    Logic,
    Matches,
    Membership,
    Negative,
    Not,
    Reached,
    Way,
)
from .facts import present_if, told_if
from .functions import FUNCTIONS


def check_expression(
    node: nodes.ExpressionAst, scope: Mapping[str, Type], names: Names, reporter: Reporter
) -> Checked:
    """The expression with its types; everything wrong with it is reported.

    `scope` holds the type of every value that a way can begin with; `names` is where enums are looked up. The
    result's type is the error type where no other could be told.
    """
    return ExpressionChecker(scope, names, reporter).expression(node, ExpressionPlace())


def check_condition(
    node: nodes.ExpressionAst,
    scope: Mapping[str, Type],
    names: Names,
    reporter: Reporter,
    *,
    present: frozenset[Way] = frozenset(),
) -> Checked:
    """The same for what is true or false, or a way to something that may be missing or empty.

    `present` are the ways to values that cannot be missing where it stands.
    """
    return ExpressionChecker(scope, names, reporter).condition(node, ExpressionPlace(present=present))


Literal: TypeAlias = nodes.StringAst | nodes.NumberAst | nodes.MomentAst | nodes.ListAst | nodes.ReferenceAst


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionPlace:
    """Where an expression stands.

    `present` are the ways to values that cannot be missing here, `told` has the types of those of which it is
    known which type of a union they are of. Inside the argument of a function that goes
    over a list, `lists` collects the lists whose items are meant; elsewhere it is `None`. `wanted` is what a
    literal is read as, and `takes_lists` is true where a list itself is meant, not its items.
    """

    present: frozenset[Way] = frozenset()
    told: Mapping[Way, Type] = field(default_factory=dict)
    lists: list[Way] | None = None
    wanted: Operand | None = None
    takes_lists: bool = False


@dataclass(frozen=True, slots=True)
class ExpressionChecker:
    scope: Mapping[str, Type]
    names: Names
    reporter: Reporter

    def report_no_fields(self, name: nodes.Name, way: Way, type: Type) -> None:
        problems.report_no_fields(name, way, type, self.reporter)

    def report_missing(self, at: Span, text: str) -> None:
        problems.report_missing(at, text, self.reporter)

    def expression(self, node: nodes.ExpressionAst, place: ExpressionPlace) -> Checked:
        match node:
            case nodes.StringAst() | nodes.NumberAst() | nodes.MomentAst() | nodes.ListAst():
                return self._literal(node, place.wanted)
            case nodes.ReferenceAst():
                if node.path.names[0].text in self.scope:
                    return self._way(node, place)
                return self._literal(node, place.wanted)
            case nodes.LogicAst():
                return self._logic(node, place)
            case nodes.NegationAst():
                return Not(operand=self.condition(node.operand, place), type=CheckedBool())
            case nodes.ComparisonAst():
                return self._comparison(node, place)
            case nodes.MembershipAst():
                return self._membership(node, place)
            case nodes.NoneTestAst():
                return self._none_test(node, place)
            case nodes.MatchAst():
                return self._match(node, place)
            case nodes.CalculationAst():
                return self._calculation(node, place)
            case nodes.NegativeAst():
                operand = self._number(node.operand, place)
                return Negative(operand=operand, type=operand.type.operand.type)
            case nodes.CallAst():
                return self.call(node, place)
            case (
                nodes.SetAst() | nodes.DictAst() | nodes.InvocationAst() | nodes.ListDisplayAst()
                | nodes.FieldOfAst() | nodes.TypeTestAst()
            ):
                raise InternalError("expressions", "what stands in flows alone")
            case _:
                assert_never(node)

    def condition(self, node: nodes.ExpressionAst, place: ExpressionPlace) -> Checked:
        found = self.expression(node, replace(place, takes_lists=place.lists is None, wanted=None))
        operand = found.type.operand
        if operand.sort is Sort.UNKNOWN or (operand.sort is Sort.TRUTH and not operand.may_be_none):
            if isinstance(found, Known) and operand.sort is Sort.TRUTH:
                problems.report_constant(node.span, "this is always the same", self.reporter)
            return found
        if isinstance(found, Reached) and operand.can_be_empty:
            return IsFilled(operand=found, type=CheckedBool())
        if isinstance(found, Reached) and operand.may_be_none and operand.sort is not Sort.TRUTH:
            return IsNone(operand=found, negated=True, type=CheckedBool())
        problems.report_no_condition(node, found, self.reporter)
        return found

    # ------------------------------------------------------------------------------------ ways and literals

    def _way(self, node: nodes.ReferenceAst, place: ExpressionPlace) -> Checked:
        first, *rest = node.path.names
        way: Way = (first.text,)
        type = place.told.get(way, self.scope[first.text])
        lists: list[Way] = []
        for name in rest:
            at = Span(node.span.start, name.span.start - 1)
            operand = self._there(type, way, at, place)
            if operand.is_collection and operand.item is not None:
                lists.append(way)
                operand = self._there(operand.item, way, at, place)
            if not operand.type.has_fields:
                self.report_no_fields(name, way, type)
                return unknown()
            type = operand.type.field(name, ".".join(way), operand.type.describe(), self.reporter)
            way = (*way, name.text)
            type = place.told.get(way, type)
        operand = type.operand
        if place.lists is not None and not place.takes_lists and operand.is_collection:
            assert operand.item is not None
            self._there(type, way, node.span, place)
            lists.append(way)
            type = operand.item
        elif operand.may_be_none and way in place.present:
            type = operand.type
        found = Reached(way=way, type=type, is_whole=type.operand.is_collection)
        if not lists:
            return found
        if place.lists is None:
            return Each(item=found, lists=tuple(lists), type=CheckedList(item=type))
        self._go_through(lists, place.lists, node)
        return found

    def _there(self, type: Type, way: Way, at: Span, place: ExpressionPlace) -> Operand:
        """What is reached on the way, which must not be missing."""
        operand = type.operand
        if operand.may_be_none and way not in place.present:
            self.report_missing(at, ".".join(way))
        return replace(operand, may_be_none=False)

    def _go_through(self, lists: Sequence[Way], found: list[Way], node: nodes.ReferenceAst) -> None:
        """Add to the lists that a function goes over; they must be inside one another."""
        for each in lists:
            if each in found:
                continue
            if found and each[: len(found[-1])] != found[-1]:
                problems.report_two_lists(node.span, each, found[-1], self.reporter)
                return
            found.append(each)

    def _literal(self, node: Literal, wanted: Operand | None) -> Checked:
        type = self._type_of_literal(node, wanted)
        if type is None:
            return unknown()
        value = Reading(names=self.names, reporter=self.reporter, wanted=type).read(node)
        return Known(value=value, type=type)

    def _type_of_literal(self, node: Literal, wanted: Operand | None) -> Type | None:
        """What a literal is read as: what it stands beside, and by itself what it looks like. Numbers are
        what they look like, except beside decimals."""
        sort = None if wanted is None else wanted.sort
        if isinstance(node, nodes.ReferenceAst) and node.path.text == "none":
            problems.report_none(node, self.reporter)
            return None
        if sort is Sort.UNKNOWN:
            return None
        if isinstance(node, nodes.ReferenceAst) and sort is not Sort.MEMBER:
            if node.path.text in ("true", "false"):
                return CheckedBool()
            problems.report_unknown(node, self.scope, self.reporter)
            return None
        match node:
            case nodes.NumberAst():
                if wanted is not None and (wanted.numeric is Numeric.DECIMAL or wanted.sort is Sort.MEMBER):
                    return wanted.type
                return CheckedInt() if node.text.lstrip("+-").isdigit() else CheckedFloat()
            case nodes.StringAst():
                is_meant = wanted is not None and wanted.sort in (Sort.TEXT, Sort.MEMBER)
                return wanted.type if wanted is not None and is_meant else CheckedStr()
            case nodes.MomentAst():
                return wanted.type if wanted is not None and wanted.sort is Sort.MOMENT else type_of(node)
            case nodes.ReferenceAst():
                assert wanted is not None, "names of members are left"
                return wanted.type
            case nodes.ListAst():
                if wanted is not None and wanted.sort is Sort.LIST:
                    return wanted.type
                problems.report_list(node, self.reporter)
                return None
            case _:
                assert_never(node)

    def leans(self, node: nodes.ExpressionAst) -> bool:
        """Whether an expression is made of literals, which are read as what stands beside them."""
        match node:
            case nodes.StringAst() | nodes.NumberAst() | nodes.MomentAst() | nodes.ListAst():
                return True
            case nodes.ReferenceAst():
                return node.path.names[0].text not in self.scope
            case nodes.NegativeAst():
                return self.leans(node.operand)
            case nodes.CalculationAst():
                return self.leans(node.left) and self.leans(node.right)
            case (
                nodes.LogicAst() | nodes.NegationAst() | nodes.ComparisonAst() | nodes.MembershipAst()
                | nodes.NoneTestAst() | nodes.MatchAst() | nodes.CallAst() | nodes.InvocationAst()
                | nodes.FieldOfAst() | nodes.TypeTestAst()
            ):
                return False
            case nodes.SetAst() | nodes.DictAst():
                return True
            case nodes.ListDisplayAst():
                return all(map(self.leans, node.items))
            case _:
                assert_never(node)

    def _side_by_side(self, found: Sequence[nodes.ExpressionAst], place: ExpressionPlace) -> list[Checked]:
        """Expressions that say of one another what their literals are read as.

        With a number wanted, as in a calculation, they are literals of numbers.
        """
        wanted = place.wanted
        checked: dict[int, Checked] = {}
        for index in sorted(range(len(found)), key=lambda index: self.leans(found[index])):
            checked[index] = self.expression(found[index], replace(place, wanted=wanted))
            operand = checked[index].type.operand
            is_told = operand.numeric is not None or operand.sort is Sort.LIST
            if wanted is None or (wanted.numeric is Numeric.WHOLE and is_told):
                wanted = operand
        return [checked[index] for index in range(len(found))]

    # ---------------------------------------------------------------------------------------- conditions

    def _logic(self, node: nodes.LogicAst, place: ExpressionPlace) -> Checked:
        found: list[Checked] = []
        for operand in node.operands:
            found.append(self.condition(operand, place))
            # What comes next is looked at only where this was true, or was not.
            known = present_if(found[-1], node.word == "and")
            told = told_if(found[-1], node.word == "and")
            place = replace(place, present=place.present | known, told={**place.told, **told})
        return Logic(word=node.word, operands=tuple(found), type=CheckedBool())

    def _comparison(self, node: nodes.ComparisonAst, place: ExpressionPlace) -> Checked:
        operands = (node.first, *(each.operand for each in node.rest))
        result = unknown()
        if any(self._is_none(operand) for operand in operands):
            other = node.rest[0].operand if self._is_none(node.first) else node.first
            problems.report_compared_with_none(node, other, self.reporter)
            return result
        found = self._side_by_side(operands, replace(place, wanted=None, takes_lists=place.lists is None))
        if all(map(self.leans, operands)):
            if any(each.type.operand.sort is Sort.UNKNOWN for each in found):
                return result
            problems.report_constant(node.span, "nothing of a value is in this comparison", self.reporter)
            return result
        self._check_chain(node)
        for each, before, left, right in zip(node.rest, operands, found, found[1:], strict=False):
            if not self._check_pair(each, before, left, right):
                return result
        first, *rest = map(rounded, found)
        signs = [each.sign for each in node.rest]
        return Comparison(first=first, rest=tuple(zip(signs, rest, strict=True)), type=CheckedBool())

    def _check_pair(
        self, each: nodes.ComparedAst, before: nodes.ExpressionAst, left: Checked, right: Checked
    ) -> bool:
        """Whether two values compare by a sign; reported where they do not."""
        one, other = left.type.operand, right.type.operand
        at = Span(before.span.start, each.span.end)
        if Sort.UNKNOWN in (one.sort, other.sort):
            return False
        if not one.compares_with(other):
            problems.report_incomparable(at, left, right, problems.instead(left, right), self.reporter)
        elif each.sign in ("==", "!="):
            if left == right:
                problems.report_constant(at, "both sides are the same", self.reporter)
            return True
        elif not (one.is_ordered and other.is_ordered):
            unordered = right if one.is_ordered else left
            help = "compare with `==`, `!=` or `in`"
            problems.report_unordered(at, unordered, each.sign, help, self.reporter)
        else:
            self.check_present(before, left)
            self.check_present(each.operand, right)
            return True
        return False

    def _check_chain(self, node: nodes.ComparisonAst) -> None:
        signs = [each.sign for each in node.rest]
        if len(signs) > 1 and ("!=" in signs or {sign[0] for sign in signs} >= {"<", ">"}):
            problems.report_two_ways(node, self.reporter)

    def _membership(self, node: nodes.MembershipAst, place: ExpressionPlace) -> Checked:
        place = replace(place, wanted=None)
        result = unknown()
        if isinstance(node.whole, nodes.ListAst):
            if self.leans(node.item):
                problems.report_constant(node.span, "nothing of a value is in this comparison", self.reporter)
                return result
            item = rounded(self.expression(node.item, place))
            if item.type.operand.sort in (Sort.UNKNOWN, Sort.RECORD, Sort.LIST, Sort.SET):
                if item.type.operand.sort is not Sort.UNKNOWN:
                    problems.report_not_in(node, item.type, CheckedList(item=item.type), self.reporter)
                return result
            wanted = CheckedList(item=item.type.operand.type).operand
            whole = self._literal(node.whole, wanted)
            return Membership(item=item, whole=whole, negated=node.negated, type=CheckedBool())
        whole = self.expression(node.whole, replace(place, takes_lists=True))
        holder = whole.type.operand
        if holder.sort is Sort.UNKNOWN:
            return result
        is_text = (holder.sort is Sort.TEXT and holder.can_be_empty) or holder.sort is Sort.DICT
        if not (holder.item is not None or is_text):
            problems.report_no_holder(node.whole, whole, self.reporter)
            return result
        self.check_present(node.whole, whole)
        held = CheckedStr().operand if holder.item is None else holder.item.operand
        item = rounded(self.expression(node.item, replace(place, wanted=held)))
        if not item.type.operand.compares_with(held):
            problems.report_not_in(node, item.type, whole.type, self.reporter)
            return result
        if is_text:
            self.check_present(node.item, item)
        return Membership(item=item, whole=whole, negated=node.negated, type=CheckedBool())

    def _none_test(self, node: nodes.NoneTestAst, place: ExpressionPlace) -> Checked:
        operand = self.expression(node.operand, replace(place, wanted=None, takes_lists=True))
        kind = operand.type.operand
        if not kind.may_be_none and kind.sort is not Sort.UNKNOWN:
            problems.report_never_none(node, operand, self.reporter)
        return IsNone(operand=operand, negated=node.negated, type=CheckedBool())

    def _match(self, node: nodes.MatchAst, place: ExpressionPlace) -> Checked:
        text = self.expression(node.text, replace(place, wanted=None))
        check_pattern(node.pattern, self.reporter)
        operand = text.type.operand
        if operand.sort not in (Sort.TEXT, Sort.UNKNOWN):
            problems.report_no_text(node.text, text, self.reporter)
            return unknown()
        self.check_present(node.text, text)
        return Matches(text=text, pattern=node.pattern.text, type=CheckedBool())

    # --------------------------------------------------------------------------------------- calculations

    def _calculation(self, node: nodes.CalculationAst, place: ExpressionPlace) -> Checked:
        wanted = place.wanted if place.wanted and place.wanted.numeric else CheckedInt().operand
        place = replace(place, takes_lists=False, wanted=wanted)
        left, right = self._side_by_side((node.left, node.right), place)
        if (joined := self.joined(node, left, right)) is not None:
            return joined
        if not all([self._is_number(node.left, left), self._is_number(node.right, right)]):
            return unknown()
        one, other = left.type.operand, right.type.operand
        assert one.numeric is not None
        assert other.numeric is not None
        if one.mixes_with(other):
            problems.report_mixed(node.span, left, right, self.reporter)
            return unknown()
        greater = one if one.numeric >= other.numeric else other
        type = greater.type
        if node.sign == "%" and greater.numeric is not Numeric.WHOLE:
            problems.report_no_rest(node, type, self.reporter)
            return unknown()
        if node.sign in "/%":
            if isinstance(right, Known) and right.value == 0:
                problems.report_division_by_zero(node.right, self.reporter)
            if node.sign == "/" and greater.numeric is Numeric.WHOLE:
                type = CheckedFloat()
        return Calculation(sign=node.sign, left=left, right=right, type=type)

    def joined(self, node: nodes.CalculationAst, left: Checked, right: Checked) -> Checked | None:
        """What `+` makes of values that are no numbers, where anything; in conditions, nothing."""
        return None

    def _number(self, node: nodes.ExpressionAst, place: ExpressionPlace) -> Checked:
        found = self.expression(node, replace(place, takes_lists=False))
        return found if self._is_number(node, found) else unknown()

    def _is_number(self, node: nodes.ExpressionAst, found: Checked) -> bool:
        """Whether a value is calculated with; reported where it is not."""
        operand = found.type.operand
        if operand.numeric is None and operand.sort is not Sort.UNKNOWN:
            problems.report_no_number(node, found, self.reporter)
        return operand.numeric is not None and self.check_present(node, found)

    # ------------------------------------------------------------------------------------------ functions

    def call(self, node: nodes.CallAst, place: ExpressionPlace) -> Checked:
        name = node.function.text
        function = FUNCTIONS.get(name)
        if function is None:
            problems.report_no_function(node.function, self.reporter)
            return unknown()
        if not node.arguments or (function.most is not None and len(node.arguments) > function.most):
            problems.report_arguments(node, self.reporter)
            return unknown()
        if function.is_over_lists and len(node.arguments) == 1:
            return self._over_list(node, place)
        if name in ("min", "max"):
            return self._extreme(node, place)
        if name == "round":
            return self._round(node, place)
        if name == "abs":
            operand = self._number(node.arguments[0], place)
            return Called(function=name, arguments=(operand,), type=operand.type.operand.type)
        assert name == "len", f"no types for the function {name}"
        return self._len(node, place)

    def _over_list(self, node: nodes.CallAst, place: ExpressionPlace) -> Checked:
        function, argument = node.function.text, node.arguments[0]
        lists: list[Way] = []
        inside = replace(place, lists=lists, takes_lists=False)
        is_test = function in ("any", "all")
        found = (self.condition if is_test else self.expression)(argument, inside)
        operand = found.type.operand
        if operand.sort is Sort.UNKNOWN:
            return unknown()
        if not lists:
            problems.report_no_list(argument, found, function, self.reporter)
            return unknown()
        if function == "sum" and not self._is_number(argument, found):
            return unknown()
        if function in ("min", "max"):
            if not operand.is_ordered:
                problems.report_unordered(argument.span, found, function, "take numbers", self.reporter)
                return unknown()
            if not self.check_present(argument, found):
                return unknown()
        each = Each(item=found, lists=tuple(lists), type=CheckedList(item=found.type))
        return Called(function=function, arguments=(each,), type=operand.type)

    def _extreme(self, node: nodes.CallAst, place: ExpressionPlace) -> Checked:
        """`min` or `max` of several values."""
        function = node.function.text
        found = self._side_by_side(node.arguments, replace(place, takes_lists=False))
        first = found[0].type.operand
        for argument, each in zip(node.arguments, found, strict=True):
            operand = each.type.operand
            if operand.sort is Sort.UNKNOWN:
                return unknown()
            if not operand.is_ordered:
                problems.report_unordered(argument.span, each, function, "take numbers", self.reporter)
                return unknown()
            if not first.compares_with(operand):
                help = "compare values of one type"
                problems.report_incomparable(node.span, found[0], each, help, self.reporter)
                return unknown()
            if not self.check_present(argument, each):
                return unknown()
        types = [each.type.operand for each in found]
        greatest = max(types, key=lambda operand: operand.numeric or 0)
        return Called(function=function, arguments=tuple(found), type=greatest.type)

    def _round(self, node: nodes.CallAst, place: ExpressionPlace) -> Checked:
        number = self._number(node.arguments[0], place)
        if len(node.arguments) == 1:
            return Called(function="round", arguments=(number,), type=CheckedInt())
        digits = node.arguments[1]
        if not (isinstance(digits, nodes.NumberAst) and digits.text.isdigit() and int(digits.text) <= 15):
            problems.report_digits(digits, self.reporter)
            return unknown()
        places = Known(value=int(digits.text), type=CheckedInt())
        return Called(function="round", arguments=(number, places), type=number.type.operand.type)

    def _len(self, node: nodes.CallAst, place: ExpressionPlace) -> Checked:
        argument = node.arguments[0]
        found = self.expression(argument, replace(place, takes_lists=True, wanted=None))
        operand = found.type.operand
        if operand.sort is Sort.UNKNOWN:
            return unknown()
        if isinstance(found, Each):
            problems.report_many_lengths(argument, found.lists[-1], self.reporter)
        elif not operand.can_be_empty:
            problems.report_no_length(argument, found, self.reporter)
        else:
            self.check_present(argument, found)
        return Called(function="len", arguments=(found,), type=CheckedInt())

    def _is_none(self, node: nodes.ExpressionAst) -> bool:
        return isinstance(node, nodes.ReferenceAst) and node.path.text == "none" and self.leans(node)

    def check_present(self, node: nodes.ExpressionAst, found: Checked) -> bool:
        """Whether a value cannot be missing; reported where it can."""
        if found.type.operand.may_be_none:
            self.report_missing(node.span, problems.written(node, self.reporter))
            return False
        return True


def unknown() -> Known:
    """Stands for what has been reported."""
    return Known(value=None, type=ErrorType())


def rounded(found: Checked) -> Checked:
    """A calculated float as it is compared: with as many digits behind the point as an answer has, so that
    `0.1 + 0.2 == 0.3`."""
    if found.type.operand.numeric is not Numeric.FLOAT or not _is_calculated(found):
        return found
    places = Known(value=FLOAT_DIGITS, type=CheckedInt())
    return Called(function="round", arguments=(found, places), type=found.type)


def _is_calculated(found: Checked) -> bool:
    match found:
        case Calculation():
            return True
        case Negative():
            return _is_calculated(found.operand)
        case Called():
            if found.function in ("min", "max", "abs"):
                return any(map(_is_calculated, found.arguments))
            return found.function == "sum"
        case Each():
            return _is_calculated(found.item)
        case (
            Known() | Reached() | Comparison() | Membership() | IsNone() | IsFilled() | Matches() | Logic()
            | Not() | Invoked() | Confidence() | Constructed() | Assembled() | FieldOf() | IsOfType()
        ):
            return False
        case _:
            assert_never(found)
