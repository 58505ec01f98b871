"""How a slot is decoded, as data: what `mpc explain FILE FUNCTION` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrieBranch:
    """A token of a trie and what follows it. `label` is set where the token tells a label from all others."""

    token: str
    label: str | None
    evaluated: bool
    children: tuple[TrieBranch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPlan:
    """How a field ("" for a whole answer) is decoded. `kind` is "choice", "guided" or, for one of which only
    the call says what it can be, "open".

    `passes` is how many forward passes a choice takes; for a guided slot it is `None`, and its tokens bound
    them: `max_tokens` at most, `expected_tokens` as a rule. `forced` are tokens that all labels share.
    """

    name: str
    type: str
    kind: str
    labels: int | None
    passes: int | None
    max_tokens: int
    expected_tokens: int
    forced: tuple[str, ...]
    trie: tuple[TrieBranch, ...]
    grammar: str | None
