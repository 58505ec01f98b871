"""Ask compiled prompt functions: one of the standard library, and one of intake.mp."""

from __future__ import annotations

from intake import triage

from mpstd.request import classify

INPUTS = (
    "Is it raining?",
    "Please open the window.",
    "My sister works at a bakery.",
)
MESSAGES = (
    "My laptop from last year won't start any more, and my exam is tomorrow. Please repair it!",
    "The phone gets hot when it charges. I'd like my money back.",
    "How do I pair the headphones with two phones at once?",
)


def main() -> None:
    print("What is it? A choice takes one pass over the new text; the first call pays for the prompt too:\n")
    for text in INPUTS:
        act = classify.detail(text)
        print(f"  {text:<32} {act.value:<12} {act.confidence:4.0%} {1000 * act.seconds:6.0f} ms")

    print("\nWhich ticket? A record is a choice or a guided text for each field:")
    for message in MESSAGES:
        ticket = triage.detail(message)
        print(f"\n  {message}")
        for name, part in ticket.fields.items():
            # Text has no distribution: the probability of a whole sentence says little.
            sure = f"({part.confidence:.0%})" if part.distribution else ""
            print(f"    {name:<9} {part.value!s} {sure}")
        cached, prompt = ticket.usage.cached_tokens, ticket.usage.prompt_tokens
        print(f"    {1000 * ticket.seconds:.0f} ms, {cached} of {prompt} prompt tokens from the cache")


if __name__ == "__main__":
    main()
