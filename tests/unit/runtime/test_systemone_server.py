"""Choices from a server of the System One API: `jevcompat`'s own, and one that replies as a test says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jevcompat.mock import FAULTS, MockConfig, Running

from microprompt import abi, models
from microprompt.engines import loaded
from microprompt.engines.base import Call
from microprompt.engines.remote import IN_FLIGHT, retry_after
from microprompt.engines.systemone import load
from microprompt.errors import ArgumentError, DeadlineExceeded, EngineError, ModelError, ServerError
from microprompt.types import BoolType, DeclaredType, IntType, LiteralType, OptionalType, StrType

from .programs import ACT, Act, function, program
from .replying import Reply, Replying


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[abi.Model, Any]]:
    """The engines that a test loads, closed behind it."""
    found: dict[abi.Model, Any] = {}
    monkeypatch.setattr(loaded, "_engines", found)
    monkeypatch.delenv("MICROPROMPT_SYSTEMONE_KEY", raising=False)
    yield found
    for engine in found.values():
        engine.close()


def on(url: str, **settings: Any) -> abi.Using:
    return abi.Using(model=abi.Model(name=f"systemone:{url}"), **settings)


def noul(p: float = 0.9) -> Reply:
    return Reply({"answers": {"answer": {"type": "noul", "noul": p}}, "usage": {"input_tokens": 7}})


def asking(url: str, returns: DeclaredType | None = None, **settings: Any) -> Any:
    return function(program(returns or BoolType(), using=on(url, **settings)))


# ---------------------------------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    ("returns", "question"),
    [
        (BoolType(), {"type": "noul"}),
        (IntType(minimum=2, maximum=4), {"type": "score", "criteria": ["2", "3", "4"]}),
        (IntType(minimum=0, maximum=10), {"type": "choice", "criteria": {str(n): None for n in range(11)}}),
        (LiteralType(values=(1, 5)), {"type": "choice", "criteria": {"1": None, "5": None}}),
        (
            ACT,
            {
                "type": "choice",
                "criteria": {"question": "asks for something", "command": None, "something else": None},
            },
        ),
        (
            OptionalType(item=BoolType()),
            {"type": "choice", "criteria": {"yes": None, "no": None, "none": None}},
        ),
    ],
)
def test_a_choice_is_asked_as_the_question_that_it_is(
    returns: DeclaredType, question: dict[str, Any]
) -> None:
    with Replying(lambda body: Reply({}, status=422)) as server:
        with pytest.raises(ServerError):
            asking(server.url, returns)("Is it so?")
        (asked,) = server.asked
    assert asked["questions"]["answer"] == {"instructions": "Say what it is.", **question}
    assert asked["state"] == "Input: Is it so?"
    assert asked["model"] == "jev-latest"


def test_examples_are_among_the_instructions_and_a_model_can_be_named() -> None:
    using = abi.Using(model=abi.Model(name="systemone:https://example.org#mine"))
    engine = load(using.model or abi.Model(name=""))
    try:
        laid_out = program(ACT, examples={"Is it?": Act.question, "Go!": Act.other}, using=using)
        body = engine._body(Call(laid_out, {"text": "Stop!"}))
    finally:
        engine.close()
    assert body["questions"]["answer"]["instructions"] == (
        "Say what it is.\n\nInput: Is it?\nAnswer: question\n\nInput: Go!\nAnswer: something else"
    )
    assert body["model"] == "mine"


# ----------------------------------------------------------------------------------------- what is answered


@pytest.mark.parametrize(
    "returns", [BoolType(), IntType(minimum=1, maximum=5), ACT, OptionalType(item=ACT)], ids=str
)
def test_the_distribution_of_a_server_is_that_of_the_answer(returns: DeclaredType) -> None:
    with Running() as server:
        answer = asking(server.url, returns).detail("Is it so?")
    assert answer.distribution is not None
    assert sum(answer.distribution.values()) == pytest.approx(1)
    assert answer.confidence == max(answer.distribution.values()) == answer.distribution[answer.value]
    assert answer.answered_by == "systemone"
    assert answer.usage.prompt_tokens > 0


def test_several_calls_wait_for_one_another_nowhere() -> None:
    with Replying(lambda body: Reply(noul().body, after=0.05)) as server:
        ask = asking(server.url)
        answers = ask.map([{"text": str(n)} for n in range(3 * IN_FLIGHT)])
        assert list(answers) == [True] * (3 * IN_FLIGHT)
        assert 1 < server.at_once <= IN_FLIGHT


def test_an_unsure_answer_goes_on_to_a_server_and_both_answer() -> None:
    from microprompt.engines.scripted import ScriptedEngine

    with Replying(lambda body: noul(0.8)) as server:
        larger = abi.Escalation(
            model=abi.Model(name=f"systemone:{server.url}"), when=abi.Threshold(below=0.95)
        )
        using = abi.Using(model=abi.Model(name="small"), escalate=larger, decide=abi.LABELS)
        small = ScriptedEngine({"ask": {True: 0.4, False: 0.6}})
        loaded._engines[abi.Model(name="small")] = small
        answer = function(program(BoolType(), using=using)).detail("Is it so?")
    assert answer.value is True
    assert answer.confidence == pytest.approx(0.8 * 0.4 / (0.8 * 0.4 + 0.2 * 0.6), abs=1e-3)
    assert answer.second is not None
    assert answer.second.model == f"systemone:{server.url}"


def test_one_option_alone_is_not_asked_for() -> None:
    with Replying(lambda body: noul()) as server:
        assert asking(server.url, LiteralType(values=("only",)))("text") == "only"
        assert server.asked == []


def test_tasks_do_not_wait_for_the_server_in_the_loop() -> None:
    async def both(ask: Any) -> list[object]:
        return list(await asyncio.gather(*(ask.acall(str(n)) for n in range(8))))

    with Replying(lambda body: Reply(noul().body, after=0.05)) as server:
        assert asyncio.run(both(asking(server.url))) == [True] * 8
        assert server.at_once > 1


# ------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("wrong-route", "no such model or route"),
        ("xssi-200", "it is not JSON"),
        ("noul-range", "what it calls probabilities are none"),
        ("boolean-type", "a noul is answered by a 'boolean'"),
        ("reject-jev-latest", "no such model or route"),
    ],
)
def test_a_server_with_a_fault_is_told_of(fault: str, message: str) -> None:
    assert fault in FAULTS
    with (
        Running(MockConfig(faults=frozenset({fault}))) as server,
        pytest.raises(ServerError, match=message) as raised,
    ):
        asking(server.url)("Is it so?")
    assert server.url in raised.value.message


@pytest.mark.parametrize("fault", ["choice-sum", "choice-key-case"])
def test_a_distribution_that_is_none_is_refused(fault: str) -> None:
    with Running(MockConfig(faults=frozenset({fault}))) as server:
        returns = LiteralType(values=("One", "Two"))
        with pytest.raises(ServerError, match=r"sum up to|other labels"):
            asking(server.url, returns)("Is it so?")


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Running(MockConfig(key="right")) as server:
        with pytest.raises(ServerError, match="wants a key") as raised:
            asking(server.url)("Is it so?")
        assert raised.value.status == 403
        assert "MICROPROMPT_SYSTEMONE_KEY" in str(raised.value)
        loaded._engines.popitem()[1].close()
        monkeypatch.setenv("MICROPROMPT_SYSTEMONE_KEY", "wrong-key")
        with pytest.raises(ServerError, match="does not take the key") as raised:
            asking(server.url)("Is it so?")
        assert "wrong-key" not in str(raised.value)
        loaded._engines.popitem()[1].close()
        monkeypatch.setenv("MICROPROMPT_SYSTEMONE_KEY", "right")
        asking(server.url)("Is it so?")


def test_no_key_is_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_SYSTEMONE_KEY", "secret")
    with pytest.raises(ModelError, match="in the clear") as raised:
        asking("http://192.0.2.1:8000")("text")
    assert "secret" not in str(raised.value)


def test_a_server_that_is_not_there_is_told_of() -> None:
    with Replying(lambda body: noul()) as server:
        url = server.url
    with pytest.raises(ServerError, match=f"no server answers at {url}"):
        asking(url)("Is it so?")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_call_is_sent_again_where_that_may_help(status: int) -> None:
    replies = iter([Reply({}, status=status, headers={"Retry-After": "0"}), noul()])
    with Replying(lambda body: next(replies)) as server:
        assert asking(server.url)("Is it so?") is True
        assert len(server.asked) == 2


def test_a_server_that_is_busy_is_left_alone_as_long_as_it_says() -> None:
    replies = iter([Reply({}, status=429, headers={"retry-after-ms": "300"}), noul()])
    with Replying(lambda body: next(replies)) as server:
        start = time.monotonic()
        assert asking(server.url)("Is it so?") is True
        assert time.monotonic() - start >= 0.3


def test_a_server_that_wants_more_time_than_there_is_ends_the_call_at_once() -> None:
    with Replying(lambda body: Reply({}, status=429, headers={"Retry-After": "30"})) as server:
        with pytest.raises(ServerError, match="too many calls") as raised:
            asking(server.url, timeout=5.0)("Is it so?")
        assert len(server.asked) == 1
    assert raised.value.status == 429


def test_a_deadline_ends_a_call() -> None:
    with Replying(lambda body: Reply(noul().body, after=0.5)) as server, pytest.raises(DeadlineExceeded):
        asking(server.url, timeout=0.1)("Is it so?")


def test_a_task_that_is_cancelled_gives_its_call_up() -> None:
    async def cancelled(ask: Any, server: Replying) -> None:
        task = asyncio.create_task(ask.acall("Is it so?"))
        while not server.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    # Large enough that a client who is gone is noticed while it is written.
    big = Reply(b" " * 10_000_000, after=0.2)
    with Replying(lambda body: big) as server:
        ask = asking(server.url)
        asyncio.run(cancelled(ask, server))
        while server._now:
            time.sleep(0.01)
        time.sleep(0.1)
        assert server.gone == 1


def test_a_reply_without_end_is_not_read_to_its_end() -> None:
    with (
        Replying(lambda body: Reply(b" " * 5_000_000)) as server,
        pytest.raises(ServerError, match="more than 4,000,000 bytes"),
    ):
        asking(server.url)("Is it so?")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"answers": {"answer": []}}', b"\xff", b"[" * 100_000])
def test_a_reply_that_is_no_answer_is_told_of(body: bytes) -> None:
    with (
        Replying(lambda _: Reply(body)) as server,
        pytest.raises(ServerError, match="does not answer as the System One API does"),
    ):
        asking(server.url)("Is it so?")


def test_what_a_server_refuses_is_told_without_what_it_was_sent() -> None:
    detail = [{"loc": ["body", "state"], "msg": "too long", "type": "x", "input": "private"}]
    with (
        Replying(lambda body: Reply({"detail": detail}, status=422)) as server,
        pytest.raises(ServerError, match=r"\(422\) refuses the call: body\.state: too long") as raised,
    ):
        asking(server.url)("private")
    assert "private" not in str(raised.value)


def test_a_redirect_is_not_followed() -> None:
    with (
        Replying(lambda body: Reply({}, status=307, headers={"Location": "http://127.0.0.1:1/"})) as server,
        pytest.raises(ServerError, match="sends the call elsewhere"),
    ):
        asking(server.url)("Is it so?")


def test_other_types_than_choices_are_refused() -> None:
    with pytest.raises(ModelError, match="answers choices, and ask returns str"):
        asking("https://example.org", StrType())("text")
    with pytest.raises(ModelError, match="255 at most"):
        asking("https://example.org", IntType(minimum=0, maximum=255))("text")


def test_nothing_of_a_server_is_fetched() -> None:
    with pytest.raises(ModelError, match="is on a server"):
        models.ensure("systemone:https://example.org")


def test_an_engine_that_is_closed_takes_no_call() -> None:
    engine = load(abi.Model(name="systemone:https://example.org"))
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="is closed"):
        engine.submit(Call(program(BoolType()), {"text": ""}))


@pytest.mark.parametrize(
    "name",
    [
        "systemone:example.org",
        "systemone:ftp://example.org",
        "systemone:https://",
        "systemone:https://me:secret@example.org",
        "systemone:https://example.org?key=secret",
        "systemone:https://example.org:port",
        "openai:http://127.0.0.1:8080/v1",
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name: str) -> None:
    using = abi.Using(model=abi.Model(name=name), abstain=abi.Threshold(below=0.5))
    for settings in (using, abi.Using(model=using.model)):
        with pytest.raises(ArgumentError):
            function(program(OptionalType(item=BoolType()), using=settings))("text")


def test_a_server_says_in_several_ways_when_to_come_back() -> None:
    assert retry_after({"retry-after-ms": "20", "retry-after": "9"}) == 0.02
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "nan"}) is None
    assert retry_after({}) is None


