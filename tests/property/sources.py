"""Random programs, as text: a new kind of type is a row in `LEAVES` or in `AROUND`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeAlias

PROMPTS: Final = 8
"""Prompts of one program."""

ARGUMENTS: Final = {
    "text": "Ann has paid 12.50 for order #4711 on 2024-02-29, by card.",
    "options": ["a card", "cash", "by cheque"],
}
"""What every prompt is called with."""

_HEADER: Final = "(text: str, options: list[str])"


@dataclass
class Program:
    """A program that grows: its declarations, by their names, in which types may be used again."""

    random: Random
    declarations: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)

    def declare(self, kind: str, lines: list[str], *, depth: str = "") -> str:
        name = f"{kind.capitalize()}{len(self.declarations)}"
        described = self.random.choice(["", ' "what it is"', ' as "the word"'])
        head = f"{kind} {name}{depth}" + described.replace("word", f"word {len(self.declarations)}")
        self.declarations.append("\n".join([f"{head}:", *(f"    {line}" for line in lines)]))
        return name

    def text(self, prompts: list[str]) -> str:
        asked = [
            f"prompt ask{number}{_HEADER} -> {type}:\n    Say.\n\n    {{text}} {{options}}"
            for number, type in enumerate(prompts)
        ]
        return "\n\n".join([*self.declarations, *asked]) + "\n"


Leaf: TypeAlias = Callable[[Program], str]
Around: TypeAlias = Callable[[Program, int], str]

# ------------------------------------------------------------------------------------ types without types


def _enum(program: Program, least: int = 1) -> str:
    number = len(program.declarations)
    members = [f'm{number}_{place} as "label {place}"' for place in range(program.random.randint(least, 9))]
    return program.declare("enum", members)


def _range(name: str, least: int, most: int, form: str = "{}") -> Leaf:
    def made(program: Program) -> str:
        low, high = sorted(program.random.choices(range(least, most), k=2))
        ends = program.random.choice([(low, high), (low, high), (low, None), (None, high)])
        text = "..".join("" if end is None else form.format(end) for end in ends)
        return f"{name}({text})"

    return made


def _one(*types: str) -> Leaf:
    return lambda program: program.random.choice(types)


LEAVES: Final[dict[str, Leaf]] = {
    "str": _one("str", "str(..5)", "str(2..4)", "str(1..30)", "str(4..4)"),
    "pattern": _one("str(/[A-Z]{2}-[0-9]{3}/)", r"str(/\w{1,5}/)", "str(/(x|yy){3,}/)", 'str(/"?[a-z]*"?/)'),
    "bool": _one("bool"),
    "int": _range("int", -300, 300),
    "wide int": _range("int", -(10**9), 10**9),
    "float": _range("float", -1000, 1000),
    "decimal": _range("decimal", 0, 99, "{}.25"),
    "date": _one("date", "date(2020-01-01..)", "date(..1999-12-31)", "date(2024-02-28..2024-03-01)"),
    "time": _one("time", "time(08:00..18:00)"),
    "datetime": _one("datetime", "datetime(2024-01-01T00:00..2024-12-31T23:59)"),
    "literals": _one('"a" | "b c" | "d\\"e"', '"only"', "1 | 5 | 10", "-3 | 3"),
    "enum": _enum,
    "set": lambda program: f"set[{_enum(program, 3)}]" + program.random.choice(["", "(..2)", "(1..)"]),
    "span": _one("span(text)", "span(text, ..12)", "span(text, /#[0-9]{4,8}/)"),
    "one of": _one("one of options"),
}

# --------------------------------------------------------------------------------------- types of types


def _bare(type: str) -> str:
    """A type that may stand before a `?`."""
    return f"({type})" if " | " in type or type.startswith("one of") else type


def _optional(program: Program, depth: int) -> str:
    inner = random_type(program, depth - 1)
    return inner if inner.endswith("?") else f"{_bare(inner)}?"


def _list(program: Program, depth: int) -> str:
    return f"list[{random_type(program, depth - 1)}]" + program.random.choice(["(..2)", "(1..3)", "(2..2)"])


def _dict(program: Program, depth: int) -> str:
    return f"dict[str, {random_type(program, depth - 1)}]" + program.random.choice(["(..2)", "(1..2)"])


def _record(program: Program, depth: int) -> str:
    if program.records and program.random.random() < 0.2:
        return program.random.choice(program.records)
    count = program.random.randint(1, 4)
    lines = [f"f{place}: {random_type(program, depth - 1)}" for place in range(count)]
    name = program.declare("record", lines)
    program.records.append(name)
    return name


def _tree(program: Program, depth: int) -> str:
    """A record that contains itself, in one of the ways in which it may."""
    own = f"Record{len(program.declarations)}"
    ways = (f"{own}?", f"list[{own}](..2)", f"{own} | int", f"dict[str, {own}](..1)", f"({own} | bool)?")
    lines = [f"own: {program.random.choice(ways)}", "more: str(..5)"]
    return program.declare("record", lines, depth=program.random.choice(["(..1)", "(..2)", "(..3)"]))


def _union(program: Program, depth: int) -> str:
    """Types that are told apart: no two of one family, and text beside no other strings."""
    arms = [_record(program, depth), _record(program, depth), _enum(program), LEAVES["wide int"](program)]
    arms += [f'"none of {len(program.declarations)}"', "bool", _list(program, depth), "time"]
    return " | ".join(dict.fromkeys(program.random.sample(arms, program.random.randint(2, 4))))


AROUND: Final[dict[str, Around]] = {
    "optional": _optional,
    "list": _list,
    "dict": _dict,
    "record": _record,
    "record of itself": _tree,
    "union": _union,
}


def random_type(program: Program, depth: int) -> str:
    """A type, with others at most so deep inside it."""
    if depth > 0 and program.random.random() < 0.6:
        return program.random.choice(list(AROUND.values()))(program, depth)
    return program.random.choice(list(LEAVES.values()))(program)


def random_program(seed: int) -> str:
    """The text of a program, whose prompts are called `ask0`, `ask1`, ... and take `ARGUMENTS`. Of any few
    of them in turn, every kind of type is the answer of one."""
    program = Program(Random(seed))
    whole: list[Around] = [*AROUND.values(), *map(_shallow, LEAVES.values())]
    turn = seed * PROMPTS // 2
    prompts = []
    for number in range(PROMPTS):
        made = whole[(turn + number // 2) % len(whole)] if number % 2 else random_type
        prompts.append(made(program, 3))
    return program.text(prompts)


def _shallow(leaf: Leaf) -> Around:
    return lambda program, _: leaf(program)
