"""Valid programs with something broken in them: whatever a file holds, the compiler has an answer.

The answer may be yes or no. After no there are diagnostics that can be shown; after yes there is a module
that can be imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from .commands import compile_program
from .findings import Files, Search
from .generator import programs

_ROOT: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"^```mp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TOKEN: Final = re.compile(rb"\w+|\s+|[^\w\s]")

PIECES: Final = (
    *b'( [ { " """ / -> | ? .. : = # \\ }} @user none true self class __class__ std dict date'.split(),
    *b'str(/(a+)+b/) str(/\\w{1,250}/) str(/[^a]\\W\\S/) str(/"x"/) str(/(?i)a/)'.split(),
    *b"str(/a{1000}{1000}/) int(5..1) float(0..1e15) str(..1000000000) list[str](..999) coding=utf-7".split(),
    *b'"\\u0000" "\\ud800" "a\\"\\"\\""'.split(),
    *b"1e999 -0 0.0000001 1e-400 999999999999999.5".split(),
    *(b"\n", b"\n    ", b"\n\t", b"\r", b"\r\n", b"\x0c", b"\0", b"\x1b[31m", b"\x7f"),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf"),
    # Direction, width, joiners, line ends, an accent, and letters that look like or are read as others.
    *map(str.encode, "\u202e\u2066\u200b\u200d\u2028\x85\u0301\u017f\ufb01\u0430\u0663"),
    *(b"(" * 40, b"[" * 3000, b"list[" * 40, b"x" * 70_000, b"a." * 2000, b"?" * 50, b"9" * 400),
    *(b"str(/(\\w{1,30} ){1,10}/)", b"import main", b"from std.request import Act"),
)
"""What is put between or in the place of tokens: what has been, or might be, somebody's blind spot."""


def sources() -> tuple[bytes, ...]:
    """The valid programs of the repository that stand alone or import the standard library only."""
    files = [
        *_ROOT.glob("examples/*/*.mp"),
        *_ROOT.glob("stdlib/mpstd/*.mp"),
        *_ROOT.glob("tests/golden/*.mp"),
    ]
    pages = [path.read_text(encoding="utf-8") for path in sorted(_ROOT.glob("tests/specs/*.md"))]
    blocks = [block.encode() for page in pages for block in _BLOCK.findall(page)]
    return tuple([path.read_bytes() for path in sorted(files)] + blocks)


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[list[bytes]], list[bytes]]:
    """A change to the tokens of a file; tokens may be white space and single signs."""
    place = draw(st.floats(0, 1, exclude_max=True))
    other = draw(st.floats(0, 1, exclude_max=True))
    kind = draw(
        st.sampled_from(("insert", "insert", "replace", "delete", "repeat", "swap", "flip", "cut", "crlf"))
    )
    piece = draw(st.sampled_from(PIECES))
    bit = draw(st.integers(0, 7))

    def change(tokens: list[bytes]) -> list[bytes]:
        start, end = sorted((int(place * len(tokens)), int(other * len(tokens))))
        near = min(end, start + 8) + 1
        match kind:
            case "insert":
                return [*tokens[:start], piece, *tokens[start:]]
            case "replace":
                return [*tokens[:start], piece, *tokens[start + 1 :]]
            case "delete":
                return tokens[:start] + tokens[near:]
            case "repeat":
                return tokens[:near] + tokens[start:]
            case "swap":
                swapped = [*tokens[end : end + 1], *tokens[start + 1 : end], *tokens[start : start + 1]]
                return [*tokens[:start], *swapped, *tokens[end + 1 :]]
            case "flip":
                flipped = bytes([tokens[start][0] ^ (1 << bit)]) + tokens[start][1:]
                return [*tokens[:start], flipped, *tokens[start + 1 :]]
            case "cut":
                return tokens[:end]
            case _:
                return [token.replace(b"\n", b"\r\n") for token in tokens]

    return change


@st.composite
def broken(draw: st.DrawFn) -> Files:
    """A program of the repository or of the generator with up to four changes in one of its files."""
    files = draw(st.one_of(st.sampled_from(sources()).map(lambda data: {"main.mp": data}), programs()))
    name = draw(st.sampled_from(sorted(files)))
    data = files[name]
    for change in draw(st.lists(mutations(), min_size=1, max_size=4)):
        data = b"".join(change(_tokens(data) or [b" "]))
    return {**files, name: data}


def _tokens(data: bytes) -> list[bytes]:
    return _TOKEN.findall(data)


def search(round: Search) -> None:
    """Give broken programs to the compiler."""

    def trial(files: Files) -> None:
        compile_program(files, round.folder, slow=round.slow)

    round.try_all(broken(), trial)
