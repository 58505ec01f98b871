"""Drafts: tokens that an answer probably goes on with, so that they can be evaluated before it is known.

A pass through a model costs by itself as much as several tokens in it, for the weights have to come from
memory once a pass. An answer of five fields takes ten passes or more, most of them short, and much of it is
known in advance: the mood of most messages is calm, behind ` lap` comes `top`. So a lane puts a guess behind
the tokens that it has to evaluate anyhow. Where the answer turns out to go on like that, the rows of logits
that it asks for next are there already, and it needs no pass for them. This is speculative decoding
(Leviathan et al. 2023, arXiv:2211.17192) with n-grams as the draft model (prompt lookup, Saxena 2023). What
n-grams can't know is what this question is about. But where one of the labels that came at a place before
stands in the question, as `tablet` does in "my tablet is late", it mostly comes again.

A draft decides nothing. The coroutine that decodes an answer (see `decoding`) does not know that there is
one: it is sent the model's own logits, takes its label or token as ever, and asks for what follows. Only if
these are the drafted tokens, one by one, is the work done; else what was drafted is cut off the cache. So an
answer is the same with and without drafts, at any temperature.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

Tokens: TypeAlias = tuple[int, ...]

CONTEXT: Final = 3
"""How many tokens before a place tell what comes there. It takes three to tell the fields of a record apart:
a name, the colon and the quote."""

_SMOOTHING: Final = 3.0
"""How often something must have been seen until that counts as much as what is known of shorter contexts."""

_SEEN: Final = 32
"""How often a context was seen when half of that is forgotten, so that what changes is noticed."""

_NAMED: Final = (3, 1)
"""How often what a question names is taken to have come, and not to have come, before that was seen."""

_SHORTEST_NAME: Final = 3
"""Letters. Shorter words stand in questions by chance."""

_QUESTIONS: Final = 32
"""Of how many questions the words are remembered: of those that are answered side by side, as a rule."""

_CONTEXTS: Final = 8192
"""Contexts that are remembered; the one that was not met for the longest time gives way."""


class Drafts:
    """What followed what in the answers of one program. Safe from several threads.

    It learns *segments*: the tokens that were evaluated for one row of logits. A text comes token by token,
    but behind the row that decides on a label, its rest and the next field's name come together.

    `piece` gives a token's bytes, and `pass_tokens` is how many tokens' time a pass takes by itself.
    """

    def __init__(self, piece: Callable[[int], bytes], pass_tokens: float) -> None:
        self._piece = piece
        self._pass_tokens = pass_tokens
        self._lock = threading.Lock()
        self._after: dict[Tokens, Counter[Tokens]] = {}
        self._named: dict[Tokens, tuple[int, int]] = {}
        self._words: dict[int, tuple[Sequence[int], str]] = {}

    def learn(self, before: Sequence[int], segment: Sequence[int], question: Sequence[int]) -> None:
        """A segment came behind these tokens; with none in it, the answer was complete."""
        with self._lock:
            contexts = tuple(_contexts(before))
            if (named := self._only_named(contexts[-1], question)) is not None:
                right, wrong = self._named.pop(contexts[-1], _NAMED)
                is_right = named == tuple(segment)
                self._named[contexts[-1]] = _halved(right + is_right, wrong + (not is_right))
            for context in contexts:
                seen = self._after.pop(context, None) or Counter()
                self._after[context] = seen
                seen[tuple(segment)] += 1
                if seen.total() > _SEEN:
                    self._after[context] = Counter({each: n // 2 for each, n in seen.items() if n > 1})
            for learnt in (self._after, self._named):
                while len(learnt) > _CONTEXTS:
                    del learnt[next(iter(learnt))]

    def draft(self, before: Sequence[int], question: Sequence[int], room: int) -> Iterator[Tokens]:
        """Segments that probably come behind these tokens, as long as they are worth it and there is room.

        A segment that comes with probability p, as all before it do, saves a pass if it comes, and has wasted
        its tokens if it does not.
        """
        text = list(before[-CONTEXT:])
        probability = 1.0
        while True:
            chances = self._chances(text, question)
            segment = max(chances, key=chances.__getitem__, default=())
            probability *= chances.get(segment, 0.0)
            room -= len(segment)
            if not segment or room < 0 or probability * self._pass_tokens < (1 - probability) * len(segment):
                return
            yield segment
            text += segment

    def _chances(self, before: Sequence[int], question: Sequence[int]) -> dict[Tokens, float]:
        """The probability of each segment that came behind the end of `before`, in other answers or, as text
        is often copied, in the question.

        Counts behind a long context are few, so they are smoothed by those behind a shorter one (MacKay and
        Peto 1995, "A hierarchical Dirichlet language model").
        """
        chances: dict[Tokens, float] = {}
        contexts = tuple(_contexts(before))
        for context in contexts:
            counts = Counter(_copies(context, question))
            with self._lock:
                counts.update(self._after.get(context, ()))
            if counts:
                total = counts.total() + _SMOOTHING
                chances = {
                    each: (counts[each] + _SMOOTHING * chances.get(each, 0.0)) / total
                    for each in counts.keys() | chances.keys()
                }
        if contexts:
            with self._lock:
                named = self._only_named(contexts[-1], question)
                right, wrong = self._named.get(contexts[-1], _NAMED)
            if named is not None:
                chances[named] = max(chances.get(named, 0.0), right / (right + wrong))
        return chances

    def _only_named(self, context: Tokens, question: Sequence[int]) -> Tokens | None:
        """The segment whose first word stands in the question, if it is the only one of those that came."""
        words = self._words_of(question)
        found = [each for each in self._after.get(context, ()) if self._is_named(each, words)]
        return found[0] if len(found) == 1 else None

    def _words_of(self, question: Sequence[int]) -> str:
        """Its words, each behind a blank."""
        # What is kept with them keeps the question alive, so its id stays its own.
        kept = self._words.get(id(question))
        if kept is None:
            if len(self._words) >= _QUESTIONS:
                self._words.clear()
            kept = question, " ".join(["", *_WORD.findall(self._text(question))])
            self._words[id(question)] = kept
        return kept[1]

    def _is_named(self, segment: Tokens, words: str) -> bool:
        word = _WORD.match(self._text(segment))
        # A word may go on in the question: `phone` is named by "my phones".
        return word is not None and len(word[0]) >= _SHORTEST_NAME and f" {word[0]}" in words

    def _text(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self._piece, tokens)).decode(errors="replace").casefold()


_WORD: Final = re.compile(r"\w+")


def _halved(right: int, wrong: int) -> tuple[int, int]:
    """Counts, of which half are forgotten when they are many."""
    return (right // 2, wrong // 2) if right + wrong > _SEEN else (right, wrong)


def _contexts(before: Sequence[int]) -> Iterator[Tokens]:
    """The ends of a text, the shortest first."""
    for length in range(1, min(CONTEXT, len(before)) + 1):
        yield tuple(before[-length:])


def _copies(context: Tokens, question: Sequence[int]) -> Iterator[Tokens]:
    """What follows the places in a question where the context stands."""
    end = 0
    # Nearly all places in a long question are none, and are passed over in C.
    for _ in range(question.count(context[-1])):
        end = question.index(context[-1], end) + 1
        if end < len(question) and tuple(question[max(0, end - len(context)) : end]) == context:
            yield (question[end],)
