"""The engines of this process: one for each model in use, loaded at its first call and shared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from .. import abi, models, settings
from ..locations import is_path, located
from .engine import Engine, Speed

if TYPE_CHECKING:
    from ..llamacpp.weights import Weights
    from .outlines_model import LlamaCppEngine

_lock = threading.Lock()
_engines: dict[abi.Model, Engine] = {}
_as_outlines: dict[Engine, LlamaCppEngine] = {}
_override: list[Engine] = []


def engine_for(model: abi.Model | None, folder: Path | None = None) -> Engine:
    """The engine of a model (the default one for `None`); `folder` is where its relative path begins.

    Raises `ModelError` if the model is not to be had.
    """
    if _override:
        return _override[-1]
    wanted = _wanted(model, folder)
    with _lock:
        if wanted not in _engines:
            _engines[wanted] = _load(wanted)
        return _engines[wanted]


def loaded_engine(model: abi.Model | None, folder: Path | None = None) -> Engine | None:
    """The same engine if it is there already; does not wait."""
    return _override[-1] if _override else _engines.get(_wanted(model, folder))


def outlines_engine_for(model: abi.Model | None) -> LlamaCppEngine:
    """The same engine as an Outlines model; what they run shares batches."""
    from .outlines_model import LlamaCppEngine

    engine = engine_for(model)
    if isinstance(engine, LlamaCppEngine):
        return engine
    with _lock:
        if engine not in _as_outlines:
            _as_outlines[engine] = LlamaCppEngine.sharing(engine)
        return _as_outlines[engine]


def _wanted(model: abi.Model | None, folder: Path | None) -> abi.Model:
    """What to load, with the settings in the places that the program left open."""
    current = settings.current()
    name = model.name if model else current.model
    if is_path(name):
        name = str(located(name, folder))
    return abi.Model(
        name=name,
        layout=model.layout if model else None,
        context=(model.context if model else None) or current.context,
    )


def _load(wanted: abi.Model) -> Engine:
    found = models.ensure(wanted.name)
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
        engine.speed = Speed(call_ms=found.prepared.call_token_ms, batch_ms=found.prepared.batch_token_ms)
    return engine


def _identity(found: models.ResolvedModel, weights: Weights) -> str:
    """What stands for a model's weights, the kernels that compute on them, and the versions of these."""
    file = found.path.stat()
    bytes = found.info.sha256 or f"{found.path} {file.st_mtime_ns}"
    kernels = "extra" if weights.extra_buffers else "plain"
    versions = (version("microprompt"), version("llama-cpp-python"))
    return " ".join((bytes, found.path.name, str(file.st_size), kernels, *versions))


@contextmanager
def override(engine: Engine) -> Iterator[Engine]:
    """Let every call in the block, from any thread, run on `engine`."""
    _override.append(engine)
    try:
        yield engine
    finally:
        _override.remove(engine)
