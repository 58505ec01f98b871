"""The System One API over HTTP, on the scripted engine: judged by the conformance suite, and used by the
official client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jevcompat import runner
from typesafe_sdk import Choice, Noul, Score, TypeSafeClient
from typesafe_sdk._core.errors import TypeSafeAPIError

from microprompt import models, settings
from microprompt.systemone.catalogue import described_models
from microprompt.testing import scripted

from .replies import BY_LENGTH
from .server import application, served
from .test_functions import SCRIPT

NOUL = {"type": "noul", "instructions": "Is it?"}
LONG = "x" * 20_000


@pytest.fixture
def on_script() -> Iterator[None]:
    with scripted({**BY_LENGTH, **SCRIPT}):
        yield


def post(body: object) -> httpx.Response:
    """The response to a request; a body is sent as it is, or as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            headers = {"content-type": "application/json"}
            return await client.post("/v1/systemone", content=content, headers=headers)

    return asyncio.run(send())


def request(**fields: object) -> dict[str, Any]:
    """A request with one question, or others."""
    return {"model": "jev-latest", "state": "x", "questions": {"q": NOUL}, **fields}


@pytest.mark.parametrize("key", [None, "secret"])
def test_it_conforms(on_script: None, key: str | None) -> None:
    with served(application(key=key)) as url:
        report = runner.run(url, key=key)
    assert report.verdict == "conformant"
    assert [(found.id, found.findings) for found in report.results if found.status == "fail"] == []
    skipped = {found.id for found in report.results if found.status == "skip"}
    about_keys = {"auth.bearer", "auth.missing", "auth.invalid"}
    assert skipped == ({"auth.ignored-when-off"} if key else about_keys)


def test_the_official_client_is_answered(on_script: None) -> None:
    questions: dict[str, Noul | Choice | Score] = {
        "refund": Noul(instructions="Money back?"),
        "team": Choice(instructions="Which team?", criteria={"billing": "Money", "sales": None}),
        "anger": Score(instructions="How angry?", criteria=["calm", {"is": "furious"}]),
    }
    with served(application(key="k")) as url, TypeSafeClient(api_key="k", base_url=url) as client:
        found = client.system_one(state={"text": "Twice! " * 400}, questions=questions)
        listed = client.models.list()
    assert found.nouls["refund"].noul == pytest.approx(0.75)
    assert found.choices["team"].choice == "billing"
    assert found.scores["anger"].legend == {0: "calm", 1: {"is": "furious"}}
    assert listed.models[0].name == settings.current().model


def test_a_wrong_key_is_told_to_the_official_client(on_script: None) -> None:
    with (
        served(application(key="k")) as url,
        TypeSafeClient(api_key="wrong", base_url=url) as client,
        pytest.raises(TypeSafeAPIError, match="this key is none") as found,
    ):
        client.system_one(state="x", questions={"q": Noul(instructions="Is it?")})
    assert found.value.status == 401
    assert found.value.request_id is not None


def test_every_response_has_an_id_of_its_own(on_script: None) -> None:
    found = {post(request()).headers["x-typesafe-request-id"] for _ in range(3)}
    assert len(found) == 3


def test_a_request_may_ask_for_several_orders(on_script: None) -> None:
    question = {"type": "choice", "criteria": {"a": None, "longer": None}}
    found = post(request(questions={"q": question}, x_order="averaged"))
    assert found.json()["answers"]["q"]["choice"] == "longer"


def test_a_function_is_asked_by_its_name(on_script: None) -> None:
    found = post(request(questions={"q": {"type": "noul", "x_function": "m.is_urgent"}}))
    assert found.json()["answers"]["q"]["noul"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        (b"", ["body"], "json_invalid"),
        (b"\xff\xfe", ["body"], "json_invalid"),
        (b'{"state": NaN}', ["body"], "json_invalid"),
        (b"[" * 100_000, ["body"], "json_invalid"),
        (b'{"state": ' + b"1" * 5000 + b"}", ["body"], "json_invalid"),
        (b"[]", ["body"], "model_type"),
        (b'{"model": "jev-latest", "state": "x"}', ["body", "questions"], "missing"),
        (request(state={"a": 1e308 * 10}), ["body"], "json_invalid"),
        (b'{"model": "m", "state": [1e999], "questions": {"q": {"type": "noul", "instructions": "i"}}}',
         ["body", "state"], "finite_number"),
        (b'{"model": "m", "state": "\\ud800", "questions": {"q": {"type": "noul", "instructions": "i"}}}',
         ["body", "state"], "string_unicode"),
        (b'{"model": "m", "state": "s", "questions": {"\\ud800": {"type": "noul", "instructions": "i"}}}',
         ["body", "questions", "\ufffd" * 3, "[key]"], "string_unicode"),
        (request(questions={"q": {"type": "box"}}), ["body", "questions", "q"], "union_tag_invalid"),
        (request(state=LONG), ["body", "state"], "too_long"),
        (request(questions={"q": {**NOUL, "instructions": LONG}}), ["body", "questions"], "too_long"),
        (
            request(questions={"q": {"type": "choice", "x_function": "m.is_urgent"}}),
            ["body", "questions", "q", "type"],
            "value_error",
        ),
    ],
)
def test_a_wrong_request_is_told_where_it_is_wrong(
    on_script: None, body: object, place: list[object], kind: str
) -> None:
    found = post(body)
    assert found.status_code == 422
    (problem,) = found.json()["detail"]
    assert (problem["loc"], problem["type"]) == (place, kind)
    assert "x-typesafe-request-id" in found.headers


def test_an_unknown_model_is_not_fetched() -> None:
    for name in ("nobody", "qwen3-4b", "../secret.gguf", "hf:a/b/c.gguf", "minilm-l6", "\ud800"):
        found = post(request(model=name))
        assert found.status_code == 404
        assert found.json()["detail"]["error_type"] == "not_found"


def test_models_that_are_here_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "is_here", lambda info: info.name == "gemma3-270m")
    found = {model.name: model for model in described_models()}
    assert list(found) == ["smollm2-135m", "gemma3-270m"]
    assert found["gemma3-270m"].release_date == "2025-08-14"


def test_the_page_of_the_api_says_what_a_request_is() -> None:
    async def get() -> Any:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get("/openapi.json")).json()

    page = asyncio.run(get())
    body = page["paths"]["/v1/systemone"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"model", "state", "questions"} == set(body["required"])
    assert "$defs" not in json.dumps(page)
