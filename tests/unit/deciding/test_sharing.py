"""Work that several want is done once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from microprompt.deciding.sharing import Claim, Sharing
from microprompt.errors import EngineError
from microprompt.scheduling.jobs import Pending


class Worker:
    """Begins work that ends when a test says so."""

    def __init__(self) -> None:
        self.begun: list[Pending[str]] = []
        self.abandoned: list[Pending[Any]] = []

    def begin(self) -> tuple[Worker, Pending[str]]:
        self.begun.append(Pending())
        return self, self.begun[-1]

    def result(self, pending: Pending[Any], /) -> Any: ...

    def abandon(self, pending: Pending[Any], /) -> None:
        self.abandoned.append(pending)
        pending.future.cancel()


def test_who_asks_while_it_runs_waits_for_the_same_work() -> None:
    sharing, worker = Sharing(4), Worker()
    claims = [sharing.claim("text", worker.begin) for _ in range(3)]
    worker.begun[0].succeed("read")
    assert [claim.future.result(timeout=0) for claim in claims] == ["read"] * 3
    assert [claim.is_first for claim in claims] == [True, False, False]
    assert len(worker.begun) == 1


def test_who_asks_later_finds_what_came_out() -> None:
    sharing, worker = Sharing(4), Worker()
    first = sharing.claim("text", worker.begin)
    worker.begun[0].succeed("read")
    first.release()
    later = sharing.claim("text", worker.begin)
    assert (later.future.result(timeout=0), later.is_first, len(worker.begun)) == ("read", False, 1)


def test_other_work_is_begun() -> None:
    sharing, worker = Sharing(4), Worker()
    sharing.claim("text", worker.begin)
    assert sharing.claim("other", worker.begin).is_first
    assert len(worker.begun) == 2


def test_only_the_last_results_are_kept() -> None:
    sharing, worker = Sharing(2), Worker()
    for text in "abca":
        sharing.claim(text, worker.begin)
        worker.begun[-1].succeed(text)
    assert len(worker.begun) == 4
    assert not sharing.claim("c", worker.begin).is_first


def test_what_failed_is_tried_again_by_who_asks_next() -> None:
    sharing, worker = Sharing(4), Worker()
    claims = [sharing.claim("text", worker.begin) for _ in range(2)]
    worker.begun[0].fail(EngineError("no"))
    for claim in claims:
        with pytest.raises(EngineError, match="no"):
            claim.future.result(timeout=0)
    assert sharing.claim("text", worker.begin).is_first


def test_what_can_not_begin_raises_and_is_tried_again() -> None:
    sharing = Sharing(4)

    def refuse() -> tuple[Worker, Pending[str]]:
        raise EngineError("no")

    with pytest.raises(EngineError, match="no"):
        sharing.claim("text", refuse)
    assert sharing.claim("text", Worker().begin).is_first


def test_work_is_given_up_when_the_last_has_left() -> None:
    sharing, worker = Sharing(4), Worker()
    one, other = [sharing.claim("text", worker.begin) for _ in range(2)]
    one.release()
    assert not worker.abandoned
    other.release()
    assert worker.abandoned == worker.begun
    assert sharing.claim("text", worker.begin).is_first


def test_leaving_what_is_done_gives_up_nothing() -> None:
    sharing, worker = Sharing(4), Worker()
    claim = sharing.claim("text", worker.begin)
    worker.begun[0].succeed("read")
    claim.release()
    assert not worker.abandoned


def test_who_comes_before_it_has_begun_waits_for_it() -> None:
    sharing, worker = Sharing(4), Worker()
    second: list[Claim[str]] = []

    def begin() -> tuple[Worker, Pending[str]]:
        second.append(sharing.claim("text", worker.begin))
        return worker.begin()

    sharing.claim("text", begin)
    worker.begun[0].succeed("read")
    assert second[0].future.result(timeout=0) == "read"
    assert len(worker.begun) == 1


def begin_each(worker: Worker, keys: str, begun: list[str]) -> Callable[[Sequence[int]], Any]:
    def begin(places: Sequence[int]) -> tuple[Worker, Pending[str]]:
        begun.append("".join(keys[place] for place in places))
        return worker.begin()

    return begin


def test_of_many_pieces_those_that_nobody_has_begun_are_begun_together() -> None:
    sharing, worker, begun = Sharing(8), Worker(), list[str]()
    sharing.claim_each("ab", begin_each(worker, "ab", begun), str.__getitem__)
    claims = sharing.claim_each("cbd", begin_each(worker, "cbd", begun), str.__getitem__)
    assert begun == ["ab", "cd"]
    worker.begun[0].succeed("AB")
    worker.begun[1].succeed("CD")
    assert [claim.future.result(timeout=0) for claim in claims] == ["C", "B", "D"]
    later = sharing.claim_each("da", begin_each(worker, "da", begun), str.__getitem__)
    assert [claim.future.result(timeout=0) for claim in later] == ["D", "A"]
    assert len(begun) == 2


def test_what_was_begun_together_is_given_up_when_nobody_waits_for_any_of_it() -> None:
    sharing, worker, begun = Sharing(8), Worker(), list[str]()
    first = sharing.claim_each("ab", begin_each(worker, "ab", begun), str.__getitem__)
    second = sharing.claim_each("bc", begin_each(worker, "bc", begun), str.__getitem__)
    for claim in first:
        claim.release()
    assert worker.abandoned == []
    for claim in second:
        claim.release()
    assert len(worker.abandoned) == 2


def test_where_what_is_left_cannot_begin_what_others_began_goes_on() -> None:
    sharing, worker = Sharing(8), Worker()
    (waits,) = sharing.claim_each("a", begin_each(worker, "a", []), str.__getitem__)

    def fail(places: Sequence[int]) -> tuple[Worker, Pending[str]]:
        raise EngineError("it is closed")

    with pytest.raises(EngineError):
        sharing.claim_each("ab", fail, str.__getitem__)
    worker.begun[0].succeed("A")
    assert waits.future.result(timeout=0) == "A"
