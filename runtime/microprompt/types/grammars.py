"""`grammar Sum: ...`: text that a Lark grammar matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..abi import DEFAULT_STR_LENGTH
from ..errors import AnswerTooLong, ArgumentError
from ..notation import ranged
from ..patterns import lark_bytes, lark_has_line_ends, lark_in_json, lark_matches, lark_plain
from .annotations import Annotation
from .base import DeclaredType, Schema, TypeOf, require_length, short_text
from .grammar import Expression, Terminals, in_quotes
from .text import TextKind


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarType(DeclaredType):
    """Text of at most `max_length` characters that `grammar` matches as a whole."""

    grammar: str
    max_length: int | None = None


class GrammarKind(TextKind[GrammarType]):
    """A grammar says nothing of the length of its texts, so that is held while one is written: a token that
    would go beyond it is not taken, and an answer that is not complete then is too long."""

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> GrammarType | None:
        limits = annotation.limits
        if "grammar" not in limits or not annotation.is_of(str, "grammar", "max_length"):
            return None
        return GrammarType(grammar=limits["grammar"].text, max_length=limits.get("max_length"))

    def describe(self) -> str:
        return ranged("grammar", None, self.declared.max_length)

    def require_fit(self, found: str, where: str) -> None:
        require_length(len(found), 0, self._most, "characters", where)
        if not lark_matches(self.declared.grammar, found):
            raise ArgumentError(f"{where} is not as its grammar has it: {short_text(found)}")

    def grammar(self, terminals: Terminals) -> Expression:
        return self._expression(terminals, lark_plain(self.declared.grammar), is_json=False)

    def json_grammar(self, terminals: Terminals) -> Expression:
        return in_quotes(self._expression(terminals, lark_in_json(self.declared.grammar), is_json=True))

    def has_grammar(self) -> bool:
        return True

    def is_one_line(self) -> bool:
        return not lark_has_line_ends(self.declared.grammar)

    def read_plain(self, text: str) -> str:
        return self._complete(text)

    def read_json(self, data: object) -> str:
        return self._complete(super().read_json(data))

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"type": "string", "maxLength": self._most}

    def outlines(self) -> Any:
        from outlines.types import CFG  # not at the top: Outlines takes a second to import

        return CFG(lark_plain(self.declared.grammar))

    @property
    def _most(self) -> int:
        most = self.declared.max_length
        return DEFAULT_STR_LENGTH if most is None else most

    def _complete(self, found: str) -> str:
        if len(found) > self._most:
            raise AnswerTooLong(
                f"an answer under a grammar has {len(found)} characters; {self._most} are allowed",
                help="bound it higher, as in Sum(..400)",
            )
        return found

    def _expression(self, terminals: Terminals, lark: str, *, is_json: bool) -> Expression:
        name = terminals.rule(f"%lark {{\n{lark}\n}}")  # with names and terminals of its own
        longest = self._most * lark_bytes(self.declared.grammar, is_json=is_json)
        return Expression(name, 0, longest, self._most, free=longest)
