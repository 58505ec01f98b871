"""The contract of generated modules."""

from __future__ import annotations

import pytest

from microprompt import abi
from microprompt.enums import LabelEnum
from microprompt.errors import AbiError


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime that reads more than one version."""
    monkeypatch.setattr(abi, "OLDEST", 3)
    monkeypatch.setattr(abi, "CURRENT", 5)


def test_what_the_compiler_writes_is_read() -> None:
    abi.require(abi.CURRENT, "intake.mp")


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_module_of_a_version_from_the_oldest_to_the_current_loads(version: int) -> None:
    abi.require(version, "intake.mp")


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize("version", [2, 6])
def test_a_module_of_another_version_is_refused_with_the_next_step(version: int) -> None:
    said = rf"intake\.mp is made for ABI {version}; this microprompt reads ABI 3 to 5\n  help: .*mpc build"
    with pytest.raises(AbiError, match=said):
        abi.require(version, "intake.mp")


def test_a_runtime_that_reads_one_version_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abi, "OLDEST", abi.CURRENT)
    with pytest.raises(AbiError, match=rf"this microprompt reads ABI {abi.CURRENT}\n"):
        abi.require(abi.CURRENT + 1, "intake.mp")


class Tone(LabelEnum):
    kind = "kind"
    harsh = "harsh"


abi.words(Tone, harsh=abi.Words(label="not kind", description="hurts"))


class Loud(LabelEnum):
    kind = "kind"


def test_words_are_those_of_the_class_and_by_default_none() -> None:
    assert abi.words_of(Tone)["harsh"] == abi.Words(label="not kind", description="hurts")
    assert abi.words_of(Tone)["kind"] == abi.words_of(Loud)["harsh"] == abi.Words()


def test_a_member_tells_the_word_that_the_model_sees() -> None:
    assert [(member, member.value, member.label) for member in Tone] == [
        (Tone.kind, "kind", "kind"),
        (Tone.harsh, "harsh", "not kind"),
    ]


@pytest.mark.parametrize("said", [{}, {"below": 0.5, "reach": 0.9}])
def test_a_threshold_is_one_of_two_things(said: dict[str, float]) -> None:
    with pytest.raises(AbiError, match="either"):
        abi.Threshold(**said)
