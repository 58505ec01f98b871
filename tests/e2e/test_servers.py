"""Models on servers, on real ones: our own of System One, and the embedded model behind the OpenAI API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from microprompt import abi, decide, models
from microprompt.engines import loaded
from microprompt.errors import ServerError
from microprompt.models.trial import tried
from microprompt.systemone import ChoiceQuestion
from microprompt.types import BoolType, IntType
from mpc import project

from ..bench.engines import ROOT
from ..unit.runtime.programs import ACT, function, program
from ..unit.systemone.server import application, served

pytestmark = pytest.mark.model

PROGRAM = '''\
model big = "ADDRESS"

enum Act:
    question "asks for something"
    command
    other as "something else"

record Ticket:
    act: Act
    urgency: int(1..5)

prompt classify(text: str) -> Act:
    Say what the message is.

    Message: {text}
using:
    model = big

prompt read(text: str) -> Ticket:
    Fill in the ticket.

    Message: {text}
using:
    model = big

prompt title(text: str) -> str(1..30):
    Give the message a title.

    Message: {text}
using:
    model = big

prompt unsure(text: str) -> Act:
    Say what the message is.

    Message: {text}
using:
    escalate = big below 0.999
'''


def asking(name: str, returns: Any, **settings: Any) -> Any:
    return function(program(returns, using=abi.Using(model=abi.Model(name=name)), **settings))


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """The engines of servers end with the test; those of models are for others too."""
    yield
    for model in [model for model in loaded._engines if ":http:" in model.name]:
        loaded._engines.pop(model).close()


SERVING = """\
from llama_cpp.server.__main__ import main
main()
"""

PLAIN = f"""\
from tests.bench.peers import keep_to_plain_kernels
keep_to_plain_kernels()
{SERVING}"""
"""Where the other kernels crash on this machine."""


@pytest.fixture(scope="module")
def chat(smollm2: Path) -> Iterator[str]:
    """The default model's name on llama-cpp-python's own server."""
    serving = SERVING if tried(smollm2, models.tell()).extra_buffers else PLAIN
    command = [sys.executable, "-c", serving, "--model", str(smollm2), "--host", "127.0.0.1", "--port", "0"]
    command += ["--n_ctx", "512", "--n_threads", "1", "--n_threads_batch", "1", "--verbose", "false"]
    own = {name: value for name, value in os.environ.items() if name not in ("HOST", "PORT")}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            said = []
            for line in process.stderr:
                said.append(line)
                if ready := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                    break
            else:
                pytest.fail("".join(said))
            yield f"openai:{ready[1]}/v1#smollm2"
        finally:
            process.kill()


@pytest.fixture(scope="module")
def module(chat: str, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("servers") / "on_servers.mp"
    path.write_text(PROGRAM.replace("ADDRESS", chat), encoding="utf-8")
    return project.load(path)


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


def test_a_choice_behind_the_openai_api_has_a_distribution(module: ModuleType) -> None:
    answer = module.classify.detail("Where is it?")
    assert answer.value in module.Act
    assert answer.answered_by == "labels"
    assert set(answer.distribution) == set(module.Act)
    assert sum(answer.distribution.values()) == pytest.approx(1)
    assert answer.distribution[answer.value] == answer.confidence


def test_a_record_behind_the_openai_api_is_of_its_type(module: ModuleType) -> None:
    answer = module.read.detail("Where is it?")
    assert isinstance(answer.value, module.Ticket)
    assert 1 <= answer.value.urgency <= 5
    assert 0 < answer.confidence <= 1
    assert answer.usage.decoded_tokens > 0


def test_text_behind_the_openai_api_is_as_long_as_it_may_be(module: ModuleType) -> None:
    answer = module.title.detail("The heating in room 5 is broken since Monday.")
    assert 1 <= len(answer.value) <= 30
    assert answer.answered_by == "model"


def test_an_unsure_answer_goes_on_to_a_model_behind_the_openai_api(module: ModuleType, chat: str) -> None:
    answer = module.unsure.detail("Where is it?")
    assert answer.first.model != chat
    assert answer.second.model == chat
    assert sum(answer.distribution.values()) == pytest.approx(1)


def test_what_does_not_fit_into_the_context_of_a_server_is_told_of(module: ModuleType) -> None:
    with pytest.raises(ServerError, match="maximum context length is 512 tokens"):
        module.classify("where " * 600)
