"""Which values can stand where others are wanted. Bounds are left to the run, which checks values against
them.

Python's type checkers are to agree with what is allowed here: a list can be changed, so its items must be of
the very type that is wanted, and a whole number is a float but no decimal.
"""

from __future__ import annotations

from .base import ErrorType, NamedType, Type
from .items import Collection
from .literals import CheckedLiterals
from .operands import Numeric, Sort
from .optional import CheckedOptional
from .unions import CheckedUnion


def fits(found: Type, wanted: Type) -> bool:
    """Whether every value of one type is of the other, bounds aside."""
    found, wanted = _resolved(found), _resolved(wanted)
    if isinstance(found, ErrorType) or isinstance(wanted, ErrorType):
        return True
    if isinstance(found, CheckedOptional):
        return isinstance(wanted, CheckedOptional) and fits(found.item, wanted.item)
    if isinstance(wanted, CheckedOptional):
        return fits(found, wanted.item)
    if isinstance(found, CheckedUnion):
        return all(fits(arm, wanted) for arm in found.arms)
    if isinstance(wanted, CheckedUnion):
        return any(fits(found, arm) for arm in wanted.arms)
    if isinstance(wanted, CheckedLiterals):
        return isinstance(found, CheckedLiterals) and set(found.values) <= set(wanted.values)
    return _fits(found, wanted)


def is_same(found: Type, wanted: Type) -> bool:
    """Whether two types have the same values, bounds aside."""
    return fits(found, wanted) and fits(wanted, found)


def without(type: Type, arm: Type) -> Type:
    """A union without one of its types; what may be none still may."""
    found = _resolved(type)
    if isinstance(found, CheckedOptional):
        return CheckedOptional(without(found.item, arm))
    rest = [each for each in found.alternatives if not is_same(each, arm)]
    return rest[0] if len(rest) == 1 else CheckedUnion(tuple(rest)) if rest else type


def _fits(found: Type, wanted: Type) -> bool:
    one, other = found.operand, wanted.operand
    if one.sort is not other.sort:
        return False
    match one.sort:
        case Sort.NUMBER:
            return one.numeric is other.numeric or (one.numeric, other.numeric) == (
                Numeric.WHOLE,
                Numeric.FLOAT,
            )
        case Sort.TEXT | Sort.TRUTH | Sort.UNKNOWN:
            return True
        case Sort.LIST | Sort.SET | Sort.DICT:
            assert isinstance(found, Collection)
            assert isinstance(wanted, Collection)
            return is_same(found.item, wanted.item)
        case Sort.RECORD | Sort.MEMBER | Sort.MOMENT:
            return _is_one(one.type, other.type)


def _is_one(found: Type, wanted: Type) -> bool:
    if isinstance(found, NamedType) and isinstance(wanted, NamedType):
        return (found.origin, found.name) == (wanted.origin, wanted.name)
    return found == wanted


def _resolved(type: Type) -> Type:
    return type.resolved if isinstance(type, NamedType) else type
