"""The engines that run in this process, on llama.cpp: models of the registry, and GGUF files by path."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from .. import abi, models, settings
from ..explain import Speed
from ..locations import is_path
from .engine import Engine

if TYPE_CHECKING:
    from ..llamacpp.weights import Weights


def load(wanted: abi.Model) -> Engine:
    """Load a model. Raises `ModelError` if it is not to be had, and for a name that no model has."""
    found = models.ensure(wanted.name)
    # Not at the top: a process that loads no model loads no llama.cpp.
    from ..llamacpp.backend import LlamaCppBackend

    name = Path(wanted.name).name if is_path(wanted.name) else wanted.name
    weights = found.load()
    backend = LlamaCppBackend(weights, name=name, context=wanted.context)
    engine = Engine(
        backend,
        layout=wanted.layout or found.layout,
        lanes=found.lanes,
        threads=settings.current().threads,
    )
    engine.identity = _identity(found, weights)
    if found.prepared is not None:
        engine.speed = Speed(
            call_token_ms=found.prepared.call_token_ms, batch_token_ms=found.prepared.batch_token_ms
        )
    return engine


def _identity(found: models.ResolvedModel, weights: Weights) -> str:
    """What stands for a model's weights, the kernels that compute on them, and the versions of these."""
    file = found.path.stat()
    bytes = found.info.sha256 or f"{found.path} {file.st_mtime_ns}"
    kernels = "extra" if weights.extra_buffers else "plain"
    versions = (version("microprompt"), version("llama-cpp-python"))
    return " ".join((bytes, found.path.name, str(file.st_size), kernels, *versions))
