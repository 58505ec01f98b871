"""The engines that run in this process, on llama.cpp: models of the registry, and GGUF files by path."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from .. import abi, cpu, models, settings
from ..explain import Speed
from ..locations import is_path
from ..models.registry import require
from ..scheduling.cores import Cores
from .embedder import Embedder
from .engine import Engine

if TYPE_CHECKING:
    from ..llamacpp.weights import Weights


def load(wanted: abi.Model) -> Engine:
    """Load a model. Raises `ModelError` if it is not to be had, or an embedder, and for a name that no model
    has."""
    found = models.ensure(wanted.name, kind="language")
    # Not at the top: a process that loads no model loads no llama.cpp.
    from ..llamacpp.backend import LlamaCppBackend

    weights = found.load()
    backend = LlamaCppBackend(weights, name=_short(wanted.name), context=wanted.context)
    engine = Engine(
        backend,
        layout=wanted.layout or found.layout,
        lanes=found.lanes,
        threads=settings.current().threads,
        cores=_cores(),
    )
    engine.identity = _identity(found, weights)
    if found.prepared is not None:
        engine.speed = Speed(
            call_token_ms=found.prepared.call_token_ms, batch_token_ms=found.prepared.batch_token_ms
        )
    return engine


def check(name: str) -> None:
    """Raise `ModelError` if there is no such language model."""
    if is_path(name):
        models.resolve(name, kind="language")
    else:
        require(models.find(name), "language")


def load_embedder(name: str) -> Embedder:
    """Load an embedder. Raises `ModelError` if it is not to be had, or a language model, and for a name that
    no model has."""
    found = models.ensure(name, kind="embedder")
    # Not at the top: a process that loads no model loads no llama.cpp.
    from ..llamacpp.embedding import LlamaCppEncoder

    weights = found.load()
    embedder = Embedder(
        LlamaCppEncoder(weights, name=_short(name)), threads=settings.current().threads, cores=_cores()
    )
    embedder.identity = _identity(found, weights)
    return embedder


@cache
def _cores() -> Cores:
    """What all models that are loaded here share."""
    return Cores(cpu.usable_cores())


def _short(name: str) -> str:
    return Path(name).name if is_path(name) else name


def _identity(found: models.ResolvedModel, weights: Weights) -> str:
    """What stands for a model's weights, the kernels that compute on them, and the versions of these."""
    file = found.path.stat()
    bytes = found.info.sha256 or f"{found.path} {file.st_mtime_ns}"
    kernels = ("extra" if weights.extra_buffers else "plain", weights.values)
    versions = (version("microprompt"), version("llama-cpp-python"))
    return " ".join((bytes, found.path.name, str(file.st_size), *kernels, *versions))
