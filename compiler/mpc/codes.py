"""The registry of diagnostic codes: one entry for each thing the compiler can find, with its explanation.

The hundreds name the stage: 00 reading, 01 syntax, 02 names, 03 types, 04 bodies, 05 values, 06 settings,
07 imports, 08 tunings, 09 output, 11 hints about programs that mean something else than they say.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

TUNINGS: Final = "MP08"
"""How the codes of what is wrong with a tuning begin."""


class Severity(StrEnum):
    """An error keeps the file from being built; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of diagnostic: its stable number, a short title, and what `mpc explain` says."""

    number: str
    severity: Severity
    title: str
    explanation: str


def explain(code: str) -> str | None:
    """The explanation of a code such as `MP0203`, or `None` for one that does not exist."""
    found = REGISTRY.get(code.strip().upper())
    if found is None:
        return None
    text = textwrap.fill(found.explanation, width=88, break_long_words=False, break_on_hyphens=False)
    return f"{found.severity}[{found.number}]: {found.title}\n\n{text}\n"


def index() -> str:
    """The error index of the documentation, in Markdown."""
    entries = [
        f"## {code.number}: {code.title}\n\n*{code.severity}*\n\n{code.explanation}\n"
        for code in REGISTRY.values()
    ]
    head = "# Diagnostics\n\nGenerated from `mpc/codes.py`; `mpc explain CODE` prints an entry.\n"
    return "\n".join([head, *entries])


def _error(number: str, title: str, explanation: str) -> Code:
    return Code(number, Severity.ERROR, title, explanation)


def _warning(number: str, title: str, explanation: str) -> Code:
    return Code(number, Severity.WARNING, title, explanation)


_CODES: Final = (
    # ------------------------------------------------------------------------------------------ reading
    _error(
        "MP0001",
        "not a text file",
        "A source file is text in UTF-8. This one holds a NUL byte or a byte sequence that is not "
        "UTF-8: it is a binary file, or text in another encoding. Save it as UTF-8.",
    ),
    _error(
        "MP0002",
        "line too long",
        "A line may have 65,536 characters. Longer ones are nearly always data in the wrong file; "
        "text that long does not fit a small model's context either.",
    ),
    _warning(
        "MP0003",
        "byte order mark",
        "The file starts with a byte order mark, which UTF-8 does not need. It is skipped; save "
        "the file as UTF-8 without a BOM to make the warning go away.",
    ),
    _warning(
        "MP0004",
        "carriage returns",
        "The file has Windows or old Macintosh line ends. They are read as plain line ends, so "
        "that a prompt is the same on every machine; save the file with LF line ends to make the "
        "warning go away.",
    ),
    _warning(
        "MP0005",
        "empty file",
        "The file declares nothing, so the generated module is empty too.",
    ),
    # ------------------------------------------------------------------------------------------- syntax
    _error(
        "MP0101",
        "unexpected text",
        "The parser met something that cannot stand at this place. The label says what could.",
    ),
    _error(
        "MP0102",
        "unterminated string",
        'A string starts and ends with `"` on one line. Write a quote inside it as `\\"` and a '
        "line break as `\\n`.",
    ),
    _error(
        "MP0103",
        "tab in indentation",
        "Indentation is made of spaces. Tabs have no fixed width, and a prompt that looks right "
        "in one editor would reach the model with other white space than in the next.",
    ),
    _error(
        "MP0104",
        "missing colon",
        "A block starts with a colon at the end of its first line: `enum Act:`, `record Ticket:`, "
        "`prompt classify(text: str) -> Act:`, `examples:`.",
    ),
    _error(
        "MP0105",
        "not a declaration",
        "A line that starts at column 0 starts a declaration: `import`, `from`, `model`, `type`, "
        "`enum`, `record`, `prompt`, or one of a prompt's clauses, `examples:`, `tests:`, "
        "`using:`. What belongs to a declaration is indented.",
    ),
    _error(
        "MP0106",
        "not part of this version",
        "The word is reserved for a feature that this version of the language does not have yet: "
        "`grammar`, `flow`, `dict`, `date`, `datetime`, unions of types, `one of`, `{if}`, "
        "`{for}`, calls in holes, `@system` and the other roles, tests from a file, `reasoning`.",
    ),
    _error(
        "MP0107",
        "empty block",
        "An enum needs a member, a record a field, a prompt a body, and a clause an entry, each "
        "on an indented line of its own.",
    ),
    _error(
        "MP0108",
        "uneven indentation",
        "The entries of a block are indented alike. The first entry sets the indentation.",
    ),
    _error(
        "MP0109",
        "indented text that belongs to nothing",
        "Indented lines belong to the declaration above them. Here there is none, or it is complete: an "
        "alias, a model and an import own no lines, and a comment at the beginning of a line ends a body.",
    ),
    _error(
        "MP0110",
        "unknown escape",
        'The escapes in a string are `\\n`, `\\t`, `\\"`, `\\\\` and `\\uXXXX` with four hexadecimal '
        "digits. Write a backslash as `\\\\`.",
    ),
    _error(
        "MP0111",
        "misplaced or unfinished docstring",
        'A file may start with one docstring between `"""`, before any declaration.',
    ),
    _error(
        "MP0112",
        "misplaced clause",
        "`examples:`, `tests:` and `using:` follow the body of the prompt they belong to, each at most once.",
    ),
    _error(
        "MP0113",
        "nested too deeply",
        "Brackets may be nested 32 deep, and so may types. No small model gets such a value right.",
    ),
    _error(
        "MP0114",
        "character that changes the direction of text",
        "The characters U+202A to U+202E and U+2066 to U+2069 show text in another order than it is "
        "stored in. The source is what the model is told, so people and the model must read the "
        "same. Text in Arabic or Hebrew letters needs none of these characters; where a string must "
        "hold one, write it as `\\u202e`.",
    ),
    _warning(
        "MP0115",
        "a comment allows what is no warning",
        "A comment `# mpc: allow MP0404` says that a warning is known and meant. It names the codes of "
        "warnings; errors cannot be allowed.",
    ),
    _warning(
        "MP0116",
        "a comment allows nothing",
        "A comment such as `# mpc: allow MP0404` is about its line; alone on a line, about the entry below; "
        "and at the beginning of a line, about the declaration below with its clauses. Nothing there "
        "gives the warning that it names, so the comment has outlived its reason.",
    ),
    # -------------------------------------------------------------------------------------------- names
    _error(
        "MP0201",
        "name declared twice",
        "Declarations and imports of a file share one set of names, because they become names of "
        "one Python module.",
    ),
    _error(
        "MP0202",
        "member, field or parameter declared twice",
        "The members of an enum, the fields of a record and the parameters of a prompt have different names.",
    ),
    _error(
        "MP0203",
        "unknown type",
        'The types are `str`, `int`, `float`, `bool`, `list[T]`, literals such as `"yes" | "no"`, '
        "`T?`, and the enums, records and type aliases that the file declares or imports.",
    ),
    _error(
        "MP0204",
        "not a type",
        "The name belongs to something else than a type: a prompt, a model or a module.",
    ),
    _error(
        "MP0205",
        "name cannot be used",
        "Names become Python names. Python's keywords are taken, and so are names that start with "
        "`_` and those the generated module needs for itself. The members of an enum are Python "
        "strings and the records Pydantic models, so their methods' names are taken there too. "
        'The word the model sees is free: `class_ as "class"`.',
    ),
    _warning(
        "MP0206",
        "look-alike name",
        "Letters of different alphabets can look the same, such as the Latin and the Cyrillic a. A "
        "name that mixes such letters in one word, or that looks like another name beside it, "
        "misleads readers. Names in one alphabet, whichever it is, are fine.",
    ),
    # -------------------------------------------------------------------------------------------- types
    _error(
        "MP0301",
        "range that nothing is in",
        "The lower end of a range is above its upper end, or no number with 6 digits behind the point lies "
        "between them, so no value could ever satisfy the type.",
    ),
    _error(
        "MP0302",
        "constraint on a type that takes none",
        "A range in parentheses is the value of `int` and `float`, the length of `str` and the "
        "count of a list; a pattern `/.../` goes with `str`. Other types take no constraint, and "
        "an alias is constrained where it is declared.",
    ),
    _error(
        "MP0303",
        "bound that does not fit",
        "The ends of a range are whole numbers except for `float`, lengths and counts are not "
        "negative and allow more than nothing, and numbers have at most 15 digits before the "
        "point.",
    ),
    _error(
        "MP0304",
        "pattern that cannot be compiled",
        "A pattern is a regular expression in the part of the syntax that Python's `re` and Rust's "
        "`regex` share: no look-around, no back-references, no word boundaries, no `\\p{...}`, no flags "
        "but `(?i)` at its start and `(?i:...)`, groups at most 50 deep, at most 1,000 characters, and "
        "counts inside one another that make at most 500 characters of it, as `(.{1,20}){1,20}` makes 400. "
        "It matches the whole text, so `^` and `$` may stand only where it begins and ends.",
    ),
    _error(
        "MP0305",
        "pattern that never matches",
        "No text of up to 200 characters, the bound of a string, matches the pattern, or the "
        "pattern is too complex to tell.",
    ),
    _error(
        "MP0306",
        "type that contains itself",
        "Every type has a longest value, so that every answer ends. A record that contains "
        "itself, directly or through other types, has none.",
    ),
    _error(
        "MP0307",
        "words that the model cannot tell apart",
        "Two members of an enum, two fields of a record or two literals are shown to the model as "
        "the same word. The word `none` also stands for the missing value of an optional type.",
    ),
    _error(
        "MP0308",
        "word that the model cannot answer",
        "The word for a member, a field or a literal is one line of text, neither empty nor "
        "starting or ending with a space. Joiners (U+200C, U+200D) and no-break spaces are "
        "part of words, other characters that do not show are not.",
    ),
    _error(
        "MP0309",
        "wrong number of type arguments",
        "A list names the type of its items, `list[str]`; no other type has arguments.",
    ),
    _error(
        "MP0310",
        "lower bound above the default upper bound",
        "A string without an upper bound has at most 200 characters and a list at most 16 items. "
        "A lower bound beyond that needs an upper bound too.",
    ),
    _error(
        "MP0311",
        "optional twice",
        "`T?` is a `T` or none. Making it optional again adds nothing.",
    ),
    _error(
        "MP0312",
        "answer that no context could hold",
        "The longest answer of a prompt's return type may have 1,000,000 characters. A string "
        "without an upper bound counts as 200 characters and a list as 16 items. Bound the lengths "
        "of strings and lists, so that an answer fits the context of a small model.",
    ),
    # ------------------------------------------------------------------------------------------- bodies
    _error(
        "MP0401",
        "unknown parameter in a hole",
        "A hole `{name}` is filled with the argument for the parameter `name`. Write a brace that "
        "is text as `{{` or `}}`.",
    ),
    _error(
        "MP0402",
        "unknown field in a hole",
        "`{ticket.product}` is the field `product` of the argument for `ticket`.",
    ),
    _error(
        "MP0403",
        "field of something that is not a record",
        "Only records have fields. The field of an optional record is not allowed either, because "
        "the record may be missing.",
    ),
    _warning(
        "MP0404",
        "parameter that is not used",
        "No hole of the body shows the parameter, so the model never sees the argument.",
    ),
    _error(
        "MP0405",
        "malformed hole",
        "A hole holds the name of a parameter, or the way to one of its fields: `{text}`, "
        "`{ticket.product}`. It holds no expressions. Write a brace that is text as `{{` or `}}`.",
    ),
    _error(
        "MP0406",
        "unbalanced brace",
        "A hole ends with `}` on the line it starts on. Write a brace that is text as `{{` or `}}`.",
    ),
    # ------------------------------------------------------------------------------------------- values
    _error(
        "MP0501",
        "missing or surplus argument",
        "An example gives every parameter without a default a value, as in a call: first by "
        "position, then by name. The same holds for the fields of a record, which are given by "
        "name.",
    ),
    _error(
        "MP0502",
        "unknown or repeated argument",
        "An argument's name is that of a parameter or field, and each gets one value.",
    ),
    _error(
        "MP0503",
        "value of the wrong type",
        "The value is not of the declared type.",
    ),
    _error(
        "MP0504",
        "value outside its range",
        "The value is of the declared type but outside its range, or does not match its pattern.",
    ),
    _error(
        "MP0505",
        "unknown member",
        "The value is not one of the enum's members. Members are written by their name in the "
        "program, not by the word that the model sees.",
    ),
    _error(
        "MP0506",
        "unknown name in a value",
        "A value is a string, a number, `true`, `false`, `none`, a member of an enum, a record "
        "written like a call, or a list. A record's name must be in scope.",
    ),
    _error(
        "MP0507",
        "parameter without a default after one with a default",
        "As in Python, parameters with a default come last.",
    ),
    # ----------------------------------------------------------------------------------------- settings
    _error(
        "MP0601",
        "unknown setting",
        "`using:` takes `model`, `temperature`, `seed`, `timeout`, `max_tokens`, `fields`, `decide`, "
        "`abstain` and `escalate`; a model takes `context` and `layout`.",
    ),
    _error(
        "MP0602",
        "setting given twice",
        "Each setting has one value.",
    ),
    _error(
        "MP0603",
        "setting with a bad value",
        "`model` is a declared model or a string, `temperature` a number from 0 to 2, `seed` a "
        "whole number from 0, `timeout` a number of seconds above 0, `max_tokens` a whole number "
        'above 0, `fields` "ordered" or "independent", `decide` "labels", `context` a whole number of '
        'tokens above 0, `layout` "plain" or "chat". `abstain` has no value but a threshold, `escalate` '
        "a model and a threshold. A threshold is a number between 0 and 1, and neither of the two: at 0 "
        "it would hold for no answer, at 1 for every one.",
    ),
    _error(
        "MP0604",
        "unknown model",
        'A model is declared by `model small = "smollm2-135m"`, imported, or written as a string.',
    ),
    _error(
        "MP0605",
        "setting that means nothing here",
        "`fields` says how the fields of a record are answered. A prompt that returns anything else has "
        "none. `decide`, `abstain` and `escalate` are about choices, which are made among listed values: "
        "enums, `bool`, literals, and ranges of up to 256 whole numbers. `decide` is for the fields of "
        "records too; the confidence of a whole record is a product, so none is abstained from or escalated.",
    ),
    _error(
        "MP0606",
        "threshold that is missing or misplaced",
        "`abstain` and `escalate` say when: `below 0.6`, where the answer's confidence is under that number, "
        "or `to reach 0.95`, under the one that `mpc tune` finds, above which so many answers were right. "
        "They have one threshold each; other settings have none.",
    ),
    _error(
        "MP0607",
        "abstaining without `?`",
        "The answer of a prompt that abstains is `none`, so its return type is optional: `-> Act?`. What "
        "calls it can then see that there may be no answer.",
    ),
    _error(
        "MP0608",
        "escalating to the same model",
        "`escalate` asks another, usually larger model where the prompt's own is not sure. The same model "
        "would say the same again.",
    ),
    # ------------------------------------------------------------------------------------------ imports
    _error(
        "MP0701",
        "imported file not found",
        "`a.b` is the file `a/b.mp`, looked for beside the importing file, then in the project's "
        "root, which is the nearest folder upward with a `pyproject.toml`, and then in the root's "
        "`src`. `std.x` is a module of the standard library.",
    ),
    _error(
        "MP0702",
        "import cycle",
        "Files that import one another in a circle cannot be compiled, because each needs the "
        "other's types first. Move what both need into a third file.",
    ),
    _error(
        "MP0703",
        "name not in the imported file",
        "The file neither declares nor imports this name.",
    ),
    _error(
        "MP0704",
        "file from outside the project",
        "A source, or a file that it imports, is a symbolic link that leads out of the project's root. "
        "What a program is made of lies in the project, so that a build can neither pick up a "
        "stranger's file nor show what is in it.",
    ),
    # ------------------------------------------------------------------------------------------ tunings
    _warning(
        "MP0801",
        "tuning of an earlier version",
        "What `mpc tune` has learnt is of a prompt as it was: of its parameters, its return type with all "
        "words and descriptions, its body and its examples. One of them has changed since, so what was "
        "learnt is not used. Comments, line ends, tests and settings may change.",
    ),
    _warning(
        "MP0802",
        "tuning of a prompt that is not there",
        "The tuning file beside a program holds an entry for a prompt that the program does not declare. "
        "It was renamed or removed.",
    ),
    _error(
        "MP0803",
        "damaged tuning file",
        "`intake.tuning.json`, beside `intake.mp`, is what `mpc tune` writes, with the numbers in "
        "`intake.tuning.safetensors`. One of the two is not there, not readable, or holds something else. "
        "Get both back from where the program is kept, or delete both and tune again.",
    ),
    _warning(
        "MP0804",
        "threshold without a number",
        "`to reach 0.95` is an accuracy. `mpc tune` finds the confidence above which so many of the answers "
        "to labelled rows were right, and writes it into the tuning file. Until it has, there is no number "
        "to hold an answer against. The number for another accuracy does not do.",
    ),
    # ------------------------------------------------------------------------------------------- output
    _error(
        "MP0901",
        "file that mpc did not generate",
        "The generated module would replace a file that does not start with the header of "
        "generated modules, so it is somebody's own. Rename one of the two.",
    ),
    _error(
        "MP0902",
        "file name that Python cannot import",
        "`intake.mp` becomes the Python module `intake`, so the name is a Python name: letters, "
        "digits and `_`, and no keyword. Outside a package it is also none of Python's own modules "
        "(`types`, `email`, ...) or of those that generated code needs (`microprompt`, `numpy`, ...): "
        "Python would import the file in their place, in every program of its folder.",
    ),
    _error(
        "MP0903",
        "two files with one output",
        "With `--out`, two source files would be written to the same Python file. Build them into "
        "two folders.",
    ),
    # -------------------------------------------------------------------------------------------- hints
    _warning(
        "MP1101",
        "words that differ only in how they are written",
        "The words of a choice, or of a record's fields, differ only in capitals, spaces, dashes or `_`. "
        "A small model takes them for the same word, and so would a reader.",
    ),
    _warning(
        "MP1102",
        "text that every call pays for",
        "What stands before the paragraph of the first hole is evaluated once and kept; what stands behind "
        "it is evaluated anew in every call. Here most of the English stands behind it. Move the hole to "
        "the end of the body, and the instruction in front of it.",
    ),
    _warning(
        "MP1103",
        "examples that contradict each other",
        "Two examples have the same arguments and different answers. The model is shown both, and what is "
        "fitted on the examples learns from both that nothing can be known.",
    ),
    _warning(
        "MP1104",
        "a test that is an example",
        "The test's arguments are those of an example, so the model is shown the answer that it is tested "
        "on: the test says nothing about texts that it has not seen.",
    ),
    _warning(
        "MP1105",
        "a label without an example",
        "Some of the labels of a choice have examples and others have none. A small model prefers what it "
        "is shown, and what is fitted on the examples knows nothing of the others.",
    ),
    _warning(
        "MP1106",
        "an answer that is likely to be copied",
        "Every example gives a field of free text the same text, or there is but one example. A small model "
        "copies it into answers to other arguments. Give examples with different texts; where the field is "
        "taken from an argument, let its type say so.",
    ),
)

REGISTRY: Final[Mapping[str, Code]] = MappingProxyType({code.number: code for code in _CODES})
