"""Random words and texts: names in many alphabets, characters that generated code might trip over."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from hypothesis import strategies as st
from pydantic import BaseModel

Draw: TypeAlias = st.DrawFn

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

TAKEN: Final = {
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
"""What the reference reserves: names of types, and those that a generated module needs."""


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


def is_no_method_of_strings(name: str) -> bool:
    return not hasattr(str, name) and name not in ("label", "mro", "name", "value")


def is_no_method_of_models(name: str) -> bool:
    return not hasattr(BaseModel, name) and not name.startswith("model_")
