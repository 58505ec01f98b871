"""The words that start a declaration or a clause: one row for each, with what messages say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Block:
    """The indented lines below a head: what they are called, and how to write them."""

    entries: str
    help: str


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word that starts an item of a file; `form` says how the item is written.

    `names` is true when the word is followed by a name that the item declares.
    """

    word: str
    form: str
    block: Block | None = None
    names: bool = True


_IMPORTED: Final = "`from a.b import name, name as other`"
_CASES: Final = Block("entries", 'indent each on a line of its own, as in `"some text" -> answer`')
_CASE: Final = 'an entry is `"some text", name=3 -> answer`, each on a line of its own'
_TEST: Final = 'a test is `"some text" -> answer`, or `from "cases.jsonl" (accuracy >= 0.8)`'


def _table(*rows: Keyword) -> Mapping[str, Keyword]:
    return {row.word: row for row in rows}


DECLARATIONS: Final = _table(
    Keyword("import", f"an import is `import a.b`, `import a.b as c` or {_IMPORTED}", names=False),
    Keyword(
        "from", f"an import is {_IMPORTED}, or `from python a.b import name` of a Python module", names=False
    ),
    Keyword("model", 'a model is `model small = "smollm2-135m" (context=8192)`'),
    Keyword("type", "an alias is `type Stars = int(1..5)`"),
    Keyword(
        "enum",
        'a member is `name as "word" "description"`, each on a line of its own',
        Block("members", "indent each member on a line of its own"),
    ),
    Keyword(
        "record",
        'a field is `name: type = default as "word" "description"`, an assertion is '
        "`assert low <= high`, each on a line of its own",
        Block("fields", 'indent each field on a line of its own, as in `name: str "what it is"`'),
    ),
    Keyword(
        "grammar",
        'a grammar is `grammar Sum:` and its rules, as in `start: NUMBER ("+" NUMBER)*`, in indented lines',
        Block("rules", 'indent the rules below it, as in `start: NUMBER ("+" NUMBER)*`'),
    ),
    Keyword(
        "prompt",
        "a header is `prompt name(text: str, count: int = 3) -> bool:`",
        Block("body", "write the instruction in indented lines below the header"),
    ),
    Keyword(
        "flow",
        "a header is `flow name(text: str, count: int = 3) -> bool:`",
        Block("statements", "indent them below the header; the last is `return ...`"),
    ),
)

CLAUSES: Final = _table(
    Keyword("examples", _CASE, _CASES, names=False),
    Keyword("tests", _TEST, _CASES, names=False),
    Keyword(
        "using",
        "a setting is `temperature = 0`, `abstain below 0.6` or `escalate = large to reach 0.9`, each on a "
        "line of its own",
        Block("entries", "indent each setting on a line of its own, as in `temperature = 0`"),
        names=False,
    ),
)

KEYWORDS: Final[Mapping[str, Keyword]] = {**DECLARATIONS, **CLAUSES}
