"""Sort support messages into tickets with the functions compiled from intake.mp."""

from __future__ import annotations

from intake import triage

from mpstd.request import classify

MESSAGES = (
    "How do I pair the headphones with two phones at once?",
    "My laptop from last year won't start any more, and my exam is tomorrow. Please repair it!",
    "The phone gets hot when it charges. I'd like my money back.",
)


def main() -> None:
    for message in MESSAGES:
        act = classify.detail(message)
        ticket = triage.detail(message)
        print(message)
        print(f"  {act.value} ({act.confidence:.0%}), {1000 * act.seconds:.0f} ms")
        for name, part in ticket.fields.items():
            print(f"  {name:<9}{part.value!s:<40} {part.confidence:.0%}")
        print(f"  {1000 * ticket.seconds:.0f} ms, {ticket.usage.cached_tokens} of "
              f"{ticket.usage.prompt_tokens} prompt tokens from the cache\n")


if __name__ == "__main__":
    main()
