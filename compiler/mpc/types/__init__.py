"""The kinds of types, one in each file; `base.Type` says what a kind can do.

A new kind is a file here and a row in `BUILTINS`.
"""

from __future__ import annotations

from typing import Final

from .base import BuiltinType, ErrorType, NamedType, Type, Value
from .boolean import CheckedBool
from .decimals import CheckedDecimal
from .dicts import CheckedDict
from .lists import CheckedList
from .moments import CheckedDate, CheckedDateTime, CheckedTime
from .numbers import CheckedFloat, CheckedInt
from .sets import CheckedSet
from .spans import CheckedSpan
from .text import CheckedStr

__all__ = ["BUILTINS", "BuiltinType", "ErrorType", "NamedType", "Type", "Value"]

BUILTINS: Final[dict[str, type[BuiltinType]]] = {
    "str": CheckedStr,
    "int": CheckedInt,
    "float": CheckedFloat,
    "decimal": CheckedDecimal,
    "date": CheckedDate,
    "time": CheckedTime,
    "datetime": CheckedDateTime,
    "bool": CheckedBool,
    "list": CheckedList,
    "span": CheckedSpan,
    "set": CheckedSet,
    "dict": CheckedDict,
}
"""The kinds that a word of the language names."""
