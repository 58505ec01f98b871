"""Where jobs that belong together run: all in one runner, for there is what the first of them has made."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final

from .jobs import Pending

KEPT: Final = 256
"""Of how many groups of jobs it is remembered which runner has them."""


class Places:
    """Which runner has the jobs of each group, by its number."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[Hashable, int] = OrderedDict()

    def __len__(self) -> int:
        """Of how many groups it is known."""
        return len(self._numbers)

    def of(self, job: Pending[Any]) -> int | None:
        """The runner that has what a job needs, if it is known."""
        return None if job.together is None else self._numbers.get(job.together)

    def put(self, job: Pending[Any], number: int) -> None:
        """A job goes to a runner, and so do those that belong to it."""
        if job.together is not None:
            self._numbers[job.together] = number
            self._numbers.move_to_end(job.together)
            if len(self._numbers) > KEPT:
                self._numbers.popitem(last=False)
