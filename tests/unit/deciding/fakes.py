"""Models for the tests of deciding: an engine and an embedder that say what a text's words tell them.

A word has a direction of its own. Hidden states and embeddings of a text are the mean of its words'
directions, so that texts of the same words are alike.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from microprompt import abi
from microprompt.deciding.decider import Decider
from microprompt.engines.base import Call
from microprompt.engines.scripted import Script, ScriptedEngine
from microprompt.errors import ModelError
from microprompt.heads.evidence import Readout
from microprompt.program import Program
from microprompt.prompts.layout import argument_texts
from microprompt.scheduling.jobs import Pending

from ..runtime.programs import Act

T = TypeVar("T")

SIZE = 64
WORD_VECTORS = np.eye(4096, SIZE * SIZE, dtype=np.float32)
"""Words are as near to one another as they are the same."""

EXAMPLES = {
    "Is it late?": Act.question,
    "Is it far?": Act.question,
    "Close the door.": Act.command,
    "Close the box.": Act.command,
    "Snow was falling.": Act.other,
    "Rain was falling.": Act.other,
}


def direction(text: str) -> NDArray[np.float32]:
    """The direction of a text: of unit length, shape (SIZE,)."""
    words = text.lower().replace(":", " ").replace("?", " ? ").split() or [""]
    found = np.zeros(SIZE)
    for word in words:
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "little")
        found += np.random.default_rng(seed).normal(size=SIZE)
    unit: NDArray[np.float32] = (found / np.linalg.norm(found)).astype(np.float32)
    return unit


class Work:
    """What a fake has been asked for. `holds` lets it wait until it is told to `finish`."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.abandoned: list[object] = []
        self.holds = False
        self._held: list[tuple[Pending[Any], object]] = []

    def begin(self, what: object, result: T) -> Pending[T]:
        self.asked.append(what)
        pending: Pending[T] = Pending()
        if self.holds:
            self._held.append((pending, result))
        else:
            pending.succeed(result)
        return pending

    def finish(self) -> None:
        held, self._held = self._held, []
        for pending, result in held:
            pending.succeed(result)

    def fail(self, error: Exception) -> None:
        held, self._held = self._held, []
        for pending, _ in held:
            pending.fail(error)

    def abandon(self, pending: Pending[Any]) -> bool:
        """Whether it was one that is held."""
        mine = any(pending is each for each, _ in self._held)
        if mine:
            self.abandoned.append(pending)
            pending.future.cancel()
        return mine


@dataclass(frozen=True)
class FakePassage:
    prefix: tuple[str, ...]
    tokens: tuple[str, ...]


class FakeEngine(ScriptedEngine):
    """Label scores come from a script, hidden states from the words."""

    def __init__(self, script: Script | None = None) -> None:
        super().__init__(script or {})
        self.readings = Work()

    @property
    def exit_layer(self) -> int:
        return 1

    def passage(self, call: Call, reading: Readout) -> Any:
        texts = argument_texts(call.program, call.arguments)
        tokens = tuple("\n".join(texts).split())
        own = (call.program.instruction,) if reading.prefix == "own" else ()
        return FakePassage(own, tokens)

    def read(self, call: Call, reading: Readout, *, waits: bool = False) -> Any:
        text = "\n".join(argument_texts(call.program, call.arguments))
        return self.readings.begin((text, reading), direction(text))

    def abandon(self, pending: Pending[Any], /) -> None:
        if not self.readings.abandon(pending):
            super().abandon(pending)


class FakeEmbedder:
    def __init__(self) -> None:
        self.dimension = SIZE
        self.texts = Work()
        self.waited: list[bool] = []
        self.hides_words = False

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def tokens_of(self, text: str) -> list[int]:
        return [zlib.crc32(word.encode()) % len(WORD_VECTORS) for word in text.split()]

    @property
    def word_vectors(self) -> NDArray[np.float32]:
        if self.hides_words:
            raise ModelError("the vectors of words can't be read")
        return WORD_VECTORS

    def embed(
        self, texts: Sequence[str], *, timeout: float | None = None, waits: bool = False
    ) -> Pending[NDArray[np.float32]]:
        self.waited.append(waits)
        return self.texts.begin(tuple(texts), np.stack([direction(text) for text in texts]))

    def result(self, pending: Pending[T]) -> T:
        return pending.future.result(timeout=10)

    def abandon(self, pending: Pending[Any]) -> None:
        self.texts.abandon(pending)


class FakeSources:
    """Models by name, and which of them were asked for."""

    def __init__(self, script: Script | None = None, *, larger: Script | None = None) -> None:
        self.small = FakeEngine(script)
        self.large = FakeEngine(larger)
        self.small.backend.name, self.large.backend.name = "smollm2-135m", LARGE.name
        self.fake_embedder: FakeEmbedder | None = FakeEmbedder()
        self.loaded: list[str] = []

    def __call__(self, model: abi.Model | None, folder: Path) -> FakeSources.Of:
        return FakeSources.Of(self, model)

    class Of:
        def __init__(self, all: FakeSources, model: abi.Model | None) -> None:
            self._all = all
            self.is_large = model is not None and model.name == LARGE.name

        def check(self) -> None: ...

        def engine(self) -> FakeEngine:
            self._all.loaded.append("large" if self.is_large else "small")
            return self._all.large if self.is_large else self._all.small

        def embedder(self, name: str) -> Any:
            if self._all.fake_embedder is None:
                raise ModelError(f"the model `{name}` is not here")
            self._all.loaded.append(name)
            return self._all.fake_embedder

    def close(self) -> None:
        self.small.close()
        self.large.close()


LARGE = abi.Model(name="gemma3-270m")


def ask(decider: Decider, text: str, *, timeout: float | None = None) -> Any:
    """The answer of a decider of a program with the parameter `text`."""
    return decider.result(decider.submit(call(decider.program, text, timeout=timeout)))


def call(program: Program, text: str, *, timeout: float | None = None) -> Call:
    return Call(program, {"text": text}, timeout)


def with_using(program: Program, **settings: Any) -> Program:
    return replace(program, using=replace(program.using, **settings))


def with_examples(program: Program, examples: Mapping[str, object]) -> Program:
    found = (
        abi.Example(arguments=(text,), answer=answer, line=9) for text, answer in examples.items()
    )
    return replace(program, examples=tuple(found))
