"""llama.cpp's C interface, set up once: quiet, and with its last complaint at hand."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_ERROR_LEVEL = 4
_last_error: list[str] = []


@cache
def load() -> Any:
    """The low-level bindings, initialised. Untyped: llama-cpp-python ships no types for them."""
    import llama_cpp.llama_cpp as library

    @library.llama_log_callback  # type: ignore[untyped-decorator]
    def log(level: int, text: bytes, _: ctypes.c_void_p) -> None:
        if level == _ERROR_LEVEL:
            _last_error[:] = [text.decode(errors="replace").strip()]

    # Kept on the function, for the C side holds only a pointer.
    load.log = log  # type: ignore[attr-defined]
    library.llama_log_set(log, None)
    library.llama_backend_init()
    return library


def last_error() -> str:
    """What llama.cpp last complained of; empty if nothing. Reading clears it."""
    return _last_error.pop() if _last_error else ""
