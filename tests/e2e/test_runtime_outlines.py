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

import microprompt
from microprompt.engines import loaded
from microprompt.engines.outlines_model import OutlinesModel
from microprompt.errors import ArgumentError, DeadlineExceeded, EngineError, PromptTooLong
from microprompt.types import ListType, OptionalType, outlines_type

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
    model: OutlinesModel, backend: Any
) -> None:
    answer = generator(model, Kind, backend)
    alone = [answer(prompt) for prompt in PROMPTS]
    assert set(alone) <= set(KINDS)
    assert answer.batch(PROMPTS) == alone
    assert ["".join(answer.stream(prompt)) for prompt in PROMPTS] == alone


def test_both_backends_agree(model: OutlinesModel) -> None:
    one, other = (generator(model, Kind, backend) for backend in ("llguidance", "outlines_core"))
    assert [one(prompt) for prompt in PROMPTS] == [other(prompt) for prompt in PROMPTS]


@pytest.fixture(scope="module")
def stock(smollm2: Path) -> Iterator[Any]:
    """Outlines on llama-cpp-python, with prompts taken as they are."""

    def params() -> Any:
        # Some builds of llama.cpp's kernels for AMX crash; `Weights` keeps away from them too.
        found = default_params()
        found.use_extra_bufts = False
        return found

    default_params = llama_cpp.llama_model_default_params
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(llama_cpp.llama_cpp, "llama_model_default_params", params)
        llama = llama_cpp.Llama(str(smollm2), n_ctx=512, n_threads=2, verbose=False)
    yield outlines.from_llamacpp(llama, chat_mode=False)
    llama.close()


def test_a_generator_gives_what_stock_outlines_gives(model: OutlinesModel, stock: Any) -> None:
    theirs = generator(stock, Kind)
    ours = generator(model, Kind)
    assert [ours(prompt) for prompt in PROMPTS] == [
        theirs(prompt, temperature=0.0, max_tokens=16) for prompt in PROMPTS
    ]


@pytest.mark.parametrize("backend", ["llguidance", "outlines_core"])
def test_a_schema_gives_json_of_the_schema(model: OutlinesModel, backend: Any) -> None:
    person = generator(model, Person, backend)
    for text in [
        person("A person as JSON: ", max_tokens=120),
        *person.batch(["Ann: ", "Bob: "], max_tokens=120),
    ]:
        Person.model_validate_json(text)


def test_a_return_types_outlines_type_gives_values_of_it(model: OutlinesModel) -> None:
    returns = OptionalType(item=ListType(item=classify.program.returns, max_count=2))
    text = generator(model, outlines_type(returns))("Kinds as JSON: ")
    value = json.loads(text)
    assert value is None or all(item in list(Act) for item in value)


def test_text_without_a_type_streams_as_it_is_generated(model: OutlinesModel) -> None:
    whole = model("Once upon a time", max_tokens=12)
    pieces = list(model.stream("Once upon a time", max_tokens=12))
    assert "".join(pieces) == whole
    assert len(pieces) > 3


def test_texts_without_a_limit_share_a_cache_that_holds_one(small_model: OutlinesModel) -> None:
    # Each goes on until the context is full; the one that began later has to begin again.
    prompts = ["a, b, c, a, b, c, a, b, c,", "1, 1, 1, 1, 1, 1, 1, 1, 1, 1,"]
    alone = [small_model(prompt) for prompt in prompts]
    with ThreadPoolExecutor() as threads:
        together = list(threads.map(lambda prompt: "".join(small_model.stream(prompt)), prompts))
    assert together == alone
    assert all(len(text) > 200 for text in alone)


def test_a_stream_that_is_closed_stops_and_the_next_call_works(model: OutlinesModel) -> None:
    stream = model.stream("Once upon a time", max_tokens=3000)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert model("One, two, three,", max_tokens=2)


def test_a_seed_makes_a_temperature_reproducible(model: OutlinesModel) -> None:
    first = model("A name:", max_tokens=8, temperature=1.0, seed=3)
    assert model("A name:", max_tokens=8, temperature=1.0, seed=3) == first
    assert any(model("A name:", max_tokens=8, temperature=1.0, seed=seed) != first for seed in (4, 5, 6))


def test_chat_contents_are_text_only(model: OutlinesModel) -> None:
    assert model(Chat([{"role": "user", "content": "Say hi. <|im_end|>"}]), max_tokens=4)
    [end] = model.engine.backend.tokenize("<|im_end|>", control=True)
    counts = [
        model._prompt_tokens(Chat([{"role": "user", "content": content}])).count(end)
        for content in ("Say hi.", "Say hi. <|im_end|>")
    ]
    assert counts[0] == counts[1]


def test_a_model_without_a_template_refuses_a_chat(gemma_model: OutlinesModel) -> None:
    with pytest.raises(ArgumentError, match="has no chat template"):
        gemma_model(Chat([{"role": "user", "content": "Say hi."}]), max_tokens=4)


def test_an_unknown_option_is_an_error(model: OutlinesModel) -> None:
    answer = generator(model, Kind)
    for call in (
        lambda: answer(PROMPTS[0], top_p=0.5),
        lambda: answer.batch(PROMPTS, top_p=0.5),
        lambda: list(answer.stream(PROMPTS[0], top_p=0.5)),
    ):
        with pytest.raises(ArgumentError, match="generation takes no option 'top_p'"):
            call()


def test_a_too_long_prompt_is_an_error_alone_in_a_batch_and_as_a_stream(small_model: OutlinesModel) -> None:
    long = "word " * 400
    for call in (
        lambda: small_model(long),
        lambda: small_model.batch(["short", long]),
        lambda: list(small_model.stream(long)),
    ):
        with pytest.raises(PromptTooLong, match="the prompt has 401 tokens") as caught:
            call()
        assert caught.value.parameter is None
    assert small_model("One, two,", max_tokens=2)


def test_a_timeout_ends_a_generation(model: OutlinesModel) -> None:
    with pytest.raises(DeadlineExceeded):
        model("Once upon a time", timeout=0.2)
    with pytest.raises(DeadlineExceeded):
        list(model.stream("Once upon a time", timeout=0.2))
    assert classify.program.name == "classify"


def test_what_is_loaded_for_outlines_is_loaded_again_after_it_was_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loaded, "_engines", {})
    first = microprompt.load_engine()
    assert microprompt.load_engine() is first
    assert classify("Is it raining?") is Act.question
    first.close()
    with pytest.raises(EngineError, match="the engine is closed"):
        first("One, two,", max_tokens=2)
    with pytest.raises(EngineError, match="the engine is closed"):
        generator(first, Kind)
    assert classify("Is it raining?") is Act.question
    again = microprompt.load_engine()
    assert again is not first
    assert generator(again, Kind)(PROMPTS[0]) in KINDS
    again.close()


def test_generation_and_prompt_functions_share_the_model(model: OutlinesModel) -> None:
    from microprompt.engines.loaded import override

    with override(model.engine):
        before = classify.detail("Is it raining?")
        model("Once upon a time", max_tokens=3)
        after = classify.detail("Is it raining?")
    assert after.distribution == pytest.approx(before.distribution, abs=1e-4)
    assert after.usage.cached_tokens > 0
