"""A service on a real socket: clients that are slow or go away, and its end."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from microprompt.serving.app import create_app
from microprompt.serving.limits import ServingLimits
from microprompt.serving.served import Served
from microprompt.serving.server import Server
from microprompt.testing import ScriptedEngine

CLASSIFY = "/functions/intake/classify"
PATIENT = "/functions/intake/patient"


class Running:
    """A service in a thread of its own."""

    def __init__(self, functions: Sequence[Served], **options: Any) -> None:
        self.app = create_app(functions, **options)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = self.listener.getsockname()[:2]
        self.url = f"http://127.0.0.1:{self.address[1]}"
        started = threading.Event()
        self.server = Server(self.app, readiness=self.app.state.readiness, on_start=started.set)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})
        self.thread.start()
        assert started.wait(30)

    @property
    def queue(self) -> int:
        """How many calls there are now, as the service itself says."""
        text = httpx.get(f"{self.url}/metrics", timeout=60).text
        return int(float(text.split("\nmicroprompt_queue ")[1].split()[0]))

    def connect(self) -> socket.socket:
        found = socket.create_connection(self.address)
        found.settimeout(30)
        return found

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)
        assert not self.thread.is_alive()


@contextmanager
def running(functions: Sequence[Served], **options: Any) -> Iterator[Running]:
    found = Running(functions, **options)
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def service(functions: Sequence[Served], engine: ScriptedEngine) -> Iterator[Running]:
    limits = ServingLimits(receive_seconds=0.3, send_seconds=0.3, queue=2_000)
    with running(functions, limits=limits) as found:
        yield found


def request(path: str, data: object, headers: str = "") -> bytes:
    body = json.dumps(data).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def until(holds: Callable[[], bool]) -> None:
    """Wait for what has to come."""
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("it never came")


def test_a_service_answers(service: Running) -> None:
    found = httpx.post(f"{service.url}{CLASSIFY}", json={"text": "Is it?"})
    assert found.json() == {"value": "question"}


def test_a_call_whose_client_goes_away_is_given_up(service: Running) -> None:
    with service.connect() as client:
        client.sendall(request(PATIENT, {"seconds": 600}))
        until(lambda: service.queue == 1)
    until(lambda: service.queue == 0)


def test_a_stream_whose_client_goes_away_is_given_up(service: Running, engine: ScriptedEngine) -> None:
    with service.connect() as client:
        client.sendall(
            request("/functions/intake/reply", {"text": "Is it?"}, "Accept: text/event-stream\r\n")
        )
        client.recv(1)
    until(lambda: service.queue == 0 and engine.scheduler.is_idle())


def test_a_thousand_clients_that_vanish_leave_nothing_behind(
    service: Running, engine: ScriptedEngine
) -> None:
    def vanish(number: int) -> None:
        with service.connect() as client:
            match number % 4:
                case 0:
                    client.sendall(request(CLASSIFY, {"text": f"Is it {number}?"}))
                case 1:
                    client.sendall(request(PATIENT, {"seconds": 600}))
                case 2:
                    client.sendall(request(CLASSIFY, {"text": "Is it?"})[:-3])
                case _:
                    client.sendall(
                        request(
                            "/functions/intake/reply", {"text": f"{number}"}, "Accept: text/event-stream\r\n"
                        )
                    )

    threads = threading.active_count()
    for number in range(1_000):
        vanish(number)
    until(lambda: service.queue == 0 and engine.scheduler.is_idle())
    until(lambda: len(service.server.server_state.connections) <= 1)
    assert threading.active_count() <= threads + 8
    found = httpx.post(f"{service.url}{CLASSIFY}", json={"text": "Is it?"})
    assert found.json() == {"value": "question"}


def test_a_body_that_does_not_come_is_not_waited_for(service: Running) -> None:
    with service.connect() as client:
        client.sendall(request(CLASSIFY, {"text": "Is it?"})[:-3])
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 408")


def test_a_client_that_takes_nothing_is_not_waited_for(service: Running) -> None:
    with service.connect() as client:
        client.sendall(request("/functions/intake/long", {"count": 30_000_000}))
        assert client.recv(1).startswith(b"H")
        until(lambda: not service.server.server_state.tasks)


def test_a_body_of_100_mb_is_refused_and_why_is_read(
    functions: Sequence[Served], engine: ScriptedEngine
) -> None:
    with running(functions) as service:
        found = httpx.post(
            f"{service.url}{CLASSIFY}",
            content=b" " * 100_000_000,
            headers={"Content-Type": "application/json"},
            timeout=60,
        )
    assert found.status_code == 413


def test_who_asks_for_leave_to_send_too_much_gets_none(service: Running) -> None:
    with service.connect() as client:
        client.sendall(
            b"POST " + CLASSIFY.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n"
            b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nnonsense\r\n\r\n"])
def test_what_is_not_http_is_refused(service: Running, garbage: bytes) -> None:
    with service.connect() as client:
        client.sendall(garbage)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 400")


def test_what_runs_is_finished_before_the_end(functions: Sequence[Served], engine: ScriptedEngine) -> None:
    with running(functions) as service:

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(base_url=service.url) as client:
                asked = asyncio.create_task(client.post(PATIENT, json={"seconds": 0.5}))
                await asyncio.to_thread(until, lambda: service.queue == 1)
                service.server.should_exit = True
                return await asked

        assert asyncio.run(ask()).json() == {"value": "waited"}
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.url}/healthz")
