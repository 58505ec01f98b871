"""What a service says of itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from inspect import unwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from microprompt import PromptFunction, abi, errors, flush
from microprompt.deciding.source import EMBEDDER
from microprompt.engines import loaded
from microprompt.errors import ArgumentError, MicropromptError, ModelError, TuningError
from microprompt.serving.app import create_app
from microprompt.serving.problems import STATUS
from microprompt.serving.readiness import Readiness
from microprompt.serving.served import Served
from microprompt.systemone.asking import load_models
from microprompt.testing import ScriptedEngine, scripted

from ..systemone.replies import BY_LENGTH
from .conftest import Client


def get(client: Client, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client() as asking:
            await asking.post("/functions/intake/classify", json={"text": "Is it?"})
            await asking.post("/functions/intake/classify", json=[{"text": 1}])
            await asking.post("/functions/intake/classify", json={"text": 1})
            return await asking.get(path)

    return asyncio.run(ask())


def test_figures_are_by_function(client: Client) -> None:
    text = get(client, "/metrics").text
    assert 'microprompt_calls_total{function="intake.classify"} 1.0' in text
    assert 'microprompt_errors_total{function="intake.classify",problem="argument-error"} 2.0' in text
    assert 'microprompt_call_seconds_count{function="intake.classify"} 1.0' in text
    assert 'microprompt_tokens_total{function="intake.classify",kind="prompt"} ' in text
    assert "microprompt_queue 0.0" in text


def test_questions_made_at_run_time_are_a_function_of_their_own(client: Client) -> None:
    async def ask() -> str:
        async with client() as asking:
            for questions in ({"q": {"type": "noul", "instructions": "Is it?"}}, {}, {"q": {"type": "odd"}}):
                body = {"model": "jev-latest", "state": "x", "questions": questions}
                await asking.post("/v1/systemone", json=body)
            asked = {"q": {"type": "noul", "instructions": "Is it?", "x_function": "intake.nothing"}}
            body = {"model": "jev-latest", "state": "x", "questions": asked}
            await asking.post("/v1/systemone", json=body)
            await asking.post("/v1/systemone", json={**body, "model": "no-such"})
            await asking.post("/v1/systemone", content=b"{", headers={"Content-Type": "application/json"})
            return (await asking.get("/metrics")).text

    with scripted(BY_LENGTH):
        text = asyncio.run(ask())
    assert 'microprompt_calls_total{function="systemone"} 1.0' in text
    assert 'microprompt_call_seconds_count{function="systemone"} 1.0' in text
    assert count_of(text, 'microprompt_tokens_total{function="systemone",kind="prompt"}') > 0
    errors = 'microprompt_errors_total{function="systemone",problem='
    assert count_of(text, f'{errors}"argument-error"}}') == 5


def count_of(figures: str, name: str) -> float:
    return float(figures.split(f"\n{name} ")[1].split()[0])


def test_the_description_has_the_types_and_the_english_of_the_program(client: Client) -> None:
    found = get(client, "/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    rate = found["paths"]["/functions/intake/rate"]["post"]
    assert rate["description"] == "Rate the ticket."
    one, many = rate["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert many == {"type": "array", "items": one}
    assert one["properties"]["tags"]["maxItems"] == 2
    assert one["required"] == ["ticket"]
    assert "text/event-stream" in content(found, "reply")
    assert "text/event-stream" not in content(found, "classify")


def content(page: Any, function: str) -> Any:
    return page["paths"][f"/functions/intake/{function}"]["post"]["responses"]["200"]["content"]


def test_two_functions_of_one_name_are_refused(functions: Sequence[Served]) -> None:
    with pytest.raises(ArgumentError, match=r"2 functions are called intake\.classify"):
        create_app([*functions, functions[0]])


def test_every_exception_has_a_status() -> None:
    kinds = {each for each in vars(errors).values() if isinstance(each, type)}
    assert set(STATUS) == {each for each in kinds if issubclass(each, MicropromptError)}


def test_a_service_is_ready_once_its_prompts_are_warm(
    functions: Sequence[Served], engine: ScriptedEngine
) -> None:
    app = create_app(functions)

    async def watch() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
            before = (await asking.get("/readyz")).status_code
            async with app.router.lifespan_context(app):
                await app.state.readiness.settled.wait()
                return [before, (await asking.get("/readyz")).status_code]

    assert asyncio.run(watch()) == [503, 200]
    assert engine.calls == [("classify", {"text": "Who is it?"})]


def test_what_warms_a_prompt_is_no_call_that_is_recorded(
    functions: Sequence[Served], engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "calls.sqlite"
    monkeypatch.setenv("MICROPROMPT_RECORD", str(record))
    settled(functions)
    flush()
    assert engine.calls == [("classify", {"text": "Who is it?"})]
    assert not record.exists()


@pytest.mark.parametrize("name", ["classify", "reply"])
def test_why_models_can_not_be_had_is_known(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MICROPROMPT_MODEL", "/no/such/model.gguf")
    readiness = settled([Served(module="intake", function=getattr(program, name))])
    assert isinstance(readiness.failure, ModelError)
    assert not readiness.is_ready


def test_a_tuning_that_can_not_be_read_is_no_service(program: ModuleType) -> None:
    tuning = abi.Tuning(file="gone.tuning.json", key="1")
    tuned = PromptFunction(
        unwrap(program.classify), program=replace(program.classify.program, tuning=tuning)
    )
    readiness = settled([Served(module="intake", function=tuned)])
    assert isinstance(readiness.failure, TuningError)
    assert not readiness.is_ready


def test_a_server_that_is_away_may_be_there_when_it_is_asked(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("MICROPROMPT_MODEL", f"systemone:http://127.0.0.1:{port}")
    assert settled([Served(module="intake", function=program.classify)]).is_ready


def test_a_service_does_without_a_model_that_only_questions_would_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MICROPROMPT_MODEL", "/no/such/model.gguf")
    assert settled([], beside=load_models).is_ready


@pytest.mark.model
def test_a_service_is_ready_once_what_choices_of_questions_need_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loaded, "_engines", {})
    monkeypatch.setattr(loaded, "_embedders", {})
    assert settled([], beside=load_models).is_ready
    engine, embedder = loaded.loaded_engine(None), loaded.loaded_embedder(EMBEDDER)
    assert engine is not None
    assert embedder is not None
    engine.close()
    embedder.close()


def settled(functions: Sequence[Served], **options: Any) -> Readiness:
    readiness = Readiness(functions, **options)

    async def prepare() -> None:
        async with readiness.prepared():
            await readiness.settled.wait()

    asyncio.run(prepare())
    return readiness
