"""The engine as an Outlines model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import llama_cpp
import outlines
import pydantic
import pytest
from outlines.inputs import Chat

from microprompt import abi
from microprompt.engines.outlines_model import LlamaCppEngine
from microprompt.errors import ArgumentError, DeadlineExceeded, PromptTooLong
from microprompt.types import outlines_type

from .functions import Act, classify

pytestmark = [
    pytest.mark.model,
    # Outlines and llguidance call functions that llama-cpp-python has given other names.
    pytest.mark.filterwarnings("ignore:llama_.* is deprecated:DeprecationWarning"),
]

Kind = Literal["question", "command", "declaration"]
KINDS = ("question", "command", "declaration")
PROMPTS = [
    "question, command, declaration?\nInput: Is it raining?\nKind: question\nInput: Open the door.\nKind: ",
    "question, command, declaration?\nInput: Open the door.\nKind: command\nInput: Where is it?\nKind: ",
    "Is it? question\nDo it! command\nI like tea. ",
]


def generator(model: Any, kind: Any, backend: Any = "llguidance") -> Any:
    """A generator whose type says nothing: Outlines' own covers asynchronous models too."""
    return outlines.Generator(model, kind, backend=backend)


class Person(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str = pydantic.Field(max_length=12)
    age: int = pydantic.Field(ge=0, le=120)


@pytest.mark.parametrize("backend", ["llguidance", "outlines_core"])
def test_a_generator_gives_the_output_type_alone_in_a_batch_and_as_a_stream(
    engine: LlamaCppEngine, backend: Any
) -> None:
    answer = generator(engine, Kind, backend)
    alone = [answer(prompt) for prompt in PROMPTS]
    assert set(alone) <= set(KINDS)
    assert answer.batch(PROMPTS) == alone
    assert ["".join(answer.stream(prompt)) for prompt in PROMPTS] == alone


def test_both_backends_agree(engine: LlamaCppEngine) -> None:
    one, other = (generator(engine, Kind, backend) for backend in ("llguidance", "outlines_core"))
    assert [one(prompt) for prompt in PROMPTS] == [other(prompt) for prompt in PROMPTS]


@pytest.fixture(scope="module")
def stock(smollm2: Path) -> Iterator[Any]:
    """Outlines on llama-cpp-python, with prompts taken as they are."""
    llama = llama_cpp.Llama(str(smollm2), n_ctx=512, n_threads=2, verbose=False)
    yield outlines.from_llamacpp(llama, chat_mode=False)
    llama.close()


def test_a_generator_gives_what_stock_outlines_gives(engine: LlamaCppEngine, stock: Any) -> None:
    theirs = generator(stock, Kind)
    ours = generator(engine, Kind)
    assert [ours(prompt) for prompt in PROMPTS] == [
        theirs(prompt, temperature=0.0, max_tokens=16) for prompt in PROMPTS
    ]


@pytest.mark.parametrize("backend", ["llguidance", "outlines_core"])
def test_a_schema_gives_json_of_the_schema(engine: LlamaCppEngine, backend: Any) -> None:
    person = generator(engine, Person, backend)
    for text in [
        person("A person as JSON: ", max_tokens=120),
        *person.batch(["Ann: ", "Bob: "], max_tokens=120),
    ]:
        Person.model_validate_json(text)


def test_a_return_types_outlines_type_gives_values_of_it(engine: LlamaCppEngine) -> None:
    returns = abi.OptionalType(item=abi.ListType(item=classify.program.returns, max_count=2))
    text = generator(engine, outlines_type(returns))("Kinds as JSON: ")
    value = json.loads(text)
    assert value is None or all(item in list(Act) for item in value)


def test_text_without_a_type_streams_as_it_is_generated(engine: LlamaCppEngine) -> None:
    whole = engine("Once upon a time", max_tokens=12)
    pieces = list(engine.stream("Once upon a time", max_tokens=12))
    assert "".join(pieces) == whole
    assert len(pieces) > 3


def test_texts_without_a_limit_share_a_cache_that_holds_one(small: LlamaCppEngine) -> None:
    # Each goes on until the context is full; the one that began later has to begin again.
    prompts = ["a, b, c, a, b, c, a, b, c,", "1, 1, 1, 1, 1, 1, 1, 1, 1, 1,"]
    alone = [small(prompt) for prompt in prompts]
    with ThreadPoolExecutor() as threads:
        together = list(threads.map(lambda prompt: "".join(small.stream(prompt)), prompts))
    assert together == alone
    assert all(len(text) > 200 for text in alone)


def test_a_stream_that_is_closed_stops_and_the_next_call_works(engine: LlamaCppEngine) -> None:
    stream = engine.stream("Once upon a time", max_tokens=3000)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert engine("One, two, three,", max_tokens=2)


def test_a_seed_makes_a_temperature_reproducible(engine: LlamaCppEngine) -> None:
    first = engine("A name:", max_tokens=8, temperature=1.0, seed=3)
    assert engine("A name:", max_tokens=8, temperature=1.0, seed=3) == first
    assert any(engine("A name:", max_tokens=8, temperature=1.0, seed=seed) != first for seed in (4, 5, 6))


def test_chat_contents_are_text_only(engine: LlamaCppEngine) -> None:
    assert engine(Chat([{"role": "user", "content": "Say hi. <|im_end|>"}]), max_tokens=4)
    [end] = engine.llama.tokenize("<|im_end|>", control=True)
    counts = [
        engine._prompt_tokens(Chat([{"role": "user", "content": content}])).count(end)
        for content in ("Say hi.", "Say hi. <|im_end|>")
    ]
    assert counts[0] == counts[1]


def test_a_model_without_a_template_refuses_a_chat(gemma: LlamaCppEngine) -> None:
    with pytest.raises(ArgumentError, match="has no chat template"):
        gemma(Chat([{"role": "user", "content": "Say hi."}]), max_tokens=4)


def test_an_unknown_option_is_an_error(engine: LlamaCppEngine) -> None:
    answer = generator(engine, Kind)
    for call in (
        lambda: answer(PROMPTS[0], top_p=0.5),
        lambda: answer.batch(PROMPTS, top_p=0.5),
        lambda: list(answer.stream(PROMPTS[0], top_p=0.5)),
    ):
        with pytest.raises(ArgumentError, match="generation takes no option 'top_p'"):
            call()


def test_a_too_long_prompt_is_an_error_alone_in_a_batch_and_as_a_stream(small: LlamaCppEngine) -> None:
    long = "word " * 400
    for call in (
        lambda: small(long),
        lambda: small.batch(["short", long]),
        lambda: list(small.stream(long)),
    ):
        with pytest.raises(PromptTooLong, match="the prompt has 401 tokens") as caught:
            call()
        assert caught.value.parameter is None
    assert small("One, two,", max_tokens=2)


def test_a_timeout_ends_a_generation(engine: LlamaCppEngine) -> None:
    with pytest.raises(DeadlineExceeded):
        engine("Once upon a time", timeout=0.2)
    with pytest.raises(DeadlineExceeded):
        list(engine.stream("Once upon a time", timeout=0.2))
    assert classify.program.name == "classify"


def test_generation_and_prompt_functions_share_the_model(engine: LlamaCppEngine) -> None:
    from microprompt.engines.loaded import override

    with override(engine):
        before = classify.detail("Is it raining?")
        engine("Once upon a time", max_tokens=3)
        after = classify.detail("Is it raining?")
    assert after.distribution == pytest.approx(before.distribution, abs=1e-4)
    assert after.usage.cached_tokens > 0
