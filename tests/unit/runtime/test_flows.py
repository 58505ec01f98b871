"""Flows as a caller sees them, on the scripted engine and with given answers."""

from __future__ import annotations

import _thread
import asyncio
import copy
import inspect
import pickle
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, get_type_hints

import pytest

from microprompt import Answer, FlowFunction, Later, Trace, abi, flow, gather, tool
from microprompt.errors import (
    AbiError,
    ArgumentError,
    DeadlineExceeded,
    FlowFailed,
    FunctionFailed,
    LoopBound,
    MicropromptError,
    ScriptError,
)
from microprompt.testing import given, scripted

from . import replies, reply_tools
from .programs import notes, wait_until_idle
from .replies import SCRIPT, Act, Reply, both, calculated, hurried, improve, lookup, reply, same

NOTES = ["Anna likes tea.", "It rains.", "Green tea."]


@pytest.fixture(autouse=True)
def _nothing_hangs() -> Iterator[None]:
    reply_tools.forever.clear()
    yield
    reply_tools.forever.set()


def _called(function: FlowFunction[..., Any], *args: object) -> object:
    return function(*args)


def _acalled(function: FlowFunction[..., Any], *args: object) -> object:
    return asyncio.run(_awaited(function.acall(*args)))


def _gathered(function: FlowFunction[..., Any], *args: object) -> object:
    return gather(function.later(*args))[0]


async def _awaited(work: Awaitable[object]) -> object:
    return await work


WAYS = pytest.mark.parametrize("call", [_called, _acalled, _gathered], ids=["thread", "task", "background"])
Way = Callable[..., object]

# ------------------------------------------------------------------------------------------ values


@WAYS
def test_a_flow_gives_its_value(call: Way) -> None:
    with scripted(SCRIPT) as engine:
        assert call(reply, "Tea?", None, NOTES) == Reply(text="2 notes", act=Act.question)
        assert [name for name, _ in engine.calls] == ["is_fresh", "classify", *["is_about"] * 3, "answer"]
        wait_until_idle(engine)


@WAYS
def test_flows_call_flows_in_a_wave_and_by_themselves(call: Way) -> None:
    with scripted(SCRIPT) as engine:
        assert call(both, "Tea?", NOTES) == [
            *("0 notes", "0 notes"),
            *("True question", "False question", "True question"),
        ]
        wait_until_idle(engine)


def test_many_rows_are_worked_on_side_by_side() -> None:
    with scripted(SCRIPT) as engine:
        assert improve.map(["a", ("b",), {"text": "c"}]) == ["0 notes"] * 3
        details = list(reply.map_detail([("Tea?", None, NOTES)]))
        assert details[0].confidence == pytest.approx(0.75)
        wait_until_idle(engine)


def test_what_a_row_raises_names_the_row_and_the_line() -> None:
    with scripted(SCRIPT), pytest.raises(ArgumentError) as caught:
        improve.map(["a", 3])
    assert notes(caught.value) == ["in rows[1]", "in flow improve, replies.mp:21"]


def test_details_are_as_sure_as_the_least_sure_decision_and_add_up_what_it_cost() -> None:
    with scripted(SCRIPT):
        answer = reply.detail("Tea?", None, NOTES)
        again = asyncio.run(reply.adetail("Tea?", None, NOTES))
        assert gather(reply.later_detail("Tea?", None, []))[0].confidence == pytest.approx(0.75)
    assert answer.value == again.value == Reply(text="2 notes", act=Act.question)
    assert answer.confidence == again.confidence == pytest.approx(0.75)
    assert (answer.answered_by, answer.model, answer.distribution) == ("flow", "scripted", None)
    assert answer.fields["text"].confidence == pytest.approx(0.75)
    assert answer.usage.prompt_tokens > 100
    assert answer.to_json()["value"] == {"text": "2 notes", "act": "question"}


# ------------------------------------------------------------------------------------------ forms

