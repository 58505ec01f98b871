"""Derivation by the tables of a grammar: LALR(1), with a lexer that looks only for what may come next.

Lark makes the tables (`tables`) and has a parser of its own that goes by them. This one does the same and no
more, which is four times as fast: no trees that are taken apart again, no lines and columns of tokens, and no
wrappers around what builds the nodes. A test holds the two together, in what is read and in where they stop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Never, TypeAlias

from ..diagnostics import InternalError
from ..source import Span
from .problems import Stop
from .tables import END, Production, Tables

Step: TypeAlias = tuple[str | int, int, int]
"""A token, by its terminal's name, or the number of a rule whose symbols are read; its start and its end."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """What was read, bottom-up, and where that stopped, if it did; `refused` is the token there, if any."""

    steps: Sequence[Step]
    stop: Stop | None = None
    refused: Step | None = None


@dataclass(frozen=True, slots=True)
class _Lexer:
    """Finds one of some terminals. `words` are those that others find first, as a name does keywords."""

    pattern: re.Pattern[str]
    words: Mapping[str, Mapping[str, str]]

    def token(self, text: str, at: int, end: int) -> tuple[str, int] | None:
        """The terminal that is found at an offset, and where it ends."""
        match = self.pattern.match(text, at, end)
        if match is None:
            return None
        kind = match.lastgroup
        assert kind is not None
        if kind in self.words:
            kind = self.words[kind].get(match.group(), kind)
        return kind, match.end()


