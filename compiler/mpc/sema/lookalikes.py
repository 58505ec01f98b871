"""Names that look like others: letters of two alphabets that a reader cannot tell apart.

A name in one alphabet is always welcome, and so is one that nobody could misread. After the confusables of
Unicode Technical Standard 39, cut down to the alphabets that a Latin word is usually faked with.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import Final

# A Latin letter: the letters of the Cyrillic, Greek and Armenian alphabets that look like it.
_FAKES: Final = {
    "A": "\u0410\u0391",
    "B": "\u0412\u0392",
    "C": "\u0421",
    "E": "\u0415\u0395",
    "G": "\u050c",
    "H": "\u041d\u0397",
    "I": "\u0406\u0399",
    "J": "\u0408",
    "K": "\u041a\u039a",
    "M": "\u041c\u039c",
    "N": "\u039d",
    "O": "\u041e\u039f",
    "P": "\u0420\u03a1",
    "S": "\u0405",
    "T": "\u0422\u03a4",
    "X": "\u0425\u03a7",
    "Y": "\u0423\u04ae\u03a5",
    "Z": "\u0396",
    "a": "\u0430\u03b1",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435",
    "f": "\u0584",
    "g": "\u0581",
    "h": "\u04bb\u0570",
    "i": "\u0456\u03b9",
    "j": "\u0458\u03f3",
    "l": "\u04cf",
    "n": "\u0578",
    "o": "\u043e\u03bf\u0585",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "s": "\u0455",
    "u": "\u03c5\u057d",
    "v": "\u03bd",
    "w": "\u051d",
    "x": "\u0445",
    "y": "\u0443\u04af",
}
_LATIN: Final = {fake: letter for letter, fakes in _FAKES.items() for fake in fakes}


def skeleton(name: str) -> str:
    """What a reader sees: two names that look alike have the same."""
    return "".join(_LATIN.get(character, character) for character in name)


def intruder(name: str) -> str | None:
    """A letter that does not belong to the alphabet of its word and looks as if it did."""
    if name.isascii():
        return None
    for is_word, letters in groupby(name, str.isalpha):
        found = _intruder(list(letters)) if is_word else None
        if found is not None:
            return found
    return None


def _intruder(word: list[str]) -> str | None:
    latin = [letter for letter in word if _alphabet(letter) == "LATIN"]
    others = [letter for letter in word if _alphabet(letter) != "LATIN"]
    if latin and others and all(letter in _LATIN for letter in others):
        return others[0]
    # The other way round, one letter is suspicious; several are an abbreviation, such as HTTP, with a word
    # behind it, which is how names are written in many languages.
    if len(latin) == 1 and len(others) > 1:
        alphabets = {_alphabet(letter) for letter in others}
        if any(_alphabet(fake) in alphabets for fake in _FAKES.get(latin[0], "")):
            return latin[0]
    return None


def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
