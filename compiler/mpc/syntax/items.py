"""What a file is a sequence of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .flow_nodes import FlowDecl
from .nodes import (
    Clause,
    Docstring,
    EnumDecl,
    GrammarDecl,
    Import,
    ModelDecl,
    PromptDecl,
    RecordDecl,
    SyntaxNode,
    TypeDecl,
)

TypeDeclaration: TypeAlias = TypeDecl | EnumDecl | RecordDecl | GrammarDecl
Declaration: TypeAlias = ModelDecl | TypeDeclaration | PromptDecl | FlowDecl
Item: TypeAlias = Docstring | Import | Declaration | Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Module(SyntaxNode):
    """A file. `broken` holds the names of declarations that could not be read, so that what uses them stays
    silent."""

    docstring: Docstring | None
    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    broken: frozenset[str]
