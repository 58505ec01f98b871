"""Plans of flows as `mpc explain` shows them: calls of a wave stand below it, each with a bar,
and every statement below those that it is in.
"""

from __future__ import annotations

import textwrap

from mpc.flows import FlowOutline, costs_of, effectful, outline, plan
from mpc.source import Source

from .programs import checked

PROMPTS = """
enum Kind:
    question
    order

record Said:
    text: str
    kind: Kind

prompt ask(text: str) -> str:
    Ask {text}

prompt two(first: str, second: str) -> str:
    Two {first} {second}

prompt yes(text: str) -> bool:
    Yes {text}

prompt sort(text: str) -> Kind:
    Sort {text}

prompt maybe(text: str) -> str?:
    Maybe {text}

flow inner(text: str) -> str:
    return ask(text)

flow go(text: str, texts: list[str]) -> str:
"""


def planned(body: str) -> str:
    """The plan of a flow with this body in lines, without their numbers."""
    return "\n".join(line[7:] for found in _outlined(body).lines for line in found.split("\n"))


def assert_planned(body: str, meant: str) -> None:
    assert planned(body) == textwrap.dedent(meant).strip("\n")


def _outlined(body: str) -> FlowOutline:
    source = Source("a.mp", PROMPTS + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n")
    module = checked(source)
    (flow,) = (flow for flow in module.flows if flow.name == "go")
    found = effectful(module)
    return outline(flow, plan(flow, found, costs_of(module), {"ask", "two"}.__contains__), source, found)
