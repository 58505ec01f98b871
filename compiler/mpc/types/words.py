"""Words that the model answers with: labels of members and fields, and literals."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from ..diagnostics import Reporter
from ..source import Span
from ..syntax import nodes

# Zero-width joiners are letters of Persian and Hindi words and hold emoji together; they show as nothing.
_JOINERS: Final = frozenset("\u200c\u200d")


class DistinctWords:
    """The words of one choice, or of one record's fields: each is there once, and none reads like another."""

    def __init__(self, reporter: Reporter, *, help: str) -> None:
        """`help` says what to do about a word that is there twice."""
        self._reporter = reporter
        self._help = help
        self._first: dict[str, Span] = {}
        self._alike: dict[str, str] = {}

    def take(self, word: str, span: Span) -> None:
        """Claim a word; what is wrong with it is reported."""
        check_word(word, span, self._reporter)
        first = self._first.setdefault(word, span)
        alike = self._alike.setdefault(_read(word), word)
        if first is not span:
            self._reporter.report(
                "MP0307",
                span,
                f'the model sees "{word}" twice',
                label="the same word again",
                help=self._help,
                also=[(first, "first seen here")],
            )
        elif alike != word:
            self._reporter.report(
                "MP1101",
                span,
                f'"{word}" and "{alike}" differ only in how they are written',
                label="to a small model, the same word",
                help='give one of them a word that says what is different: `as "another word"`',
                also=[(self._first[alike], "the other is here")],
            )


def _read(word: str) -> str:
    """A word without its capitals and without what joins its parts: spaces, dashes, `_`, joiners. A number is
    read with its sign."""
    if word.removeprefix("-").isdigit():
        return word
    return "".join(
        character
        for character in word.casefold()
        if character not in _JOINERS and unicodedata.category(character) not in ("Zs", "Pd", "Pc")
    )


def check_word(word: str, span: Span, reporter: Reporter) -> None:
    """Report a word that is not one line of text."""
    refused = next((character for character in word if not _is_text(character)), None)
    if not word.strip() or set(word) <= _JOINERS:
        problem = "the word is empty"
    elif word != word.strip():
        problem = "the word starts or ends with a space"
    elif refused is not None:
        problem = f"the word is more than one line of plain text: it holds {_named(refused)}"
    else:
        return
    reporter.report(
        "MP0308", span, "the model cannot answer with this word", label=problem, help="write a plain word"
    )


def _is_text(character: str) -> bool:
    """Whether a character may be part of a word; spaces that do not break are among those that may."""
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def _named(character: str) -> str:
    """`U+000A`, with the character's name if it has one."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def report_unseen(
    words: Sequence[nodes.StringAst], owner: str, help: str, reporter: Reporter
) -> None:
    """Report words for what the model sees no name of."""
    for word in words[:1]:
        reporter.report(
            "MP0328",
            word.span,
            f"{owner} has no word or description",
            label="the model never sees its name",
            help=help,
        )


def report_none_twice(span: Span, called: str, reporter: Reporter) -> None:
    """Report the word `none` among the answers of an optional type."""
    reporter.report(
        "MP0307",
        span,
        'the model sees "none" twice',
        label=f"`{called}` has the word, and it stands for the missing value too",
        help="give it another word, or leave the `?` out",
    )
