"""The engines of this process: one for each model in use, loaded at its first call and shared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import abi, models, settings
from .engine import Engine

_lock = threading.Lock()
_engines: dict[tuple[object, ...], Engine] = {}
_override: list[Engine] = []


def engine_for(model: abi.Model | None, folder: Path | None = None) -> Engine:
    """The engine of a model (the default one for `None`); `folder` is where its relative path begins.

    Raises `ModelError` if the model is not to be had.
    """
    if _override:
        return _override[-1]
    current = settings.current()
    wanted = model or abi.Model(name=current.model)
    context = wanted.context or current.context
    name = wanted.name
    if models.is_path(name):
        name = str(((folder or Path.cwd()) / Path(name).expanduser()).resolve())
    key = (name, wanted.layout, context)
    with _lock:
        if key not in _engines:
            _engines[key] = _load(name, wanted.layout, context, current.threads)
        return _engines[key]


def _load(name: str, layout: str | None, context: int | None, threads: int) -> Engine:
    found = models.ensure(name)
    from .llamacpp import LlamaCppEngine
    from .llamacpp.backend import LlamaCppBackend
    from .llamacpp.weights import Weights

    shown = Path(name).name if models.is_path(name) else name
    backend = LlamaCppBackend(Weights(found.path), name=shown, threads=threads, context=context)
    return LlamaCppEngine(backend, layout=layout or found.layout)


@contextmanager
def override(engine: Engine) -> Iterator[Engine]:
    """Let every call in the block, from any thread, run on `engine`."""
    _override.append(engine)
    try:
        yield engine
    finally:
        _override.remove(engine)
