"""Figures of a service for Prometheus: calls, seconds, tokens and errors by function, and the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ..answer import Usage

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST

_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfFunction:
    calls: Counter
    seconds: Histogram
    prompt_tokens: Counter
    cached_tokens: Counter
    decoded_tokens: Counter


class Metrics:
    """All figures, in a register of their own: several services may live in one process."""

    def __init__(self, functions: Sequence[str], in_flight: Callable[[], int]) -> None:
        """`functions` are the names of those that are served, `in_flight` how many calls there are now."""
        self._registry = CollectorRegistry()
        self._errors = Counter(
            "microprompt_errors",
            "Calls that had no answer, by the kind of the problem.",
            ("function", "problem"),
            registry=self._registry,
        )
        calls = Counter(
            "microprompt_calls", "Calls that had an answer.", ("function",), registry=self._registry
        )
        seconds = Histogram(
            "microprompt_call_seconds",
            "Wall time of calls that had an answer, with what they waited.",
            ("function",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        tokens = Counter(
            "microprompt_tokens",
            "Tokens of calls: of prompts, those of them that came from the cache, and decoded ones.",
            ("function", "kind"),
            registry=self._registry,
        )
        # To look a child up by its labels takes longer than to count.
        self._of = {
            name: _OfFunction(
                calls=calls.labels(name),
                seconds=seconds.labels(name),
                prompt_tokens=tokens.labels(name, "prompt"),
                cached_tokens=tokens.labels(name, "cached"),
                decoded_tokens=tokens.labels(name, "decoded"),
            )
            for name in functions
        }
        Gauge(
            "microprompt_queue", "Calls that are worked on or wait.", registry=self._registry
        ).set_function(in_flight)

    def answered(self, function: str, usage: Usage, seconds: float) -> None:
        """Count a call that had an answer."""
        found = self._of[function]
        found.calls.inc()
        found.seconds.observe(seconds)
        found.prompt_tokens.inc(usage.prompt_tokens)
        found.cached_tokens.inc(usage.cached_tokens)
        found.decoded_tokens.inc(usage.decoded_tokens)

    def failed(self, function: str, problem: str) -> None:
        """Count a call that had none, for a problem of this kind."""
        self._errors.labels(function, problem).inc()

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self._registry)
