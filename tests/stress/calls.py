"""Random programs and a model that says anything: answers are of their types, and nothing is left over.

The logits are random and depend on the text alone, so that a call gives the same answer whatever runs beside
it. A crowd of calls, some of which give up, must agree with calls that were made one after another.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Any, Final, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from microprompt.engines.engine import Call, Engine
from microprompt.engines.loaded import override
from microprompt.engines.scripted import VOCABULARY, ByteBackend, Voice
from microprompt.errors import ArgumentError, DeadlineExceeded, EngineError, MicropromptError
from mpc import project

from .findings import Files, Search, Wrong, raised, write
from .generator import programs, prompt_functions

CONTEXT: Final = 10**6
"""Cells for programs of any size; the crowd shares fewer."""

CROWD: Final = 24
PATIENCE: Final = 20.0
"""Seconds until the engine has put everything back."""

_CLOSING: Final = [*b'"]}\n', VOCABULARY - 1]
"""The bytes that end something, and the token that ends everything."""


def search(round: Search) -> None:
    """Answer the prompt functions of random programs with random logits."""

    def trial(files: Files) -> None:
        shutil.rmtree(round.folder, ignore_errors=True)
        write(files, round.folder)
        if "main.mp" not in files:
            return
        try:
            module = project.load(round.folder / "main.mp")
        except project.CompileError:
            return  # the generator's search is for these
        calls = calls_of(module)
        check_answers(calls, random_voice(round.seed))
        check_crowd(calls, round.seed)

    round.try_all(programs(), trial)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of a prompt function."""

    function: Any
    arguments: Mapping[str, object]

    def call(self, timeout: float | None = None) -> Call:
        return Call(self.function.program, self.arguments, timeout)


def calls_of(module: ModuleType) -> list[Asked]:
    """The calls that the examples and tests of a module make."""
    return [
        Asked(
            function,
            {parameter.name: value for parameter, value in zip(program.parameters, given, strict=True)},
        )
        for function in prompt_functions(module)
        for program in (function.program,)
        for given in (case.arguments for case in (*program.examples, *program.tests))
    ]


def random_voice(seed: int) -> Voice:
    """Logits that look random, rather come to an end, and depend on nothing but the seed and the text."""

    def voice(text: bytes) -> NDArray[np.float32]:
        digest = hashlib.blake2b(text, digest_size=8, key=seed.to_bytes(8, "little")).digest()
        logits = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little"))).normal(
            0, 4, VOCABULARY
        )
        logits[_CLOSING] += 4
        return logits.astype(np.float32)

    return voice


# ------------------------------------------------------------------------------------------- one by one


def check_answers(calls: list[Asked], voice: Voice) -> None:
    """Make calls one after another, and look at each answer from all sides."""
    engine = Engine(ByteBackend(voice, context=CONTEXT))
    with override(engine):
        for asked in calls:
            try:
                answer = asked.function.detail(**asked.arguments)
            except EngineError as error:
                raise raised("a call raises", error) from error
            except MicropromptError:
                continue  # such as an answer that its `timeout` cuts off
            except Exception as error:
                raise raised("a call raises", error) from error
            check_value(answer.value, asked)
            try:
                json.dumps(answer.to_json(), allow_nan=False)
            except ValueError as error:
                raise Wrong("an answer's JSON is none", str(error)) from error
            parts = (answer, *answer.fields.values())
            numbers = [n for part in parts for n in (part.confidence, *(part.distribution or {}).values())]
            if not all(0 <= number <= 1 + 1e-9 for number in numbers):
                raise Wrong("a probability is none", repr(answer))
    engine.close()


def check_value(value: object, asked: Asked) -> None:
    """An answer is of the function's return type to Pydantic, as JSON, and where it is an argument."""
    hints = get_type_hints(asked.function.__wrapped__, include_extras=True)
    adapter = TypeAdapter[object](hints["return"])
    try:
        adapter.validate_python(value, strict=True)
        if adapter.validate_json(adapter.dump_json(value)) != value:
            raise Wrong("an answer is another after a way through JSON", repr(value))
    except ValidationError as error:
        raise Wrong("an answer is not of its type", f"{value!r}\n{error}") from error
    for name, hint in hints.items():
        if name != "return" and hint == hints["return"]:
            try:
                asked.function.render(**{**asked.arguments, name: value})
            except ArgumentError as error:
                raise Wrong("an answer is refused as an argument", str(error)) from error


