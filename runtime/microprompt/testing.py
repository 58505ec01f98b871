"""For tests of programs that call prompt functions: no model, no network, no waiting.

from microprompt.testing import scripted

def test_routes_questions():
    with scripted({"classify": Act.question}) as engine:
        assert route("What time is it?") == "answer"
    assert engine.calls == [("classify", {"text": "What time is it?"})]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from .engines.loaded import override
from .engines.scripted import Reasoned, Script, ScriptedEngine
from .given import given

__all__ = ["Reasoned", "ScriptedEngine", "given", "scripted"]


@contextmanager
def scripted(script: Script) -> Iterator[ScriptedEngine]:
    """Let every prompt function answer from `script` inside the block.

    `script` maps a function's name to a value, to a mapping from values to probabilities, or to a callable
    that is given the arguments by name and returns either. What is a dict that the function may return is a
    value. With `Reasoned("It asks.", Act.question)`, a prompt with `reasoning` has that on its scratchpad,
    which else stays empty. A value outside the function's return type, and a
    function that is not in the script, raise `errors.ScriptError`.
    """
    with closing(ScriptedEngine(script)) as engine, override(engine):
        yield engine
