"""Facts that the compiler repeats, because it does not import where they come from."""

from __future__ import annotations

from microprompt import abi
from microprompt.records import Record
from mpc.sema import python_names, types


def test_the_default_bounds_are_the_runtimes() -> None:
    assert types.DEFAULT_MAX_CHARACTERS == abi.DEFAULT_STR_LENGTH
    assert types.DEFAULT_MAX_ITEMS == abi.DEFAULT_LIST_COUNT
    assert types.MAX_DECIMALS == abi.FLOAT_DIGITS
    assert len(str(types.MAX_NUMBER)) == abi.INT_DIGITS


def test_no_name_of_a_records_class_can_be_a_field() -> None:
    taken = {name for name in dir(Record) if not name.startswith("_")}
    assert taken <= python_names.FIELD_NAMES
