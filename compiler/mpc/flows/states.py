"""Which waves lay out first what their calls are about, the *state*, so that it is evaluated once for all.

Usually a prompt's instruction comes first: it is evaluated once for all calls, and each call pays for its
arguments. With the text first, it is the text that is paid for once, and each call pays for its instruction.
Which is cheaper follows from what is known when the program is compiled, and from nothing else, for an answer
must not depend on what a wave happens to be like (decisions/0010).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, TypeAlias

from microprompt import abi

from ..expressions.checked import Invoked, Reached, Way
from ..expressions.signatures import PromptSignature
from ..sema.checked import CheckedHole, CheckedModule, CheckedPrompt
from ..sema.imported import modules_of
from ..types import Type
from ..types.boolean import CheckedBool

LEAST: Final = 300
"""The characters that a text may have at most to be worth it in any case."""

PromptKey: TypeAlias = tuple[str, str]
"""The source file that a prompt is in, and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCost:
    """What a prompt costs behind a state: the `characters` that it begins with in every call. `shows` are the
    parameters that can be a state; there are none where a tuning or the labels' words answer, without reading
    the prompt. One that `has_examples` stands behind none: small models then answer for the examples."""

    characters: int
    shows: frozenset[str]
    has_examples: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedState:
    """What a wave lays out first. `calls` of it are about that; `why` says what it saves."""

    way: Way
    calls: int
    why: str


def costs_of(module: CheckedModule) -> Mapping[PromptKey, PromptCost]:
    """The costs of the prompts of a file and of all that it imports."""
    return {
        (each.source.path, prompt.name): _cost(prompt)
        for each in modules_of(module)
        for prompt in each.prompts
    }


def state_of(
    calls: Sequence[Invoked],
    changing: frozenset[str],
    *,
    rounds: int | None,
    costs: Mapping[PromptKey, PromptCost],
) -> SharedState | None:
    """What the calls of a wave lay out first, if that is cheaper. What begins with one of the `changing`
    names is another in each of the `rounds`, of which a plain wave has none."""
    about: dict[Way, list[tuple[Type, PromptCost]]] = {}
    for call in calls:
        for way, type, cost in _possible(call, costs):
            if way[0] not in changing:
                about.setdefault(way, []).append((type, cost))
    found = [
        shared
        for way, each in about.items()
        if (shared := _shared(way, each[0][0], [cost for _, cost in each], rounds or 1)) is not None
    ]
    return max(found, key=itemgetter(0), default=(0, None))[1]


def _possible(call: Invoked, costs: Mapping[PromptKey, PromptCost]) -> Iterator[tuple[Way, Type, PromptCost]]:
    """The arguments of a call that can be a state, by the way to each."""
    if not isinstance(call.callee, PromptSignature):
        return
    cost = costs[call.callee.origin, call.callee.name]
    seen: set[Way] = set()
    for name, argument in call.arguments:
        if isinstance(argument, Reached) and name in cost.shows and argument.way not in seen:
            seen.add(argument.way)
            yield argument.way, argument.type, cost


def _shared(
    way: Way, type: Type, costs: Sequence[PromptCost], rounds: int
) -> tuple[int, SharedState] | None:
    """What it saves to lay out first what a way leads to, in characters, if it does."""
    count = len(costs) * rounds
    most = type.likely_longest
    spared = (count - 1) * most
    paid = rounds * sum(cost.characters for cost in costs)
    if most < LEAST or spared <= paid or any(cost.has_examples for cost in costs):
        return None
    why = (
        f"{count} questions about {'.'.join(way)}, up to {most} characters: evaluated once, that spares "
        f"{spared}, and the prompts, which come behind it, cost {paid}"
    )
    return spared - paid, SharedState(way=way, calls=len(costs), why=why)


def _cost(prompt: CheckedPrompt) -> PromptCost:
    shows = {
        part.parameter
        for part in prompt.parts
        if isinstance(part, CheckedHole) and not part.path and part.format is None
    }
    names = {parameter.name for parameter in prompt.parameters}
    return PromptCost(
        characters=len(prompt.english),
        shows=frozenset(shows & names) if _is_read(prompt) else frozenset(),
        has_examples=bool(prompt.examples),
    )


def _is_read(prompt: CheckedPrompt) -> bool:
    """Whether the model reads the prompt, as far as is known: not where a head decides all of the answer, as
    one does that was tuned, or that is made of the labels' words or of examples of each."""
    if prompt.using.decide == abi.LABELS or prompt.returns.options is None:
        return True
    answers = {example.answer for example in prompt.examples}
    return prompt.tuning is None and prompt.returns == CheckedBool() and len(answers) < 2
