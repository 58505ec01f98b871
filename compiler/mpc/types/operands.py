"""Which values compare with one another in expressions, and which are calculated with."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Sort(StrEnum):
    """Values of one sort are compared with one another; the word is for messages."""

    NUMBER = "a number"
    TEXT = "text"
    TRUTH = "a truth value"
    MEMBER = "a member of an enum"
    MOMENT = "a day or a time"
    LIST = "a list"
    SET = "a set"
    DICT = "a dict"
    RECORD = "a record"
    UNKNOWN = "something with a mistake in it"


class Numeric(IntEnum):
    """Numbers that are calculated with; of two, the result is of the greater. `DECIMAL` and `FLOAT` do not
    mix."""

    WHOLE = 1
    DECIMAL = 2
    FLOAT = 3
