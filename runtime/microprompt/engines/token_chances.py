"""How sure a model on a server was of its answer, from the log-probabilities of the tokens that it wrote.

Of each token the server tells the most probable ones, among them mostly the one that it took. Nothing is made
up: where the tokens do not tell, neither does the answer.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_LEAF: Final = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")(?P<key>\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null'
)
_GOES_ON: Final = re.compile(rb"[\w.]")


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was written, with its log-probability and those of the most probable ones in its place,
    itself among them."""

    text: bytes
    log_prob: float
    best: tuple[tuple[bytes, float], ...]


@dataclass(frozen=True, slots=True)
class Chances:
    """The probability of the option that was written, among all. `options` has that of each, if it is known;
    `seen` is how many of them came into question, and the others have none."""

    written: float
    options: tuple[float, ...] | None
    seen: int


def value_span(text: str, key: str) -> tuple[int, int]:
    """Where the value of the one key of a JSON object stands, in characters. Raises `ValueError` if it is not
    there."""
    lead = re.compile(rf"\s*\{{\s*{re.escape(json.dumps(key))}\s*:\s*").match(text)
    if lead is None:
        raise ValueError(f"{text!r} does not begin with {key}")
    _, end = json.JSONDecoder().raw_decode(text, lead.end())
    return lead.end(), end


def chances(tokens: Sequence[Token], start: int, options: Sequence[bytes]) -> Chances | None:
    """How probable each of the `options` was that may be written from the byte `start` on; `None` where the
    tokens do not tell.

    Token by token, each of the best ones leads to some of the options that are left: to one, which has its
    probability then; to several that were not gone after, so that only all of them together have one; or to
    the ones that the token which was written leads to, in another cut of the same text. What leads to none
    is left out, for only options could be written: what is left sums up to 1.
    """
    alive = frozenset(range(len(options)))
    found: dict[int, float] = {}
    path, at, done, is_whole = 1.0, 0, b"", True
    for token in tokens:
        end = at + len(token.text)
        if end <= start:
            at = end
            continue
        lead = b"" if at >= start else token.text[: start - at]
        groups: defaultdict[frozenset[int], float] = defaultdict(float)
        for text, log_prob in dict([*token.best, (token.text, token.log_prob)]).items():
            if (own := _behind(text, lead)) is not None and (led := _led(done + own, options, alive)):
                groups[led] += math.exp(log_prob)
        own = token.text[len(lead) :]
        taken = _led(done + own, options, alive)
        others = {led: chance for led, chance in groups.items() if not led & taken}
        total = groups[taken] + sum(others.values())
        if not taken or total <= 0:
            return None
        for led, chance in others.items():
            if len(led) == 1:
                found[next(iter(led))] = found.get(next(iter(led)), 0.0) + path * chance / total
            else:
                is_whole = False
        path *= groups[taken] / total
        alive, done, at = taken, done + own, end
        if len(alive) == 1:
            found[next(iter(alive))] = path
            whole = tuple(found.get(option, 0.0) for option in range(len(options)))
            return Chances(path, whole if is_whole else None, len(found))
    return None


def _behind(text: bytes, lead: bytes) -> bytes | None:
    """What a token says behind what stands before the option in it: blanks may differ."""
    if text.startswith(lead):
        return text[len(lead) :]
    return text.lstrip() if not lead.strip() else None


def _led(text: bytes, options: Sequence[bytes], alive: frozenset[int]) -> frozenset[int]:
    """Which options may still be meant where a text stands."""
    return frozenset(option for option in alive if _may_be(text, options[option]))


def _may_be(text: bytes, option: bytes) -> bool:
    if option.startswith(text):
        return True
    return text.startswith(option) and not (
        option[-1:] != b'"' and _GOES_ON.match(text, len(option))  # 1 is not meant by 10
    )


def confidence_in(tokens: Sequence[Token], text: str, start: int, end: int) -> float:
    """How sure the model was of a JSON value that stands from `start` to `end` of a text: as of the least
    sure of the texts, numbers and words in it. Of a text that is the probability of a token on the geometric
    mean, for there are many ways to say it; of others that of their tokens together."""
    found = [_confidence(tokens, *span, is_text=is_text) for *span, is_text in _leaves(text, start, end)]
    return min(found, default=_confidence(tokens, *_bytes(text, start, end), is_text=True))


def _confidence(tokens: Sequence[Token], start: int, end: int, *, is_text: bool) -> float:
    at, log_probs = 0, []
    for token in tokens:
        if at < end and at + len(token.text) > start:
            log_probs.append(token.log_prob)
        at += len(token.text)
    if not log_probs:
        return 1.0  # nothing was to be chosen
    return min(1.0, math.exp(sum(log_probs) / (len(log_probs) if is_text else 1)))


def _leaves(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Where the values that hold no others stand in JSON, in bytes, and which of them are texts."""
    for leaf in _LEAF.finditer(text, start, end):
        if leaf["key"] is None:
            first, last = leaf.span("text") if leaf["text"] else leaf.span()
            yield *_bytes(text, first, last), leaf["text"] is not None


def _bytes(text: str, start: int, end: int) -> tuple[int, int]:
    first = len(text[:start].encode())
    return first, first + len(text[start:end].encode())
