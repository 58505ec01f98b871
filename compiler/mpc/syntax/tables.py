"""The tables of a grammar: what Lark works out of it, as plain data and as JSON.

Working them out takes longer than reading most programs do, so they lie beside it, in `grammar.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lark import Lark
    from lark.grammar import Rule as LarkRule
    from lark.lexer import TerminalDef

END: Final = "$END"
"""What stands in the tables for the end of the text."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A kind of token: its pattern, its text if that is `fixed`, and the terminals with fixed texts that the
    pattern fits too, by their texts."""

    pattern: str
    fixed: str | None
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Production:
    """A way in which `size` symbols make an `origin`.

    `kept` are the places of those that count, each with whether it is a part, whose own symbols take its
    place, and how many optional ones are absent before it; `absent` is how many are behind the last. Without
    `kept`, all count. A transparent rule with one symbol is that symbol.
    """

    origin: str
    size: int
    kept: Sequence[tuple[int, bool, int]] | None
    absent: int
    is_part: bool
    is_transparent: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """Terminals in the order in which a lexer tries them, the rules, and the states of the parser.

    A state maps the symbols that may follow in it to the state behind them; where a rule ends there, to `~`
    of its number. `starts` has the first and the last state for each rule that a text can be.
    """

    terminals: Mapping[str, Terminal]
    ignored: frozenset[str]
    rules: Sequence[Production]
    states: Sequence[Mapping[str, int]]
    starts: Mapping[str, tuple[int, int]]


# ------------------------------------------------------------------------------------------------- kept


def written(tables: Tables, grammar: str) -> str:
    """The tables as JSON, a line each for most entries, with the hash of the grammar's text."""
    entries: dict[str, object] = {
        "sha256": _hash(grammar),
        "terminals": {name: astuple(terminal) for name, terminal in tables.terminals.items()},
        "ignored": sorted(tables.ignored),
        "rules": list(map(astuple, tables.rules)),
        "states": tables.states,
        "starts": tables.starts,
    }
    return _laid_out(entries, _laid_out) + "\n"


def _laid_out(value: object, item: Callable[[object], str] = json.dumps) -> str:
    match value:
        case list():
            lines = ",\n".join(map(item, value))
            return f"[\n{lines}\n]"
        case dict():
            lines = ",\n".join(f"{json.dumps(key)}: {item(each)}" for key, each in value.items())
            return f"{{\n{lines}\n}}"
        case _:
            return json.dumps(value)


def kept(text: str, grammar: str) -> Tables | None:
    """The tables that `written` gave; `None` if they are of another grammar."""
    found: dict[str, Any] = json.loads(text)
    if found["sha256"] != _hash(grammar):
        return None
    return Tables(
        terminals={name: Terminal(*terminal) for name, terminal in found["terminals"].items()},
        ignored=frozenset(found["ignored"]),
        rules=[Production(*rule) for rule in found["rules"]],
        states=found["states"],
        starts=found["starts"],
    )


def _hash(grammar: str) -> str:
    return sha256(grammar.encode()).hexdigest()


# --------------------------------------------------------------------------------------------- worked out


def work_out(grammar: str, starts: Sequence[str]) -> Tables:
    """What Lark makes of a grammar for texts that are one of the rules `starts`.

    The grammar has no alias and no terminal that ignores case.
    """
    # Not at the top: the tables are there, as a rule.
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    lark = Lark(grammar, parser="lalr", start=list(starts), maybe_placeholders=True)
    parser: Any = lark.parse_interactive("", starts[0])  # Lark gives it no types
    table = parser.parser_state.parse_conf.parse_table
    # Lark's own order of rules and states is another in every process.
    rules = sorted(lark.rules, key=lambda rule: (rule.origin.name, [each.name for each in rule.expansion]))
    numbers = {rule: number for number, rule in enumerate(rules)}
    states = _reached(table.states, [table.start_states[start] for start in starts], Shift)
    terminals = dict(_terminals(lark))
    symbols = {symbol for rule in lark.rules for symbol in rule.expansion}
    # What is declared without a pattern is found in no text: the parser is told where it is.
    marks = {each.name for each in symbols if each.is_term} - terminals.keys()
    terminals |= {name: Terminal("(?!)", None, {}) for name in sorted(marks)}
    return Tables(
        terminals=terminals,
        ignored=frozenset(lark.ignore_tokens),
        rules=[_rule(rule) for rule in rules],
        states=[
            {
                name: states[target] if action is Shift else ~numbers[target]
                for name, (action, target) in sorted(table.states[state].items())
            }
            for state in states
        ],
        starts={
            start: (states[table.start_states[start]], states[table.end_states[start]]) for start in starts
        },
    )


def _reached(table: Mapping[int, Mapping[str, Any]], starts: Sequence[int], shift: object) -> dict[int, int]:
    """New numbers for all states, in the order in which they are reached."""
    found = dict.fromkeys(starts)
    queue = list(found)
    for state in queue:
        for _, (action, target) in sorted(table[state].items()):
            if action is shift and target not in found:
                found[target] = None
                queue.append(target)
    return {state: number for number, state in enumerate(queue)}


def _terminals(lark: Lark) -> Iterator[tuple[str, Terminal]]:
    """The terminals as Lark's lexer has them: the longest first, and a name that is a keyword is that."""
    ordered = sorted(
        lark.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name)
    )
    for terminal in ordered:
        fits = re.compile(terminal.pattern.to_regexp())
        words = {
            other.pattern.value: other.name
            for other in ordered
            if not _is_fixed(terminal) and _is_fixed(other) and other.priority == terminal.priority
            if (match := fits.match(other.pattern.value)) and match.group() == other.pattern.value
        }
        fixed = terminal.pattern.value if _is_fixed(terminal) else None
        yield terminal.name, Terminal(terminal.pattern.to_regexp(), fixed, words)


def _is_fixed(terminal: TerminalDef) -> bool:
    return terminal.pattern.type == "str"


def _rule(rule: LarkRule) -> Production:
    """How Lark makes a tree of a rule's symbols (`lark.parse_tree_builder`)."""
    places = list(rule.options.empty_indices) or [False] * len(rule.expansion)
    kept = []
    absent = 0
    symbols = iter(enumerate(rule.expansion))
    for is_absent in places:
        if is_absent:
            absent += 1
            continue
        place, symbol = next(symbols)
        if not (symbol.is_term and getattr(symbol, "filter_out", False)):
            kept.append((place, _is_part(symbol.name) and not symbol.is_term, absent))
            absent = 0
    plain = [(place, False, 0) for place in range(len(rule.expansion))]
    return Production(
        origin=rule.origin.name,
        size=len(rule.expansion),
        kept=None if kept == plain and not absent else kept,
        absent=absent,
        is_part=_is_part(rule.origin.name),
        is_transparent=rule.options.expand1,
    )


def _is_part(name: str) -> bool:
    return name.startswith("_")
