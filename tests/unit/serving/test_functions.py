"""Functions as routes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .conftest import Client


def post(client: Client, path: str, data: object) -> Any:
    async def ask() -> Any:
        async with client() as asking:
            return await asking.post(f"/functions/intake/{path}", json=data)

    return asyncio.run(ask())


def test_a_prompt_gives_its_value(client: Client) -> None:
    found = post(client, "classify", {"text": "Is it?"})
    assert (found.status_code, found.json()) == (200, {"value": "question"})


def test_detail_is_what_mpc_run_prints(client: Client) -> None:
    found = post(client, "classify?detail=true", {"text": "Is it?"}).json()
    assert found["value"] == "question"
    assert found["distribution"] == pytest.approx({"question": 0.75, "command": 0.25})


def test_a_flow_gives_its_value(client: Client) -> None:
    assert post(client, "answer", {"text": "Is it?", "share": 1}).json() == {"value": "Yes, it is."}


def test_what_may_be_left_out_may_be(client: Client) -> None:
    assert post(client, "rate", {"ticket": {"mood": "angry"}}).json() == {"value": 4}


def test_a_batch_has_results_in_order_and_errors_in_place(client: Client) -> None:
    found = post(client, "classify", [{"text": "Is it?"}, {"text": 1}, {"text": "Go."}])
    first, second, third = found.json()
    assert (first, third) == ({"value": "question"}, {"value": "command"})
    assert second["error"]["detail"] == "`text` must be str, not 1"


def test_a_flow_without_a_result_is_a_problem(client: Client) -> None:
    found = post(client, "answer", {"text": "Go.", "share": 0})
    assert found.status_code == 422
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json() == {
        "type": "urn:microprompt:problem:flow-failed",
        "title": "Flow failed",
        "status": 422,
        "detail": "answer has no result: division by zero",
    }


@pytest.mark.parametrize(
    ("path", "data", "detail"),
    [
        ("classify", {}, "classify needs `text`"),
        ("classify", {"text": "a", "txt": "b"}, "classify has no parameter `txt`"),
        ("rate", {"ticket": {"mood": "glad"}}, '`ticket`.mood is "glad": not in Mood'),
        ("rate", {"ticket": {"mood": "calm", "urgency": 9}}, "urgency"),
        ("classify", "text", "the arguments are not a JSON object"),
    ],
)
def test_arguments_of_the_wrong_kind_are_a_problem(
    client: Client, path: str, data: object, detail: str
) -> None:
    found = post(client, path, data)
    assert found.status_code == 422
    assert detail in found.json()["detail"]
