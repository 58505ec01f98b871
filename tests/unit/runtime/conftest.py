"""Engines of tests of the runtime."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.engines.scripted import VOCABULARY, ByteBackend

from .programs import wait_until_idle


@pytest.fixture
def held() -> Iterator[tuple[Engine, threading.Event]]:
    """An engine that answers nothing until the event is set."""
    go = threading.Event()

    def voice(_: bytes) -> NDArray[np.float32]:
        assert go.wait(20)
        return np.zeros(VOCABULARY, dtype=np.float32)

    engine = Engine(ByteBackend(voice))
    with override(engine):
        yield engine, go
    go.set()
    wait_until_idle(engine)
    engine.close()
