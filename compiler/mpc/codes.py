"""The registry of diagnostic codes: one row for each thing the compiler can find, with a page beside it.

The hundreds name the stage: 00 reading, 01 syntax, 02 names, 03 types, 04 bodies, 05 values, 06 settings,
07 imports, 08 tunings, 09 output, 10 expressions, 11 hints about programs that mean something else than they
say.
"""

from __future__ import annotations

import re
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
    """A kind of diagnostic: its stable number and a short title. Its page says the rest."""

    number: str
    severity: Severity
    title: str

    @property
    def page(self) -> str:
        """What it is, why it is so, and what is wrong and right, in Markdown: `explanations/NUMBER.md`."""
        from importlib.resources import files  # not at the top: it takes longer than all else here

        return files("mpc").joinpath("explanations", f"{self.number}.md").read_text(encoding="utf-8")


def explain(code: str) -> str | None:
    """The explanation of a code such as `MP0203` for a terminal, or `None` for one that does not exist."""
    found = REGISTRY.get(code.strip().upper())
    if found is None:
        return None
    paragraphs = (_on_terminal(paragraph) for paragraph in _PARAGRAPH.findall(found.page))
    return "\n\n".join((f"{found.severity}[{found.number}]: {found.title}", *paragraphs)) + "\n"


_PARAGRAPH: Final = re.compile(r"^```\w*\n[\s\S]*?^```$|(?:^(?!```)[^\n]+\n?)+", re.MULTILINE)


def _on_terminal(paragraph: str) -> str:
    if paragraph.startswith("```"):
        return textwrap.indent("\n".join(paragraph.splitlines()[1:-1]), "    ")
    return textwrap.fill(paragraph, width=88, break_long_words=False, break_on_hyphens=False)


def index() -> str:
    """The error index of the documentation, in Markdown."""
    entries = [
        f"## {code.number}: {code.title}\n\n*{code.severity}*\n\n{code.page}" for code in REGISTRY.values()
    ]
    head = "# Diagnostics\n\nGenerated from `mpc/explanations`; `mpc explain CODE` prints an entry.\n"
    return "\n".join([head, *entries])


def _error(number: str, title: str) -> Code:
    return Code(number, Severity.ERROR, title)


def _warning(number: str, title: str) -> Code:
    return Code(number, Severity.WARNING, title)


