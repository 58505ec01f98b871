"""Which engine answers, and which embedder embeds: one for each model in use, loaded at its first call,
shared by the process."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from .. import abi, settings
from ..errors import ArgumentError
from ..locations import model_named, protocol_of, server
from ..scheduling.scheduler import forked, refuse_at_exit
from . import local
from .base import AnyEngine
from .embedder import Embedder
from .engine import Engine
from .keys import key_of

if TYPE_CHECKING:
    from .outlines_model import OutlinesModel


@dataclass(frozen=True, slots=True)
class EngineKind:
    """A kind of engine: which models it takes, by their names, and how it loads one. `check` loads nothing;
    it raises `ModelError`, or `ArgumentError` for an address, where there is no model of a name."""

    takes: Callable[[str], bool]
    load: Callable[[abi.Model], AnyEngine]
    check: Callable[[str], None]


def _load_systemone(wanted: abi.Model) -> AnyEngine:
    from . import systemone  # not at the top: few programs ask a server

    return systemone.load(wanted)


def _load_openai(wanted: abi.Model) -> AnyEngine:
    from . import openai_api  # not at the top: few programs ask a server, and not all have the package

    return openai_api.load(wanted)


def _check_server(name: str) -> None:
    key_of(server(name))


KINDS: Final = (
    EngineKind(
        takes=lambda name: protocol_of(name) == "systemone", load=_load_systemone, check=_check_server
    ),
    EngineKind(takes=lambda name: protocol_of(name) == "openai", load=_load_openai, check=_check_server),
    # Last, for it takes every name: one that no model has is an error that says which names there are.
    EngineKind(takes=lambda name: True, load=local.load, check=local.check),
)
"""The kinds of engines; the first that takes a model loads it."""


class _Closable(Protocol):
    @property
    def is_closed(self) -> bool: ...


K = TypeVar("K")
M = TypeVar("M", bound=_Closable)

_lock = threading.Lock()
_engines: dict[abi.Model, AnyEngine] = {}
_embedders: dict[str, Embedder] = {}
_as_outlines: weakref.WeakValueDictionary[AnyEngine, OutlinesModel] = weakref.WeakValueDictionary()
_override: list[AnyEngine] = []
_parent_had_a_model = False


def engine_for(model: abi.Model | None, folder: Path | None = None) -> AnyEngine:
    """The engine of a model (the default one for `None`); `folder` is where its relative path begins.

    Raises `ModelError` if the model is not to be had, `EngineError` where no engine can live: in a process
    that was forked from one with a model, and in one that ends.
    """
    if _override:
        return _override[-1]
    return _loaded(_engines, wanted(model, folder), _load)


def loaded_engine(model: abi.Model | None, folder: Path | None = None) -> AnyEngine | None:
    """The same engine if it is there already; does not wait."""
    if _override:
        return _override[-1]
    return _open(_engines.get(wanted(model, folder)))


def embedder_for(name: str, folder: Path | None = None) -> Embedder:
    """The embedder of a model's name, or of a GGUF file's path; `folder` is where a relative one begins.

    Raises as `engine_for`, and `ModelError` for a language model.
    """
    return _loaded(_embedders, model_named(name, folder), local.load_embedder)


def loaded_embedder(name: str, folder: Path | None = None) -> Embedder | None:
    """The same embedder if it is there already; does not wait."""
    return _open(_embedders.get(model_named(name, folder)))


def check(model: abi.Model | None, folder: Path | None = None) -> None:
    """Raise `ModelError`, or `ArgumentError` for an address, if there is no such model; nothing is loaded, no
    server asked."""
    if loaded_engine(model, folder) is None:
        name = wanted(model, folder).name
        _kind(name).check(name)


def _load(wanted: abi.Model) -> AnyEngine:
    return _kind(wanted.name).load(wanted)


def _kind(name: str) -> EngineKind:
    return next(kind for kind in KINDS if kind.takes(name))


def _loaded(models: dict[K, M], wanted: K, load: Callable[[K], M]) -> M:
    """The model that is wanted, which is loaded unless it is there and open."""
    with _lock:
        if _parent_had_a_model:
            raise forked()
        found = _open(models.get(wanted))
        if found is None:
            refuse_at_exit()
            found = models[wanted] = load(wanted)
        return found


def _open(model: M | None) -> M | None:
    return None if model is None or model.is_closed else model


def outlines_model_for(model: abi.Model | None) -> OutlinesModel:
    """The same engine as an Outlines model; what they run shares batches.

    Raises `ArgumentError` if the engine is not one that Outlines can use.
    """
    from .outlines_model import OutlinesModel  # not at the top: it loads Outlines, which few programs need

    engine = engine_for(model)
    if not isinstance(engine, Engine):
        raise ArgumentError(f"{engine.name} does not run on llama.cpp")
    with _lock:
        found = _as_outlines.get(engine)
        if found is None:
            found = _as_outlines[engine] = OutlinesModel(engine)
        return found


@contextmanager
def override(engine: AnyEngine) -> Iterator[AnyEngine]:
    """Let every call in the block, from any thread, run on `engine`."""
    _override.append(engine)
    try:
        yield engine
    finally:
        _override.remove(engine)


def is_overridden() -> bool:
    """Whether an engine answers all calls now, whatever model they ask for."""
    return bool(_override)


def wanted(model: abi.Model | None, folder: Path | None) -> abi.Model:
    """What to load, with the settings in the places that the program left open."""
    current = settings.current()
    return abi.Model(
        name=model_named(model.name if model else current.model, folder),
        layout=model.layout if model else None,
        context=(model.context if model else None) or current.context,
    )


def _after_fork() -> None:
    """In a child process: what another thread had locked in the parent will never be unlocked here. A model
    that was there, or half loaded, has threads and locks of its own that did not come along either."""
    global _lock, _parent_had_a_model
    _parent_had_a_model = _parent_had_a_model or bool(_engines) or bool(_embedders) or _lock.locked()
    _lock = threading.Lock()
    _engines.clear()
    _embedders.clear()
    _as_outlines.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)
