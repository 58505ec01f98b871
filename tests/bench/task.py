"""What a measuring process is given, and what it gives back.

Standard library only: peers' environments have no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to measure: `repeats` warm calls of an engine on the weights at `path`.

    `prompts` are the texts to complete, `arguments` what they were made of. The answer is one of `labels`,
    or JSON of `schema`. `context` and `max_tokens` are what a fair user would give llama-cpp-python: just
    enough. `started` is when the process was started, in seconds of `time.time()`. Without `extra_buffers`,
    llama.cpp keeps to its plain kernels: the others crash on this machine (`models.trial`).
    """

    engine: str
    workload: str
    path: str
    threads: int
    repeats: int
    prompts: tuple[str, ...]
    arguments: tuple[str, ...]
    labels: tuple[str, ...] | None
    schema: Mapping[str, Any] | None
    context: int
    max_tokens: int
    extra_buffers: bool
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one process measured. Times are in seconds, memory in bytes; `latencies` are of warm calls, and
    `cpu`, `tokens` and `decodes` are sums over them. `answers` are JSON data by the argument's index; `None`
    where the answer was not of the type. `weights_type` is empty where the engine does not show its model."""

    cold_start: float
    latencies: list[float]
    cpu: float
    tokens: int
    decodes: int
    peak_memory: int
    answers: dict[str, object]
    weights_type: str
    context: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An engine with its model loaded. `ask` gets an index into the prompts and is what is timed. `read`
    makes JSON data of what it gave, and raises `ValueError` for what is not of the type. `model` is a pointer
    to llama.cpp's model, if the engine shows it; `context` the tokens its cache holds."""

    ask: Callable[[int], object]
    read: Callable[[object], object]
    model: Any  # a C pointer, as untyped as the bindings
    context: int
