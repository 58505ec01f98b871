"""Spans and metrics of OpenTelemetry, by its conventions for generative AI: all that knows them.

https://github.com/open-telemetry/semantic-conventions-genai (docs/gen-ai: spans, agent spans, tools, metrics)

A call of a prompt is a span, with those of the prompts in its body below it; a flow is a workflow, with its
calls below it, also those of functions of Python. What was asked and answered is in none of them.

Only the API is used (`pip install 'microprompt[otel]'`), and only where the program has imported it and set a
provider: who does not pays for a look.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .answer import Answer
from .program import Program
from .types import kind

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import Span, SpanContext, TracerProvider

Attributes: TypeAlias = "dict[str, str | bool | int | float | list[str]]"

SCOPE: Final = "microprompt"
"""The name of the instrumentation, and of the provider: what runs the models."""

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
PROMPT: Final = "gen_ai.prompt.name"
WORKFLOW: Final = "gen_ai.workflow.name"
TOOL: Final = "gen_ai.tool.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
ERROR: Final = "error.type"

_COMPLETION: Final = "text_completion"
_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_LONG: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_TOKENS: Final = tuple(4**power for power in range(14))


class OpenSpan:
    """A span that has begun, and the measures that are taken when it ends. Safe from any thread."""

    def __init__(self, name: str, attributes: Attributes, *, measure: str, by: tuple[str, ...]) -> None:
        """`measure` is the histogram of its seconds, told apart `by` these attributes."""
        self._attributes = attributes
        self._measure = measure
        self._by = by
        self._span = _begun(name, attributes)

    @property
    def ids(self) -> tuple[str, str] | None:
        """The numbers of its trace and its own, in hexadecimal digits; `None` where only measures are
        taken."""
        return None if self._span is None else _ids(self._span.get_span_context())

    def current(self) -> AbstractContextManager[object]:
        """Let what begins in the block be below it."""
        from contextlib import nullcontext

        if self._span is None:
            return nullcontext()
        from opentelemetry.trace import use_span  # it is there, or there would be no span

        # What is raised is told by `end`, without the message, which may quote what was asked.
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def answered(self, answer: Answer[Any]) -> None:
        """End the span of a prompt with its answer."""
        usage = answer.usage
        self._attributes[RESPONSE_MODEL] = answer.model
        found: Attributes = {
            RESPONSE_MODEL: answer.model,
            "gen_ai.response.finish_reasons": ["length" if answer.cut else "stop"],
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.output_tokens": usage.decoded_tokens,
            "microprompt.confidence": answer.confidence,
            "microprompt.calibrated": answer.calibrated,
            "microprompt.answered_by": answer.answered_by,
            "microprompt.abstained": answer.abstained,
            "microprompt.escalated": answer.first is not None,
            "microprompt.near_tie": answer.near_tie,
            "microprompt.kept": answer.is_kept,
        }
        for of, count in (("input", usage.prompt_tokens), ("output", usage.decoded_tokens)):
            _record("gen_ai.client.token.usage", count, {**self._labels(), "gen_ai.token.type": of})
        self.end(answer.seconds, found)

    def end(self, seconds: float, attributes: Attributes | None = None, error: str | None = None) -> None:
        """End it; `error` is the name of the exception that ended the call."""
        if error is not None:
            self._attributes[ERROR] = error
        _record(self._measure, seconds, self._labels())
        if self._span is None:
            return
        if error is not None:
            from opentelemetry.trace import Status, StatusCode  # it is there, or there would be no span

            self._span.set_attribute(ERROR, error)
            self._span.set_status(Status(StatusCode.ERROR))
        if attributes:
            self._span.set_attributes(attributes)
        self._span.end()

    def _labels(self) -> Mapping[str, Any]:
        return {name: self._attributes[name] for name in (*self._by, ERROR) if name in self._attributes}


def prompt_span(module: str, program: Program, model: str) -> OpenSpan:
    """The span of a call of a prompt; `model` is the one that it asks."""
    using = program.using
    attributes: Attributes = {
        OPERATION: _COMPLETION,
        PROVIDER: SCOPE,
        PROMPT: program.name,
        REQUEST_MODEL: model,
        "gen_ai.output.type": "json" if kind(program.returns).fields() else "text",
        "gen_ai.request.temperature": using.temperature,
        "code.function.name": f"{module}.{program.name}",
    }
    if using.seed is not None:
        attributes["gen_ai.request.seed"] = using.seed
    if using.max_tokens is not None:
        attributes["gen_ai.request.max_tokens"] = using.max_tokens
    return OpenSpan(
        f"{_COMPLETION} {model}",
        attributes,
        measure="gen_ai.client.operation.duration",
        by=(OPERATION, PROVIDER, PROMPT, REQUEST_MODEL, RESPONSE_MODEL),
    )


def flow_span(module: str, name: str) -> OpenSpan:
    """The span of a flow."""
    attributes: Attributes = {
        OPERATION: "invoke_workflow",
        WORKFLOW: name,
        "code.function.name": f"{module}.{name}",
    }
    return OpenSpan(
        f"invoke_workflow {name}", attributes, measure="gen_ai.workflow.duration", by=(WORKFLOW,)
    )


def tool_span(module: str, name: str) -> OpenSpan:
    """The span of a function of Python that a flow calls."""
    attributes: Attributes = {
        OPERATION: "execute_tool",
        TOOL: name,
        "gen_ai.tool.type": "function",
        "code.function.name": f"{module}.{name}",
    }
    return OpenSpan(
        f"execute_tool {name}", attributes, measure="gen_ai.execute_tool.duration", by=(OPERATION, TOOL)
    )


# ------------------------------------------------------------------------------------------- the providers


def is_on() -> bool:
    """Whether a provider is set that does something."""
    return _tracers() is not None or _meters() is not None


def current_span() -> tuple[str, str, int] | None:
    """The numbers of the trace and the span that this runs in, and the flags of the trace; `None` outside of
    spans, and where nobody traces."""
    if _tracers() is None:
        return None
    from opentelemetry.trace import get_current_span  # it is there, or there would be no provider

    context = get_current_span().get_span_context()
    found = _ids(context)
    return None if found is None else (*found, context.trace_flags)


def _ids(context: SpanContext) -> tuple[str, str] | None:
    if not context.is_valid:
        return None
    return format(context.trace_id, "032x"), format(context.span_id, "016x")


def _tracers() -> TracerProvider | None:
    api = sys.modules.get("opentelemetry.trace")
    return None if api is None else _at_work(api.get_tracer_provider())


def _meters() -> MeterProvider | None:
    api = sys.modules.get("opentelemetry.metrics")
    return None if api is None else _at_work(api.get_meter_provider())


def _at_work(provider: Any) -> Any:
    """A provider, unless it is one of the API's own, which do nothing."""
    is_idle = type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))
    return None if is_idle else provider


def _begun(name: str, attributes: Attributes) -> Span | None:
    provider = _tracers()
    # The model is in this process, so its calls are no client's: the kind is INTERNAL, as it is unless said.
    return None if provider is None else provider.get_tracer(SCOPE).start_span(name, attributes=attributes)


def _record(name: str, value: float, attributes: Mapping[str, Any]) -> None:
    provider = _meters()
    if provider is not None:
        _histograms(provider)[name].record(value, attributes)


@lru_cache(maxsize=4)
def _histograms(provider: MeterProvider) -> Mapping[str, Histogram]:
    meter = provider.get_meter(SCOPE)
    return {
        name: meter.create_histogram(
            name, unit=unit, description=what, explicit_bucket_boundaries_advisory=bounds
        )
        for name, unit, what, bounds in (
            ("gen_ai.client.operation.duration", "s", "GenAI operation duration.", _SECONDS),
            ("gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.", _TOKENS),
            ("gen_ai.workflow.duration", "s", "GenAI workflow duration.", _LONG),
            ("gen_ai.execute_tool.duration", "s", "GenAI tool execution duration.", _SECONDS),
        )
    }
