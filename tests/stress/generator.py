"""Random programs that the language reference allows: any words, values of most types, files that import one
another.

Every one must be accepted, build to the same bytes twice, and be importable; and what its examples and tests
give as answers, a model must be able to answer. A program is a dictionary of files, of which `main.mp` may
import the others.

Unions, records inside themselves and what depends on a call are not among them: the programs of
`tests/property/sources.py` have those, without values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from microprompt.errors import MicropromptError
from microprompt.testing import scripted

from .commands import compile_program, imported, mpc
from .findings import Files, Search, Wrong, raised
from .types import Alias, Enum, Named, Record, Scope, Type, behind, types
from .words import (
    PARAMETER_NAMES,
    SPECIAL_NAMES,
    TAKEN,
    Draw,
    is_no_method_of_models,
    is_no_method_of_strings,
    lines,
    names,
    quoted,
    texts,
)

# ------------------------------------------------------------------------------------------------- files

STD: Final = {
    "std.request": [
        Enum("std.request", "Act", {"question": "question", "command": "request", "declaration": "statement"})
    ],
    "std.dialogue": [Enum("std.dialogue", "Relation", {"related": "related", "fresh": "fresh"})],
}
"""What a program can import from the standard library."""


class _Writer:
    """Draws one file: its types go into the scope, its text into blocks that may stand in any order."""

    def __init__(self, draw: Draw, home: str) -> None:
        self.draw = draw
        self.home = home
        self.scope = Scope(prefixes={home: ""})
        self.blocks: list[str] = []
        self.models: list[str] = []
        # All names of declarations are chosen first: no field may have the name of a type.
        self.taken: set[str] = set(TAKEN)
        self.declared: list[str] = []

    def text(self, imports: Mapping[str, Sequence[Named]], *, prompts: int) -> str:
        draw = self.draw
        for home, named in imports.items():
            self.add_import(home, named)
        kinds = draw(st.lists(st.sampled_from(("enum", "record", "alias", "model")), max_size=5))
        self.declared = [draw(names(self.taken)) for _ in range(len(kinds) + prompts)]
        for kind in kinds:
            getattr(self, f"add_{kind}")(self.declared.pop())
        for name in self.declared:
            self.add_prompt(name)
        blocks = draw(st.permutations(self.blocks))
        head = f'"""{draw(_docstrings)}"""\n\n' if draw(st.booleans()) else ""
        return head + "\n".join(blocks)

    def entries(self, least: int = 1, most: int = 4) -> range:
        return range(self.draw(st.integers(least, most)))

    # ------------------------------------------------------------------------------------- declarations

    def add_import(self, home: str, named: Sequence[Named]) -> None:
        if self.draw(st.booleans()):
            short = self.draw(names(self.taken))
            self.blocks.append(f"import {home} as {short}\n")
            self.scope.prefixes[home] = f"{short}."
        elif named and not self.taken & {one.name for one in named}:
            self.blocks.append(f"from {home} import {', '.join(one.name for one in named)}\n")
            self.taken |= {one.name for one in named}
            self.scope.prefixes[home] = ""
        else:
            self.blocks.append(f"import {home}\n")
            self.scope.prefixes[home] = f"{home}."
        self.scope.types += named

    def add_model(self, name: str) -> None:
        options = self.draw(st.sampled_from(("", " (context=4096)", ' (context=512, layout="plain",)')))
        self.blocks.append(f'model {name} = "smollm2-135m"{options}\n')
        self.models.append(name)

    def add_alias(self, name: str) -> None:
        alias = Alias(self.home, name, self.draw(types(self.scope)))
        self.blocks.append(f"type {name} = {self.scope.write(alias.of)}\n")
        self.scope.types.append(alias)

    def add_enum(self, name: str) -> None:
        taken: set[str] = set()
        labels: set[str] = set()
        members: dict[str, str] = {}
        rows: list[str] = []
        for _ in self.entries(most=6):
            member = self.draw(names(taken, (*SPECIAL_NAMES, "true", "abi"), like=is_no_method_of_strings))
            members[member], written = self.label(member, labels)
            rows.append(f"    {member}{written}{self.description()}\n")
        self.blocks.append(f"enum {name}:\n{''.join(rows)}")
        self.scope.types.append(Enum(self.home, name, members))

    def add_record(self, name: str) -> None:
        taken = self.taken | {one.name for one in self.scope.types}
        labels: set[str] = set()
        fields: dict[str, Type] = {}
        optional: set[str] = set()
        rows: list[str] = []
        for _ in self.entries():
            # A generated module could not tell a field from a type of the same name.
            one = self.draw(names(taken, like=is_no_method_of_models))
            fields[one] = self.draw(types(self.scope))
            default = ""
            if self.draw(st.booleans()):
                default = f" = {self.scope.value(self.draw, fields[one])}"
                optional.add(one)
            _, label = self.label(one, labels)
            rows.append(f"    {one}: {self.scope.write(fields[one])}{default}{label}{self.description()}\n")
        self.blocks.append(f"record {name}:\n{''.join(rows)}")
        self.scope.types.append(Record(self.home, name, fields, frozenset(optional)))

    def label(self, name: str, seen: set[str]) -> tuple[str, str]:
        """The word that the model sees, and how it is written behind the name."""
        label = name if self.draw(st.booleans()) else self.draw(lines())
        while label in seen:
            label += "+"
        seen.add(label)
        return label, "" if label == name else f" as {quoted(label)}"

    def description(self) -> str:
        return f" {quoted(self.draw(texts(0, 12)))}" if self.draw(st.booleans()) else ""

    # ------------------------------------------------------------------------------------------ prompts

    def add_prompt(self, name: str) -> None:
        draw = self.draw
        taken: set[str] = set()
        returns = draw(types(self.scope))
        parameters: dict[str, Type] = {}
        optional: set[str] = set()
        written: list[str] = []
        for _ in self.entries(0, 3):
            parameter = draw(names(taken, PARAMETER_NAMES))
            parameters[parameter] = draw(st.one_of(st.just(returns), types(self.scope)))
            default = ""
            if bool(optional) or draw(st.booleans()):
                default = f" = {self.scope.value(draw, parameters[parameter])}"
                optional.add(parameter)
            written.append(f"{parameter}: {self.scope.write(parameters[parameter])}{default}")
        header = f"prompt {name}({', '.join(written)}) -> {self.scope.write(returns)}:\n"
        clauses = [self.cases(clause, parameters, optional, returns) for clause in ("examples", "tests")]
        clauses = draw(st.permutations([*clauses, self.using(returns)]))
        self.blocks.append("".join([header, self.body(parameters), *clauses]))

    def body(self, parameters: Mapping[str, Type]) -> str:
        holes: list[str] = []
        for name, declared in parameters.items():
            holes.append(f"{{{name}}}")
            record = behind(declared)
            if isinstance(record, Record):
                holes += [f"{{{name}.{one}}}" for one in record.fields]
        piece = st.one_of(_prose, st.sampled_from(holes)) if holes else _prose
        line = st.lists(piece, min_size=1, max_size=3).map(" ".join)
        rows = self.draw(st.lists(line | st.just(""), max_size=5))
        return "".join(f"    {row}\n" if row else "\n" for row in ["Say what it is.", *rows])

    def cases(self, clause: str, parameters: Mapping[str, Type], optional: set[str], returns: Type) -> str:
        rows: list[str] = []
        for _ in self.entries(0, 3):
            given: list[str] = []
            named = False
            for name, declared in parameters.items():
                if name in optional and self.draw(st.booleans()):
                    named = True
                    continue
                named = named or self.draw(st.booleans())
                value = self.scope.value(self.draw, declared)
                given.append(f"{name}={value}" if named else value)
            answer = self.scope.value(self.draw, returns, alone=True)
            rows.append(f"    {', '.join(given)}{' ' if given else ''}->{self.draw(_BREAK)}{answer}\n")
        return f"{clause}:\n{''.join(rows)}" if rows else ""

    def using(self, returns: Type) -> str:
        settings = {
            "temperature": ("0", "2", "0.5", "1e-1"),
            "seed": ("0", "7", "999999999999999"),
            "timeout": ("20", "0.5"),
            "max_tokens": ("9999",),
            "model": ('"smollm2-135m"', *self.models),
        }
        if isinstance(behind(returns), Record):
            settings["fields"] = ('"ordered"', '"independent"')
        chosen = self.draw(st.lists(st.sampled_from(sorted(settings)), unique=True, max_size=3))
        rows = [f"    {name} = {self.draw(st.sampled_from(settings[name]))}\n" for name in chosen]
        return f"using:\n{''.join(rows)}" if rows else ""


_BREAK: Final = st.sampled_from((" ", " ", "\n        "))
_prose: Final = lines(20).map(lambda text: text.replace("{", "{{").replace("}", "}}"))
_docstrings: Final = texts(0, 30).map(
    lambda text: re.sub(r'[\x00-\x08\x7f]|"+$', "", text.replace('"""', "")) + "."
)


