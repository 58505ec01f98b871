"""Spans: what a text can be copied from piece by piece. A leaf: the compiler checks examples by it.

A span begins and ends where a word or a number does, so that none is cut; so it is a run of *pieces*.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Final

_ASCII: Final = re.compile(r"[a-zA-Z]+|[0-9]+|.", re.DOTALL)
"""The pieces of an ASCII text."""

_UNSPACED: Final = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
"""Thai, Lao, Burmese and Khmer letters: like those of Chinese and Japanese, they stand in words without
blanks between these, so each is a piece."""


def pieces(source: str) -> Iterator[str]:
    """What a text is cut into: each run of letters, each run of digits, and every other character by itself.
    What combines with a letter belongs to it; a letter of a script that writes no blanks is a piece."""
    if source.isascii():
        yield from _ASCII.findall(source)
        return
    start = 0
    before = ""
    for offset, char in enumerate(source):
        found = _class(char)
        if offset and found != "mark" and (found != before or found == "other"):
            yield source[start:offset]
            start = offset
        if found != "mark":
            before = found
    if source:
        yield source[start:]


@lru_cache(maxsize=4096)
def _class(char: str) -> str:
    category = unicodedata.category(char)
    if category[0] == "M" or char in "\u200c\u200d":
        return "mark"
    if category[0] == "N":
        return "digit"
    unspaced = unicodedata.east_asian_width(char) == "W" or any(
        low <= ord(char) <= high for low, high in _UNSPACED
    )
    return "letter" if category[0] == "L" and not unspaced else "other"


def place_of(span: str, source: str) -> tuple[int, int] | None:
    """Where a text first stands as a span: its start and its end, in characters; `None` where it is none."""
    if not span or span != span.strip() or span not in source:
        return None
    edges = _edges(source)
    start = source.find(span)
    while start >= 0:
        end = start + len(span)
        if start in edges and end in edges:
            return start, end
        start = source.find(span, start + 1)
    return None


@lru_cache(maxsize=8)
def _edges(source: str) -> frozenset[int]:
    """The offsets at which a piece begins or ends."""
    return frozenset(accumulate(map(len, pieces(source)), initial=0))
