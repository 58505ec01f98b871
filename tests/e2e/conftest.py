"""The real models, loaded once for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from microprompt import models
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.engines.outlines_model import OutlinesModel
from microprompt.llamacpp.backend import LlamaCppBackend
from microprompt.llamacpp.weights import Weights


def load(path: Path, *, context: int | None = None, layout: str = "plain") -> Engine:
    """An engine of a model file.

    On one thread: two that compete for busy cores wait for each other several times as long.
    """
    backend = LlamaCppBackend(Weights(path), name=path.stem, context=context)
    return Engine(backend, layout=layout)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The file of the default model; fetched and prepared if it is not here."""
    return models.ensure("smollm2-135m").path


@pytest.fixture(scope="session")
def gemma3() -> Path:
    """The file of the second model; fetched if it is not here."""
    return models.ensure("gemma3-270m").path


@pytest.fixture(scope="session")
def engine(smollm2: Path) -> Iterator[Engine]:
    """The default model."""
    loaded = load(smollm2)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def gemma(gemma3: Path) -> Iterator[Engine]:
    """The second model."""
    loaded = load(gemma3)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def small(smollm2: Path) -> Iterator[Engine]:
    """The default model with little context."""
    loaded = load(smollm2, context=256)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def chat(smollm2: Path) -> Iterator[Engine]:
    """The default model in its chat layout."""
    loaded = load(smollm2, context=1024, layout="chat")
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def model(engine: Engine) -> OutlinesModel:
    """The default model as Outlines sees it."""
    return OutlinesModel(engine)


@pytest.fixture(scope="session")
def small_model(small: Engine) -> OutlinesModel:
    """The default model with little context, as Outlines sees it."""
    return OutlinesModel(small)


@pytest.fixture(scope="session")
def gemma_model(gemma: Engine) -> OutlinesModel:
    """The second model as Outlines sees it."""
    return OutlinesModel(gemma)


@pytest.fixture
def on_smollm2(engine: Engine) -> Iterator[Engine]:
    """The default model, for every prompt function."""
    with override(engine):
        yield engine
