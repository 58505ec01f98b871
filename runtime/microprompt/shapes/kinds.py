"""Which classes are records and enums, told by what they have."""

from __future__ import annotations

import dataclasses
from enum import Enum, Flag
from typing import Any


def is_enum(python: object) -> bool:
    return isinstance(python, type) and issubclass(python, Enum) and not issubclass(python, Flag)


def is_record(python: object) -> bool:
    """Whether it is a Pydantic model, a dataclass or a TypedDict."""
    return isinstance(python, type) and (
        pydantic_fields(python) is not None or dataclasses.is_dataclass(python) or is_typed_dict(python)
    )


def is_typed_dict(python: type) -> bool:
    """Whether its values are plain dicts."""
    return issubclass(python, dict) and hasattr(python, "__required_keys__")


def pydantic_fields(python: type) -> dict[str, Any] | None:
    """The fields of a Pydantic model or dataclass; `None` for other classes."""
    for name in ("__pydantic_fields__", "model_fields"):
        found = getattr(python, name, None)
        if isinstance(found, dict):
            return found
    return None
