"""The tree of prefixes and the store behind it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from microprompt.errors import EngineError
from microprompt.scheduling import prefixes
from microprompt.scheduling.backend import LONG_BATCH_TOKENS, Interrupted, Rows, Step
from microprompt.scheduling.cores import Cores, Turns
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.lane import Lane
from microprompt.scheduling.prefixes import MIN_SHARED, PrefixStore

from .jobs import ask
from .programs import WatchedBackend, random_voice
from .test_lane import make, prefixes_held, run

STEM = "Instructions: "


def test_prefixes_that_begin_alike_share_their_beginning() -> None:
    lane, backend = make()
    run(lane, [ask("?", STEM + "classify. ")])
    before = sum(backend.steps)
    assert run(lane, [ask("?", STEM + "rate. ")]) == [f"{STEM}rate. ? ({len(STEM)} cached)"]
    assert sum(backend.steps) - before == len("rate. ") + 1 + 2 + 2
    assert prefixes_held(lane, backend) == [STEM, STEM + "classify. ", STEM + "rate. "]
    assert backend.cells() == len(STEM + "classify. " + "rate. ")


def test_a_prefix_that_continues_another_shares_all_of_it() -> None:
    lane, backend = make()
    run(lane, [ask("?", STEM)])
    assert run(lane, [ask("?", STEM + "rate. ")]) == [f"{STEM}rate. ? ({len(STEM)} cached)"]
    assert prefixes_held(lane, backend) == [STEM, STEM + "rate. "]


def test_a_prefix_that_begins_another_is_there_already() -> None:
    lane, backend = make()
    run(lane, [ask("?", STEM + "rate. ")])
    assert run(lane, [ask("?", STEM)]) == [f"{STEM}? ({len(STEM)} cached)"]
    assert run(lane, [ask("?", STEM)]) == [f"{STEM}? ({len(STEM)} cached)"]
    assert prefixes_held(lane, backend) == [STEM, STEM + "rate. "]


def test_a_few_tokens_in_common_are_not_shared() -> None:
    lane, _ = make()
    stem = "x" * (MIN_SHARED - 1)
    run(lane, [ask("?", stem + "a")])
    assert run(lane, [ask("?", stem + "b")]) == [f"{stem}b? (0 cached)"]


def test_prefixes_branch_at_several_depths() -> None:
    lane, backend = make()
    tails = ("aaaa aaaa aaaa", "aaaa aaaa bbbb", "aaaa bbbb", "bbbb", "aaaa aaaa aaaa cccc")
    for tail in tails:
        run(lane, [ask("?", STEM + tail)])
    assert set(prefixes_held(lane, backend)) >= {STEM + tail for tail in tails}
    for tail in tails:
        assert run(lane, [ask("!", STEM + tail)]) == [f"{STEM}{tail}! ({len(STEM + tail)} cached)"]


def test_the_least_recently_used_leaf_goes_when_cells_run_out() -> None:
    lane, backend = make(context=60)
    for prefix in ("a" * 20, "b" * 20, "a" * 20, "c" * 20):
        run(lane, [ask("?", prefix)])
    assert prefixes_held(lane, backend) == ["a" * 20, "c" * 20]


def test_the_least_recently_used_leaf_goes_when_sequences_run_out() -> None:
    lane, backend = make(sequences=7)
    for prefix in "abcd":
        run(lane, [ask("?", prefix)])
    assert prefixes_held(lane, backend) == ["b", "c", "d"]


def test_what_others_share_stays_while_one_of_them_does() -> None:
    lane, backend = make(context=70)
    for prefix in (STEM + "a" * 20, STEM + "b" * 20, STEM + "c" * 20):
        run(lane, [ask("?", prefix)])
    assert prefixes_held(lane, backend) == [STEM, STEM + "b" * 20, STEM + "c" * 20]


def test_what_would_be_shared_goes_when_there_is_no_room_beside_it() -> None:
    lane, backend = make(context=60)
    run(lane, [ask("?", STEM + "a" * 30)])
    assert run(lane, [ask("?", STEM + "b" * 30)]) == [f"{STEM}{'b' * 30}? (0 cached)"]
    assert prefixes_held(lane, backend) == [STEM + "b" * 30]


def test_a_dropped_prefix_comes_back_without_being_evaluated() -> None:
    lane, backend = make(context=60)
    for prefix in ("a" * 20, "b" * 20, "c" * 20):
        run(lane, [ask("?", prefix)])
    before = sum(backend.steps)
    assert run(lane, [ask("1?", "a" * 20)]) == ["a" * 20 + "1? (20 cached)"]
    assert (sum(backend.steps) - before, backend.restored) == (2 + 2 + 2, 1)
    assert prefixes_held(lane, backend) == ["a" * 20, "c" * 20]


def test_prefixes_beyond_the_residents_leave_the_cache_and_come_back() -> None:
    lane, backend = make(context=16384)
    prefixes = [letter * 400 for letter in "abcd"]
    for prefix in prefixes:
        run(lane, [ask("?", prefix)])
    assert prefixes_held(lane, backend) == prefixes[2:]
    assert run(lane, [ask("?", prefixes[0])]) == [f"{prefixes[0]}? (400 cached)"]
    assert prefixes_held(lane, backend) == [prefixes[0], prefixes[3]]


def test_what_the_store_does_not_have_stays_in_the_cache() -> None:
    lane, backend = make(context=16384)
    lane.prefixes._store = PrefixStore(limit=10)
    prefixes = [letter * 400 for letter in "abcd"]
    for prefix in prefixes:
        run(lane, [ask("?", prefix)])
    assert prefixes_held(lane, backend) == prefixes


def test_lanes_with_one_store_evaluate_a_prefix_once() -> None:
    store = PrefixStore()
    lanes = [Lane(WatchedBackend(random_voice(0)), store) for _ in range(2)]
    results = [run(lane, [ask("?", STEM)]) for lane in lanes]
    assert results == [[f"{STEM}? (0 cached)"], [f"{STEM}? ({len(STEM)} cached)"]]


@pytest.mark.parametrize(("cells", "sequences"), [(10, 0), (1000, 256)])
def test_nothing_is_evicted_where_that_would_not_be_enough(cells: int, sequences: int) -> None:
    lane, backend = make()
    for prefix in (STEM + "a" * 20, STEM + "b" * 20, "c" * 20):
        run(lane, [ask("?", prefix)])
    held = prefixes_held(lane, backend)
    node = lane.prefixes.find(tuple(f"{STEM}{'b' * 20}".encode()))
    assert node is not None
    lane.prefixes.acquire(node)
    assert not lane.prefixes.make_room(cells, sequences, None)
    assert prefixes_held(lane, backend) == held
    # What calls run on, and what lies above it, stays; all else can go.
    assert lane.prefixes.make_room(len(STEM) + 20, 254, None)
    assert prefixes_held(lane, backend) == [STEM, STEM + "b" * 20]


def test_a_full_store_drops_what_was_least_recently_used() -> None:
    store = PrefixStore(limit=10)
    for tokens in ((1,), (2,), (3,)):
        store.put(tokens, b"1234")
    assert (store.get((1,)), store.get((2,)), store.get((3,))) == (None, b"1234", b"1234")
    store.put((4,), b"too long to keep")
    assert store.get((4,)) is None


def test_any_history_gives_the_right_tokens_and_a_clean_cache() -> None:
    chance = random.Random(5)
    for context, sequences in ((90, 256), (300, 12), (2000, 256)):
        lane, backend = make(context, sequences)
        for _ in range(60):
            prefixes = ["".join(chance.choices("ab", k=chance.randint(1, 4))) * 7 for _ in range(3)]
            results = run(lane, [ask("?", prefix) for prefix in prefixes])
            assert [str(result).split("?")[0] for result in results] == prefixes
            assert backend.most_cells <= context
            prefixes_held(lane, backend)


# ----------------------------------------------------------------------------------------------- states


def about(state: str, question: str = "?") -> Job[str]:
    """A job that asks about a state."""
    return replace(ask(question, state), ends_in_state=True)


def test_a_state_is_not_kept_in_the_store() -> None:
    lane, backend = make()
    results = run(lane, [about("state: "), about("state: ", "!")])
    assert results == ["state: ? (0 cached)", "state: ! (7 cached)"]
    assert prefixes_held(lane, backend) == ["state: "]
    store = lane.prefixes._store
    assert not store.holds(tuple(b"state: "))


def test_only_the_last_state_stays_where_prefixes_take_much_of_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefixes, "RESIDENT_CELLS", 20)
    lane, backend = make()
    run(lane, [about("a" * 30)])
    run(lane, [about("b" * 30)])
    run(lane, [ask("?", "say: ")])
    assert prefixes_held(lane, backend) == ["b" * 30, "say: "]


def test_the_last_state_leaves_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "RESIDENT_CELLS", 20)
    monkeypatch.setattr(prefixes, "STATE_SECONDS", 0.0)
    lane, backend = make()
    run(lane, [about("a" * 30)])
    run(lane, [ask("?", "say: ")])
    assert prefixes_held(lane, backend) == ["say: "]


def test_a_state_that_goes_on_from_another_shares_it() -> None:
    lane, _ = make()
    run(lane, [about("Hello, how are you?")])
    assert run(lane, [about("Hello, how are you? Well.")]) == ["Hello, how are you? Well.? (19 cached)"]


def test_a_state_that_nobody_asks_about_any_more_is_not_evaluated() -> None:
    lane, backend = make()
    jobs = [about("a" * 400), about("a" * 400, "!")]
    for job in jobs:
        assert lane.admit(job)
    lane.step(1)
    for job in jobs:
        job.future.cancel()
    lane.step(1)
    assert not lane.is_busy
    assert sum(backend.steps) == LONG_BATCH_TOKENS
    assert prefixes_held(lane, backend) == []


def test_the_batch_of_a_state_ends_early_when_nobody_asks_about_it_any_more() -> None:
    lane, backend = make()
    jobs = [about("a" * 400), about("a" * 400, "!")]
    for job in jobs:
        assert lane.admit(job)

    def decode(step: Step, threads: int) -> Rows:
        jobs[0].future.cancel()
        lane.interrupt_if_over()
        assert not interrupted
        jobs[1].future.cancel()
        lane.interrupt_if_over()
        assert interrupted
        raise Interrupted

    interrupted: list[bool] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backend, "decode", decode)
        patched.setattr(lane, "_turns", Turns(Cores(1), lambda: interrupted.append(True)))
        lane.step(1)
    assert not lane.is_busy
    assert prefixes_held(lane, backend) == []


def test_a_state_whose_evaluation_fails_fails_who_asks_about_it() -> None:
    lane, backend = make(context=60)
    jobs = [about("a" * 20), about("a" * 20, "!")]
    with pytest.MonkeyPatch.context() as patched:

        def fail(step: Step, threads: int) -> Rows:
            raise EngineError("it is broken")

        patched.setattr(backend, "decode", fail)
        assert [str(each) for each in run(lane, jobs)] == ["it is broken"] * 2
    assert prefixes_held(lane, backend) == []
    assert run(lane, [about("a" * 20)]) == [f"{'a' * 20}? (0 cached)"]
