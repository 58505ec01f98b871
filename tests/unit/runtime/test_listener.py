"""Whoever listens to a text hears every byte once."""

from __future__ import annotations

import pytest

from microprompt.engines.outlines_model import Listener
from microprompt.errors import EngineError


def test_a_text_that_is_begun_again_is_told_from_where_it_broke_off() -> None:
    heard: list[bytes] = []
    listener = Listener(heard.append)
    first = listener.from_the_start()
    for piece in (b"one ", b"two "):
        first(piece)
    second = listener.from_the_start()
    for piece in (b"o", b"ne two t", b"hree"):
        second(piece)
    assert heard == [b"one ", b"two ", b"t", b"hree"]


@pytest.mark.parametrize("pieces", [[b"two"], [b"one tx"], [b"one", b" three"]])
def test_a_text_that_becomes_another_one_is_an_error(pieces: list[bytes]) -> None:
    heard: list[bytes] = []
    listener = Listener(heard.append)
    listener.from_the_start()(b"one two")
    again = listener.from_the_start()
    *same, other = pieces
    for piece in same:
        again(piece)
    with pytest.raises(EngineError, match="begun again"):
        again(other)
    assert heard == [b"one two"]
