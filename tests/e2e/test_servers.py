"""Models on servers, on real ones: our own of System One, and the embedded model behind the OpenAI API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_cpp import Llama

from microprompt import abi, decide
from microprompt.engines import loaded
from microprompt.systemone import ChoiceQuestion
from microprompt.types import BoolType, IntType

from ..unit.runtime.programs import ACT, INNER, Act, Inner, function, program
from ..unit.runtime.replying import Reply, Replying
from ..unit.systemone.server import application, served

pytestmark = pytest.mark.model


def asking(name: str, returns: Any, **settings: Any) -> Any:
    return function(program(returns, using=abi.Using(model=abi.Model(name=name)), **settings))


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """The engines of servers end with the test; those of models are for others too."""
    yield
    for model in [model for model in loaded._engines if ":http:" in model.name]:
        loaded._engines.pop(model).close()


@pytest.fixture(scope="module")
def chat(smollm2: Path) -> Iterator[str]:
    """The address of a server of the OpenAI API."""
    model = Llama(str(smollm2), n_ctx=512, n_threads=2, logits_all=True, verbose=False)
    lock = threading.Lock()

    def reply(body: Any) -> Reply:
        schema = body["response_format"]["json_schema"]["schema"]
        with lock:
            found = model.create_chat_completion(
                messages=body["messages"],
                temperature=body["temperature"],
                logprobs=body["logprobs"],
                top_logprobs=body["top_logprobs"],
                max_tokens=64,
                response_format={"type": "json_object", "schema": schema},
            )
        return Reply(json.dumps(found, default=float).encode())  # there are numbers of NumPy in it

    with Replying(reply) as server:
        yield f"openai:{server.url}/v1#smollm2"
    model.close()


def test_our_own_server_answers_what_the_same_question_answers_here() -> None:
    with served(application()) as url:
        answer = asking(f"systemone:{url}", ACT).detail("Please close the window.")
    criteria = {"question": "asks for something", "command": None, "something else": None}
    question = ChoiceQuestion(instructions="Say what it is.", criteria=criteria)
    found = decide("Input: Please close the window.", {"answer": question}).choices["answer"]
    assert answer.distribution is not None
    said = list(answer.distribution.values())
    assert said == pytest.approx(list(found.probabilities.values()), abs=0.02)


@pytest.mark.parametrize("returns", [BoolType(), IntType(minimum=1, maximum=3)], ids=["noul", "score"])
def test_our_own_server_answers_other_questions(returns: Any) -> None:
    with served(application()) as url:
        answer = asking(f"systemone:{url}", returns).detail("Please close the window.")
    assert answer.distribution is not None
    assert sum(answer.distribution.values()) == pytest.approx(1)


def test_a_choice_behind_the_openai_api_has_a_distribution(chat: str) -> None:
    examples = {"Is it?": Act.question, "Go!": Act.command, "Well.": Act.other}
    answer = asking(chat, ACT, examples=examples).detail("Where is it?")
    assert answer.value in set(Act)
    assert answer.answered_by == "labels"
    assert answer.distribution is not None
    assert sum(answer.distribution.values()) == pytest.approx(1)
    assert answer.distribution[answer.value] == answer.confidence


def test_a_record_behind_the_openai_api_is_of_its_type(chat: str) -> None:
    answer = asking(chat, INNER, examples={"Go!": Inner(Act.command, 4)}).detail("Where is it?")
    assert isinstance(answer.value, Inner)
    assert 0 < answer.confidence <= 1
    assert answer.usage.decoded_tokens > 0
