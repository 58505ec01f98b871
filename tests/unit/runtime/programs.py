"""Prompt functions, voices and a watchful backend for the runtime's tests. No model."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from microprompt import PromptFunction, abi, prompt
from microprompt.engines.engine import Engine
from microprompt.engines.scripted import VOCABULARY, ByteBackend, Voice
from microprompt.errors import EngineError
from microprompt.program import Parameter, Program
from microprompt.records import Field
from microprompt.scheduling.backend import Rows, Step
from microprompt.types import (
    BoolType,
    DeclaredType,
    EnumType,
    IntType,
    ListType,
    OptionalType,
    RecordField,
    RecordType,
    StrType,
)


class Act(StrEnum):
    question = "question"
    command = "command"
    other = "other"


abi.words(
    Act, question=abi.Words(description="asks for something"), other=abi.Words(label="something else")
)

ACT = EnumType(python=Act)


@dataclass(frozen=True)
class Inner:
    act: Act
    urgency: int


INNER = RecordType(
    python=Inner,
    fields=(
        RecordField(name="act", label="act", type=ACT),
        RecordField(name="urgency", label="how urgent", type=IntType(minimum=1, maximum=5)),
    ),
)


@dataclass(frozen=True)
class Outer:
    inner: Inner
    note: str
    paid: bool | None
    tags: Sequence[str]


OUTER = RecordType(
    python=Outer,
    fields=(
        RecordField(name="inner", label="inner", type=INNER),
        RecordField(name="note", label="the note", type=StrType(max_length=20), description="few words"),
        RecordField(name="paid", label="paid", type=OptionalType(item=BoolType())),
        RecordField(
            name="tags",
            label="tags",
            type=ListType(item=StrType(min_length=1, max_length=8), max_count=3),
        ),
    ),
)


def program(
    returns: DeclaredType,
    *,
    name: str = "ask",
    instruction: str = "Say what it is.",
    examples: Mapping[str, object] | None = None,
    using: abi.Using | None = None,
) -> Program:
    """A program of one parameter, `text`."""
    return Program(
        name=name,
        source="tests/ask.mp",
        line=7,
        instruction=instruction,
        input=("Input: ", abi.Hole(parameter="text")),
        cue="Answer:",
        parameters=(Parameter(name="text", type=StrType()),),
        returns=returns,
        examples=tuple(
            abi.Example(arguments=(text,), answer=answer, line=9) for text, answer in (examples or {}).items()
        ),
        using=using or abi.Using(),
    )


def function(laid_out: Program) -> PromptFunction[[str], object]:
    """A prompt function of one parameter, `text`."""

    def ask(text: str) -> object:
        raise NotImplementedError

    return PromptFunction(ask, program=laid_out)


classify = function(program(ACT, name="classify", examples={"Is it?": Act.question}))
PLACE = "in prompt {}, tests/ask.mp:7"


@prompt
def compare(first: str, second: Annotated[int, Field(ge=0, le=9)], flag: bool | None = None) -> bool:
    """Compare two things."""
    raise NotImplementedError


compare.body = abi.Body(
    source="tests/compare.mp",
    line=3,
    instruction="Compare.",
    input=(
        "First: ",
        abi.Hole(parameter="first"),
        "\nSecond: ",
        abi.Hole(parameter="second"),
        "\nFlags: ",
        abi.Hole(parameter="flag"),
    ),
    cue="Same:",
)


def wait_until_idle(engine: Engine) -> None:
    """Fails if that takes 20 seconds."""
    end = time.monotonic() + 20
    while not engine.scheduler.is_idle():
        assert time.monotonic() < end
        time.sleep(0.001)


def notes(error: BaseException) -> list[str]:
    """What was added to an exception on its way."""
    return getattr(error, "__notes__", [])


def random_voice(seed: int, spread: float = 3.0) -> Voice:
    """Logits that look random and depend on nothing but the seed and the text."""

    def voice(text: bytes) -> NDArray[np.float32]:
        digest = hashlib.blake2b(text, digest_size=8, key=seed.to_bytes(8, "little")).digest()
        random = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
        return random.normal(scale=spread, size=VOCABULARY).astype(np.float32)

    return voice


def log_probability(voice: Voice, before: bytes, text: bytes) -> float:
    """The log-probability of `text` after `before`, byte by byte."""
    total = 0.0
    for place, byte in enumerate(text):
        logits = voice(before + text[:place]).astype(np.float64)
        total += float(logits[byte] - np.log(np.exp(logits).sum()))
    return total


class WatchedBackend(ByteBackend):
    """Counts cells as a unified KV cache does, and refuses what such a cache has no room for."""

    def __init__(self, voice: Voice, *, context: int = 16384, sequences: int = 256) -> None:
        super().__init__(voice, context=context)
        self.n_sequences = sequences
        self.most_cells = 0
        self.steps: list[int] = []
        self.restored = 0
        self._cells: dict[int, list[int]] = {}
        self._made = 0

    def decode(self, step: Step, threads: int) -> Rows:
        for sequences in step.sequences:
            self._made += 1
            for sequence in sequences:
                if not 0 <= sequence < self.n_sequences:
                    raise EngineError(f"there is no sequence {sequence}")
                self._cells.setdefault(sequence, []).append(self._made)
        self.most_cells = max(self.most_cells, self.cells())
        if self.cells() > self.n_cells:
            raise EngineError("no room in the cache")
        self.steps.append(len(step.tokens))
        return super().decode(step, threads)

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        super().fork(source, target, start, end)
        held = self._cells.get(source, [])
        self._cells.setdefault(target, []).extend(held[start : len(held) if end == -1 else end])

    def restore(self, sequence: int, saved: bytes) -> None:
        super().restore(sequence, saved)
        self._cells[sequence] = list(range(self._made + 1, self._made + len(saved) + 1))
        self._made += len(saved)
        self.restored += 1

    def clone(self) -> WatchedBackend:
        return WatchedBackend(self._voice, context=self.n_cells, sequences=self.n_sequences)

    def exit_after(self, layer: int, cells: int) -> WatchedBackend:
        return WatchedBackend(self._voice, context=cells, sequences=self.n_sequences)

    def forget(self, sequence: int, start: int = 0) -> None:
        super().forget(sequence, start)
        if start:
            del self._cells[sequence][start:]
        else:
            self._cells.pop(sequence, None)

    def cells(self) -> int:
        """Cells in use."""
        return len({cell for held in self._cells.values() for cell in held})

    def held(self) -> dict[int, bytes]:
        """What every sequence holds."""
        return {sequence: bytes(text) for sequence, text in self._sequences.items()}
