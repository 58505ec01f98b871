"""llama.cpp's C interface, set up once: quiet, and with its last complaint at hand."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

_ERROR_LEVEL = 4
_last_error: list[str] = []
_echo: list[bool] = []


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
            if _echo:
                print(_last_error[0], file=sys.stderr, flush=True)

    # The C side holds only a pointer, so the callback has to live as long as the library.
    library.microprompt_log = library.llama_log_callback(log)
    library.llama_log_set(library.microprompt_log, None)
    library.llama_backend_init()
    return library


@cache
def tensors() -> Any:
    """The functions with which a callback looks at a tensor.

    They take a microsecond each, so they keep the interpreter's lock: to give it away in between would be to
    queue for it again.
    """
    extensions: Any = importlib.import_module("llama_cpp._ctypes_extensions")
    base = extensions.load_shared_library("ggml-base", Path(load().__file__).parent / "lib")
    library = ctypes.PyDLL(base._name)
    library.ggml_get_name.argtypes = [ctypes.c_void_p]
    library.ggml_get_name.restype = ctypes.c_char_p
    library.ggml_nbytes.argtypes = [ctypes.c_void_p]
    library.ggml_nbytes.restype = ctypes.c_size_t
    library.ggml_backend_tensor_get.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_size_t] * 2
    library.ggml_backend_tensor_get.restype = None
    return library


def echo_errors() -> None:
    """Send complaints to standard error too, at once: one of them may be llama.cpp's last word."""
    _echo.append(True)


@cache
def stop_asked() -> Any:
    """The function with which llama.cpp asks, between operations, whether to stop: C's `strlen`.

    It has to be a function of one pointer that gives zero for "go on". One written in Python would have to
    take the interpreter's lock hundreds of times a batch, and would wait there for whatever other Python
    threads do. `strlen` has the right shape and takes no lock: given a flag of two bytes, an empty text
    means go on, and one letter, which any thread may write, means stop.
    """
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    return ctypes.cast(library.strlen, load().ggml_abort_callback)


def last_error() -> str:
    """What llama.cpp last complained of; empty if nothing. Reading clears it."""
    return _last_error.pop() if _last_error else ""
