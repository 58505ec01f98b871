"""Random programs met by random logits: whatever is compiled, every answer is valid and within its bound.

In CI it is some hundred decodes, and a few on the embedded model; `DECODES=10000 REAL_DECODES=200 pytest
tests/property/test_programs.py` makes so many.
"""

from __future__ import annotations

import inspect
import json
import os
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any, Final, get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from microprompt import PromptFunction
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import engine_for, override
from microprompt.errors import AnswerTooLong
from microprompt.types import kind
from mpc import project

from ..unit.runtime.programs import WatchedBackend
from .sources import ARGUMENTS, AROUND, LEAVES, PROMPTS, random_program
from .test_answers import random_voice

IN_CI: Final = 500
DECODES: Final = int(os.environ.get("DECODES", IN_CI))
CALLS: Final = 4
"""Answers of each prompt."""

REAL: Final = int(os.environ.get("REAL_DECODES", "16"))
"""Answers of the embedded model."""

MODULES: Final = max(1, DECODES // (PROMPTS * CALLS))


def functions(text: str, folder: Path) -> list[PromptFunction[..., Any]]:
    """The prompt functions of a program, compiled and executed."""
    path = folder / "program.mp"
    path.write_text(text, encoding="utf-8")
    module = project.load(path)
    return [getattr(module, f"ask{number}") for number in range(PROMPTS)]


def check(function: PromptFunction[..., Any], engine: Engine, text: str) -> None:
    """Call a function, and check its answer against its type, Pydantic's reading of it, and its bound."""
    answer = function.detail(**ARGUMENTS)
    bound = engine.bind(function.program).given(ARGUMENTS)
    assert answer.usage.decoded_tokens <= bound.answer.max_tokens, text
    assert bound.plan.kind.check(answer.value, "the answer") == answer.value, text
    assert all(0 <= part.confidence <= 1 + 1e-9 for part in answer.fields.values()), text

    signature = inspect.unwrap(function)
    model: TypeAdapter[Any] = TypeAdapter(get_type_hints(signature, include_extras=True)["return"])
    assert model.validate_python(answer.value) == answer.value, text
    data = json.loads(json.dumps(answer.to_json()))["value"]
    assert kind(function.program.returns).read_data(data, "the data") == answer.value, text
    if not bound.plan.kind.nested():
        assert model.validate_json(model.dump_json(answer.value)) == answer.value, text


class Voices:
    """Logits that look random, and are others after each `change`."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.change()

    def change(self) -> None:
        self._voice = random_voice(self._random.randrange(2**32))

    def __call__(self, text: bytes) -> NDArray[np.float32]:
        return self._voice(text)


@pytest.mark.parametrize("seed", range(MODULES))
def test_every_answer_of_a_random_program_is_valid_and_within_its_bound(seed: int, tmp_path: Path) -> None:
    text = random_program(seed)
    voices = Voices(seed)
    with closing(Engine(WatchedBackend(voices, context=10**9))) as engine, override(engine):
        for number, function in enumerate(functions(text, tmp_path)):
            for call in range(CALLS):
                voices.change()
                check(function, engine, f"seed {seed}, ask{number}, call {call}\n{text}")


@pytest.mark.model
@pytest.mark.parametrize("seed", range(REAL // PROMPTS))
def test_every_answer_of_a_real_model_is_valid_and_within_its_bound(seed: int, tmp_path: Path) -> None:
    text = random_program(seed)
    engine = engine_for(None, None)
    assert isinstance(engine, Engine)
    with override(engine):
        for number, function in enumerate(functions(text, tmp_path)):
            # A model may fill its context with a list of lists; that is told, and no answer.
            with suppress(AnswerTooLong):
                check(function, engine, f"seed {seed}, ask{number}\n{text}")


def test_every_kind_of_type_is_the_answer_of_a_prompt() -> None:
    """Every second prompt has a type of the tables, in turn."""
    assert len({*AROUND, *LEAVES}) <= IN_CI // (PROMPTS * CALLS) * (PROMPTS // 2)
