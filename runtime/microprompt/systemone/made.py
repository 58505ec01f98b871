"""Prompts that no source has, and that nobody has asked for by name."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..answer import Answer
from ..engines.base import AnyEngine, Call
from ..function import PromptFunction


class QuestionFunction(PromptFunction[..., Any]):
    """A prompt that is made at run time: what goes wrong in it has no line to name."""

    def placed(self) -> AbstractContextManager[None]:  # type: ignore[override]  # the base has a generator's
        return nullcontext()


class UntoldFunction(QuestionFunction):
    """One that is asked so that an answer can be told better: nobody who looks at calls is told of it."""

    def asked(self) -> AnyEngine:
        return self.engine()

    async def answered(self, call: Call) -> Answer[Any]:
        return await self._answered(call)