_CODES: Final = (
    # ------------------------------------------------------------------------------------------ reading
    _error("MP0001", "not a text file"),
    _error("MP0002", "line too long"),
    _warning("MP0003", "byte order mark"),
    _warning("MP0004", "carriage returns"),
    _warning("MP0005", "empty file"),
    # ------------------------------------------------------------------------------------------- syntax
    _error("MP0101", "unexpected text"),
    _error("MP0102", "unterminated string"),
    _error("MP0103", "tab in indentation"),
    _error("MP0104", "missing colon"),
    _error("MP0105", "not a declaration"),
    _error("MP0107", "empty block"),
    _error("MP0108", "uneven indentation"),
    _error("MP0109", "indented text that belongs to nothing"),
    _error("MP0110", "unknown escape"),
    _error("MP0111", "misplaced or unfinished docstring"),
    _error("MP0112", "misplaced clause"),
    _error("MP0113", "nested too deeply"),
    _error("MP0114", "character that changes the direction of text"),
    _warning("MP0115", "a comment allows what is no warning"),
    _warning("MP0116", "a comment allows nothing"),
    # -------------------------------------------------------------------------------------------- names
    _error("MP0201", "name declared twice"),
    _error("MP0202", "member, field or parameter declared twice"),
    _error("MP0203", "unknown type"),
    _error("MP0204", "not a type"),
    _error("MP0205", "name cannot be used"),
    _warning("MP0206", "look-alike name"),
    # -------------------------------------------------------------------------------------------- types
    _error("MP0301", "range that nothing is in"),
    _error("MP0302", "constraint on a type that takes none"),
    _error("MP0303", "bound that does not fit"),
    _error("MP0304", "pattern that cannot be compiled"),
    _error("MP0305", "pattern that never matches"),
    _error("MP0306", "type that contains itself without an end"),
    _error("MP0307", "words that the model cannot tell apart"),
    _error("MP0308", "word that the model cannot answer"),
    _error("MP0309", "wrong number of type arguments"),
    _error("MP0310", "lower bound above the default upper bound"),
    _error("MP0311", "optional twice"),
    _error("MP0312", "answer that no context could hold"),
    _error("MP0320", "number that cannot be a literal"),
    _error("MP0321", "date or time that says too much"),
    _error("MP0322", "date or time that does not exist"),
    _error("MP0323", "date or time in another form"),
    _error("MP0324", "decimal without digits behind the point"),
    _error("MP0340", "types of a union that nothing tells apart"),
    _error("MP0341", "`none` among the types of a union"),
    _error("MP0342", "depth that records cannot have"),
    _error("MP0343", "depth of a record that does not contain itself"),
    _error("MP0344", "default that holds what it is a part of"),
    _error("MP0360", "answer that depends on a parameter which is not there"),
    _error("MP0361", "parameter that nothing can be copied or chosen from"),
    _error("MP0362", "records that are not told apart"),
    _error("MP0363", "example whose answer its argument does not hold"),
    _error("MP0364", "record that is not named"),
    _error("MP0365", "span of nothing"),
    _error("MP0366", "option that is there twice"),
    _error("MP0370", "grammar that cannot be read"),
    _error("MP0371", "grammar that nothing matches"),
    _error("MP0372", "part of a grammar that has no meaning here"),
    _error("MP0373", "grammar with a lower bound"),
    _error("MP0374", "grammar that JSON cannot hold"),
    _error("MP0325", "set of what is no choice"),
    _error("MP0326", "bound beyond the labels there are"),
    _error("MP0327", "dict whose keys are no strings"),
    _error("MP0328", "word for what the model does not see"),
    # ------------------------------------------------------------------------------------------- bodies
    _error("MP0401", "unknown parameter in a hole"),
    _error("MP0402", "unknown field"),
    _error("MP0403", "field of something that is not a record"),
    _warning("MP0404", "parameter that is not used"),
    _error("MP0405", "malformed hole"),
    _error("MP0406", "unbalanced brace"),
    _error("MP0407", "block without an end"),
    _error("MP0408", "end or arm without a block"),
    _error("MP0409", "arm behind the last one"),
    _error("MP0410", "`{if}` without a condition"),
    _error("MP0411", "malformed loop"),
    _error("MP0412", "malformed tag"),
    _error("MP0413", "malformed format"),
    _error("MP0414", "loop over something that is no list"),
    _error("MP0415", "loop that hides a name"),
    _error("MP0416", "number of something that is no list"),
    _warning("MP0417", "empty block"),
    _error("MP0418", "name that is a tag"),
    _warning("MP0419", "parameter in double braces"),
    _error("MP0420", "turn inside a block"),
    _error("MP0421", "unknown role"),
    _error("MP0422", "text before the first turn"),
    _error("MP0423", "turn out of order"),
    _error("MP0424", "conversation that ends with another turn than the user's"),
    _error("MP0425", "empty turn"),
    _error("MP0430", "call of something that is no prompt"),
    _error("MP0431", "argument of another type"),
    _error("MP0432", "call inside a call"),
    _error("MP0433", "prompt that calls itself"),
    # ------------------------------------------------------------------------------------------- values
    _error("MP0501", "missing or surplus argument"),
    _error("MP0502", "unknown or repeated argument"),
    _error("MP0503", "value of the wrong type"),
    _error("MP0504", "value outside its range"),
    _error("MP0505", "unknown member"),
    _error("MP0506", "unknown name in a value"),
    _error("MP0507", "parameter without a default after one with a default"),
    _error("MP0508", "label or key that is there twice"),
    # ----------------------------------------------------------------------------------------- settings
    _error("MP0601", "unknown setting"),
    _error("MP0602", "setting given twice"),
    _error("MP0603", "setting with a bad value"),
    _error("MP0604", "unknown model"),
    _error("MP0605", "setting that means nothing here"),
    _error("MP0606", "threshold that is missing or misplaced"),
    _error("MP0607", "abstaining without `?`"),
    _error("MP0608", "escalating to the same model"),
    _error("MP0609", "reasoning that leaves no room"),
    _error("MP0610", "unknown measure"),
    _error("MP0611", "measure of another type"),
    _error("MP0612", "bound that nothing can be held to"),
    _error("MP0613", "file where tests cannot be"),
    _error("MP0614", "examples in a file"),
    _error("MP0615", "address that leads to no server"),
    _error("MP0616", "answer that a server of choices does not give"),
    # ------------------------------------------------------------------------------------------ imports
    _error("MP0701", "imported file not found"),
    _error("MP0702", "import cycle"),
    _error("MP0703", "name not in the imported file"),
    _error("MP0704", "file from outside the project"),
    _warning("MP0705", "import that is not used"),
    _error("MP0706", "import of everything"),
    _error("MP0707", "import in another language's form"),
    _error("MP0708", "name imported twice"),
    _error("MP0709", "name imported and declared"),
    _error("MP0710", "Python module that cannot be imported"),
    _error("MP0711", "name not in the Python module"),
    _error("MP0712", "Python name that is no class of fields or members"),
    _error("MP0713", "Python class without a counterpart"),
    # ------------------------------------------------------------------------------------------ tunings
    _warning("MP0801", "tuning of an earlier version"),
    _warning("MP0802", "tuning of a prompt that is not there"),
    _error("MP0803", "damaged tuning file"),
    _warning("MP0804", "threshold without a number"),
    # ------------------------------------------------------------------------------------------- output
    _error("MP0901", "file that mpc did not generate"),
    _error("MP0902", "file name that Python cannot import"),
    _error("MP0903", "two files with one output"),
    # -------------------------------------------------------------------------------------- expressions
    _error("MP1001", "malformed expression"),
    _error("MP1002", "unknown name in an expression"),
    _error("MP1003", "values that do not compare"),
    _error("MP1004", "values without an order"),
    _error("MP1005", "calculation without a number"),
    _error("MP1006", "decimal and float in one calculation"),
    _error("MP1007", "value that may be none"),
    _error("MP1008", "not a condition"),
    _error("MP1009", "unknown function"),
    _error("MP1010", "wrong number of arguments of a function"),
    _error("MP1011", "function of something that is no list"),
    _error("MP1012", "none where it means nothing"),
    _error("MP1013", "`in` something that holds nothing"),
    _error("MP1014", "comparisons that go two ways"),
    _error("MP1015", "two lists in one function"),
    _error("MP1016", "condition that is always the same"),
    _error("MP1017", "pattern for something that is no text"),
    _error("MP1018", "division by zero"),
    _error("MP1031", "assertion with an empty message"),
    _error("MP1032", "two assertions that say the same"),
    _error("MP1033", "value that an assertion forbids"),
    _warning("MP1034", "answer that fails a check"),
    # -------------------------------------------------------------------------------------------- flows
    _error("MP1201", "malformed statement"),
    _error("MP1202", "block without statements"),
    _error("MP1203", "line that is indented for no reason"),
    _error("MP1204", "loop without a bound"),
    _error("MP1205", "bracket that is not closed"),
    _error("MP1206", "arm without an `if`"),
    _error("MP1207", "statement that does nothing"),
    _error("MP1208", "statement of another language"),
    _error("MP1209", "assignment to what is no name"),
    _error("MP1210", "name without a value"),
    _error("MP1211", "way without a `return`"),
    _error("MP1212", "statement that is never reached"),
    _error("MP1213", "value that may be none"),
    _error("MP1214", "value of another type"),
    _error("MP1215", "name with two types"),
    _error("MP1216", "value that does not say its type"),
    _error("MP1217", "name that hides another"),
    _error("MP1218", "append to what cannot be appended to"),
    _error("MP1219", "unknown function in a flow"),
    _error("MP1220", "call of what is not called"),
    _warning("MP1221", "answer that nobody uses"),
    _error("MP1222", "confidence of what is no answer"),
    _error("MP1224", "loop through what is no list"),
    _error("MP1225", "bound that is no number of rounds"),
    _error("MP1226", "loop whose condition does not change"),
    _error("MP1227", "question for a type that is not there"),
    _error("MP1228", "value of a union that was not asked"),
    _error("MP1230", "flow that calls itself"),
    _warning("MP1231", "parameter of a flow that is not used"),
    _warning("MP1232", "variable that is not used"),
    _error("MP1233", "blocks nested too deeply"),
    _error("MP1240", "examples of a flow"),
    _error("MP1241", "setting that flows do not have"),
    _error("MP1242", "script in a test of a prompt"),
    _error("MP1243", "script for what the flow does not call"),
    _error("MP1250", "Python function without a counterpart"),
    # -------------------------------------------------------------------------------------------- hints
    _warning("MP1101", "words that differ only in how they are written"),
    _warning("MP1102", "text that every call pays for"),
    _warning("MP1103", "examples that contradict each other"),
    _warning("MP1104", "a test that is an example"),
    _warning("MP1105", "a label without an example"),
    _warning("MP1106", "an answer that is likely to be copied"),
    _warning("MP1107", "a clause inside a body"),
)

REGISTRY: Final[Mapping[str, Code]] = MappingProxyType({code.number: code for code in _CODES})