@st.composite
def programs(draw: Draw) -> dict[str, bytes]:
    """A program: `main.mp`, and files that it may import."""
    files: dict[str, bytes] = {}
    imports: dict[str, Sequence[Named]] = {
        home: STD[home] for home in draw(st.lists(st.sampled_from(sorted(STD)), unique=True))
    }
    for home in ("parts", "shop.stock"):
        if draw(st.integers(0, 3)) == 0:
            writer = _Writer(draw, home)
            files[home.replace(".", "/") + ".mp"] = writer.text(dict(imports), prompts=0).encode()
            imports[home] = [one for one in writer.scope.types if one.home == home]
    files["main.mp"] = _Writer(draw, "main").text(imports, prompts=draw(st.integers(1, 2))).encode()
    if len(files) > 1 or draw(st.booleans()):
        files["pyproject.toml"] = b""  # the root, from which a file in a folder finds another
    return files


# ------------------------------------------------------------------------------------------------ search


def search(round: Search) -> None:
    """Build random programs, and answer their tests as they say."""

    def trial(files: Files) -> None:
        if "main.mp" not in files:
            return
        if not compile_program(files, round.folder, slow=round.slow):
            said = mpc("check", str(round.folder)).output
            codes = ", ".join(sorted(set(re.findall(r"error\[(MP\d+)\]", said)))) or "no code"
            raise Wrong(f"a valid program is refused: {codes}", said)
        with imported(round.folder, "main") as module:
            answer_as_scripted(module)

    round.try_all(programs(), trial)


def answer_as_scripted(module: Any) -> None:
    """Let every prompt function of a module give the answers that its examples and tests promise."""
    for function in prompt_functions(module):
        program = function.program
        names = [parameter.name for parameter in program.parameters]
        for case in (*program.examples, *program.tests):
            with scripted({program.name: lambda case=case, **_: case.answer}):
                try:
                    answer = function.detail(**dict(zip(names, case.arguments, strict=True)))
                    json.dumps(answer.to_json(), allow_nan=False)
                except MicropromptError as error:
                    about = f"{type(error).__name__} for {type(program.returns).__name__}"
                    raise Wrong(f"an answer of an example is refused: {about}", str(error)) from error
                except Exception as error:
                    raise raised("an answer of an example raises", error) from error
            if answer.value != case.answer:
                raise Wrong(
                    "an answer is not the one that was scripted", f"{case.answer!r} becomes {answer.value!r}"
                )


def prompt_functions(module: Any) -> list[Any]:
    """The prompt functions of a module, imported ones too."""
    return [
        found for found in vars(module).values() if hasattr(found, "program") and hasattr(found, "detail")
    ]
