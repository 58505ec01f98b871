"""What is refused before a function is called, and how."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import zstandard

from microprompt.serving.limits import ServingLimits
from microprompt.systemone import routes
from microprompt.testing import ScriptedEngine

from .conftest import Client

CLASSIFY = "/functions/intake/classify"
ASKED = b'{"text": "Is it?"}'
ZSTD = zstandard.ZstdCompressor()


def send(
    client: Client,
    body: bytes = ASKED,
    *,
    path: str = CLASSIFY,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(**options) as asking:
            sent = {"Content-Type": "application/json", **(headers or {})}
            return await asking.request(method, path, content=body, headers=sent)

    return asyncio.run(ask())


def kind_of(response: httpx.Response) -> tuple[int, str]:
    """The status and the kind of a problem."""
    assert response.headers["content-type"] == "application/problem+json"
    data = response.json()
    assert data["status"] == response.status_code
    return response.status_code, data["type"].removeprefix("urn:microprompt:problem:")


# -------------------------------------------------------------------------------------------- who asks


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])
def test_this_machine_may_ask(client: Client, host: str) -> None:
    assert send(client, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "localhost.example.com:8000", ""])
def test_a_page_whose_name_leads_here_may_not(client: Client, host: str) -> None:
    assert kind_of(send(client, headers={"Host": host})) == (421, "wrong-host")


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "no-key"),
        ({"Authorization": "Bearer "}, "no-key"),
        ({"Authorization": "Basic secret"}, "no-key"),
        ({"Authorization": "Bearer secre"}, "wrong-key"),
        ({"Authorization": "Bearer secrets"}, "wrong-key"),
        ({"Authorization": "Bearer schl\u00fcssel"}, "wrong-key"),
    ],
)
def test_who_has_no_key_may_not_ask(client: Client, headers: dict[str, str], kind: str) -> None:
    encoded = {name: value.encode() for name, value in headers.items()}
    found = send(client, headers=encoded, keys=["secret"])  # type: ignore[arg-type]  # httpx takes bytes
    assert kind_of(found) == (401, kind)
    assert found.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["old", "new"])
def test_any_of_several_keys_will_do_for_any_host(client: Client, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}", "Host": "models.example.com"}
    assert send(client, headers=headers, keys=["old", "new"]).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/nowhere"])
def test_a_key_is_needed_for_all_but_probes(client: Client, path: str) -> None:
    assert send(client, b"", path=path, method="GET", keys=["secret"]).status_code == 401


def test_probes_need_no_key(client: Client) -> None:
    assert send(client, b"", path="/healthz", method="GET", keys=["secret"]).json() == {"status": "ok"}


def test_clients_of_the_system_one_api_are_refused_in_its_words(client: Client) -> None:
    found = send(client, path="/v1/systemone", keys=["secret"])
    assert found.status_code == 403
    assert found.json() == {
        "detail": {"error_type": "authentication_error", "message": "the request has no key"}
    }


def test_pages_of_other_sites_are_told_nothing(client: Client) -> None:
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    found = send(client, b"", method="OPTIONS", headers=headers)
    assert found.status_code == 405
    assert "access-control-allow-origin" not in found.headers


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_page_can_send_without_leave_is_refused(client: Client, media_type: str) -> None:
    assert kind_of(send(client, headers={"Content-Type": media_type})) == (415, "not-json")


# --------------------------------------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'text': 1}",
        b'{"text": "a"} b',
        b"\xff\xfe",
        b'{"text": "\xff"}',
        b'{"text": "a\x00b"}',
        b'{"text": NaN}',
        b"[" * 100_000,
        b'{"text":' * 5_000,
        b"1" * 5_000,
    ],
    ids=range(11),
)
def test_a_body_that_is_not_json_is_refused(client: Client, body: bytes) -> None:
    assert kind_of(send(client, body)) == (400, "malformed-json")


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("classify", '{"text": "\\ud800"}'),
        ("classify", '{"text": null}'),
        ("classify", '{"text": ' + "[" * 900 + "]" * 900 + "}"),
        ("classify", '{"text": {"a": [' + "1," * 50_000 + "1]}}"),
        ("weigh", '{"share": 1e999, "day": "2026-01-01", "sizes": {}}'),
        ("weigh", '{"share": 1, "day": "2026-13-01", "sizes": {}}'),
        ("weigh", '{"share": 1, "day": "2026-01-01", "sizes": {"a": 1' + "0" * 4_000 + ".5}}"),
        ("rate", '{"ticket": {"mood": "calm", "urgency": 99999999999999999999999999}}'),
        ("rate", '{"ticket": {"mood": "calm"}, "tags": ["a", "b", "c"]}'),
        ("rate", '{"ticket": {"mood": "calm", "__class__": 1}}'),
        ("rate", '{"ticket": []}'),
    ],
    ids=range(11),
)
def test_arguments_that_no_function_takes_are_refused_in_few_words(
    client: Client, path: str, arguments: str
) -> None:
    found = send(client, arguments.encode(), path=f"/functions/intake/{path}")
    assert kind_of(found) == (422, "argument-error")
    assert len(found.content) < 1_000


def test_a_zero_byte_in_a_text_is_text(client: Client, engine: ScriptedEngine) -> None:
    assert send(client, b'{"text": "\\u0000?"}').status_code == 200
    assert engine.calls == [("classify", {"text": "\0?"})]


def test_a_byte_order_mark_is_no_part_of_a_body(client: Client) -> None:
    assert send(client, b"\xef\xbb\xbf" + ASKED).status_code == 200


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("zstd", ZSTD.compress(ASKED)),
        ("ZSTD", zstandard.ZstdCompressor(write_content_size=False).compress(ASKED)),
        ("gzip", gzip.compress(ASKED)),
        ("identity", ASKED),
    ],
)
def test_a_packed_body_is_unpacked(client: Client, encoding: str, packed: bytes) -> None:
    assert send(client, packed, headers={"Content-Encoding": encoding}).status_code == 200


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
@pytest.mark.parametrize("damage", [lambda body: body[:-3], lambda body: body + body, lambda _: ASKED])
def test_a_damaged_body_is_refused(client: Client, encoding: str, damage: Any) -> None:
    packed = damage({"zstd": ZSTD.compress, "gzip": gzip.compress}[encoding](ASKED))
    found = send(client, packed, headers={"Content-Encoding": encoding})
    assert kind_of(found) == (400, "damaged-body")


def test_another_packing_is_refused(client: Client) -> None:
    found = send(client, headers={"Content-Encoding": "br"})
    assert kind_of(found) == (415, "unknown-encoding")
    assert found.headers["accept-encoding"] == "zstd, gzip"


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_bomb_is_refused_before_it_goes_off(client: Client, encoding: str) -> None:
    whole = b" " * (30 << 20)
    bomb = ZSTD.compress(whole) if encoding == "zstd" else gzip.compress(whole)
    del whole
    tracemalloc.start()
    found = send(client, bomb, headers={"Content-Encoding": encoding})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kind_of(found) == (413, "too-large")
    assert most < 20 << 20


def test_a_large_body_is_refused(client: Client) -> None:
    limits = ServingLimits(body_bytes=100)
    assert kind_of(send(client, b" " * 101, limits=limits)) == (413, "too-large")
    assert send(client, ASKED.ljust(100), limits=limits).status_code == 200


def test_an_argument_that_the_model_has_no_room_for_is_refused(client: Client) -> None:
    found = send(client, json.dumps({"text": "a" * 20_000}).encode())
    assert kind_of(found) == (413, "prompt-too-long")
    assert found.json()["parameter"] == "text"


def test_a_batch_of_too_many_is_refused(client: Client) -> None:
    found = send(client, b"[{},{},{}]", limits=ServingLimits(rows=2))
    assert kind_of(found) == (413, "too-many-rows")


@pytest.mark.parametrize(
    ("path", "method", "kind"),
    [
        ("/functions/intake/nothing", "POST", (404, "not-found")),
        ("/functions/intake/../intake/nothing", "POST", (404, "not-found")),
        ("/functions/..%2f..%2fetc/passwd", "POST", (404, "not-found")),
        ("/functions/intake/classify/", "POST", (404, "not-found")),
        ("/functions/intake/__class__", "POST", (404, "not-found")),
        (CLASSIFY, "GET", (405, "method-not-allowed")),
        ("/docs", "GET", (404, "not-found")),
    ],
)
def test_what_is_not_there_is_not_found(
    client: Client, path: str, method: str, kind: tuple[int, str]
) -> None:
    assert kind_of(send(client, path=path, method=method)) == kind


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "nan", "inf"])
def test_a_deadline_is_a_number_of_seconds(client: Client, seconds: str) -> None:
    assert kind_of(send(client, headers={"X-Request-Timeout": seconds})) == (422, "argument-error")


def test_questions_that_are_given_up_are_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(asking: object) -> None:
        await asyncio.sleep(60)

    async def ask() -> tuple[httpx.Response, str]:
        async with client() as asking:
            questions = {"q": {"type": "noul", "instructions": "Is it?"}}
            body = {"model": "jev-latest", "state": "x", "questions": questions}
            found = await asking.post("/v1/systemone", json=body, headers={"X-Request-Timeout": "0.05"})
            return found, (await asking.get("/metrics")).text

    monkeypatch.setattr(routes, "answered", wait)
    found, figures = asyncio.run(ask())
    assert found.status_code == 408
    assert 'microprompt_errors_total{function="systemone",problem="given-up"} 1.0' in figures


def test_a_call_is_given_up_at_the_deadline_of_its_request(client: Client) -> None:
    found = send(
        client, b'{"seconds": 60}', path="/functions/intake/patient", headers={"X-Request-Timeout": "0.05"}
    )
    assert kind_of(found) == (408, "request-timeout")


# -------------------------------------------------------------------------------------------- the queue


def test_who_comes_when_the_queue_is_full_is_asked_to_come_again(client: Client) -> None:
    async def ask() -> tuple[httpx.Response, httpx.Response]:
        async with client(limits=ServingLimits(queue=1)) as asking:
            long = asyncio.create_task(asking.post("/functions/intake/patient", json={"seconds": 0.2}))
            await asyncio.sleep(0.05)
            return await asking.post(CLASSIFY, json={"text": "Is it?"}), await long

    refused, answered = asyncio.run(ask())
    assert kind_of(refused) == (429, "queue-full")
    assert refused.headers["retry-after"] == "1"
    assert answered.json() == {"value": "waited"}


def test_a_batch_takes_no_more_places_than_there_are(client: Client) -> None:
    rows = json.dumps([{"text": f"Is it {number}?"} for number in range(100)]).encode()
    found = send(client, rows, limits=ServingLimits(queue=3))
    assert found.json() == [{"value": "question"}] * 100


# ------------------------------------------------------------------------------------------- what is told


def test_what_a_function_of_python_raises_is_not_told(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    found = send(client, b'{"text": "sesame"}', path="/functions/intake/clumsy")
    assert kind_of(found) == (500, "function-failed")
    assert "intake.clumsy: FunctionFailed" in caplog.text
    assert "sesame" not in found.text + "".join(
        record.getMessage() for record in caplog.records if record.levelname != "DEBUG"
    )
