"""Which values can stand where others are wanted. Bounds are left to the run, which checks values against
them.

Python's type checkers are to agree with what is allowed here: a list can be changed, so its items must be of
the very type that is wanted, and a whole number is a float but no decimal.
"""

from __future__ import annotations

from typing import assert_never

from .base import NamedType, Type
from .operands import Numeric, Sort
from .optional import CheckedOptional
from .unions import CheckedUnion


def fits(found: Type, wanted: Type) -> bool:
    """Whether every value of one type is of the other, bounds aside."""
    if Sort.UNKNOWN in (found.operand.sort, wanted.operand.sort):
        return True
    if found.may_be_none and not wanted.may_be_none:
        return False
    return all(any(_fits(arm, other) for other in wanted.alternatives) for arm in found.alternatives)


def is_same(found: Type, wanted: Type) -> bool:
    """Whether two types have the same values, bounds aside."""
    return fits(found, wanted) and fits(wanted, found)


def without(type: Type, arm: Type) -> Type:
    """A union without one of its types; what may be none still may."""
    rest = [each for each in type.alternatives if not is_same(each, arm)]
    made = CheckedUnion(tuple(rest)) if len(rest) > 1 else next(iter(rest), arm)
    return CheckedOptional(made) if type.may_be_none else made


def _fits(found: Type, wanted: Type) -> bool:
    """The same for types that are no unions, and are there."""
    if wanted.fixed is not None:
        return found.fixed is not None and found.fixed <= wanted.fixed
    one, other = found.operand, wanted.operand
    if one.sort is not other.sort:
        return False
    match one.sort:
        case Sort.NUMBER:
            is_wider = one.numeric is Numeric.WHOLE and other.numeric is Numeric.FLOAT
            return one.numeric is other.numeric or is_wider
        case Sort.TEXT | Sort.TRUTH | Sort.UNKNOWN:
            return True
        case Sort.LIST | Sort.SET:
            assert one.item is not None
            assert other.item is not None
            return is_same(one.item, other.item)
        case Sort.RECORD | Sort.MEMBER | Sort.MOMENT | Sort.DICT:
            return _name(one.type) == _name(other.type)
        case _:
            assert_never(one.sort)


def _name(type: Type) -> object:
    """What a type is known by: a record inside itself is the record."""
    return (type.origin, type.name) if isinstance(type, NamedType) else type
