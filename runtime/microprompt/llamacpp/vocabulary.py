"""A model's vocabulary as llguidance reads it: every token's bytes.

Reading a quarter of a million tokens through the bindings takes 0.6 s, so they are kept on disk. The trie
that llguidance makes of them can't be kept: it has no form outside of memory.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import zipfile
from contextlib import suppress
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import settings
from .weights import Weights

if TYPE_CHECKING:
    from llguidance import LLTokenizer

_CONTROL_MARK = b"\xff"
"""llguidance takes a token that begins with it for a control token. It begins no text in UTF-8."""


def guide_tokenizer(weights: Weights) -> LLTokenizer:
    """The vocabulary with byte-exact tokens; what `llguidance.llamacpp.lltokenizer_from_vocab` gives."""
    from llguidance import LLTokenizer

    address = ctypes.cast(weights.lib._lib.llama_tokenize, ctypes.c_void_p).value
    made: LLTokenizer = LLTokenizer.from_llamacpp(  # type: ignore[attr-defined]  # missing in its types
        tokens=_tokens(weights),
        vocab_ptr=weights.vocab,
        tokenize_fptr=address,
        eos_token=weights.token_eos(),
        slices=None,
    )
    return made


def _tokens(weights: Weights) -> list[bytes]:
    path = settings.current().home / "vocabularies" / f"{_key(weights.path)}.npz"
    found = _load(path)
    if found is None or len(found) != weights.n_vocab():
        found = [_token(weights, number) for number in range(weights.n_vocab())]
        with suppress(OSError):  # without room on the disk it is read again the next time
            _save(path, found)
    return found


def _key(path: Path) -> str:
    file = path.stat()
    parts = (str(path), str(file.st_size), str(file.st_mtime_ns), version("llama-cpp-python"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _token(weights: Weights, number: int) -> bytes:
    piece = weights.read_piece(number, control=True)
    attributes = weights.lib.llama_vocab_get_attr(weights.vocab, number)
    looks_like_control = piece.startswith(b"<") and piece.endswith(b">")
    if attributes & weights.lib.LLAMA_TOKEN_ATTR_CONTROL or (
        attributes & weights.lib.LLAMA_TOKEN_ATTR_USER_DEFINED and looks_like_control
    ):
        return _CONTROL_MARK + piece
    return piece


def _load(path: Path) -> list[bytes] | None:
    """What was saved; `None` if there is nothing that can be read."""
    try:
        # NumPy leaves a file open that it can't read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            data, ends = saved["data"].tobytes(), saved["ends"].tolist()
        return [data[start:end] for start, end in pairwise([0, *ends])]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _save(path: Path, tokens: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.npz")
    ends = np.cumsum([len(token) for token in tokens])
    try:
        np.savez(half, data=np.frombuffer(b"".join(tokens), dtype=np.uint8), ends=ends)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)  # a full disk has no room for halves
