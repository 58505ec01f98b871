"""A test double: the whole runtime on a byte-level "model" that says what a script tells it.

Layout, tokens, plans, tries, guides and scheduling are the real ones; only the forward pass is replaced.
Tokens are bytes, so probabilities come out exactly as scripted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..answer import Answer
from ..errors import DeadlineExceeded, EngineError, MicropromptError, ScriptError
from ..layout import Template
from ..values import check, plain
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
        self._check_time(deadline)
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
        self._check_time(deadline)
        return rows

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        held = self._sequences.setdefault(target, bytearray())
        if len(held) != start:
            raise EngineError(f"a fork to position {start} of a sequence of {len(held)} tokens")
        found = self._sequences.get(source, bytearray())
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

    def _check_time(self, deadline: float | None) -> None:
        if deadline is not None and time.monotonic() >= deadline:
            raise DeadlineExceeded("the call took longer than its timeout")


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
        self._lock = threading.Lock()

    def answer(self, calls: Sequence[Call]) -> list[Answer[object] | MicropromptError]:
        failed: dict[int, MicropromptError] = {}
        lines: dict[int, dict[bytes, float]] = {}
        for index, call in enumerate(calls):
            self.calls.append((call.program.name, dict(call.arguments)))
            try:
                lines[index] = _lines(self._weighted(call), call.program.returns)
            except ScriptError as error:
                failed[index] = error
        # The script is not asked under the lock, for it may call prompt functions itself.
        with self._lock:
            self._lines = {self.render(calls[index]).encode(): found for index, found in lines.items()}
            answered = iter(super().answer([calls[index] for index in lines]))
        return [
            failed[index]
            if index in failed
            else _faithful(next(answered), lines[index], call.program.returns)
            for index, call in enumerate(calls)
        ]

    def _weighted(self, call: Call) -> list[tuple[object, float]]:
        """The values that the script gives for a call, each with its probability."""
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
        for value, _ in weighted:
            try:
                check(value, program.returns, f"the scripted answer of {program.name}")
            except MicropromptError as error:
                raise ScriptError(str(error)) from None
        return weighted

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


def _lines(weighted: Sequence[tuple[object, float]], returns: abi.Type) -> dict[bytes, float]:
    """The answer's possible texts with their probabilities."""
    end = "" if isinstance(returns, abi.RecordType) else "\n"
    return {f" {plain(value, returns)}{end}".encode(): weight for value, weight in weighted}


def _faithful(
    answer: Answer[object] | MicropromptError, lines: Mapping[bytes, float], returns: abi.Type
) -> Answer[object] | MicropromptError:
    """The answer, or an error if it is none of those that the script gave."""
    if isinstance(answer, MicropromptError) or _lines([(answer.value, 1.0)], returns).keys() <= lines.keys():
        return answer
    scripted = next(iter(lines)).decode().strip()
    return ScriptError(
        f"no model can write the scripted answer {scripted}: it comes out as {plain(answer.value, returns)}",
        help="text is one line without a blank at its start, of up to 200 characters unless its type says so",
    )
