"""A head from the source alone: what the labels are called and what they mean, and the examples.

No row of data is needed, and nothing is tuned. Each source of evidence that the source has something for
makes a part:

- the readout, fitted on the examples;
- the embedder: how alike the arguments are to a label's words and its examples;
- the embedder again, for two texts: how near they are to one another, fitted on the examples;
- which labels are named in the text, where examples show that this tells which one is right.

Where neither has anything to go by, there is no head, and the labels are scored (`scores`).

How much each weighs is decided by leaving examples out, one of each label at a time: each part says what it
would say of an example that it had not seen. With few examples that is a matter of chance, so the weights are
drawn towards usual ones, the more the fewer they are. What comes to weigh nothing is not asked: where the
embedder is enough, no language model runs.

The constants were chosen on the train rows of four tasks: one to five of them a label were the examples, and
the others were answered. The usual weights of three parts were set with the rows of figures in view. Label
scores have no part: those of small models changed nothing beyond noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..engines.engine import Engine
from ..errors import ModelError
from ..heads.evidence import Embedding, Evidence, Named, Readout
from ..heads.folds import left_out_together
from ..heads.head import Head, HeadPart
from ..heads.linear import Linear, Numbers, log_softmax
from ..program import Program
from .choices import Question, example_labels, holes
from .evidence import Reader, Sources, evidence_of_rows

RULE: Final = 4
"""The version of how heads are made of sources. It rises when another head would come out."""

EMBEDDER: Final = "minilm-l6"
"""The embedder that is asked."""

PREFIX: Final = "none"
"""What the readout sees before the arguments: a neutral lead, so that an example says nothing of itself."""

_SCALE: Final = 8.0  # of a cosine: what makes the embedder's probabilities as sure as they are right
_WORDS: Final = 3.0  # examples that a label's words count as much as
_COSINE_C: Final = 0.02  # one number, fitted on few examples, would soon be sure of itself
_NAMED: Final = (3, 1)  # how often what is named is taken to have been right, and not, before any example
_TOLD: Final = 2  # examples of each label, below which what is left out says too little
_USUAL: Final = 1.5  # the weights of all parts together, of which nothing is known
_NOTHING: Final = 0.02  # a weight that no answer turns on
_PULL: Final = 2.0  # how strongly weights are drawn to the usual ones, in nats of log-loss over all examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """How a head does on examples that it has not seen: of `examples`, left out in turn, `right` come out
    right; `chance` is how many do when the most frequent label is always said."""

    examples: int
    right: int
    chance: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """What came of a question: its head, how that does on the examples, if there are any, and what it says of
    them without having seen them: log-probabilities, shape (n, K). There is no head where the source has
    nothing for one to go by, so that the scores of the labels have to do."""

    head: Head | None
    unseen: Unseen | None = None
    said: Numbers | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A part that could answer, and what it says of each example without having seen it, shape (R, n, K), in
    the R ways of leaving examples out (`heads.folds.left_out_together`)."""

    evidence: Evidence
    linear: Linear
    left_out: Numbers


