"""Text as it is written."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from microprompt.testing import ScriptedEngine, scripted

from .conftest import Client


def events(response: httpx.Response) -> list[tuple[str, Any]]:
    found = []
    for event in response.text.split("\n\n")[:-1]:
        name, data = event.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def stream(client: Client, path: str, data: object) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(headers={"Accept": "text/event-stream"}) as asking:
            return await asking.post(f"/functions/intake/{path}", json=data)

    return asyncio.run(ask())


def test_a_text_comes_in_pieces_and_whole(client: Client) -> None:
    found = stream(client, "reply", {"text": "Is it?"})
    assert found.headers["content-type"] == "text/event-stream; charset=utf-8"
    *pieces, last = events(found)
    assert len(pieces) > 1
    assert {name for name, _ in pieces} == {"text"}
    assert "".join(data["text"] for _, data in pieces) == "Yes, it is."
    assert last == ("answer", {"value": "Yes, it is."})


def test_characters_are_whole(client: Client) -> None:
    with scripted({"reply": "Gr\u00fc\u00df dich \U0001f600"}):
        *pieces, _ = events(stream(client, "reply", {"text": "Is it?"}))
    assert "".join(data["text"] for _, data in pieces) == "Gr\u00fc\u00df dich \U0001f600"


def test_what_goes_wrong_on_the_way_is_an_event(client: Client) -> None:
    with scripted({}):
        ((name, data),) = events(stream(client, "reply", {"text": "Is it?"}))
    assert (name, data["type"]) == ("problem", "urn:microprompt:problem:script-error")


def test_detail_is_told_at_the_end(client: Client) -> None:
    *_, (name, data) = events(stream(client, "reply?detail=true", {"text": "Is it?"}))
    assert (name, data["model"]) == ("answer", "scripted")


@pytest.mark.parametrize(
    ("path", "data"),
    [("classify", {"text": "a"}), ("answer", {"text": "a", "share": 1}), ("reply", [{"text": "a"}])],
)
def test_what_is_no_text_of_one_call_has_no_stream(
    client: Client, engine: ScriptedEngine, path: str, data: object
) -> None:
    found = stream(client, path, data)
    assert found.status_code == 406
    assert engine.calls == []
