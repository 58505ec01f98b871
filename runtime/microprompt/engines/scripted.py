"""A test double: the whole runtime on a byte-level "model" that says what a script tells it.

Layout, tokens, plans, tries, guides and scheduling are the real ones; only the forward pass is replaced.
Tokens are bytes, so probabilities come out exactly as scripted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..answer import Answer
from ..errors import EngineError, MicropromptError, ScriptError
from ..layout import Template
from ..values import as_json, check, plain
from .base import Rows, Step
from .engine import Call, Engine

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

Voice: TypeAlias = Callable[[bytes], NDArray[np.float32]]
"""From all that a sequence holds to the logits of its next byte, shape (`VOCABULARY`,)."""

Script: TypeAlias = Mapping[str, object]
"""From a function's name to its answer: a value, a mapping from values to probabilities, or a callable that
is given the arguments by name and returns either."""

VOCABULARY: Final = 262
_END: Final = 261
_NEVER: Final = -60.0


class ByteBackend:
    """Implements `engines.base.Backend` over bytes, with the logits of a `Voice`.

    Strict where a real cache is forgiving: a token at a wrong position, or a sequence left over, is an error.
    """

    def __init__(self, voice: Voice, *, context: int = 16384) -> None:
        self.name = "scripted"
        self.n_vocab = VOCABULARY
        self.n_cells = self.n_context = context
        self.n_sequences = 256
        self.template: Template | None = None
        self.decoded_batches = 0
        self._voice = voice
        self._sequences: dict[int, bytearray] = {}

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        return list(text.encode())

    def start_tokens(self) -> list[int]:
        return []

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def is_end(self, token: int) -> bool:
        return token == _END

    def decode(self, step: Step, deadline: float | None) -> Rows:
        self.decoded_batches += 1
        rows = np.empty((len(step.rows), VOCABULARY), dtype=np.float32)
        wanted = {place: row for row, place in enumerate(step.rows)}
        for place, (token, position, sequences) in enumerate(
            zip(step.tokens, step.positions, step.sequences, strict=True)
        ):
            for sequence in sequences:
                held = self._sequences.setdefault(sequence, bytearray())
                if len(held) != position:
                    raise EngineError(f"position {position} in a sequence of {len(held)} tokens")
                held.append(token)
            if place in wanted:
                rows[wanted[place]] = self._voice(bytes(self._sequences[sequences[0]]))
        return rows

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        held = self._sequences.setdefault(target, bytearray())
        if len(held) != start:
            raise EngineError(f"a fork to position {start} of a sequence of {len(held)} tokens")
        found = self._sequences[source]
        held += found[start : len(found) if end == -1 else end]

    def forget(self, sequence: int) -> None:
        self._sequences.pop(sequence, None)

    def matcher(self, grammar: str) -> LLMatcher:
        from llguidance import LLMatcher

        matcher = LLMatcher(_tokenizer(), grammar)
        if matcher.is_error():
            raise EngineError(f"llguidance refuses a grammar: {matcher.get_error()}")
        return matcher

    def close(self) -> None:
        self._sequences.clear()


@cache
def _tokenizer() -> LLTokenizer:
    from llguidance import LLTokenizer

    return LLTokenizer("byte")


class ScriptedEngine(Engine):
    """Answers from a script; `calls` records what was asked, as (function, arguments)."""

    def __init__(self, script: Script) -> None:
        super().__init__(ByteBackend(self._speak))
        self.calls: list[tuple[str, dict[str, object]]] = []
        self._script = script
        self._lines: dict[bytes, dict[bytes, float]] = {}

    def answer(self, calls: Sequence[Call]) -> list[Answer[object] | MicropromptError]:
        failed: dict[int, MicropromptError] = {}
        for index, call in enumerate(calls):
            self.calls.append((call.program.name, dict(call.arguments)))
            try:
                self._lines[self.render(call).encode()] = self._scripted(call)
            except ScriptError as error:
                failed[index] = error
        answered = iter(super().answer([call for index, call in enumerate(calls) if index not in failed]))
        return [failed[index] if index in failed else next(answered) for index in range(len(calls))]

    def _scripted(self, call: Call) -> dict[bytes, float]:
        """The answer's possible texts with their probabilities."""
        program = call.program
        if program.name not in self._script:
            raise ScriptError(
                f"the script has no answer for {program.name}",
                help=f'add one, as in scripted({{"{program.name}": ...}})',
            )
        found = self._script[program.name]
        if callable(found):
            found = found(**call.arguments)
        weighted = list(found.items()) if isinstance(found, Mapping) else [(found, 1.0)]
        write = as_json if isinstance(program.returns, (abi.RecordType, abi.ListType)) else plain
        lines: dict[bytes, float] = {}
        for value, weight in weighted:
            try:
                check(value, program.returns, f"the scripted answer of {program.name}")
            except MicropromptError as error:
                raise ScriptError(str(error)) from None
            end = "" if isinstance(program.returns, abi.RecordType) else "\n"
            lines[f" {write(value, program.returns)}{end}".encode()] = weight
        return lines

    def _speak(self, text: bytes) -> NDArray[np.float32]:
        logits = np.full(VOCABULARY, _NEVER, dtype=np.float32)
        prompt = max((line for line in self._lines if text.startswith(line)), key=len, default=None)
        if prompt is None:
            return logits
        said = text[len(prompt) :]
        weights = np.zeros(VOCABULARY)
        for line, weight in self._lines[prompt].items():
            if line.startswith(said):
                weights[line[len(said)] if len(line) > len(said) else _END] += weight
        known = weights > 0
        logits[known] = np.log(weights[known])
        return logits