FORMS = (
    *("__call__", "acall", "detail", "adetail"),
    *("later", "later_detail", "trace", "atrace"),
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_parameters_of_the_flow(form: str) -> None:
    method = getattr(reply, form)
    assert inspect.signature(method).parameters == inspect.signature(reply).parameters
    assert inspect.iscoroutinefunction(method) == form.startswith("a")
    assert inspect.getdoc(method) == inspect.getdoc(getattr(FlowFunction, form))
    assert pickle.loads(pickle.dumps(method)) == method


def test_the_annotations_of_every_form_can_be_evaluated() -> None:
    for form, returns in {"acall": str, "detail": Answer, "later": Later, "atrace": Trace}.items():
        assert get_type_hints(getattr(improve, form)) == {"text": str, "return": returns}


def test_a_flow_and_a_tool_are_copied_and_pickled() -> None:
    assert copy.deepcopy(reply) is pickle.loads(pickle.dumps(reply)) is reply
    assert pickle.loads(pickle.dumps(replies.search))("tea") == ["Anna likes tea."]
    assert repr(reply) == "<flow function reply of replies.mp:10>"


def test_arguments_are_checked_before_anything_runs() -> None:
    with scripted(SCRIPT) as engine:
        with pytest.raises(ArgumentError, match="argument `notes` of reply has 9 items") as caught:
            reply("a", None, ["x"] * 9)
        assert notes(caught.value) == ["in flow reply, replies.mp:10"]
        assert engine.calls == []


def test_a_flow_without_a_body_or_without_a_form_for_tasks_says_so() -> None:
    @flow
    def alone(text: str) -> str:
        return text

    with pytest.raises(AbiError, match="the flow alone has no body"):
        alone("a")
    alone.body = abi.Flow(source="x.mp", line=1)
    assert alone("a") == "a"
    with pytest.raises(AbiError, match="alone has no form for tasks"):
        asyncio.run(alone.acall("a"))


# ------------------------------------------------------------------------------------------ errors


def lines(error: BaseException) -> list[str]:
    """The lines of flows that an exception names, the innermost first."""
    return [note.removeprefix("in flow ") for note in notes(error) if note.startswith("in flow ")]


@WAYS
def test_an_error_of_a_prompt_names_the_line_of_the_flow(call: Way) -> None:
    with scripted({**SCRIPT, "classify": "nonsense"}) as engine:
        with pytest.raises(ScriptError) as caught:
            call(reply, "Tea?", None, [])
        assert notes(caught.value) == ["in prompt classify, replies.mp:2", "in flow reply, replies.mp:12"]
        wait_until_idle(engine)


@WAYS
def test_an_error_in_a_comprehension_names_its_line(call: Way) -> None:
    with scripted({**SCRIPT, "is_about": "nonsense"}), pytest.raises(ScriptError) as caught:
        call(reply, "Tea?", None, NOTES)
    assert lines(caught.value) == ["reply, replies.mp:15"]


@WAYS
def test_an_error_of_a_flow_names_the_lines_of_all_that_are_around_it(call: Way) -> None:
    with scripted({**SCRIPT, "missing": "all"}) as engine:
        with pytest.raises(LoopBound, match="has run 2 rounds, and its condition still holds") as caught:
            call(both, "Tea?", [])
        assert lines(caught.value) == ["improve, replies.mp:23", "both, replies.mp:28"]
        wait_until_idle(engine)


@WAYS
def test_what_has_no_result_and_what_is_out_of_range_name_the_line(call: Way) -> None:
    with pytest.raises(FlowFailed, match="calculated has no result: integer division") as caught:
        call(calculated, 1, 0)
    assert lines(caught.value) == ["calculated, replies.mp:56"]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(FlowFailed, match="what calculated returns is 20; 0") as caught:
        call(calculated, 20, 1)
    assert lines(caught.value) == ["calculated, replies.mp:55"]
    with scripted({**SCRIPT, "answer": "x" * 50}), pytest.raises(FlowFailed) as caught:
        call(reply, "Tea?", None, [])
    assert caught.value.message == (
        "reply has no result: text: string should have at most 40 characters"
    )
    assert lines(caught.value) == ["reply, replies.mp:18"]


# ------------------------------------------------------------------------------- functions of Python


@WAYS
def test_functions_of_python_run_in_order_and_coroutines_do_too(call: Way) -> None:
    reply_tools.logged.clear()
    with scripted(SCRIPT) as engine:
        assert call(lookup, "Where is tea?", "none") == "4 notes"
        assert engine.calls[-1][1]["found"] == ["Anna likes tea.", "The meeting is on Friday."][::-1] * 2
    assert reply_tools.logged == ["Where is tea?"]


@WAYS
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raise", "broken raised KeyError: 'no such note'"),
        ("exit", "broken raised SystemExit: 3"),
        ("wrong", "what broken returns must be list[str], not int 7"),
    ],
)
def test_what_a_function_raises_or_returns_wrongly_names_the_line(call: Way, how: str, message: str) -> None:
    with scripted(SCRIPT), pytest.raises(FunctionFailed) as caught:
        call(lookup, "tea", how)
    assert caught.value.message == message
    assert notes(caught.value) == [
        f"in function broken of {reply_tools.__name__}",
        "in flow lookup, replies.mp:47",
    ]
    assert isinstance(caught.value.__cause__, KeyError) == (how == "raise")


