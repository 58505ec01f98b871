"""Random programs that the language reference allows, over the whole language.

Every one must be accepted, build to the same bytes twice, and be importable; and what its examples and tests
give as answers, a model must be able to answer. A program is a dictionary of files, of which `main.mp` may
import the others.
"""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from pydantic import BaseModel

from microprompt.errors import MicropromptError
from microprompt.testing import scripted

from .commands import compile_program, imported, mpc
from .findings import Files, Search, Wrong, raised

Draw: TypeAlias = st.DrawFn

# ------------------------------------------------------------------------------------------------- words

ALPHABETS: Final = (
    "abcdexyzT",
    "äöüßé",
    "абвгд",
    "αβγδε",
    "日本語",
    "한국어",
    "עברית",
    "ابجد",
    "नमसत",
    "กขค",
)
"""Names keep to one: mixed ones are allowed to be warned of."""

CHARACTERS: Final = (
    *"ab z 0 .,:;?!",
    *"\"'`\\{}[]()<>|#@/&%$=-_~*^",
    *"éß日шم🙂",
    *("\u0301", "\u200c", "\u200d", "\u00a0", "\u3000", "👩\u200d🚒"),
)
"""One-line text: quotes and whatever else generated code might trip over, many alphabets, joiners."""

CONTROLS: Final = ("\n", "\t", "\x7f", "\x85", "\u2028")
"""What else an answer may hold inside a record or a list."""

SPECIAL_NAMES: Final = ("self", "cls", "args", "kwargs", "text", "type", "model", "match", "print", "object")
"""Names that are nothing special in the language."""

PARAMETER_NAMES: Final = (
    *SPECIAL_NAMES,
    "str",
    "list",
    "abi",
    "Field",
    "prompt",
    "call",
    "program",
    "timeout",
)

# What the reference reserves: names of types, and those that a generated module needs.
_TAKEN: Final = {
    *(
        "str",
        "int",
        "float",
        "bool",
        "list",
        "dict",
        "set",
        "date",
        "time",
        "datetime",
        "decimal",
        "span",
        "std",
        "true",
        "false",
        "none",
    ),
    *("Annotated", "Field", "Literal", "NotImplementedError", "Pattern", "Record"),
    *("LabelEnum", "TypeAlias", "abi", "annotations", "mpstd", "prompt", "microprompt"),
    *("Decimal", "dt", "frozenset"),
}


def lines(most: int = 12) -> st.SearchStrategy[str]:
    """One line of text without blanks around it, of which something is to be seen."""
    return st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=most).map(_joined).filter(_is_visible)


def texts(least: int, most: int) -> st.SearchStrategy[str]:
    """Any text."""
    characters = st.sampled_from((*CHARACTERS[:-1], *CONTROLS))
    return st.lists(characters, min_size=least, max_size=min(most, least + 10)).map("".join)


def _joined(characters: Sequence[str]) -> str:
    return "".join(characters).strip()


def _is_visible(text: str) -> bool:
    return bool(text.strip("\u200c\u200d"))


