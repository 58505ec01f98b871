"""Answers of all types from a server of the OpenAI API that replies as a test says."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from microprompt import abi
from microprompt.answer import UNSCORED
from microprompt.engines import loaded
from microprompt.engines.openai_api import OpenAIEngine
from microprompt.errors import (
    AnswerRefused,
    AnswerTooLong,
    AssertionFailed,
    DeadlineExceeded,
    ModelError,
    ServerError,
)
from microprompt.types import (
    BoolType,
    DateType,
    DeclaredType,
    IntType,
    ListType,
    LiteralType,
    OptionalType,
    RecordField,
    RecordType,
    SetType,
    StrType,
)

from .programs import ACT, OUTER, Act, Inner, Outer, function, program
from .replying import Reply, Replying


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[abi.Model, Any]]:
    """The engines that a test loads, closed behind it."""
    found: dict[abi.Model, Any] = {}
    monkeypatch.setattr(loaded, "_engines", found)
    for variable in ("MICROPROMPT_OPENAI_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    yield found
    for engine in found.values():
        engine.close()


def asking(url: str, returns: DeclaredType | None = None, *, examples: Any = None, **settings: Any) -> Any:
    using = abi.Using(model=abi.Model(name=f"openai:{url}/v1#tiny"), **settings)
    return function(program(returns or ACT, using=using, examples=examples))


Tokens = Sequence[tuple[str, Mapping[str, float]]]


def said(text: str | None, tokens: Tokens | None = None, **more: Any) -> Reply:
    """A chat completion; `tokens` are those of the text, each with the chances of the best ones."""
    logprobs = None
    if tokens is not None:
        content = [
            {
                "token": token,
                "logprob": math.log(best[token]),
                "bytes": list(token.encode()),
                "top_logprobs": [
                    {"token": each, "logprob": math.log(p), "bytes": list(each.encode())}
                    for each, p in best.items()
                ],
            }
            for token, best in tokens
        ]
        logprobs = {"content": content}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
        "logprobs": logprobs,
        **more,
    }
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [choice]}
    return Reply({**body, "usage": usage})


COMMAND = [
    ('{"', {'{"': 1.0}),
    ("answer", {"answer": 1.0}),
    ('": "', {'": "': 1.0}),
    ("command", {"command": 0.6, "question": 0.3, "something": 0.1}),
    ('"}', {'"}': 1.0}),
]


# ---------------------------------------------------------------------------------------- what is asked


def test_a_prompt_is_a_chat_and_its_answer_json_of_a_schema() -> None:
    with Replying(lambda body: said('{"answer": "something else"}')) as server:
        ask = asking(server.url, examples={"Is it?": Act.question}, temperature=0.5, seed=7, max_tokens=50)
        assert ask("Hm.") is Act.other
        (asked,) = server.asked
    assert server.paths == ["/v1/chat/completions"]
    assert server.keys == [None]
    schema = {
        "type": "object",
        "properties": {"answer": {"enum": ["question", "command", "something else"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    assert asked["response_format"]["json_schema"]["schema"] == schema
    assert asked["messages"] == [
        {
            "role": "system",
            "content": "Say what it is.\n- question: asks for something\n\n"
            f"Answer with JSON of this schema: {json.dumps(schema)}",
        },
        {"role": "user", "content": "Input: Is it?\nAnswer:"},
        {"role": "assistant", "content": '{"answer": "question"}'},
        {"role": "user", "content": "Input: Hm.\nAnswer:"},
    ]
    settings = ("model", "temperature", "seed", "max_tokens", "logprobs")
    assert [asked[name] for name in settings] == ["tiny", 0.5, 7, 50, True]


@pytest.mark.parametrize(
    ("returns", "text", "value"),
    [
        (StrType(), '{"answer": "so so"}', "so so"),
        (BoolType(), '{"answer": false}', False),
        (IntType(minimum=1, maximum=1000), '{"answer": 12}', 12),
        (DateType(), '{"answer": "2026-01-31"}', date(2026, 1, 31)),
        (OptionalType(item=StrType()), '{"answer": null}', None),
        (ListType(item=ACT), '{"answer": ["command", "something else"]}', [Act.command, Act.other]),
        (
            SetType(item=ACT, min_count=0, max_count=None),
            '{"question": true, "command": false, "something else": true}',
            {Act.question, Act.other},
        ),
        (
            OUTER,
            '{"inner": {"act": "something else", "how urgent": 2},'
            ' "the note": "n", "paid": null, "tags": ["a"]}',
            Outer(Inner(Act.other, 2), "n", None, ["a"]),
        ),
    ],
    ids=str,
)
def test_answers_are_read_as_those_of_any_model(returns: DeclaredType, text: str, value: object) -> None:
    with Replying(lambda body: said(text)) as server:
        answer = asking(server.url, returns).detail("text")
    assert answer.value == value
    assert answer.answered_by == UNSCORED
    assert (answer.confidence, answer.distribution) == (0.0, None)
    assert (answer.usage.prompt_tokens, answer.usage.decoded_tokens) == (20, 5)


# ----------------------------------------------------------------------------------------- how sure it is


def test_the_tokens_of_a_choice_tell_the_distribution_over_all_labels() -> None:
    with Replying(lambda body: said('{"answer": "command"}', COMMAND)) as server:
        answer = asking(server.url).detail("Go!")
    assert answer.value is Act.command
    assert answer.confidence == pytest.approx(0.6)
    assert answer.distribution == pytest.approx({Act.question: 0.3, Act.command: 0.6, Act.other: 0.1})
    assert answer.answered_by == "labels"
    assert answer.shortlist is None


def test_text_is_as_sure_as_a_token_of_it() -> None:
    tokens = [
        ('{"answer": "', {'{"answer": "': 1.0}),
        ("so", {"so": 0.5, "no": 0.5}),
        (' so"', {' so"': 0.5, '"': 0.5}),
        ("}", {"}": 1.0}),
    ]
    with Replying(lambda body: said('{"answer": "so so"}', tokens)) as server:
        answer = asking(server.url, StrType()).detail("text")
    assert answer.confidence == pytest.approx(0.5 ** (2 / 3))
    assert answer.answered_by == "model"


@pytest.mark.parametrize("setting", ["abstain", "escalate"])
def test_a_threshold_for_an_answer_without_probabilities_is_refused(setting: str) -> None:
    under = abi.Threshold(below=0.5)
    larger = abi.Escalation(model=abi.Model(name="openai:http://127.0.0.1:1/v1#m"), when=under)
    settings: dict[str, Any] = {"abstain": under} if setting == "abstain" else {"escalate": larger}
    with Replying(lambda body: said('{"answer": true}')) as server:
        ask = asking(server.url, OptionalType(item=BoolType()), **settings)
        with pytest.raises(ModelError, match=f"tells no probabilities, and `{setting}` goes by them"):
            ask("text")


def test_of_a_larger_model_that_tells_no_probabilities_the_word_is_taken() -> None:
    from microprompt.engines.scripted import ScriptedEngine

    with Replying(lambda body: said('{"answer": true}')) as server:
        larger = abi.Model(name=f"openai:{server.url}/v1#tiny")
        when = abi.Threshold(below=0.95)
        using = abi.Using(
            model=abi.Model(name="small"),
            escalate=abi.Escalation(model=larger, when=when),
            decide=abi.LABELS,
        )
        loaded._engines[abi.Model(name="small")] = ScriptedEngine({"ask": {True: 0.4, False: 0.6}})
        answer = function(program(BoolType(), using=using)).detail("Is it so?")
    assert answer.value is True
    assert answer.first is not None
    assert answer.first.value is False
    assert answer.model == larger.name
    assert answer.answered_by == UNSCORED


@pytest.mark.parametrize("refused", ["logprobs", "top_logprobs", "temperature"])
def test_a_server_is_asked_without_what_it_does_not_take(refused: str) -> None:
    def reply(body: Any) -> Reply:
        if refused in body:
            message = f"Unsupported parameter: '{refused}' is not supported with this model."
            return Reply({"error": {"message": message, "param": refused}}, status=400)
        return said('{"answer": "command"}')

    with Replying(reply) as server:
        ask = asking(server.url)
        assert ask("Go!") is Act.command
        assert ask("Go!") is Act.command
        assert len(server.asked) == 3  # it is remembered


def test_calls_that_are_refused_together_are_all_asked_again() -> None:
    together = threading.Barrier(4)

    def reply(body: Any) -> Reply:
        if "logprobs" in body:
            together.wait(60)
            return Reply({"error": {"message": "logprobs are not supported"}}, status=400)
        return said('{"answer": "command"}')

    with Replying(reply) as server:
        ask = asking(server.url)
        assert list(ask.map(["Go!"] * 4, in_flight=4)) == [Act.command] * 4
        assert len(server.asked) == 8


def test_a_server_that_takes_the_schema_in_the_other_form_is_given_it_so() -> None:
    def reply(body: Any) -> Reply:
        if body["response_format"]["type"] == "json_schema":  # what llama-cpp-python's server says
            return Reply({"error": {"message": "Input should be 'text' or 'json_object'"}}, status=500)
        return said('{"answer": "command"}')

    with Replying(reply) as server:
        ask = asking(server.url)
        assert ask("Go!") is Act.command
        assert ask("Go!") is Act.command
        first, second, third = [body["response_format"] for body in server.asked]
    assert first["json_schema"]["schema"]["required"] == ["answer"]
    assert second == third == {"type": "json_object", "schema": first["json_schema"]["schema"]}


def test_a_server_that_takes_no_schema_at_all_is_told_of() -> None:
    def reply(body: Any) -> Reply:
        return Reply({"error": {"message": "response_format: json_object takes no schema"}}, status=400)

    with Replying(reply) as server:
        with pytest.raises(ServerError, match="refuses the call: response_format"):
            asking(server.url)("Go!")
        assert len(server.asked) == 2


def test_a_temperature_that_the_program_says_is_never_left_out() -> None:
    message = "temperature is not supported"
    with (
        Replying(lambda body: Reply({"error": {"message": message}}, status=400)) as server,
        pytest.raises(ServerError, match="temperature is not supported"),
    ):
        asking(server.url, temperature=0.5)("Go!")


# ------------------------------------------------------------------------------------------- what goes wrong


def test_a_wrong_answer_goes_back_with_what_is_wrong_with_it() -> None:
    replies = iter(["no JSON", '{"answer": "Command"}', '{"answer": "command"}'])
    with Replying(lambda body: said(next(replies))) as server:
        answer = asking(server.url).detail("Go!")
        assert [len(body["messages"]) for body in server.asked] == [2, 4, 6]
        first, second = server.asked[1]["messages"][-2:]
    assert answer.value is Act.command
    assert answer.usage.prompt_tokens == 60
    assert first == {"role": "assistant", "content": "no JSON"}
    assert second["content"].startswith("That is not an answer: ")


@pytest.mark.parametrize("text", ["", "{}", "[", '{"answer": "Command"}', '{"answer": 1, "x": 2}', "9" * 99])
def test_an_answer_that_stays_wrong_is_refused(text: str) -> None:
    with Replying(lambda body: said(text)) as server:
        with pytest.raises(AnswerRefused, match="gives ask no Act"):
            asking(server.url, retries=1)("Go!")
        assert len(server.asked) == 2


def test_a_range_that_a_server_does_not_hold_to_is_checked() -> None:
    with (
        Replying(lambda body: said('{"answer": 4000}')) as server,
        pytest.raises(AnswerRefused, match="4000"),
    ):
        asking(server.url, IntType(minimum=1, maximum=1000), retries=0)("text")


@dataclass(frozen=True)
class Sum:
    a: int
    b: int


abi.checks(Sum, abi.Assertion("a is less than b", lambda found: found.a < found.b, about=("a", "b"), line=3))

SUM = RecordType(
    python=Sum,
    fields=tuple(RecordField(name=name, label=name, type=IntType()) for name in ("a", "b")),
)


def test_what_is_asserted_is_told_a_server_whose_answer_is_not_so() -> None:
    replies = iter(['{"a": 2, "b": 1}', '{"a": 1, "b": 2}'])
    with Replying(lambda body: said(next(replies))) as server:
        assert asking(server.url, SUM)("text") == Sum(1, 2)
        assert "a is less than b" in server.asked[1]["messages"][-1]["content"]


def test_an_assertion_that_never_holds_ends_the_call() -> None:
    with Replying(lambda body: said('{"a": 2, "b": 1}')) as server:
        with pytest.raises(AssertionFailed, match="a is less than b"):
            asking(server.url, SUM)("text")
        assert len(server.asked) == 3


def test_an_answer_that_was_cut_is_told_of() -> None:
    with (
        Replying(lambda body: said('{"answ', finish_reason="length")) as server,
        pytest.raises(AnswerTooLong),
    ):
        asking(server.url, max_tokens=2)("Go!")


def test_a_model_that_refuses_is_told_of() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I can't."}
    with (
        Replying(lambda body: said(None, message=message)) as server,
        pytest.raises(AnswerRefused, match="refuses to answer ask"),
    ):
        asking(server.url)("Go!")


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{}]}'])
def test_a_reply_that_is_none_is_told_of(body: bytes) -> None:
    with (
        Replying(lambda _: Reply(body)) as server,
        pytest.raises(ServerError, match="does not answer as the OpenAI API does"),
    ):
        asking(server.url)("Go!")


def test_a_model_that_a_server_does_not_have_is_told_of() -> None:
    error = {"error": {"message": "The model `tiny` does not exist"}}
    with (
        Replying(lambda body: Reply(error, status=404)) as server,
        pytest.raises(ServerError, match="no such model or route: The model `tiny` does not exist"),
    ):
        asking(server.url)("Go!")


def test_a_server_that_is_busy_is_asked_again() -> None:
    replies = iter([Reply({}, status=429, headers={"Retry-After": "0"}), said('{"answer": "command"}')])
    with Replying(lambda body: next(replies)) as server:
        assert asking(server.url)("Go!") is Act.command


def test_a_server_that_is_not_there_is_told_of() -> None:
    with Replying(lambda body: said("")) as server:
        url = server.url
    with pytest.raises(ServerError, match=f"no server answers at {url}/v1"):
        asking(url)("Go!")


def test_a_deadline_ends_a_call() -> None:
    with Replying(lambda body: Reply({}, after=0.5)) as server, pytest.raises(DeadlineExceeded):
        asking(server.url, timeout=0.1)("Go!")


def test_tasks_ask_side_by_side() -> None:
    async def all_of(ask: Any) -> list[object]:
        return list(await asyncio.gather(*(ask.acall(str(n)) for n in range(4))))

    slow = said('{"answer": "command"}')
    with Replying(lambda body: Reply(slow.body, after=0.1)) as server:
        assert asyncio.run(all_of(asking(server.url))) == [Act.command] * 4
        assert server.at_once > 1


def test_the_key_of_openai_goes_to_openai_and_where_its_base_url_leads(
    monkeypatch: pytest.MonkeyPatch, engines: dict[abi.Model, Any]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-theirs")
    with Replying(lambda body: said('{"answer": "command"}')) as server:
        asking(server.url)("Go!")
        engines.popitem()[1].close()
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1/")
        asking(server.url)("Go!")
        engines.popitem()[1].close()
        monkeypatch.setenv("MICROPROMPT_OPENAI_KEY", "own")
        asking(server.url)("Go!")
        assert server.keys == [None, "Bearer sk-theirs", "Bearer own"]


def test_who_has_not_the_package_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ModelError, match=r"pip install 'microprompt\[openai\]'"):
        asking("http://127.0.0.1:1")("Go!")


def test_a_choice_of_one_is_certain() -> None:
    with Replying(lambda body: said('{"answer": "only"}')) as server:
        answer = asking(server.url, LiteralType(values=("only",))).detail("text")
    assert (answer.value, answer.confidence) == ("only", 1.0)


def test_prompts_and_costs_are_shown_without_the_server(engines: dict[abi.Model, Any]) -> None:
    ask = asking("http://127.0.0.1:1", examples={"Is it?": Act.question})
    assert ask.render("Go!").endswith("user: Input: Go!\nAnswer:")
    found = ask.explain()
    assert found.server == "http://127.0.0.1:1/v1"
    assert [part.text for part in found.tail if part.is_hole] == ["{text}"]
    assert isinstance(next(iter(engines.values())), OpenAIEngine)
