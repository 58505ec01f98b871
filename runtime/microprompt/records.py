"""What generated record classes are made of; apart from the rest because Pydantic takes time to import."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from .patterns import Pattern

__all__ = ["Field", "Pattern", "Record"]


class Record(BaseModel):
    """The base of every generated record: frozen, and closed to fields that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
