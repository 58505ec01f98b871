"""Random flows, asked in waves and one call at a time: both give the same and ask for the same."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mpc.codegen.statements import write
from mpc.codegen.writer import Writer
from mpc.flows import waves
from mpc.lower import lower
from mpc.source import Source

from ..unit.compiler.programs import checked

HEAD = """
prompt ask(text: str) -> str:
    Ask {text}

prompt two(first: str, second: str) -> str:
    Two {first} {second}

prompt yes(text: str) -> bool:
    Yes {text}

flow go(text: str, texts: list[str]) -> str:
    a = "a"
    b = "b"
    c = "c"
    found: list[str] = []
"""

NAMES = st.sampled_from(["a", "b", "c", "text"])


def block(lines: Iterable[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ")


def values(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    asked = st.one_of(
        names.map(lambda name: f"ask({name})"),
        st.tuples(names, names).map(lambda pair: f"two({pair[0]}, second={pair[1]})"),
    )
    return st.one_of(
        asked,
        asked,
        names.map(lambda name: f'{name} + "!"'),
        st.tuples(asked, names).map(lambda pair: f"two({pair[0]}, {pair[1]})"),
        st.tuples(asked, asked).map(lambda pair: f"{pair[0]} + ask({pair[1]})"),
    )


def conditions(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    test = st.one_of(
        names.map(lambda name: f"yes({name})"),
        st.tuples(names, names).map(lambda pair: f'ask({pair[0]}) + "x" < {pair[1]}'),
        names.map(lambda name: f"not yes(ask({name}))"),
    )
    return st.one_of(
        test,
        st.tuples(test, st.sampled_from(["and", "or"]), test).map(" ".join),
    )


def bodies(names: st.SearchStrategy[str], depth: int) -> st.SearchStrategy[list[str]]:
    """Statements over these names; `depth` says how many more blocks may be inside one another."""
    value, condition = values(names), conditions(names)
    targets = st.sampled_from(["a", "b", "c"])
    statement = st.one_of(
        st.tuples(targets, value).map(" = ".join),
        st.tuples(targets, value).map(" = ".join),
        value.map(lambda found: f"found.append({found})"),
    )
    if depth:
        inner = bodies(names, depth - 1)
        inside = bodies(st.one_of(names, st.just(f"item{depth}")), depth - 1)
        returned = value.map(lambda found: f"return {found}")
        statement = st.one_of(
            statement,
            statement,
            st.builds(lambda test, then: f"if {test}:\n{block(then)}", condition, inner),
            st.builds(lambda test, then: f"if {test}:\n{block([then])}", condition, returned),
            st.builds(
                lambda test, then, other: f"if {test}:\n{block(then)}\nelse:\n{block(other)}",
                condition,
                inner,
                inner,
            ),
            st.builds(lambda then: f"for item{depth} in texts:\n{block(then)}", inside),
            st.builds(
                lambda source, then: f"for item{depth} in [{source}, a]:\n{block(then)}", value, inside
            ),
        )
    return st.lists(statement, min_size=1, max_size=5)


@dataclass
class Asked:
    """A prompt whose answer is made of its arguments, and that keeps what it was asked."""

    name: str
    answer: Callable[..., object]
    calls: list[str]

    def __call__(self, *args: str, **kwargs: str) -> object:
        given = (*args, *kwargs.values())
        self.calls.append(f"{self.name}{given}")
        return self.answer(*given)

    def later(self, *args: str, **kwargs: str) -> Callable[[], object]:
        return lambda: self(*args, **kwargs)


def gather(*calls: Callable[[], object], state: object = None) -> tuple[object, ...]:
    # Whatever order they come in: none of them may matter to another.
    found = [call() for call in reversed(calls)]
    return tuple(reversed(found))


def gather_lists(
    *lists: Iterable[Callable[[], object]], state: object = None
) -> tuple[tuple[object, ...], ...]:
    return tuple(gather(*each) for each in lists)


def short(text: str) -> str:
    """A text of a few letters that depends on all of another."""
    return "abcdefgh"[sum(map(ord, text)) % 8] + str(len(text) % 3)


def run(python: str) -> tuple[object, Counter[str]]:
    """What the statements give, and what they asked."""
    calls: list[str] = []
    names: dict[str, object] = {
        "gather": gather,
        "gather_lists": gather_lists,
        "ask": Asked("ask", lambda text: short(f"ask {text}"), calls),
        "two": Asked("two", lambda first, second: short(f"two {first}{first}{second}"), calls),
        "yes": Asked("yes", lambda text: sum(map(ord, text)) % 2 == 0, calls),
    }
    exec(f"def go(text, texts):\n{python}", names)
    go = names["go"]
    assert callable(go)
    return go("hello", ["x", "yy", "zzz"]), Counter(calls)


def written(program: str) -> str:
    """The statements of the flow in Python."""
    (flow,) = lower(checked(Source("a.mp", program))).flows
    out = Writer()
    write(flow.statements, out, [])
    return out.text()


def alone(program: str) -> str:
    """The same without waves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waves, "WIDEST", 0)
        patch.setattr(waves._Planner, "_lifted", lambda *_: iter(()))
        return written(program)


@settings(max_examples=60, deadline=None)
@given(bodies(NAMES, 3), NAMES)
@example(["for item1 in texts:\n    b = ask(a)\n    a = ask(item1)"], "a")
def test_waves_change_neither_what_comes_nor_what_is_asked(body: list[str], last: str) -> None:
    program = f"{HEAD}{block([*body, f'return two({last}, a)'])}\n"
    assert run(written(program)) == run(alone(program))
