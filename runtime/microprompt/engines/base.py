"""What a prompt function needs of an engine, whichever kind it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..answer import Answer
from ..program import Program
from ..scheduling.jobs import Pending

if TYPE_CHECKING:
    from ..explain import Explanation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A program with checked arguments, all parameters by name; `timeout` in seconds, if there is one.

    An answer that is a text by itself is told to the `listener` in pieces as it is written, in UTF-8, on the
    thread that computes, where it can be: not if another text may be answered in its stead, or is kept.
    """

    program: Program
    arguments: Mapping[str, object]
    timeout: float | None = None
    listener: Callable[[bytes], None] | None = None


class AnyEngine(Protocol):
    """Answers calls. Safe from several threads; once it is closed, every method raises `EngineError`."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def is_closed(self) -> bool: ...

    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        """Begin a call. Raises `PromptTooLong` and `EngineError`.

        Its `timeout` counts from now; with `waits`, for calls of which many are queued, from when it starts.
        """
        ...

    def result(self, pending: Pending[T], /) -> T:
        """Wait for the answer to a submitted call. Raises what ended it."""
        ...

    def abandon(self, pending: Pending[Any], /) -> None:
        """Give up a submitted call; what is computed for nobody else ends at once."""
        ...

    def run_many(self, calls: Iterable[Call], *, in_flight: int) -> Iterator[Answer[object]]:
        """The answers to many calls, in order. `calls` is read up to `in_flight` ahead."""
        ...

    async def aanswer(self, call: Call) -> Answer[object]:
        """Answer a call without blocking the event loop. Cancelling the task gives the call up."""
        ...

    def render(self, call: Call) -> str:
        """The exact text of a call's prompt."""
        ...

    def explain(self, program: Program) -> Explanation:
        """What a call of a program costs and why."""
        ...

    def close(self) -> None:
        """Free the model. Calls afterwards fail."""
        ...
