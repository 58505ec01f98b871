"""The exact prompt of a call, piece by piece: what is kept in the KV cache, what is read in each call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby

from microprompt import PromptFunction
from microprompt.explain import Explanation

AnyPrompt = PromptFunction[..., object]


def prompt_of(called: AnyPrompt, arguments: Mapping[str, object]) -> dict[str, object]:
    """The pieces of a call's prompt, and what the function's explanation says of all its calls."""
    text, explanation = called.render(**arguments), called.explain()
    pieces = [{"role": role, "text": piece} for role, piece in _pieces(text, explanation) if piece]
    return {"pieces": pieces, "explanation": explanation.to_json()}


def _pieces(text: str, explanation: Explanation) -> Iterator[tuple[str, str]]:
    """Pieces with their roles: the "prefix", text of the program in the "tail", and what the call fills in
    ("argument"). Where they can't be told apart, all behind the prefix is the tail."""
    prefix = "".join(part.text for part in explanation.prefix)
    if not text.startswith(prefix):
        yield "tail", text
        return
    yield "prefix", prefix
    tail = text[len(prefix) :]
    # Of neighbouring holes one cannot see where one ends.
    runs = [
        (is_hole, "".join(part.text for part in run))
        for is_hole, run in groupby(explanation.tail, key=lambda part: part.is_hole)
    ]
    pattern = "".join("(.*?)" if is_hole else f"({re.escape(literal)})" for is_hole, literal in runs)
    found = re.fullmatch(pattern, tail, re.DOTALL)
    if found is None:
        yield "tail", tail
        return
    for (is_hole, _), piece in zip(runs, found.groups(), strict=True):
        yield "argument" if is_hole else "tail", piece
