"""What generated record classes are made of; apart from the rest because Pydantic takes time to import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .patterns import Grammar, Pattern

__all__ = ["ByName", "Field", "Grammar", "Pattern", "Record"]


class Record(BaseModel):
    """The base of every generated record: frozen, and closed to fields that are not declared."""

    __mp_generated__ = True

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ByName:
    """Has Pydantic write a record of a union as `{"Weather": {...}}` and read it so, as all data of this
    runtime is. Generated modules say it of unions with records that have the same fields, which JSON alone
    could not tell apart."""

    limits_nothing = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        records = {each.__name__: each for each in get_args(source) if hasattr(each, "model_validate")}

        def read(data: Any, inner: Callable[[Any], Any]) -> Any:
            name = next(iter(data)) if isinstance(data, dict) and len(data) == 1 else None
            return inner(data) if name not in records else records[name].model_validate(data[name])

        def write(value: Any, inner: Callable[[Any], Any]) -> Any:
            name = type(value).__name__
            return {name: inner(value)} if name in records else inner(value)

        return core_schema.no_info_wrap_validator_function(
            read,
            schema,
            serialization=core_schema.wrap_serializer_function_ser_schema(write, schema=schema),
        )