def quoted(text: str) -> str:
    """A string of the language."""
    plain = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(plain.get(character) or _escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    is_control = unicodedata.category(character) in ("Cc", "Zl", "Zp")
    return f"\\u{ord(character):04x}" if is_control else character


@st.composite
def names(
    draw: Draw,
    taken: set[str],
    special: Sequence[str] = SPECIAL_NAMES,
    *,
    like: Callable[[str], bool] | None = None,
) -> str:
    """A name that is not in `taken`, where it is put, and that `like` allows."""
    base = st.text(st.sampled_from(draw(st.sampled_from(ALPHABETS))), min_size=1, max_size=5)
    name = draw(st.one_of(base, base.map(lambda text: f"{text}_1"), st.sampled_from(special)))
    while name in taken or keyword.iskeyword(name) or not name.isidentifier() or (like and not like(name)):
        name += "x"
    taken.add(name)
    return name


def _is_no_method_of_strings(name: str) -> bool:
    return not hasattr(str, name) and name not in ("label", "mro", "name", "value")


def _is_no_method_of_models(name: str) -> bool:
    return not hasattr(BaseModel, name) and not name.startswith("model_")


# ------------------------------------------------------------------------------------------------- types


@dataclass(frozen=True, slots=True)
class Text:
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    regex: str


@dataclass(frozen=True, slots=True)
class Number:
    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    pass


@dataclass(frozen=True, slots=True)
class Literals:
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Single:
    """A type as it is written, and some of its values."""

    written: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """A set of the labels of a choice."""

    of: Literals | Enum


@dataclass(frozen=True, slots=True)
class Entries:
    """A dict of values of a type."""

    of: Type


@dataclass(frozen=True, slots=True)
class Items:
    of: Type
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Maybe:
    of: Type


@dataclass(frozen=True, slots=True)
class Enum:
    """`home` is the file that declares it, as an import names it."""

    home: str
    name: str
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """`fields` holds the types by name; those in `optional` have a default."""

    home: str
    name: str
    fields: Mapping[str, Type]
    optional: frozenset[str]


@dataclass(frozen=True, slots=True)
class Alias:
    home: str
    name: str
    of: Type


Named: TypeAlias = Enum | Record | Alias
Type: TypeAlias = (
    Text | Pattern | Number | Truth | Literals | Single | Labels | Entries | Items | Maybe | Named
)

SINGLES: Final = (
    Single("date", ("2024-02-29", "0001-01-01", "9999-12-31")),
    Single("date(2020-01-01..)", ("2020-01-01", "2100-02-28")),
    Single("time(08:00..18:00)", ("08:00", "17:59:59")),
    Single("datetime(..2030-12-31T23:59)", ("2024-02-29T08:30", "1999-12-31T00:00:01")),
    Single("decimal", ("0.125", "-12", "999999999999999.999999")),
    Single("decimal(-1.00..99.995)", ("12.5", "-0.01", "7")),
    Single("1 | 5 | 10", ("1", "5", "10")),
    Single('"auto" | -3 | 3', ('"auto"', "-3")),
)

PATTERNS: Final = (
    r"[A-Z]{2}-[0-9]{3}",
    r"\d{4}-\d\d-\d\d",
    r"[a-z]+@[a-z]+\.(com|org)",
    r"a\/b|c\\d",
    r"(x|yy){3,5}",
    r"[^a-z,]{2,4}",
    r".{1,9}",
    r"\w{1,5}( \w{1,5}){0,2}",
    r"[äöü日]+",
    r"(?i:yes|no)",
)


def behind(declared: Type) -> Type:
    """The type behind aliases."""
    while isinstance(declared, Alias):
        declared = declared.of
    return declared


def has_none(declared: Type) -> bool:
    """Whether the word of the missing value is taken."""
    match behind(declared):
        case Literals(words):
            return "none" in words
        case Enum(members=members):
            return "none" in members.values()
        case Maybe():
            return True
        case _:
            return False


def bounded(low: float | None, high: float | None) -> str:
    """A range of the language."""

    def end(number: float | None) -> str:
        return "" if number is None else str(number)

    return "" if low is None and high is None else f"({end(low)}..{end(high)})"


@dataclass(slots=True)
class Scope:
    """What a file can name: the types, and before the names of those from another file, its prefix."""

    types: list[Named] = field(default_factory=list)
    prefixes: dict[str, str] = field(default_factory=dict)

    def name(self, named: Named) -> str:
        return self.prefixes.get(named.home, "") + named.name

    def write(self, declared: Type) -> str:
        """A type as this file writes it."""
        match declared:
            case Text(low, high):
                return f"str{bounded(low, high)}"
            case Pattern(regex):
                return f"str(/{regex}/)"
            case Number(name, low, high):
                return f"{name}{bounded(low, high)}"
            case Truth():
                return "bool"
            case Literals(words):
                return " | ".join(map(quoted, words))
            case Single(written):
                return written
            case Labels(of):
                return f"set[{self.write(of)}]"
            case Entries(of):
                return f"dict[str, {self.write(of)}]"
            case Items(of, low, high):
                return f"list[{self.write(of)}]{bounded(low, high)}"
            case Maybe(of):
                inner = self.write(of)
                return f"({inner})?" if " | " in inner else f"{inner}?"
            case Enum() | Record() | Alias():
                return self.name(declared)

    def value(self, draw: Draw, declared: Type, *, alone: bool = False) -> str:
        """A value of a type, which an answer may hold; `alone` if it is the whole answer."""
        match behind(declared):
            case Text(low, high):
                return quoted(draw(_lines_within(low, high) if alone else _texts_within(low, high)))
            case Pattern(regex):
                strategy = st.from_regex(
                    regex, fullmatch=True, alphabet=st.characters(max_codepoint=126, min_codepoint=32)
                )
                if "日" in regex:
                    strategy = st.text("äöü日", min_size=1, max_size=9)
                return quoted(draw(strategy.filter(lambda text: len(text) <= 200)))
            case Number(name, low, high):
                return draw(_numbers(name, low, high))
            case Truth():
                return draw(st.sampled_from(("true", "false")))
            case Literals(words):
                return quoted(draw(st.sampled_from(words)))
            case Single(_, values):
                return draw(st.sampled_from(values))
            case Labels(of):
                labels = list(map(quoted, of.words)) if isinstance(of, Literals) else list(of.members)
                return "{" + draw(_COMMAS).join(draw(st.lists(st.sampled_from(labels), unique=True))) + "}"
            case Entries(of):
                keys = draw(st.lists(lines(), max_size=3, unique=True))
                entries = [f"{quoted(key)}: {self.value(draw, of)}" for key in keys]
                return "{" + draw(_COMMAS).join(entries) + "}"
            case Items(of, low, high):
                least = low or 0
                count = draw(st.integers(least, min(16 if high is None else high, least + 3)))
                return "[" + draw(_COMMAS).join(self.value(draw, of) for _ in range(count)) + "]"
            case Maybe(of):
                return "none" if draw(st.booleans()) else self._present(draw, of, alone=alone)
            case Enum(members=members) as enum:
                member = draw(st.sampled_from(sorted(members)))
                return member if draw(st.booleans()) else f"{self.name(enum)}.{member}"
            case Record(fields=fields, optional=optional) as record:
                given = [
                    f"{name}={self.value(draw, of)}"
                    for name, of in fields.items()
                    if name not in optional or draw(st.booleans())
                ]
                return f"{self.name(record)}({draw(_COMMAS).join(given)})"
            case Alias():
                raise AssertionError("`behind` leaves no alias")

    def _present(self, draw: Draw, declared: Type, *, alone: bool) -> str:
        written = self.value(draw, declared, alone=alone)
        # By itself the word stands for the missing value, with and without quotes.
        return '"some"' if written == '"none"' and isinstance(behind(declared), Text) else written


_COMMAS: Final = st.sampled_from((", ", ",", ",\n            "))


def _texts_within(low: int | None, high: int | None) -> st.SearchStrategy[str]:
    return texts(low or 0, 200 if high is None else high)


def _lines_within(low: int | None, high: int | None) -> st.SearchStrategy[str]:
    least, most = low or 0, 200 if high is None else high
    characters = st.sampled_from(CHARACTERS[:-1])
    return (
        st.lists(characters, min_size=least, max_size=min(most, least + 10))
        .map("".join)
        .map(lambda text: "x" + text[1:] if text[:1].isspace() else text)
    )


def _numbers(name: str, low: float | None, high: float | None) -> st.SearchStrategy[str]:
    least = -(10**15) + 1 if low is None else low
    most = 10**15 - 1 if high is None else high
    if name == "int":
        return st.integers(int(least), int(most)).map(str)
    # Written with the six digits that an answer has behind its point.
    millionths = st.integers(round(least * 10**6), round(most * 10**6))
    return millionths.map(
        lambda number: f"{'-' if number < 0 else ''}{abs(number) // 10**6}.{abs(number) % 10**6:06}"
    )


@st.composite
def types(draw: Draw, scope: Scope, depth: int = 2) -> Type:
    """A type that can be written in a scope."""
    kinds = ["text", "pattern", "int", "float", "bool", "literals", *(["named"] * 3 if scope.types else [])]
    kinds += ["single", "single", "set"]
    kind = draw(st.sampled_from([*kinds, "list", "dict", "maybe"] if depth else kinds))
    match kind:
        case "text":
            low, high = draw(_range(0, 30, least_high=1))
            return Text(low, high)
        case "pattern":
            return Pattern(draw(st.sampled_from(PATTERNS)))
        case "int":
            return Number("int", *draw(_range(-300, 10**6)))
        case "float":
            low, high = draw(_range(-300, 10**6))
            return Number("float", low, high if high is None else high + 0.5)
        case "bool":
            return Truth()
        case "literals":
            return Literals(tuple(draw(st.lists(lines(), min_size=1, max_size=5, unique=True))))
        case "single":
            return draw(st.sampled_from(SINGLES))
        case "set":
            enums = [found for found in scope.types if isinstance(found, Enum)]
            words = draw(st.lists(lines(), min_size=1, max_size=5, unique=True))
            choices: list[Literals | Enum] = [*enums, Literals(tuple(words))]
            return Labels(draw(st.sampled_from(choices)))
        case "dict":
            return Entries(draw(types(scope, depth - 1)))
        case "named":
            return draw(st.sampled_from(scope.types))
        case "list":
            low, high = draw(_range(0, 4, least_high=1))
            return Items(draw(types(scope, depth - 1)), low, high)
        case _:
            of = draw(types(scope, depth - 1))
            return of if has_none(of) else Maybe(of)


@st.composite
def _range(draw: Draw, least: int, most: int, least_high: int | None = None) -> tuple[int | None, int | None]:
    low = draw(st.none() | st.integers(least, most))
    bottom = max(least if low is None else low, least if least_high is None else least_high)
    return low, draw(st.none() | st.integers(bottom, most + 1))


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
        self.taken: set[str] = set(_TAKEN)
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
            member = self.draw(names(taken, (*SPECIAL_NAMES, "true", "abi"), like=_is_no_method_of_strings))
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
            one = self.draw(names(taken, like=_is_no_method_of_models))
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
