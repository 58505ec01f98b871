"""What a service takes in, and how much of it at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingLimits:
    """Bounds of a service.

    A request's body has at most `body_bytes`, unpacked, and is there within `receive_seconds`; a client that
    takes nothing of a response for `send_seconds` gets no more of it. `queue` calls are worked on or wait at
    a time; who comes then is asked to come again. A batch has at most `rows`. Once the service is told to
    stop, what runs may go on for `grace_seconds`.
    """

    body_bytes: int = 1 << 20
    receive_seconds: float = 10.0
    send_seconds: float = 30.0
    queue: int = 256
    rows: int = 10_000
    grace_seconds: int = 30
