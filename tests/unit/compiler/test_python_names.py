"""Names that Python has taken, as far as the compiler repeats them because importing Pydantic is slow."""

from __future__ import annotations

from microprompt.records import Record
from mpc.sema import python_names


def test_no_name_of_a_records_class_can_be_a_field() -> None:
    taken = {name for name in dir(Record) if not name.startswith("_")}
    assert taken <= python_names.FIELD_NAMES
