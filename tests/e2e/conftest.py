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


def load(model: models.ResolvedModel, *, context: int | None = None, layout: str = "plain") -> Engine:
    """An engine of a model.

    On one thread: two that compete for busy cores wait for each other several times as long.
    """
    backend = LlamaCppBackend(model.load(), name=model.path.stem, context=context)
    return Engine(backend, layout=layout)


@pytest.fixture(scope="session")
def smollm2_model() -> models.ResolvedModel:
    """The default model; fetched and prepared if it is not here."""
    return models.ensure("smollm2-135m")


@pytest.fixture(scope="session")
def smollm2(smollm2_model: models.ResolvedModel) -> Path:
    """The file of the default model."""
    return smollm2_model.path


@pytest.fixture(scope="session")
def gemma3() -> models.ResolvedModel:
    """The second model; fetched and prepared if it is not here."""
    return models.ensure("gemma3-270m")


@pytest.fixture(scope="session")
def engine(smollm2_model: models.ResolvedModel) -> Iterator[Engine]:
    """The default model."""
    loaded = load(smollm2_model)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def gemma(gemma3: models.ResolvedModel) -> Iterator[Engine]:
    """The second model."""
    loaded = load(gemma3)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def small(smollm2_model: models.ResolvedModel) -> Iterator[Engine]:
    """The default model with little context."""
    loaded = load(smollm2_model, context=256)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def chat(smollm2_model: models.ResolvedModel) -> Iterator[Engine]:
    """The default model in its chat layout."""
    loaded = load(smollm2_model, context=1024, layout="chat")
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
