"""Prompts that no source has, and that nobody has asked for by name."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .. import abi
from ..answer import Answer
from ..engines.base import AnyEngine, Call
from ..engines.loaded import wanted
from ..function import PromptFunction
from ..locations import is_server


def is_far(model: abi.Model | None) -> bool:
    """Whether a model (the default one for `None`) answers on a server."""
    return is_server(wanted(model, None).name)


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