@WAYS
@pytest.mark.parametrize(("how", "line"), [("hang", 47), ("stuck", 45)])
def test_a_function_that_never_returns_ends_at_the_deadline_of_the_flow(
    call: Way, how: str, line: int
) -> None:
    with scripted(SCRIPT), pytest.raises(DeadlineExceeded) as caught:
        call(hurried, "tea", how)
    assert lines(caught.value) == [
        f"lookup, replies.mp:{line}",
        "hurried, replies.mp:52, whose timeout is 0.2 s",
    ]


def test_all_calls_of_a_flow_share_its_deadline() -> None:
    def slow(text: str, found: list[str]) -> str:
        time.sleep(0.3)
        return "x"

    @flow
    def impatient(text: str) -> str:
        return improve(text)

    impatient.body = abi.Flow(source="x.mp", line=1, timeout=0.2)
    late = pytest.raises(DeadlineExceeded, match="no time left")
    with scripted({**SCRIPT, "answer": slow}), late as caught:
        impatient("tea")
    assert lines(caught.value) == ["improve, replies.mp:23", "impatient, x.mp:1, whose timeout is 0.2 s"]


def test_a_function_has_its_own_lists_and_so_has_the_flow() -> None:
    mine = ["a"]
    found = replies.change(mine)
    reply_tools.kept[-1].append("later")
    assert (mine, found) == (["a"], ["a", "changed"])


@WAYS
def test_a_list_that_a_flow_returns_is_none_of_its_arguments(call: Way) -> None:
    mine = ["a"]
    found = call(same, mine)
    assert found == mine
    assert found is not mine


def test_a_function_is_called_with_what_it_declares() -> None:
    with pytest.raises(ArgumentError, match="argument `query` of search must be str, not int 3") as caught:
        replies.search(3)  # type: ignore[arg-type]  # which is what is tested
    assert notes(caught.value) == [f"in function search of {reply_tools.__name__}"]

    def unknown(text: str) -> bytes:
        return text.encode()

    with pytest.raises(AbiError, match="no type is annotated `bytes`"):
        tool(unknown)("a")


def test_errors_of_ours_pass_through_a_function_as_they_are() -> None:
    def asks(text: str) -> Act:
        return replies.classify(text)

    with scripted({}), pytest.raises(ScriptError) as caught:
        tool(asks)("a")
    assert notes(caught.value)[0] == "in prompt classify, replies.mp:2"


