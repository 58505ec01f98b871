"""Jobs for the tests of lanes and schedulers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from microprompt.prompts.trie import build_trie
from microprompt.scheduling.backend import PASS_TOKENS
from microprompt.scheduling.decoding import Cursor, Decoding, choose
from microprompt.scheduling.drafts import CONTEXT, Drafts
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.sampling import Sampler

from .programs import WatchedBackend

TRIE = build_trie([tuple(b"aa\n"), tuple(b"ab\n"), tuple(b"ba\n"), tuple(b"bb\n")])


def ask(
    pending: str, prefix: str = "", *, expected: int | None = None, exit: int | None = None
) -> Job[str]:
    """A job that scores four labels of colliding tokens and tells what its sequence held."""

    def decode(cursor: Cursor, cached: int) -> Decoding[str]:
        best, _ = yield from choose(cursor, TRIE, Sampler(0.0, None))
        yield cursor.flush()
        backend = cursor.sequences.backend
        assert isinstance(backend, WatchedBackend)
        held = backend.held()[cursor.sequence].decode().removesuffix(bytes(TRIE.labels[best]).decode())
        return f"{held} ({cached} cached)"

    return Job(
        prefix=tuple(prefix.encode()),
        pending=list(pending.encode()),
        expected_tokens=len(pending) + 8 if expected is None else expected,
        max_sequences=3,
        decode=decode,
        exit=exit,
    )


def job(
    decode: Callable[[Cursor, int], Decoding[str]],
    *,
    tokens: int = 1,
    expected: int | None = None,
    at_most: int = 0,
    exit: int | None = None,
) -> Job[str]:
    """A job without a prefix."""
    return Job(
        prefix=(),
        pending=[1] * tokens,
        expected_tokens=tokens + 64 if expected is None else expected,
        max_tokens=at_most,
        max_sequences=1,
        decode=decode,
        exit=exit,
    )


def write(count: int) -> Callable[[Cursor, int], Decoding[str]]:
    """A decoding of that many tokens, one a batch."""

    def decode(cursor: Cursor, _: int) -> Decoding[str]:
        for _number in range(count):
            yield cursor.flush()
            cursor.pending.append(ord("."))
        return "done"

    return decode


def fail(error: Exception, *, after: int) -> Callable[[Cursor, int], Decoding[str]]:
    """A decoding that raises after some steps."""

    def decode(cursor: Cursor, _: int) -> Decoding[str]:
        for _round in range(after):
            yield cursor.flush()
            cursor.pending.append(ord("."))
        raise error

    return decode


class WildDrafts(Drafts):
    """Draft what was learnt and what was not, right or wrong, with rows where they are asked for and
    elsewhere."""

    def __init__(self, seed: int) -> None:
        super().__init__(lambda token: bytes((token % 256,)), PASS_TOKENS)
        self._random = Random(seed)
        self.drafted = 0

    def draft(
        self, before: Sequence[int], question: Sequence[int], room: int
    ) -> Iterator[tuple[int, ...]]:
        text = list(before)
        while room > 0 and self._random.random() < 0.9:
            known = [each for each in self._after.get(tuple(text[-CONTEXT:]), ()) if each]
            segment = self._random.choice([*known, *known, *known, tuple(b"ab")])
            if self._random.random() < 0.1:
                segment = (*segment[:-1], ord("?"))
            cut = self._random.choice([len(segment), len(segment), 1])
            for part in (segment[:cut], segment[cut:]):
                if part and len(part) <= room:
                    room -= len(part)
                    text += part
                    self.drafted += 1
                    yield part
                elif part:
                    return
