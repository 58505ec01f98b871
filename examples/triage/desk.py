"""Where tickets go: someone's pager, and queues. These print; yours would call."""

from __future__ import annotations


def page(summary: str) -> None:
    """Wake whoever is on duty."""
    print(f"PAGER   {summary}")


def put_in_queue(queue: str, summary: str) -> None:
    """Add a ticket to a queue, by what it is about."""
    print(f"{queue:<7} {summary}")