def test_a_coroutine_that_calls_a_flow_without_await_is_told_so() -> None:
    async def asks(text: str) -> list[str]:
        return gather(improve.later(text), improve.later(text))[0].split()

    with scripted(SCRIPT), pytest.raises(FlowFailed, match="calls a flow without `await`"):
        tool(asks)("a")


# ------------------------------------------------------------------------------------------ given answers


@WAYS
def test_given_answers_take_the_place_of_prompts_flows_and_functions(call: Way) -> None:
    answers: list[tuple[Callable[..., object], object]] = [
        (replies.search, ["given"]),
        (replies.fetch, []),
        (replies.answer, "first"),
        (replies.answer, "then"),
    ]
    with given(answers):
        assert call(lookup, "tea", "none") == "first"
        assert call(lookup, "tea", "none") == call(lookup, "tea", "none") == "then"
        with given([(lookup, "whole")]):
            assert call(hurried, "tea", "none") == "whole"
        with given([(lookup, 3)]), pytest.raises(FlowFailed, match="what lookup returns must be str"):
            call(hurried, "tea", "none")


@WAYS
def test_a_given_list_is_the_same_for_every_call(call: Way) -> None:
    with given([(replies.names, ["Anna"])]):
        assert call(replies.more_names, "a") == call(replies.more_names, "b") == ["Anna", "others"]


def test_what_is_not_given_is_asked_as_ever() -> None:
    with scripted(SCRIPT) as engine, given([(replies.classify, Act.command)]):
        assert reply("Tea?", None, NOTES) == Reply(text="0 notes", act=Act.command)
        assert [name for name, _ in engine.calls] == ["is_fresh", "answer"]
        assert replies.classify.detail("a").confidence == 1
        assert gather(replies.classify.later("a"), state="a") == (Act.command,)


def test_a_given_answer_of_another_type_is_refused() -> None:
    with given([(replies.classify, "nonsense")]), pytest.raises(ScriptError, match="the given answer of"):
        replies.classify("a")


# ------------------------------------------------------------------------------------------ being stopped


def test_a_cancelled_flow_leaves_the_engine_idle() -> None:
    tasks: list[asyncio.Task[Reply]] = []

    def cancel(note: str, text: str) -> bool:
        """A script is asked where the call is made, which is on the loop."""
        tasks[0].cancel()
        return True

    async def main() -> None:
        tasks.append(asyncio.create_task(reply.acall("Tea?", None, NOTES)))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with scripted({**SCRIPT, "is_about": cancel}) as engine:
        asyncio.run(main())
        wait_until_idle(engine)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python hears Ctrl-C, also where a shell runs it in the background and has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("count", [1, 20], ids=["a flow", "flows side by side"])
def test_an_interrupted_flow_leaves_the_engine_idle(count: int) -> None:
    """As Ctrl-C does while the main thread waits for a wave."""

    def interrupt(text: str) -> Act:
        threading.Timer(0.1, _thread.interrupt_main).start()
        time.sleep(0.2)
        return Act.question

    def wait() -> None:
        gather(*[reply.later("Tea?", None, NOTES) for _ in range(count)])
        time.sleep(10)

    with scripted({**SCRIPT, "classify": interrupt}) as engine:
        with pytest.raises(KeyboardInterrupt):
            wait()
        wait_until_idle(engine)


def test_many_flows_from_threads_share_one_loop() -> None:
    """Threads that ask for flows side by side have none of their own for each."""
    found: list[object] = []
    most: list[int] = []

    def work(first: int) -> None:
        calls = [reply.later(f"{first} {number}", None, NOTES) for number in range(20)]
        found.extend(each.text for each in gather(*calls))
        most.append(threading.active_count())

    with scripted(SCRIPT) as engine:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == ["2 notes"] * 320
        assert max(most) < 40
        wait_until_idle(engine)


@WAYS
def test_every_error_is_of_the_documented_tree(call: Way) -> None:
    with scripted({}), pytest.raises(MicropromptError):
        call(improve, "a")
