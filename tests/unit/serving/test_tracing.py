"""The trace of a request: who names it, where it stands, and what is told of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from microprompt import flush, settings
from microprompt.recording.store import WantedCalls, latest
from microprompt.serving.limits import ServingLimits
from microprompt.systemone.routes import REQUEST_ID
from microprompt.testing import scripted

from ..systemone.replies import BY_LENGTH
from .conftest import Client

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
CLASSIFY = "/functions/intake/classify"
ASKED = {"text": "Is it?"}
QUESTIONS = {
    "model": "jev-latest",
    "state": "x",
    "questions": {each: {"type": "noul", "instructions": each} for each in ("Is it?", "Was it?")},
}


def send(
    client: Client,
    path: str = CLASSIFY,
    data: object = ASKED,
    *,
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    **options: Any,
) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(**options) as asking:
            return await asking.post(path, json=data, headers=headers)

    return asyncio.run(ask())


def named(response: httpx.Response) -> str:
    """The trace that a response names."""
    found = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-0[0-3]", response.headers["traceresponse"])
    assert found is not None
    return found[1]


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "calls.sqlite"
    monkeypatch.setenv("MICROPROMPT_RECORD", str(path))
    settings.reset()
    yield path
    flush()
    monkeypatch.undo()
    settings.reset()


# ------------------------------------------------------------------------------------------- who names it


@pytest.mark.parametrize("parent", [PARENT, f"cc-{TRACE}-{SPAN}-ff-what.will.be", f"01{PARENT[2:]}"])
def test_the_trace_that_a_request_names_is_its_trace(client: Client, parent: str) -> None:
    found = send(client, headers={"traceparent": parent})
    assert found.headers["traceresponse"].startswith(f"00-{TRACE}-")
    assert found.headers["traceresponse"][-2:] == ("03" if parent.startswith("cc") else "01")
    assert SPAN not in found.headers["traceresponse"]


def test_without_one_each_request_has_a_new_one(client: Client) -> None:
    assert len({named(send(client)) for _ in range(3)}) == 3


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        TRACE,
        PARENT.upper(),
        f"{PARENT}-more",
        f"{PARENT}0",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f"01-{TRACE}-{SPAN}-01.more",
    ],
)
def test_one_that_is_malformed_is_as_none(client: Client, parent: str) -> None:
    found = send(client, headers={"traceparent": parent})
    assert found.status_code == 200
    assert named(found) != TRACE


def test_two_are_as_none(client: Client) -> None:
    assert named(send(client, headers=[("traceparent", PARENT), ("traceparent", PARENT)])) != TRACE


# ----------------------------------------------------------------------------------------- where it stands


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/functions/intake/nothing", {}, 404),
        (CLASSIFY, {"host": "example.com"}, 421),
        (CLASSIFY, {"keys": ["secret"]}, 401),
        (CLASSIFY, {"limits": ServingLimits(queue=0)}, 429),
        ("/v1/systemone", {}, 422),
        ("/v1/systemone", {"keys": ["secret"]}, 403),
    ],
)
def test_who_is_refused_is_told_it_too(client: Client, path: str, options: Any, status: int) -> None:
    found = send(client, path, headers={"traceparent": PARENT}, **options)
    assert found.status_code == status
    assert named(found) == TRACE


def test_so_is_who_reads_a_stream(client: Client) -> None:
    headers = {"traceparent": PARENT, "Accept": "text/event-stream"}
    assert named(send(client, "/functions/intake/reply", headers=headers)) == TRACE


@pytest.mark.parametrize(
    ("path", "data", "calls"),
    [
        (CLASSIFY, ASKED, ["classify"]),
        (CLASSIFY, [ASKED, {"text": "Go."}], ["classify", "classify"]),
        ("/functions/intake/answer", {"text": "Go.", "share": 5}, ["answer", "classify"]),
    ],
)
def test_all_calls_of_a_request_are_recorded_in_its_trace(
    client: Client, record: Path, path: str, data: object, calls: list[str]
) -> None:
    send(client, path, data, headers={"traceparent": PARENT})
    other = named(send(client))
    flush()
    found = [*latest(record, WantedCalls(trace=TRACE))]
    assert sorted(each.function for each in found) == calls
    assert len([*latest(record, WantedCalls(trace=other))]) == 1


def test_questions_have_it_and_are_named_by_it(client: Client, record: Path) -> None:
    with scripted(BY_LENGTH):
        found = send(client, "/v1/systemone", QUESTIONS, headers={"traceparent": PARENT})
    assert found.status_code == 200
    assert named(found) == found.headers[REQUEST_ID] == TRACE
    flush()
    assert len([*latest(record, WantedCalls(trace=TRACE))]) == 2


def test_what_the_log_says_of_an_error_names_it(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    send(client, "/functions/intake/clumsy", {"text": "sesame"}, headers={"traceparent": PARENT})
    assert f"intake.clumsy: FunctionFailed, trace {TRACE}\n" in caplog.text


# ------------------------------------------------------------------------------------------- OpenTelemetry


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracers)
    yield exporter
    tracers.shutdown()


def test_a_request_is_a_span_below_that_of_who_asks(
    client: Client, record: Path, spans: InMemorySpanExporter
) -> None:
    found = send(client, headers={"traceparent": PARENT})
    flush()
    call, request = spans.get_finished_spans()
    context = request.get_span_context()
    assert context is not None
    assert (request.name, request.kind) == (f"POST {CLASSIFY}", SpanKind.SERVER)
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == SPAN
    assert call.parent is not None
    assert call.parent.span_id == context.span_id
    assert found.headers["traceresponse"] == f"00-{TRACE}-{context.span_id:016x}-01"
    assert [each.trace for each in latest(record, WantedCalls())] == [TRACE]


def test_without_a_parent_the_span_of_a_request_names_its_trace(
    client: Client, spans: InMemorySpanExporter
) -> None:
    found = send(client, "/functions/intake/clumsy", {"text": "x"}, headers={"traceparent": "odd"})
    *_, request = spans.get_finished_spans()
    context = request.get_span_context()
    assert context is not None
    assert named(found) == f"{context.trace_id:032x}"
    assert request.parent is None
    assert request.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_no_spans(client: Client, spans: InMemorySpanExporter, path: str) -> None:
    async def ask() -> httpx.Response:
        async with client() as asking:
            return await asking.get(path)

    named(asyncio.run(ask()))
    assert not spans.get_finished_spans()
