"""Answers in a chat, on a model of bytes that ends its turn where an answer ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import VOCABULARY, ByteBackend
from microprompt.prompts.layout import Literal, Message, Segment, Template
from microprompt.types import DeclaredType, OptionalType, PatternType, StrType

from .programs import program

LINE = StrType(max_length=40)
END = ByteBackend(lambda _: np.zeros(VOCABULARY, dtype=np.float32)).turn_ends()[0]


def chat(messages: Sequence[Message]) -> Iterable[Segment]:
    for message in messages:
        yield Literal(f"<{message.role}>")
        yield from message.segments
    yield Literal("<assistant>")


def answered(returns: DeclaredType, text: str) -> object:
    """The answer of a model that writes `text` and ends its turn, and else goes on for ever."""

    def voice(before: bytes) -> NDArray[np.float32]:
        written = before.rpartition(b"<assistant>")[2].decode()
        logits = np.zeros(VOCABULARY, dtype=np.float32)
        logits[ord("x")] = 10
        logits[END if written == text else ord(text[len(written)]) if text.startswith(written) else 0] += 20
        return logits

    backend = ByteBackend(voice)
    backend.template = Template(chat)
    engine = Engine(backend, layout="chat")
    try:
        return engine.answer(Call(program(returns), {"text": "Hello"}, None)).value
    finally:
        engine.close()


@pytest.mark.parametrize("text", ["nobody", "none of them"])
def test_a_line_ends_where_the_model_ends_its_turn(text: str) -> None:
    assert answered(LINE, text) == text
    assert answered(OptionalType(item=LINE), text) == text


def test_none_is_said_by_a_turn_of_that_word() -> None:
    assert answered(OptionalType(item=LINE), "none") is None


def test_several_lines_end_there_too() -> None:
    assert answered(PatternType(pattern="(.|\n){1,40}"), "one\ntwo") == "one\ntwo"
