"""The engines that run in this process, on llama.cpp: models of the registry, and GGUF files by path."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from .. import abi, models, settings
from ..explain import Speed
from .engine import Engine


def load(wanted: abi.Model) -> Engine:
    """Load a model. Raises `ModelError` if it is not to be had, and for a name that no model has."""
    found = models.ensure(wanted.name)
    # Not at the top: a process that loads no model loads no llama.cpp.
    from ..llamacpp.backend import LlamaCppBackend
    from ..llamacpp.weights import Weights

    name = Path(wanted.name).name if models.is_path(wanted.name) else wanted.name
    backend = LlamaCppBackend(Weights(found.path), name=name, context=wanted.context)
    engine = Engine(
        backend,
        layout=wanted.layout or found.layout,
        lanes=found.lanes,
        threads=settings.current().threads,
    )
    engine.identity = _identity(found)
    if found.prepared is not None:
        engine.speed = Speed(
            call_token_ms=found.prepared.call_token_ms, batch_token_ms=found.prepared.batch_token_ms
        )
    return engine


def _identity(found: models.ResolvedModel) -> str:
    """What stands for a model's weights and the versions of what computes on them."""
    file = found.path.stat()
    weights = found.info.sha256 or f"{found.path} {file.st_mtime_ns}"
    versions = (version("microprompt"), version("llama-cpp-python"))
    return " ".join((weights, found.path.name, str(file.st_size), *versions))
