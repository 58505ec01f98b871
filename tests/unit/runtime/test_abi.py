"""The contract of generated modules."""

from __future__ import annotations

import pytest

from microprompt import abi
from microprompt.errors import AbiError

from .programs import ACT, INNER, Act


def test_a_module_of_this_version_loads() -> None:
    abi.require(abi.ABI_VERSION, "intake.mp")


@pytest.mark.parametrize("version", [abi.ABI_VERSION - 1, abi.ABI_VERSION + 1])
def test_a_module_of_another_version_is_refused_with_the_next_step(version: int) -> None:
    with pytest.raises(AbiError, match=rf"intake\.mp is made for ABI {version};.*\n  help: .*mpc build"):
        abi.require(version, "intake.mp")


def test_marks_keep_order_and_leave_the_enum_alone() -> None:
    assert [member.label for member in ACT.members] == ["question", "command", "something else"]
    assert [field.label for field in INNER.fields] == ["act", "how urgent"]
    assert list(Act) == ["question", "command", "other"]
