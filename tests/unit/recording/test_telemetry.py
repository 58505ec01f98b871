"""Spans and metrics, as a program sees them that has set OpenTelemetry's providers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from microprompt import gather, telemetry
from microprompt.errors import FunctionFailed, ScriptError
from microprompt.testing import given, scripted

from .asked import SCRIPT, Act, classify, judge, loud, recorded, several, shout, sort

TEXT = "Is it raining?"


class Seen(NamedTuple):
    """What OpenTelemetry has been told."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self) -> dict[str, ReadableSpan]:
        """By their prompts, flows and functions of Python."""
        found = {}
        for span in self.exporter.get_finished_spans():
            attributes = span.attributes or {}
            names = (telemetry.PROMPT, telemetry.WORKFLOW, telemetry.TOOL)
            found[next(str(attributes[name]) for name in names if name in attributes)] = span
        return found

    def points(self, name: str) -> list[HistogramDataPoint]:
        """Those of a metric."""
        data = self.reader.get_metrics_data()
        assert data is not None
        every = [
            metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        points: list[Any] = [point for metric in every for point in metric.data.data_points]
        return points


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracers)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: meters)
    yield Seen(exporter, reader)
    tracers.shutdown()
    meters.shutdown()


def test_without_a_provider_nobody_looks() -> None:
    assert not telemetry.is_on()
    with scripted(SCRIPT) as engine:
        assert classify.asked() is engine


def test_a_call_is_a_span(seen: Seen) -> None:
    with scripted(SCRIPT):
        answer = classify.detail(TEXT)
    (span,) = seen.exporter.get_finished_spans()
    assert (span.name, span.kind) == ("text_completion smollm2-135m", SpanKind.INTERNAL)
    assert span.status.status_code is StatusCode.UNSET
    found = dict(span.attributes or {})
    assert found.pop("microprompt.confidence") == answer.confidence
    assert found == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "microprompt",
        "gen_ai.prompt.name": "classify",
        "gen_ai.request.model": "smollm2-135m",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.output.type": "text",
        "gen_ai.response.model": "scripted",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": answer.usage.prompt_tokens,
        "gen_ai.usage.cache_read.input_tokens": answer.usage.cached_tokens,
        "gen_ai.usage.output_tokens": answer.usage.decoded_tokens,
        "code.function.name": f"{classify.__module__}.classify",
        "microprompt.calibrated": False,
        "microprompt.answered_by": "labels",
        "microprompt.abstained": False,
        "microprompt.escalated": False,
        "microprompt.near_tie": False,
        "microprompt.kept": False,
    }


def test_a_call_is_below_what_makes_it(seen: Seen) -> None:
    tracer = trace.get_tracer_provider().get_tracer("test")
    with scripted(SCRIPT), tracer.start_as_current_span("text_completion mine") as mine:
        mine.set_attribute(telemetry.PROMPT, "mine")
        judge(TEXT)
        assert trace.get_current_span() is mine
    spans = seen.spans()
    assert parent(spans["classify"]) == number(spans["judge"])
    assert parent(spans["judge"]) == number(spans["mine"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: several(["a"]),
        lambda: asyncio.run(_awaited()),
        lambda: gather(several.later(["a"])),
        lambda: several.map([(["a"],)]),
    ],
    ids=["thread", "task", "background", "map"],
)
def test_a_flow_is_a_workflow_with_its_calls_below_it(seen: Seen, call: Callable[[], object]) -> None:
    with scripted(SCRIPT):
        call()
    spans = seen.spans()
    assert [(spans[name].name, parent(spans[name])) for name in ("several", "sort", "classify", "count")] == [
        ("invoke_workflow several", None),
        ("invoke_workflow sort", number(spans["several"])),
        ("text_completion smollm2-135m", number(spans["sort"])),
        ("text_completion smollm2-135m", number(spans["sort"])),
    ]
    assert (spans["sort"].end_time or 0) >= (spans["count"].end_time or 0)


async def _awaited() -> object:
    return await several.acall(["a"])