class _Examples:
    """The examples of a program, met with its models: their features, gathered once for all questions."""

    def __init__(self, program: Program, sources: Sources, reader: Reader) -> None:
        self.program = program
        self.sources = sources
        self._reader = reader
        self._features: dict[Evidence, NDArray[np.float32]] = {}

    def features(self, evidence: Evidence) -> NDArray[np.float32]:
        """Those of all examples, shape (n, D)."""
        if evidence not in self._features:
            rows = list(map(self.program.arguments_of, self.program.examples))
            self._features[evidence] = self._reader(self.program, rows, evidence, self.sources)
        return self._features[evidence]


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What is known of one question: which examples answer it, and with which labels, both of shape (n,)."""

    all: _Examples
    question: Question
    examples: NDArray[np.intp]
    labels: NDArray[np.intp]

    @property
    def n_labels(self) -> int:
        return len(self.question.options)

    def features(self, evidence: Evidence) -> NDArray[np.float32]:
        """Those of the examples that answer the question, shape (n, D)."""
        return self.all.features(evidence)[self.examples]


_Maker: TypeAlias = Callable[[_Known], "_Candidate | None"]


def heads_from_source(
    program: Program,
    asked: Sequence[Question],
    sources: Sources,
    lacking: Callable[[ModelError], None],
    *,
    reader: Reader = evidence_of_rows,
) -> dict[str, Made]:
    """What comes of questions, by their names.

    `lacking` is told why evidence could not be had; heads do without it. `reader` reads the examples, or
    knows them already. Raises what the language model raises.
    """
    examples = _Examples(program, sources, reader)
    return {question.name: _made(examples, question, lacking) for question in asked}


def _made(examples: _Examples, question: Question, lacking: Callable[[ModelError], None]) -> Made:
    answers = example_labels(examples.program, question)
    known = _Known(
        examples,
        question,
        np.array(list(answers), dtype=np.intp),
        np.array(list(answers.values()), dtype=np.intp),
    )
    candidates = []
    for maker in _MAKERS:
        try:
            found = maker(known)
        except ModelError as error:
            if maker is _readout:
                raise
            lacking(error)
            continue
        if found is not None:
            candidates.append(found)
    if not candidates:
        return Made(head=None)
    weights = weigh([each.left_out for each in candidates], known.labels)
    parts = tuple(
        HeadPart(each.evidence, weight, each.linear)
        for each, weight in zip(candidates, weights, strict=True)
        if weight > 0
    )
    if not parts:
        return Made(head=None)
    if not len(known.labels):
        return Made(head=Head(parts=parts))
    left_out = np.stack([each.left_out.mean(axis=0) for each in candidates])
    said = np.tensordot(weights, left_out, axes=1)
    if (named := _named(known)) is not None:
        parts, said = (*parts, named[0]), said + named[1]
    said, head = log_softmax(said), Head(parts=parts)
    return Made(head=head, unseen=unseen_of(said, known.labels), said=said)


def weigh(left_out: Sequence[Numbers], labels: NDArray[np.intp]) -> tuple[float, ...]:
    """The weight of each part, from what the parts say of examples that they have not seen, each of shape
    (R, n, K), and the examples' labels, shape (n,).

    It has the least log-loss, summed over the examples, with half the squared distance from the usual weight
    beside it. (A product of experts, whose weights are a ridge regression towards what served all tasks.)
    """
    usual = np.full(len(left_out), _USUAL / len(left_out))
    if not len(labels) or np.bincount(labels, minlength=left_out[0].shape[-1]).min() < _TOLD:
        return tuple(usual)
    from scipy.optimize import minimize  # not at the top: SciPy is for those who fit

    said = np.stack([each.mean(axis=0) for each in left_out])

    def loss(weights: Numbers) -> float:
        combined = log_softmax(np.tensordot(weights, said, axes=1))
        missed = -combined[np.arange(len(labels)), labels].sum()
        return float(missed + _PULL / 2 * ((weights - usual) ** 2).sum())

    found = minimize(loss, usual, method="L-BFGS-B", bounds=[(0.0, None)] * len(usual)).x
    return tuple(float(weight) if weight > _NOTHING else 0.0 for weight in found)


def unseen_of(said: Numbers, labels: NDArray[np.intp]) -> Unseen:
    """How what is `said` of examples does, shape (n, K), of which `labels` are right, shape (n,)."""
    return Unseen(
        examples=len(labels),
        right=int((said.argmax(axis=1) == labels).sum()),
        chance=int(np.bincount(labels).max()),
    )


# --------------------------------------------------------------------------------- what makes a candidate


def _readout(known: _Known) -> _Candidate | None:
    """Fitted on the examples."""
    if not _can_be_fitted(known) or not holes(known.all.program):
        return None
    engine = known.all.sources.engine()
    if not isinstance(engine, Engine):
        return None
    return _fitted(Readout(engine.exit_layer, PREFIX), known)


def _near(known: _Known) -> _Candidate | None:
    """How near two texts are to one another, fitted on the examples."""
    if holes(known.all.program) != 2 or not _can_be_fitted(known):
        return None
    return _fitted(Embedding(EMBEDDER, "cosine"), known, c=_COSINE_C)


def _can_be_fitted(known: _Known) -> bool:
    """Whether every label has an example, but for `none`; of labels that say nothing by themselves, two are
    enough."""
    seen = set(known.labels.tolist())
    options = known.question.options
    if any(map(known.question.kind.words, options)):
        return len(seen) > 1 and all(each is None or label in seen for label, each in enumerate(options))
    return len(seen) > 1


def _fitted(evidence: Evidence, known: _Known, *, c: float | None = None) -> _Candidate:
    from ..heads.fit import C, fit, leave_out  # not at the top: SciPy is for those who fit

    strength = C if c is None else c
    features = known.features(evidence)
    return _Candidate(
        evidence,
        fit(features, known.labels, known.n_labels, c=strength),
        leave_out(features, known.labels, known.n_labels, c=strength),
    )


def _alike(known: _Known) -> _Candidate | None:
    """The centroids of the labels: of each the mean of its words and its examples, as unit vectors. What a
    label means is a text of its own beside the label.

    Without an example of it, `none` is like nothing: hardly ever said, for no text is less like all labels
    than that. How unlike a text of none of them is, differs too much from task to task to be known.
    """
    if not holes(known.all.program):
        return None
    options = known.question.options
    words = [known.question.kind.words(option) for option in options]
    unsaid = {label for label, said in enumerate(words) if not said and label not in known.labels}
    if any(options[label] is not None for label in unsaid):
        return None
    evidence = Embedding(EMBEDDER, "text")
    embedder = known.all.sources.embedder(EMBEDDER)
    texts = [text for said in words for text in said]
    nothing = np.zeros((0, embedder.dimension), np.float32)
    vectors = embedder.result(embedder.embed(texts)) if texts else nothing
    examples = known.features(evidence) if len(known.labels) else nothing
    sums = _sums(words, vectors)
    np.add.at(sums, known.labels, examples)
    linear = Linear(_directions(sums), np.zeros(known.n_labels, dtype=np.float32))
    left_out = []
    for groups in left_out_together(known.labels):
        said = np.empty((len(examples), known.n_labels))
        for group in np.unique(groups):
            (out,) = np.nonzero(groups == group)
            others = sums.copy()
            np.subtract.at(others, known.labels[out], examples[out])
            said[out] = Linear(_directions(others), linear.bias).log_probs(examples[out])
        left_out.append(said)
    return _Candidate(evidence, linear, np.stack(left_out))


OF_WORDS: Final = Embedding(EMBEDDER, "text")
"""What options of which only the words are known are decided on."""


def head_of_words(words: Sequence[Sequence[str]], vectors: NDArray[np.float32]) -> Head:
    """The head for labels of which only the words are known, as those that a call brings along. `vectors` are
    those of all words, shape (n, D), label by label. (Of 16 tools it picked the right one for 30 of 32
    requests, by names alone for 26; label scores for 12, and their sum with it for 26. Of 8 topics of 80
    messages 74, 26, 75.)"""
    linear = Linear(_directions(_sums(words, vectors)), np.zeros(len(words), dtype=np.float32))
    return Head(parts=(HeadPart(OF_WORDS, _USUAL, linear),))


def _named(known: _Known) -> tuple[HeadPart, Numbers] | None:
    """What is named is likelier, by how often that was right in the examples; and what is said of each
    example by the others, shape (n, K). `None` where no example names its label: nothing is known then of
    texts that would.

    (Four examples, one of each label, and 60 messages made from patterns, each of which names a thing to buy
    and its colour: without this the thing is right in 51 of them and the colour in 30.)
    """
    words = [known.question.kind.words(option) for option in known.question.options]
    evidence = Named(tuple(said[0] if said else "" for said in words))
    features = known.features(evidence)
    told = features.any(axis=1)
    right = features[np.arange(len(known.labels)), known.labels] > 0
    if not right.any():
        return None

    def odds(right: Numbers, told: Numbers) -> Numbers:
        share = (_NAMED[0] + right) / (sum(_NAMED) + told)
        return np.where(right > 0, np.log(share / (1 - share) * (known.n_labels - 1)), 0.0)

    left_out = odds(right.sum() - right, told.sum() - told)
    weights = np.diag(np.full(known.n_labels, odds(right.sum(), told.sum()), dtype=np.float32))
    linear = Linear(weights, np.zeros(known.n_labels, dtype=np.float32))
    return HeadPart(evidence, 1.0, linear), log_softmax(left_out[:, np.newaxis] * features)


def _sums(words: Sequence[Sequence[str]], vectors: NDArray[np.float32]) -> Numbers:
    """What the words of each label come to, shape (K, D)."""
    owners = np.array([label for label, said in enumerate(words) for _ in said], dtype=np.intp)
    shares = np.array([_WORDS / len(said) for said in words for _ in said], dtype=np.float32)
    sums = np.zeros((len(words), vectors.shape[1]))
    np.add.at(sums, owners, shares[:, np.newaxis] * vectors)
    return sums


_MAKERS: Final[tuple[_Maker, ...]] = (_readout, _alike, _near)


def _directions(sums: Numbers) -> NDArray[np.float32]:
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    # What is left of the only example of a label without words is rounding.
    return np.where(lengths > 1e-3, _SCALE * sums / np.maximum(lengths, 1e-3), 0.0).astype(np.float32)
