"""The bench of records."""

from __future__ import annotations

from .engines import GUIDANCE, HEADS, OURS
from .records import rows
from .turns import Turn


def turn(seconds: float, cpu: float, mood: str) -> Turn:
    return Turn(
        seconds=seconds, cpu=cpu, tokens=40, decodes=4, answer={"mood": mood, "summary": "it is late"}
    )


def test_guidance_is_held_against_each_message_in_turn() -> None:
    rounds = [
        {
            OURS: [turn(1.0, 2.0, "calm"), turn(3.0, 6.0, "calm"), turn(1.0, 2.0, "calm")],
            HEADS: [turn(1.0, 1.0, "calm"), turn(1.0, 1.0, "angry"), turn(1.0, 1.0, "calm")],
            GUIDANCE: [turn(2.0, 4.0, "calm"), turn(9.0, 6.0, "calm"), turn(1.5, 4.0, "calm")],
        },
        {
            OURS: [turn(1.0, 2.0, "calm")] * 3,
            HEADS: [turn(1.0, 2.0, "calm")] * 3,
            GUIDANCE: [turn(4.0, 8.0, "calm")] * 3,
        },
    ]
    ours, heads, guidance = rows(rounds)
    assert (ours.low, ours.high, ours.guidance) == (2.0, 4.0, 3.0)
    assert (heads.low, heads.high, heads.guidance_cpu) == (2.0, 4.0, 4.0)
    assert (guidance.low, guidance.high) == (1.0, 1.0)
    assert (ours.p50_ms, ours.cpu_ms, ours.tokens, ours.decodes) == (1000, 2000, 40, 4)
    assert (ours.agreement, heads.agreement) == (1, 5 / 6)
