"""What the runtime does with files and processes: damage, forks, imports."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.errors import EngineError, ModelError
from microprompt.llamacpp.backend import LlamaCppBackend
from microprompt.llamacpp.weights import Weights

from .functions import Act, classify, llama


@pytest.mark.model
@pytest.mark.parametrize("damage", ["empty", "text", "cut", "header"])
def test_a_damaged_file_is_a_model_error(smollm2: Path, tmp_path: Path, damage: str) -> None:
    with smollm2.open("rb") as whole:
        head = bytearray(whole.read(4_000_000))
    if damage == "header":
        head[8:200] = os.urandom(192)
    data = {"empty": b"", "text": b"not a model", "cut": bytes(head), "header": bytes(head)}[damage]
    path = tmp_path / "broken.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"can't load broken\.gguf: .+\n  help: "):
        Weights(path)


@pytest.mark.model
def test_a_missing_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"can't load none\.gguf"):
        Weights(tmp_path / "none.gguf")


@pytest.mark.model
def test_more_context_than_the_model_was_trained_for_is_a_model_error(engine: Engine) -> None:
    with pytest.raises(ModelError, match="trained on contexts of 8192 tokens"):
        LlamaCppBackend(llama(engine).weights, name="x", context=9000)


@pytest.mark.model
def test_a_recurrent_model_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = llama(engine).weights
    monkeypatch.setattr(weights.lib, "llama_model_is_recurrent", lambda _: True)
    with pytest.raises(ModelError, match="x is a recurrent model"):
        LlamaCppBackend(weights, name="x")


@pytest.mark.model
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_gets_a_clear_error_and_the_parent_goes_on(engine: Engine) -> None:
    with override(engine):
        classify("Is it raining?")
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            # Python warns of exactly the danger that this is about.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:  # pragma: no cover
            try:
                classify("Is it raining?")
                said = "no error"
            except EngineError as error:
                said = str(error)
            except BaseException as error:
                said = repr(error)
            os.write(writing, said.encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        assert "before this process was forked" in said
        assert '"spawn"' in said
        assert classify("Is it raining?") is Act.question


def test_importing_the_runtime_loads_no_engine() -> None:
    code = """
import sys
import microprompt, microprompt.abi, microprompt.errors
heavy = {"llama_cpp", "outlines", "numpy", "pydantic", "llguidance"}
print(*sorted(heavy & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
