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
    """How a field ("" for a whole answer) is decoded. `kind` is "choice", "subset", "guided" or, for one of
    which only the call says what it can be, "open"; that of a scratchpad before the answer is "reasoning".

    `passes` is how many forward passes the labels take; where text is written there are no `labels`, and the
    tokens bound the passes: `max_tokens` at most, `expected_tokens` as a rule. `forced` are tokens that all
    labels of a choice share; `grammar` is that of guided text.
    """

    name: str
    type: str
    kind: str
    labels: int | None = None
    passes: int | None = None
    max_tokens: int
    expected_tokens: int
    forced: tuple[str, ...] = ()
    trie: tuple[TrieBranch, ...] = ()
    grammar: str | None = None