class Parser:
    """Reads by some tables, and has a builder make nodes of what was read."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._lexers: dict[frozenset[str], _Lexer] = {}
        self._by_state: dict[int, _Lexer] = {}
        self._makers: dict[type, Sequence[Callable[..., object]]] = {}

    def read(self, text: str, span: Span, start: str, marks: Sequence[Step] = ()) -> Derivation:
        """Read a piece of the text by the rule `start`. `marks` are tokens without a text, in their order:
        where lines end that count, and where blocks begin and end."""
        tables = self._tables
        rows, rules, ignored, by_state = tables.states, tables.rules, tables.ignored, self._by_state
        begin, accepting = tables.starts[start]
        # Of each symbol on the stack: the state behind it, and where it starts.
        states, starts = [begin], [span.start]
        steps: list[Step] = []
        at, end, last_end = span.start, span.end, span.start
        coming = iter(marks)
        mark = next(coming, None)
        while True:
            state = states[-1]
            lexer = by_state.get(state) or self._lexer_of(state)
            kind, after = END, at
            while at < end and (mark is None or at < mark[1]):
                found = lexer.token(text, at, end)
                if found is None:
                    stop = Span(at, self._end_of_anything(text, at, end))
                    return Derivation(steps, self._stop(stop, text, last_end, states, accepting))
                kind, after = found
                if kind not in ignored:
                    break
                kind, at = END, after
            is_mark = mark is not None and kind == END
            if mark is not None and is_mark:
                assert isinstance(mark[0], str)
                kind = mark[0]
            row = rows[state]
            while (action := row.get(kind)) is not None and action < 0:
                number = ~action
                size = rules[number].size
                first = at  # what is made of no symbols starts with the token behind it
                if size:
                    first = starts[-size]
                    del states[-size:], starts[-size:]
                steps.append((number, first, last_end))
                goto = rows[states[-1]][rules[number].origin]
                if goto == accepting and kind == END:
                    return Derivation(steps)
                states.append(goto)
                starts.append(first)
                row = rows[goto]
            if action is None:
                after = at if is_mark else after
                refused = None if kind == END else (kind, at, after)
                stop = Span(at, after) if refused else Span(end, end)
                return Derivation(steps, self._stop(stop, text, last_end, states, accepting), refused)
            states.append(action)
            starts.append(at)
            if is_mark:
                steps.append((kind, at, at))
                mark = next(coming, None)
            else:
                steps.append((kind, at, after))
                at = last_end = after

    def build(self, derivation: Derivation, text: str, builder: object) -> object:
        """What the builder makes of it: for each rule the method of that name is given the rule's span and
        its symbols, which are what other methods gave, and texts for tokens."""
        rules, makers = self._tables.rules, self._makers_of(type(builder))
        values: list[object] = []
        for what, start, end in derivation.steps:
            if isinstance(what, str):
                values.append(text[start:end])
                continue
            rule = rules[what]
            children: list[object] = []
            if rule.size:
                children = values[-rule.size :]
                del values[-rule.size :]
            if rule.kept is not None:
                children = _kept(rule, children)
            if rule.is_part:
                values.append(children)
            elif rule.is_transparent and len(children) == 1:
                values.append(children[0])
            else:
                values.append(makers[what](builder, Span(start, end), *children))
        (made,) = values
        return made

    def _makers_of(self, builder: type) -> Sequence[Callable[..., object]]:
        """The builder's method for each rule. A builder need not know rules that it never meets."""
        if builder not in self._makers:
            names = (rule.origin for rule in self._tables.rules)
            self._makers[builder] = [getattr(builder, name, None) or _no_maker(name) for name in names]
        return self._makers[builder]

    # ------------------------------------------------------------------------------------------ lexing

    def _lexer_of(self, state: int) -> _Lexer:
        """What looks for the terminals that may follow in a state."""
        wanted = frozenset(self._tables.states[state]) | self._tables.ignored
        lexer = self._by_state[state] = self._lexer(wanted.intersection(self._tables.terminals))
        return lexer

    def _lexer(self, wanted: frozenset[str]) -> _Lexer:
        if wanted not in self._lexers:
            found = {name: each for name, each in self._tables.terminals.items() if name in wanted}
            words = {
                name: {text: word for text, word in each.words.items() if word in wanted}
                for name, each in found.items()
            }
            by_themselves = found.keys() - {word for each in words.values() for word in each.values()}
            pattern = "|".join(
                f"(?P<{name}>{each.pattern})" for name, each in found.items() if name in by_themselves
            )
            self._lexers[wanted] = _Lexer(
                re.compile(pattern), {name: has for name, has in words.items() if has}
            )
        return self._lexers[wanted]

    def _end_of_anything(self, text: str, at: int, end: int) -> int:
        """The end of what stands where no terminal may that is there: of another one, or else a character."""
        found = self._lexer(frozenset(self._tables.terminals)).token(text, at, end)
        return at + 1 if found is None else found[1]

    # ---------------------------------------------------------------------------------------- stopping

    def _stop(self, at: Span, text: str, last_end: int, states: list[int], accepting: int) -> Stop:
        terminals = self._tables.terminals
        followers = [name for name in self._tables.states[states[-1]] if name in terminals or name == END]
        return Stop(
            at=at.start,
            found=text[at.start : at.end],
            last_end=last_end,
            accepts={
                name: terminals[name].fixed if name in terminals else None
                for name in followers
                if self._takes(name, states, accepting)
            },
        )

    def _takes(self, kind: str, states: list[int], accepting: int) -> bool:
        """Whether a terminal would be taken, and not only lead to rules after which it is refused."""
        states = list(states)
        while (action := self._tables.states[states[-1]].get(kind)) is not None:
            if action >= 0:
                return True
            rule = self._tables.rules[~action]
            del states[len(states) - rule.size :]
            states.append(self._tables.states[states[-1]][rule.origin])
            if kind == END and states[-1] == accepting:
                return True
        return False


def _kept(rule: Production, children: Sequence[object]) -> list[object]:
    """The symbols of a rule that count, parts taken apart, with `None` for what is absent."""
    assert rule.kept is not None
    found: list[object] = []
    for place, is_part, absent in rule.kept:
        if absent:
            found += [None] * absent
        child = children[place]
        if is_part:
            assert isinstance(child, list)
            found += child
        else:
            found.append(child)
    if rule.absent:
        found += [None] * rule.absent
    return found


def _no_maker(name: str) -> Callable[..., object]:
    def refuse(*_: object) -> Never:
        raise InternalError("syntax", f"no tree builder for the rule {name}")

    return refuse
