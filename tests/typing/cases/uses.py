"""A program that uses a generated module, as type checkers should see it."""

from collections.abc import Iterable
from typing import Literal, assert_type

import reviews
from intake import Product, Ticket, triage

from microprompt import Answer, agather, gather, gather_lists
from mpstd.request import Act, classify

assert_type(classify("Is it raining?"), Act)
assert_type(classify.detail("Is it raining?").value, Act)
assert_type(classify.map(["Is it raining?", "Go!"]), list[Act])
assert_type(gather(classify.later("Is it raining?"), triage.later("My phone is wet.")), tuple[Act, Ticket])
assert_type(
    gather(classify.later_detail("Is it raining?"), classify.later("Go!")), tuple[Answer[Act], Act]
)
assert_type(gather(*[classify.later(text) for text in ("Is it raining?", "Go!")]), tuple[Act, ...])
assert_type(
    gather_lists([classify.later("Go!")], [triage.later_detail("My phone is wet.")]),
    tuple[list[Act], list[Answer[Ticket]]],
)
assert_type(triage("My phone is wet.", today=4), Ticket)
assert_type(triage("My phone is wet.").product, Product)
assert_type(triage("My phone is wet.").product.label, str)
assert_type(triage("My phone is wet.").urgency, int)
assert_type(triage("My phone is wet.").amount, float | None)
assert_type(reviews.read("Lovely.", known=[]).codes, list[str])
assert_type(reviews.again(reviews.Review(stars=5, mood="glad", author=None)), Literal["yes", "no"] | None)
assert_type(reviews.joke(), str)


def names(acts: Iterable[Act]) -> list[str]:
    return [act.name for act in acts]


async def later(text: str) -> Act:
    act, ticket = await agather(classify.later(text), triage.later(text))
    assert_type(ticket, Ticket)
    return act if act is Act.question else await classify.acall(text)
