"""Cores that several models share."""

from __future__ import annotations

import threading

from microprompt.scheduling.cores import Cores


def test_no_more_are_held_than_there_are() -> None:
    cores = Cores(4)
    held, most = 0, 0
    guard = threading.Lock()

    def work(wanted: int) -> None:
        nonlocal held, most
        for _ in range(200):
            with cores.taken(wanted):
                with guard:
                    held += min(wanted, 4)
                    most = max(most, held)
                with guard:
                    held -= min(wanted, 4)

    threads = [threading.Thread(target=work, args=(wanted,)) for wanted in (1, 2, 3, 4, 9, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held == 0
    assert 1 <= most <= 4


def test_who_asks_for_few_does_not_overtake_who_waits_for_many() -> None:
    cores = Cores(2)
    order: list[str] = []
    queued = [threading.Event(), threading.Event()]

    def take(name: str, wanted: int, started: threading.Event) -> None:
        started.set()
        with cores.taken(wanted):
            order.append(name)

    with cores.taken(1):
        many = threading.Thread(target=take, args=("many", 2, queued[0]))
        many.start()
        while len(cores._queue) < 1:
            queued[0].wait()
        few = threading.Thread(target=take, args=("few", 1, queued[1]))
        few.start()
        while len(cores._queue) < 2:
            queued[1].wait()
        assert order == []
    many.join()
    few.join()
    assert order == ["many", "few"]


def test_two_that_fit_hold_theirs_at_the_same_time() -> None:
    cores = Cores(2)
    both = threading.Barrier(2, timeout=20)

    def work() -> None:
        with cores.taken(1):
            both.wait()

    thread = threading.Thread(target=work)
    thread.start()
    work()
    thread.join()
    assert not both.broken


def test_an_error_gives_them_back() -> None:
    cores = Cores(1)
    for _ in range(2):
        try:
            with cores.taken(1):
                raise KeyError
        except KeyError:
            pass
    with cores.taken(1):
        pass
