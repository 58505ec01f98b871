"""A return type as Outlines knows it: what to hand to `outlines.Generator(model, ...)` for the same answers.

The text that Outlines then gives is `Answer.to_json()["value"]`: the program's names in place of the labels
that the model sees, and JSON for records, lists and optionals.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, assert_never

from outlines.types import JsonSchema, Regex

from .. import abi
from .numerals import float_regex, int_regex
from .values import DEFAULT_LIST_COUNT, DEFAULT_STR_LENGTH

Schema: TypeAlias = dict[str, object]


def outlines_type(returns: abi.Type) -> Any:
    """The Python or Outlines type of a return type; its language is finite where the type's is."""
    match returns:
        case abi.EnumType():
            return Literal[tuple(member.name for member in returns.members)]
        case abi.LiteralType():
            return Literal[returns.values]
        case abi.BoolType():
            return bool
        case abi.IntType():
            return Regex(int_regex(returns.minimum, returns.maximum))
        case abi.FloatType():
            return Regex(float_regex(returns.minimum, returns.maximum))
        case abi.StrType(pattern=str(pattern)):
            return Regex(pattern)
        case abi.StrType():
            least, most = _lengths(returns.min_length, returns.max_length, DEFAULT_STR_LENGTH)
            return Regex(rf"[^\x00-\x1f\x7f]{{{least},{most}}}")
        case abi.RecordType() | abi.ListType() | abi.OptionalType():
            return JsonSchema(_schema(returns), ensure_ascii=False)
        case _:
            assert_never(returns)


def _schema(declared: abi.Type) -> Schema:
    match declared:
        case abi.EnumType():
            return {"enum": [member.name for member in declared.members]}
        case abi.LiteralType():
            return {"enum": list(declared.values)}
        case abi.BoolType():
            return {"type": "boolean"}
        case abi.IntType():
            return {"type": "integer", **_given(minimum=declared.minimum, maximum=declared.maximum)}
        case abi.FloatType():
            return {"type": "number", **_given(minimum=declared.minimum, maximum=declared.maximum)}
        case abi.StrType(pattern=str(pattern)):
            return {"type": "string", "pattern": f"^({pattern})$"}
        case abi.StrType():
            least, most = _lengths(declared.min_length, declared.max_length, DEFAULT_STR_LENGTH)
            return {"type": "string", "minLength": least, "maxLength": most}
        case abi.ListType():
            least, most = _lengths(declared.min_count, declared.max_count, DEFAULT_LIST_COUNT)
            return {"type": "array", "items": _schema(declared.item), "minItems": least, "maxItems": most}
        case abi.OptionalType():
            return {"anyOf": [_schema(declared.item), {"type": "null"}]}
        case abi.RecordType():
            return {
                "type": "object",
                "properties": {field.name: _schema(field.type) for field in declared.fields},
                "required": [field.name for field in declared.fields],
                "additionalProperties": False,
            }
        case _:
            assert_never(declared)


def _lengths(least: int, most: int | None, default: int) -> tuple[int, int]:
    return least, max(default, least) if most is None else most


def _given(**limits: float | None) -> Schema:
    return {name: limit for name, limit in limits.items() if limit is not None}
