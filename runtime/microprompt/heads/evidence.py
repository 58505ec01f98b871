"""What a choice may be decided on: four sources of evidence, as data.

Whoever has a piece of evidence can say what it is called, and what numbers it gives for one call, its
*features*. How they are computed, the engines know; what they say, a head does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..program import EXAMPLES, LAYOUTS, MEMBERS, USUAL, Arrangement

Features: TypeAlias = NDArray[np.float32]

RECIPE: Final = 2
"""The version of how features are computed. It rises when a head that was fitted before would get others."""

PREFIXES: Final = ("own", "none")
"""What a reading sees before the arguments: what the program says before them, or none of that."""

FORMS: Final = ("text", "cosine", "pair")
"""What is made of embeddings: that of all arguments joined; how near those of two arguments are; how they
compare number by number."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The log-probabilities of the labels behind the prompt, shape (K,), in the order of the options.
    `arrangement` is how that prompt is laid out."""

    arrangement: Arrangement = USUAL

    name: ClassVar[str] = "labels"

    def to_data(self) -> dict[str, object]:
        """As JSON data, which `evidence_of` reads. What is as usual is left out."""
        usual = asdict(USUAL)
        said = asdict(self.arrangement)
        return {"kind": self.name, **{name: said[name] for name in said if said[name] != usual[name]}}


@dataclass(frozen=True, slots=True)
class Readout:
    """The language model's hidden states behind its first `layer` layers, shape (2 * n_embd,): the mean of
    those of the arguments' tokens, each RMS-normalised, and that of the last one.

    With the `prefix` "own", the program's prefix comes before the arguments, and what stands between them is
    read too. With "none", the arguments' texts are read behind a neutral lead, joined by line ends: so all
    functions of the same text read the same, and share the pass.
    """

    layer: int
    prefix: str

    name: ClassVar[str] = "readout"

    def to_data(self) -> dict[str, object]:
        """As JSON data, which `evidence_of` reads."""
        return {"kind": self.name, "layer": self.layer, "prefix": self.prefix}


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a sentence embedder says of the arguments' texts.

    With the `form` "text", the unit embedding of the texts joined by line ends, shape (dim,). With "cosine"
    that of the unit embeddings u and v of two texts, shape (1,). With "pair", their cosine, |u - v| and
    u * v, shape (1 + 2 * dim,).
    """

    model: str
    form: str

    name: ClassVar[str] = "embedder"

    def to_data(self) -> dict[str, object]:
        """As JSON data, which `evidence_of` reads."""
        return {"kind": self.name, "model": self.model, "form": self.form}


@dataclass(frozen=True, slots=True)
class Named:
    """Which labels are named in the arguments' texts, shape (K,): 1 for each whose word stands there, as
    `laptop` does in "my laptops", else 0. `words` are those of the labels in their order, empty for one that
    has no name."""

    words: tuple[str, ...]

    name: ClassVar[str] = "names"

    def to_data(self) -> dict[str, object]:
        """As JSON data, which `evidence_of` reads."""
        return {"kind": self.name, "words": list(self.words)}

    def features(self, text: str) -> Features:
        """What a text names."""
        folded = text.casefold()
        return np.array([_stands(word.casefold(), folded) for word in self.words], dtype=np.float32)


def _stands(word: str, text: str) -> bool:
    """Whether a word stands in a text by itself, or in the plural."""
    # Most words are not in a text at all, and a pattern for each of thousands would take a while.
    if not word or word not in text:
        return False
    return re.search(rf"(?<!\w){re.escape(word)}(?:e?s)?(?!\w)", text) is not None


Evidence: TypeAlias = Labels | Readout | Embedding | Named


def evidence_of(data: object) -> Evidence:
    """The evidence that JSON data stands for. Raises `ValueError`, which says what is wrong."""
    if not isinstance(data, Mapping):
        raise ValueError("evidence is not an object")
    kind = data.get("kind")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise ValueError(f"there is no evidence of the kind {kind!r:.60}")
    found = reader(data)
    if dict(data) != found.to_data():
        raise ValueError(f"evidence of the kind {kind} says {', '.join(map(repr, found.to_data()))}, no more")
    return found


def _labels(data: Mapping[str, object]) -> Labels:
    known = {"layout": LAYOUTS, "members": MEMBERS, "examples": EXAMPLES}
    said = {name: _one_of(words, data, name) for name, words in known.items() if name in data}
    state = data.get("state")
    if state is not None and not (isinstance(state, str) and state):
        raise ValueError(f"a state is the name of a parameter, not {state!r:.60}")
    return Labels(Arrangement(**said, state=state))


def _readout(data: Mapping[str, object]) -> Readout:
    layer = data.get("layer")
    if not isinstance(layer, int) or isinstance(layer, bool) or layer < 1:
        raise ValueError(f"a readout's layer is a whole number of at least 1, not {layer!r:.60}")
    return Readout(layer, _one_of(PREFIXES, data, "prefix"))


def _embedding(data: Mapping[str, object]) -> Embedding:
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise ValueError(f"an embedder's model is a name, not {model!r:.60}")
    return Embedding(model, _one_of(FORMS, data, "form"))


def _named(data: Mapping[str, object]) -> Named:
    words = data.get("words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"names are a list of words, not {words!r:.60}")
    return Named(tuple(words))


def _one_of(known: tuple[str, ...], data: Mapping[str, object], name: str) -> str:
    found = data.get(name)
    if not isinstance(found, str) or found not in known:
        raise ValueError(f"{name} is {' or '.join(map(repr, known))}, not {found!r:.60}")
    return found


_READERS: Final[Mapping[str, Callable[[Mapping[str, object]], Evidence]]] = {
    Labels.name: _labels,
    Readout.name: _readout,
    Embedding.name: _embedding,
    Named.name: _named,
}
"""In the order in which evidence is named together."""

NAMES: Final = tuple(_READERS)
"""The names of the sources of evidence, in the order in which they are named together."""
