"""The llama.cpp engine, which is also an Outlines model."""

from __future__ import annotations

from functools import cached_property

import outlines.models
from outlines.models.llamacpp import LlamaCppTokenizer, LlamaCppTypeAdapter

from ..engine import Engine
from .backend import LlamaCppBackend


class LlamaCppEngine(Engine, outlines.models.LlamaCpp):
    """`outlines.Generator(engine, T)` runs on this engine's scheduler, alone and batched."""

    def __init__(self, backend: LlamaCppBackend, *, layout: str = "plain") -> None:
        # Outlines' own initialiser would read the whole vocabulary at once.
        Engine.__init__(self, backend, layout=layout)
        self.model = backend.weights
        self.type_adapter = LlamaCppTypeAdapter(has_chat_template=False)

    @cached_property
    def tokenizer(self) -> LlamaCppTokenizer:  # type: ignore[override]  # an attribute there, read only when needed here
        return LlamaCppTokenizer(self.model)
