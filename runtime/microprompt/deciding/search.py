"""The next best answer: the search for one that is as its records assert.

An answer that is refused is one way through a tree of decisions, of labels and of tokens. All other answers
leave that way somewhere: what they have in common up to there, what they don't take there, and the best of
what is left make a bound for their probability. The place with the highest bound is tried next, over all
answers that were refused so far; so answers come in the order of their bounds, and none comes twice (the
procedure of Lawler, 1972, with the decoder for the best answer of each part). Only decisions about the fields
that a failed assertion names are considered: no other answer could make it hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

from ..scheduling.trails import Trail, TrailDecision, begins
from ..types import AnyKind, Verdict


@dataclass(frozen=True, slots=True, order=True)
class _Part:
    """Answers that leave the way of a refused one at a place: `bound` is the negative log-probability that
    none of them can be below, and `number` keeps the order of those that are alike."""

    bound: float
    number: int
    forced: tuple[int, ...] = field(compare=False)
    refused: tuple[int | bytes, ...] = field(compare=False)


class Search:
    """The answers to a call beside those that were refused."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._numbers = count()

    def refuse(self, trail: Trail, verdicts: Sequence[Verdict]) -> None:
        """The answer that this trail led to has the verdicts against it; without any, it is not known which
        of its fields are wrong."""
        before = 0.0
        named = _named(trail, verdicts)
        for place, decision in enumerate(trail.decisions):
            if place >= len(trail.forced):
                is_turn = place == len(trail.forced)
                refused = (*(trail.refused if is_turn else ()), _refusal(decision, trail))
                best = _best_other(decision, refused)
                if best is not None and (named is None or place in named):
                    self._push(before + best, trail, place, refused)
            before += decision.log_prob

    def next(self) -> Trail | None:
        """The way to the best of what is left; `None` where nothing is."""
        if not self._parts:
            return None
        part = heappop(self._parts)
        return Trail(forced=part.forced, refused=part.refused)

    def _push(self, log_prob: float, trail: Trail, place: int, refused: tuple[int | bytes, ...]) -> None:
        forced = tuple(each.taken for each in trail.decisions[:place])
        heappush(self._parts, _Part(-log_prob, next(self._numbers), forced, refused))


def _refusal(decision: TrailDecision, trail: Trail) -> int | bytes:
    """What is not to be decided again: the label, or what the text has from there on."""
    if decision.place is None:
        return decision.taken
    text, _ = trail.texts[decision.leaf]
    return text[decision.place :]


def _best_other(decision: TrailDecision, refused: Sequence[int | bytes]) -> float | None:
    """The log-probability of the best other decision; `None` where none is known."""
    for index, log_prob, piece in decision.others:
        if decision.place is None:
            if index not in refused:
                return log_prob
        elif not any(begins(piece, text) for text in refused if isinstance(text, bytes)):
            return log_prob
    return None


# ------------------------------------------------------------------------------- what an assertion names


def _named(trail: Trail, verdicts: Sequence[Verdict]) -> frozenset[int] | None:
    """The places of the decisions about the fields that failed assertions name; `None` where none of them is
    found, and any decision may be the one."""
    ways = [way for verdict in verdicts for way in _ways(verdict)]
    found = {
        place
        for place, decision in enumerate(trail.decisions)
        if any(_is_about(decision, way, trail) for way in ways)
    }
    return frozenset(found) or None


def _ways(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """The names that lead to the fields of the whole answer which an assertion is about."""
    place = tuple(name for name in _INDEX.sub("", verdict.place).split(".") if name)
    for about in verdict.assertion.about:
        yield (*place, *about.split("."))


_INDEX: Final = re.compile(r'\[(?:\d+|"(?:\\.|[^"\\])*")\]')


def _is_about(decision: TrailDecision, way: Sequence[str], trail: Trail) -> bool:
    leaf = [name for name in decision.leaf.split(".") if name]
    if leaf == list(way[: len(leaf)]) and decision.place is None:
        return True  # also whether, and as what, there is the record that the field is in
    left = list(way)
    for name in leaf:  # the names of the types of a union are in a leaf's name, and in no way
        if left and name == left[0]:
            del left[0]
    if not left:
        return True
    if decision.place is None or decision.leaf not in trail.texts:
        return False
    text, kind = trail.texts[decision.leaf]
    labels = _labels(kind, left)
    if labels is None:
        return False
    return any(start <= decision.place <= end for start, end in _values(text, labels))


def _labels(kind: AnyKind, names: Sequence[str]) -> tuple[str, ...] | None:
    """What the model calls the fields on a way; `None` where there is no such way."""
    if not names:
        return ()
    for part in kind.fields():
        if part.name == names[0]:
            rest = _labels(part.kind, names[1:])
            return None if rest is None else (part.label, *rest)
    if kind.fields():
        return None
    return next((found for inner in kind.inside() if (found := _labels(inner, names)) is not None), None)


_TOKEN: Final = re.compile(rb'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def _values(text: bytes, labels: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the values stand in a JSON text that the keys `labels` lead to, lists aside: from the blank
    before each to where it is known to end."""
    wanted = [json.dumps(label, ensure_ascii=False).encode() for label in labels]
    inside: list[bytes | None] = []  # of each object that is open the key, of each list nothing
    end, last = 0, b""
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign in (b"{", b"["):
            inside.append(b"" if sign == b"{" else None)
        elif sign in (b"}", b"]"):
            inside = inside[:-1]
        elif sign == b":":
            inside[-1:] = [last]
        elif sign == b",":
            inside[-1:] = [None if inside[-1:] == [None] else b""]
        elif [key for key in inside if key is not None][-len(wanted) :] == wanted:
            yield end, token.end()
        end, last = token.end(), sign