# -------------------------------------------------------------------------------------------- in a crowd


class _Watched(ByteBackend):
    """A backend and its clones, whose sequences can be looked at."""

    def __init__(self, voice: Voice, *, context: int) -> None:
        super().__init__(voice, context=context)
        self.voice = voice
        self.family: list[_Watched] = [self]

    def clone(self) -> ByteBackend:
        made = _Watched(self.voice, context=self.n_cells)
        made.family = self.family
        self.family.append(made)
        return made

    def held(self) -> list[str]:
        """What the sequences hold."""
        found: list[str] = []
        for sequence in range(self.n_sequences):
            try:
                found.append(self.save(sequence).decode(errors="replace"))
            except KeyError:
                continue  # there is none
        return found


def check_crowd(calls: list[Asked], seed: int) -> None:
    """Make many calls at a time from threads and tasks, some with a short timeout, some cancelled."""
    # Where chance decides, no two runs agree.
    calls = [asked for asked in calls if not _is_left_to_chance(asked)]
    if not calls:
        return
    alone = Engine(ByteBackend(random_voice(seed), context=CONTEXT))
    expected = [_outcome(alone, asked, timeout=None) for asked in calls]
    alone.close()
    backend = _Watched(random_voice(seed), context=CONTEXT)
    engine = Engine(backend, lanes=2, threads=2)
    chance = Random(seed)
    picks = [chance.randrange(len(calls)) for _ in range(CROWD)]
    patience = [chance.choice((None, None, 0.0, 0.002, 0.01)) for _ in picks]

    def in_thread(number: int) -> None:
        outcome = _outcome(engine, calls[picks[number]], timeout=patience[number])
        late = patience[number] is not None and isinstance(outcome, DeadlineExceeded)
        if not late:
            _compare(outcome, expected[picks[number]], "a thread")

    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(in_thread, number) for number in range(CROWD // 2)]
        asyncio.run(
            _in_tasks(engine, [calls[pick] for pick in picks], [expected[pick] for pick in picks], patience)
        )
        for future in waiting:
            future.result()
    _check_nothing_is_left(engine, backend, calls)
    engine.close()


async def _in_tasks(
    engine: Engine, calls: list[Asked], expected: list[object], patience: list[float | None]
) -> None:
    async def one(number: int) -> None:
        task = asyncio.create_task(engine.aanswer(calls[number].call()))
        if patience[number] is not None:
            await asyncio.sleep(patience[number] or 0)
            task.cancel()
        try:
            outcome: object = (await task).value
        except asyncio.CancelledError:
            return
        except Exception as error:
            outcome = error
        _compare(outcome, expected[number], "a task")

    await asyncio.gather(*(one(number) for number in range(CROWD // 2, CROWD)))


def _outcome(engine: Engine, asked: Asked, *, timeout: float | None) -> object:
    try:
        return engine.answer(asked.call(timeout)).value
    except Exception as error:
        return error


def _compare(outcome: object, expected: object, where: str) -> None:
    if isinstance(outcome, Exception):
        if type(outcome) is not type(expected):
            raise raised(f"a call in {where} raises", outcome)
    elif outcome != expected:
        raise Wrong(f"a call in {where} answers otherwise than alone", f"{outcome!r} for {expected!r}")


def _is_left_to_chance(asked: Asked) -> bool:
    using = asked.function.program.using
    return bool(using.temperature) and using.seed is None


def _check_nothing_is_left(engine: Engine, backend: _Watched, calls: list[Asked]) -> None:
    """After a while the cache holds nothing but what the prompts of a function have in common."""
    prompts: dict[int, list[str]] = {}
    for asked in calls:
        prompts.setdefault(id(asked.function), []).append(engine.render(asked.call()))
    common = [os.path.commonprefix(found) for found in prompts.values()]  # noqa: RUF071 (texts, not paths)
    end = time.monotonic() + PATIENCE
    while True:
        held = [text for member in backend.family for text in member.held()]
        left = [text for text in held if not any(prefix.startswith(text) for prefix in common)]
        if not left:
            return
        if time.monotonic() > end:
            raise Wrong("a sequence is left over", repr(left))
        time.sleep(0.005)
