"""llama.cpp's C interface, set up once: quiet, and with its last complaint at hand."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from functools import cache
from typing import Any

_ERROR_LEVEL = 4
_last_error: list[str] = []


@cache
def load() -> Any:
    """The low-level bindings, initialised. Untyped, for their types don't describe what they take."""
    # OpenMP's threads spin between operations; where other programs want the cores too, that makes a call
    # several times slower. Short spins cost an idle machine a few percent.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    library: Any = importlib.import_module("llama_cpp.llama_cpp")

    def log(level: int, text: bytes, _: object) -> None:
        if level == _ERROR_LEVEL:
            _last_error[:] = [text.decode(errors="replace").strip()]

    # The C side holds only a pointer, so the callback has to live as long as the library.
    library.microprompt_log = library.llama_log_callback(log)
    library.llama_log_set(library.microprompt_log, None)
    library.llama_backend_init()
    return library


@cache
def strlen() -> Any:
    """C's `strlen` as an abort callback: stop if the flag's text is not empty. Takes no lock of Python's."""
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    return ctypes.cast(library.strlen, load().ggml_abort_callback)


def last_error() -> str:
    """What llama.cpp last complained of; empty if nothing. Reading clears it."""
    return _last_error.pop() if _last_error else ""
