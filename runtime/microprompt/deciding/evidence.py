"""Evidence: where it comes from, and how that of one call, or of many rows, is gathered.

What one call begins others may use: a text is read once behind a layer, and embedded once, however many
questions are asked about it at a time or shortly after one another.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..answer import Answer, Usage
from ..engines import loaded
from ..engines.base import AnyEngine, Call
from ..engines.engine import Engine
from ..errors import ArgumentError, ModelError
from ..heads.evidence import Embedding, Evidence, Features, Labels, Named, Readout
from ..program import Program
from ..prompts.layout import argument_texts
from ..running import IN_FLIGHT
from ..scheduling.jobs import Answerer, Pending, run_many
from .choices import Question, without_lists
from .sharing import Claim, Sharing

T = TypeVar("T")

_KEPT: Final = 256  # features of a text take some kilobytes
_LEAST: Final = -80.0  # the log-probability of a label that got none

_KEPT_WORDS: Final = 8192  # their vectors take 25 MB

_sharing = Sharing(_KEPT)
_words = Sharing(_KEPT_WORDS)


class AnyEmbedder(Answerer, Protocol):
    """What is needed of an embedder: texts become unit vectors of `dimension` numbers."""

    @property
    def dimension(self) -> int: ...

    def count_tokens(self, text: str) -> int:
        """The tokens of a text, with those that stand around it."""
        ...

    @property
    def word_vectors(self) -> NDArray[np.float32]:
        """Of each token of the vocabulary the unit vector that is read, shape (tokens, dimension). Raises
        `ModelError` where they can't be told."""
        ...

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of a text by itself."""
        ...

    def embed(
        self, texts: Sequence[str], *, timeout: float | None = None, waits: bool = False
    ) -> Pending[NDArray[np.float32]]:
        """The texts' vectors, shape (n, dimension). The `timeout` counts from now; with `waits`, from when
        it starts."""
        ...


class Sources(Protocol):
    """What gives evidence: the models of one program. They load when they are first asked for."""

    def check(self) -> None:
        """Raise `ModelError` if there is no such language model, whether it is needed or not."""
        ...

    def engine(self) -> AnyEngine:
        """The language model. Raises `ModelError`."""
        ...

    def embedder(self, name: str) -> AnyEmbedder:
        """A sentence embedder. Raises `ModelError`."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """The models that the process has loaded; a relative path begins at `folder`."""

    model: abi.Model | None
    folder: Path | None

    def check(self) -> None:
        loaded.check(self.model, self.folder)

    def engine(self) -> AnyEngine:
        return loaded.engine_for(self.model, self.folder)

    def embedder(self, name: str) -> AnyEmbedder:
        return loaded.embedder_for(name, self.folder)


# ------------------------------------------------------------------------------------------- of one call


def claim(
    evidence: Readout | Embedding, call: Call, sources: Sources, *, waits: bool
) -> tuple[Claim[Features], Usage]:
    """The features of one call, and the tokens that they take. Raises what the models raise.

    The call's `timeout` is that of the work where the call `waits`; else who waits for the work minds it.
    """
    alone = Call(call.program, call.arguments, call.timeout if waits else None)
    match evidence:
        case Readout():
            engine = local(sources.engine())
            passage = engine.passage(alone, evidence)
            key = (weakref.ref(engine), evidence.layer, passage, alone.timeout)
            found = _sharing.claim(key, lambda: (engine, engine.read(alone, evidence, waits=waits)))
            return found, _usage(len(passage.prefix) + len(passage.tokens), found)
        case Embedding():
            embedder = sources.embedder(evidence.model)
            texts = embedded_texts(call.program, call.arguments, evidence.form)
            tokens = sum(map(embedder.count_tokens, texts))
            shared = _sharing.claim(
                (weakref.ref(embedder), texts, alone.timeout),
                lambda: (embedder, embedder.embed(texts, timeout=alone.timeout, waits=waits)),
            )
            return shared, _usage(tokens, shared)


def claim_texts(texts: Sequence[str], embedder: AnyEmbedder) -> list[Claim[NDArray[np.float32]]]:
    """The vectors of the words of options, each of shape (dimension,). The last ones are kept: one call after
    the other has the same tools."""
    keys = [(weakref.ref(embedder), text) for text in texts]
    return _words.claim_each(
        keys,
        lambda places: (embedder, embedder.embed([texts[place] for place in places])),
        lambda vectors, place: vectors[place].copy(),
    )


def _usage(tokens: int, claimed: Claim[Any]) -> Usage:
    """Tokens of work that is counted for who began it; for others it comes from a cache."""
    cached = 0 if claimed.is_first else tokens
    return Usage(prompt_tokens=tokens, cached_tokens=cached, decoded_tokens=0)


def forget() -> None:
    """Forget what was read of texts, so that the next call does all of its work, as the first one did."""
    _sharing.clear()
    _words.clear()


def local(engine: AnyEngine) -> Engine:
    """The engine, if its hidden states can be read, and what others say can stand in its answers. Raises
    `ModelError`."""
    if not isinstance(engine, Engine):
        raise ModelError(
            f"{engine.name} is a model whose hidden states nobody can read, so no head can decide on them",
            help='decide on the labels (`using: decide = "labels"`), or use a model that runs here',
        )
    return engine


def embedded_texts(program: Program, arguments: Mapping[str, object], form: str) -> tuple[str, ...]:
    """What is embedded of a call. Raises `ArgumentError` where the arguments have not the form."""
    texts = argument_texts(without_lists(program), arguments)
    if form == "text" and texts:
        return ("\n".join(texts),)
    if form in ("cosine", "pair") and len(texts) == 2:
        return texts
    raise ArgumentError(f"{program.name} shows the model {len(texts)} texts, which is no {form}")


def features_of(evidence: Evidence, question: Question | None, given: Any) -> Features:
    """Features, shape (D,), from what the model gave; label scores are those of the `question`."""
    match evidence:
        case Labels():
            assert question is not None, "label scores are of a choice"
            return label_features(question, given)
        case Named():
            return evidence.features(given)
        case Readout():
            return np.asarray(given)
        case Embedding(form="text"):
            return np.asarray(given[0])
        case Embedding(form="cosine"):
            u, v = given
            return np.array([u @ v], dtype=np.float32)
        case Embedding():
            u, v = given
            return np.concatenate([[u @ v], np.abs(u - v), u * v]).astype(np.float32)


def label_features(question: Question, answer: Answer[object]) -> Features:
    """The log-probabilities of the labels, shape (K,), in the order of the options."""
    distribution = answer.parts[question.name].distribution
    assert distribution is not None, "a choice has a distribution"
    outcomes = map(question.kind.outcome, question.options)
    probabilities = np.array([distribution[outcome] for outcome in outcomes])
    with np.errstate(divide="ignore"):
        found: Features = np.maximum(np.log(probabilities), _LEAST).astype(np.float32)
    return found


# ------------------------------------------------------------------------------------------ of many rows


class Reader(Protocol):
    """Gives the features of many rows, as `evidence_of_rows` does."""

    def __call__(
        self,
        program: Program,
        rows: Sequence[Mapping[str, object]],
        evidence: Evidence,
        sources: Sources,
        *,
        question: Question | None = ...,
        progress: Callable[[], None] = ...,
    ) -> Features: ...


def evidence_of_rows(
    program: Program,
    rows: Sequence[Mapping[str, object]],
    evidence: Evidence,
    sources: Sources,
    *,
    question: Question | None = None,
    progress: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """The features of many rows, shape (n, D). A row is the checked arguments of a call, by name.

    `question` is the choice that label scores are wanted of. `progress` is called after each row. Raises what
    ended the first row that failed.
    """
    asked = program.arranged(evidence.arrangement) if isinstance(evidence, Labels) else program
    calls = [Call(asked, row) for row in rows]
    found = []
    for given in _given(calls, evidence, sources):
        found.append(features_of(evidence, question, given))
        progress()
    return np.stack(found)


def _given(calls: Sequence[Call], evidence: Evidence, sources: Sources) -> Iterator[Any]:
    """What the models say of each call, in order."""
    match evidence:
        case Labels():
            return sources.engine().run_many(calls, in_flight=IN_FLIGHT)
        case Named():
            return map(shown_text, calls)
        case Readout():
            engine = local(sources.engine())
            return _in_order((engine, engine.read(call, evidence, waits=True)) for call in calls)
        case Embedding():
            embedder = sources.embedder(evidence.model)
            return _in_order(
                (embedder, embedder.embed(embedded_texts(call.program, call.arguments, evidence.form)))
                for call in calls
            )


def shown_text(call: Call) -> str:
    """What a call shows of its arguments, as one text."""
    return "\n".join(argument_texts(without_lists(call.program), call.arguments))


def _in_order(asked: Iterable[tuple[Answerer, Pending[T]]]) -> Iterator[T]:
    return run_many(asked, in_flight=IN_FLIGHT)