@pytest.mark.parametrize(
    "call",
    [lambda: loud(["a"]), lambda: asyncio.run(_aloud()), lambda: gather(loud.later(["a"]))],
    ids=["thread", "task", "background"],
)
def test_a_function_of_python_is_a_tool_with_its_calls_below_it(
    seen: Seen, call: Callable[[], object]
) -> None:
    with scripted(SCRIPT):
        call()
    spans = seen.spans()
    found = spans["_shout"]
    assert (found.name, parent(found)) == ("execute_tool _shout", number(spans["loud"]))
    assert parent(spans["classify"]) == number(found)
    assert dict(found.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "_shout",
        "gen_ai.tool.type": "function",
        "code.function.name": f"{classify.__module__}._shout",
    }


async def _aloud() -> object:
    return await loud.acall(["a"])


def test_a_function_of_python_that_fails_says_so(seen: Seen) -> None:
    with scripted(SCRIPT), pytest.raises(FunctionFailed):
        loud(["", "secret"])
    span = seen.spans()["_shout"]
    assert span.status.status_code is StatusCode.ERROR
    assert "nothing to shout" not in span.to_json()
    (point,) = seen.points("gen_ai.execute_tool.duration")
    assert dict(point.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "_shout",
        "error.type": "FunctionFailed",
    }


def test_what_fails_says_its_error_and_nothing_of_what_was_asked(seen: Seen) -> None:
    with scripted({**SCRIPT, "count": lambda notes: f"{notes}"}), pytest.raises(ScriptError):
        sort("harmless", ["secret"])
    for name in ("count", "sort"):
        span = seen.spans()[name]
        assert span.status.status_code is StatusCode.ERROR
        assert (span.attributes or {})["error.type"] == "ScriptError"
        assert "secret" not in span.to_json()
    (point,) = (each for each in seen.points("gen_ai.workflow.duration"))
    assert dict(point.attributes or {}) == {"gen_ai.workflow.name": "sort", "error.type": "ScriptError"}


def test_seconds_and_tokens_are_measured(seen: Seen) -> None:
    with scripted(SCRIPT):
        answers = [classify.detail(TEXT), classify.detail("Go.")]
    labels = {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "microprompt",
        "gen_ai.prompt.name": "classify",
        "gen_ai.request.model": "smollm2-135m",
        "gen_ai.response.model": "scripted",
    }
    (seconds,) = seen.points("gen_ai.client.operation.duration")
    assert (seconds.attributes, seconds.count) == (labels, 2)
    assert seconds.sum == pytest.approx(sum(answer.seconds for answer in answers))
    points = seen.points("gen_ai.client.token.usage")
    tokens = {str((each.attributes or {})["gen_ai.token.type"]): each for each in points}
    assert tokens["input"].sum == sum(answer.usage.prompt_tokens for answer in answers)
    assert tokens["output"].sum == sum(answer.usage.decoded_tokens for answer in answers)
    assert tokens["input"].attributes == {**labels, "gen_ai.token.type": "input"}
    assert tokens["input"].explicit_bounds[:3] == (1, 4, 16)


def test_metrics_alone_are_enough(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", trace.NoOpTracerProvider)
    with scripted(SCRIPT):
        sort(TEXT, [])
    assert seen.exporter.get_finished_spans() == ()
    assert [point.count for point in seen.points("gen_ai.workflow.duration")] == [1]


def test_the_record_has_the_numbers_of_the_spans(seen: Seen, record: Path) -> None:
    with scripted(SCRIPT):
        sort(TEXT, [])
    spans = seen.spans()
    for entry in recorded(record):
        context = spans[entry.function].context
        assert context is not None
        assert (entry.trace, entry.span) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_what_a_test_gives_is_no_span(seen: Seen) -> None:
    with given([(classify, Act.command), (shout, "LOUD")]):
        classify(TEXT)
        shout("a")
    assert seen.exporter.get_finished_spans() == ()


def test_nothing_is_imported_for_who_does_not_ask() -> None:
    program = """
import sys
from microprompt.testing import scripted
from mpstd.request import Act, classify
with scripted({"classify": Act.command}):
    classify("Go.")
assert not [name for name in sys.modules if name.startswith(("opentelemetry", "microprompt.recording"))]
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def number(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.span_id
    return found
