"""Six decisions that agents take all day, each a function of the standard library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from microprompt.answer import Answer
from mpstd.dialogue import boundary
from mpstd.evaluate import quality
from mpstd.plan import enough
from mpstd.question import complexity, durability
from mpstd.request import classify

HIKE: Final = "A: We went up the Blue Ridge trail on Sunday.\nB: Nice! Was it as steep as they say?"
TABLE: Final = "Book a table. This needs: day, time, number of people."

Decision = tuple[str, Callable[..., Answer[Any]], tuple[str, ...], tuple[str, ...]]

# The question; the function; a first input, which pays for loading; and the one that is shown.
DECISIONS: Final[tuple[Decision, ...]] = (
    (
        "question, command or declaration?",
        classify.detail,
        ("The lift is out of order again.",),
        ("could you turn the heating up a bit",),
    ),
    (
        "a new topic, or the same?",
        boundary.detail,
        (HIKE, "Worse, I had to stop every ten minutes."),
        (HIKE, "Do you play any instruments?"),
    ),
    (
        "one step, or several?",
        complexity.detail,
        ("When was Marie Curie born?",),
        ("Which of the two rivers that meet in Koblenz is longer?",),
    ),
    (
        "will the answer stay true?",
        durability.detail,
        ("Who invented the telephone?",),
        ("who is leading the premier league",),
    ),
    (
        "is there enough to act on?",
        enough.detail,
        (TABLE, "User: A table for two on Friday.\nAssistant: At what time?\nUser: At half past seven."),
        (TABLE, "User: Can you book us a table?\nAssistant: For which day?\nUser: Let me ask the others."),
    ),
    (
        "is the response good, or to be refined?",
        quality.detail,
        ("How do I reset my password?", "Click on `Forgot password`, and follow the link in the mail."),
        ("How do I reset my password?", "Passwords must have twelve characters and a digit."),
    ),
)


def main() -> None:
    print("Six decisions, each a prompt function, on a model of 135 million parameters:\n")
    for asked, decide, first, shown in DECISIONS:
        decide(*first)
        answer = decide(*shown)
        last = shown[-1].splitlines()[-1]
        print(f"  {asked}\n    {last}")
        print(f"    {answer.value}, {answer.confidence:.0%} sure, {1000 * answer.seconds:.0f} ms\n")


if __name__ == "__main__":
    main()
