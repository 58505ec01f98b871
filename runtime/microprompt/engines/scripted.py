"""A test double: the whole runtime on a byte-level "model" that says what a script tells it.

Layout, tokens, plans, tries, guides and scheduling are the real ones; only the forward pass is replaced.
Tokens are bytes, so probabilities come out exactly as scripted.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..answer import Answer
from ..errors import EngineError, MicropromptError, ScriptError
from ..program import Program
from ..prompts.layout import Template
from ..prompts.plan import Plan
from ..scheduling.backend import PASS_TOKENS, Interrupted, Rows, Step
from ..scheduling.decoding import MAX_SEQUENCES, Cursor, Decoding
from ..scheduling.guides import make_guide
from ..scheduling.jobs import Job
from ..scheduling.slots import Said
from ..scheduling.trails import Trail
from ..types import AnyKind
from .base import Call
from .engine import Engine

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

Voice: TypeAlias = Callable[[bytes], NDArray[np.float32]]
"""From all that a sequence holds to the logits of its next byte, shape (`VOCABULARY`,)."""

Script: TypeAlias = Mapping[str, object]
"""From a function's name to its answer: a value, a mapping from values to probabilities, either of them as
`Reasoned`, or a callable that is given the arguments by name and returns one of these."""


@dataclass(frozen=True, slots=True)
class Reasoned:
    """An answer of a prompt with `reasoning`, and what stands on its scratchpad. The tokens of scripts are
    bytes, and a text of more than the prompt allows is cut."""

    reasoning: str
    answer: object


VOCABULARY: Final = 262
_END: Final = 261
_NEVER: Final = -60.0


class ByteBackend:
    """Implements `scheduling.backend.FullBackend` over bytes, with the logits of a `Voice`.

    Strict where a real cache is forgiving: a token at a wrong position, or a sequence left over, is an error.
    """

    def __init__(self, voice: Voice, *, context: int = 16384) -> None:
        self.name = "scripted"
        self.n_vocab = VOCABULARY
        self.n_layers = 2
        self.n_cells = self.n_context = context
        self.n_sequences = 256
        self.max_sequences_per_token = MAX_SEQUENCES
        self.pass_tokens = PASS_TOKENS
        self.template: Template | None = None
        self.decoded_batches = 0
        self._voice = voice
        self._sequences: dict[int, bytearray] = {}
        self._stop = threading.Event()

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        return list(text.encode())

    def start_tokens(self) -> list[int]:
        return []

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def is_end(self, token: int) -> bool:
        return token == _END

    def turn_ends(self) -> list[int]:
        return [_END]

    def decode(self, step: Step, threads: int) -> Rows:
        self._stop.clear()
        self.decoded_batches += 1
        rows = np.empty((len(step.rows), VOCABULARY), dtype=np.float32)
        wanted = {place: row for row, place in enumerate(step.rows)}
        for place, (token, position, sequences) in enumerate(
            zip(step.tokens, step.positions, step.sequences, strict=True)
        ):
            if self._stop.is_set():
                raise Interrupted
            for sequence in sequences:
                held = self._sequences.setdefault(sequence, bytearray())
                if len(held) != position:
                    raise EngineError(f"position {position} in a sequence of {len(held)} tokens")
                held.append(token)
            if place in wanted:
                rows[wanted[place]] = self._voice(bytes(self._sequences[sequences[0]]))
        return rows

    def interrupt(self) -> None:
        self._stop.set()

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        held = self._sequences.setdefault(target, bytearray())
        if len(held) != start:
            raise EngineError(f"a fork to position {start} of a sequence of {len(held)} tokens")
        found = self._sequences.get(source, bytearray())
        held += found[start : len(found) if end == -1 else end]

    def forget(self, sequence: int, start: int = 0) -> None:
        if start:
            del self._sequences[sequence][start:]
        else:
            self._sequences.pop(sequence, None)

    def save(self, sequence: int) -> bytes:
        return bytes(self._sequences[sequence])

    def restore(self, sequence: int, saved: bytes) -> None:
        self._sequences[sequence] = bytearray(saved)

    def clone(self) -> ByteBackend:
        return ByteBackend(self._voice, context=self.n_cells)

    def exit_after(self, layer: int, cells: int) -> ByteBackend:
        """There is nothing between a voice's bytes and its logits: they are its hidden states too."""
        return ByteBackend(self._voice, context=cells)

    def matcher(self, grammar: str) -> LLMatcher:
        return make_guide(_tokenizer(), grammar)

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
        self._users: Counter[bytes] = Counter()
        self._changed = threading.Condition()

    def _layout_of(self, program: Program) -> str:
        # Bytes have no chat template, so what a script says is running text whatever a program asks for.
        return self.layout if self.backend.template is None else super()._layout_of(program)

    def job(
        self,
        call: Call,
        *,
        waits: bool = False,
        said: Mapping[str, Said] | None = None,
        trail: Trail | None = None,
    ) -> Job[Answer[object]]:
        self.scheduler.refuse()
        self.calls.append((call.program.name, _own_arguments(call)))
        plan = self.bind(call.program).given(call.arguments).plan
        # The script is not asked under the lock, for it may call prompt functions itself.
        reasoning, weighted = self._weighted(call, plan)
        lines = _lines(weighted, plan, _bounded(reasoning, call.program.using.reasoning))
        job = super().job(call, waits=waits, said=said, trail=trail)
        prompt = self.render(call).encode()
        self._learn(prompt, lines)
        job.future.add_done_callback(lambda _: self._forget(prompt))
        decode = job.decode

        def faithful(cursor: Cursor, cached: int) -> Decoding[Answer[object]]:
            answer = yield from decode(cursor, cached)
            if not said:  # else it need not be what the script says
                _check_faithful(answer, lines, plan)
            return answer

        job.decode = faithful
        return job

    def _learn(self, prompt: bytes, lines: dict[bytes, float]) -> None:
        """Let a prompt be answered with `lines`, once no other call with the same prompt has others."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._lines.get(prompt, lines) == lines, timeout=10):
                raise ScriptError("the script gives two answers at a time to calls with the same prompt")
            self._lines[prompt] = lines
            self._users[prompt] += 1

    def _forget(self, prompt: bytes) -> None:
        with self._changed:
            self._users[prompt] -= 1
            if not self._users[prompt]:
                del self._users[prompt], self._lines[prompt]
                self._changed.notify_all()

    def _weighted(self, call: Call, plan: Plan) -> tuple[str, list[tuple[object, float]]]:
        """The reasoning that the script gives for a call, and the values, each with its probability."""
        program = call.program
        if program.name not in self._script:
            raise ScriptError(
                f"the script has no answer for {program.name}",
                help=f'add one, as in scripted({{"{program.name}": ...}})',
            )
        found = self._script[program.name]
        if callable(found):
            found = found(**_own_arguments(call))
        answer, where = plan.kind, f"the scripted answer of {program.name}"
        reasoning = ""
        if isinstance(found, Reasoned):
            if program.using.reasoning is None:
                raise ScriptError(
                    f"{program.name} does not reason", help="script the answer alone, or set `reasoning`"
                )
            reasoning, found = found.reasoning.strip(), found.answer
        weighted: Iterable[tuple[object, float]] = [(found, 1.0)]
        if isinstance(found, Mapping) and not _is_value(answer, found):
            weighted = found.items()
        try:
            return reasoning, [(answer.check(value, where), weight) for value, weight in weighted]
        except MicropromptError as error:
            raise ScriptError(str(error)) from None

    def _speak(self, text: bytes) -> NDArray[np.float32]:
        logits = np.full(VOCABULARY, _NEVER, dtype=np.float32)
        with self._changed:
            known_prompts = [line for line in self._lines if text.startswith(line)]
            prompt = max(known_prompts, key=len, default=None)
            if prompt is None:
                return logits
            lines = self._lines[prompt]
        said = text[len(prompt) :]
        weights = np.zeros(VOCABULARY)
        for line, weight in lines.items():
            if line.startswith(said):
                weights[line[len(said)] if len(line) > len(said) else _END] += weight
        known = weights > 0
        logits[known] = np.log(weights[known])
        return logits


def _is_value(declared: AnyKind, found: Mapping[object, object]) -> bool:
    """Whether a mapping is an answer itself, where answers are dicts."""
    try:
        declared.check(found, "")
    except MicropromptError:
        return False
    return True


def _own_arguments(call: Call) -> dict[str, object]:
    """The arguments of a call without what prompts in its body have answered."""
    return {each.name: call.arguments[each.name] for each in call.program.parameters}


def _bounded(reasoning: str, most: int | None) -> str:
    """As much of it as so many tokens hold."""
    return reasoning.encode()[:most].decode(errors="ignore").rstrip()


def _lines(
    weighted: Sequence[tuple[object, float]], plan: Plan, reasoning: str
) -> dict[bytes, float]:
    """The answer's possible texts with their probabilities: of independent fields, each field's."""
    lines: defaultdict[bytes, float] = defaultdict(float)
    for value, weight in weighted:
        for text in plan.texts(value, reasoning):
            lines[text.encode()] += weight
    return dict(lines)


def _check_faithful(answer: Answer[object], lines: Mapping[bytes, float], plan: Plan) -> None:
    """Raise `ScriptError` if the answer is none of those that the script gave."""
    if _lines([(answer.value, 1.0)], plan, answer.reasoning or "").keys() <= lines.keys():
        return
    scripted = next(iter(lines)).decode().strip()
    raise ScriptError(
        f"no model can write the scripted answer {scripted}: it comes out as {plan.kind.plain(answer.value)}",
        help="text is one line without a blank at its start, of up to 200 characters unless its type says so",
    )
