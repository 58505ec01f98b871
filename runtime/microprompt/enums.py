"""What generated enums are made of."""

from __future__ import annotations

from enum import StrEnum

from . import abi

__all__ = ["LabelEnum"]


class LabelEnum(StrEnum):
    """The base of every generated enum. A member's value is its name in the program."""

    __mp_generated__ = True

    @property
    def label(self) -> str:
        """The word that the model sees and answers with."""
        return abi.words_of(type(self))[self.name].label or self.name
