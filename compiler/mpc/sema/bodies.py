"""The body of a prompt: what its holes show, what its conditions ask, and what its loops go through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from ..diagnostics import Reporter, listed
from ..expressions import check_condition
from ..expressions.checked import Way
from ..expressions.facts import present_if
from ..expressions.signatures import CheckedParameter, PromptSignature
from ..syntax import nodes
from ..types import ErrorType, Type
from ..types.arguments import Taker, read_arguments
from ..types.base import WORDS, Broken, Reading, Value
from ..types.operands import Sort
from .calls import check_fits, report_nested, report_no_prompt
from .checked import (
    CheckedArm,
    CheckedCall,
    CheckedFor,
    CheckedFormatPart,
    CheckedGiven,
    CheckedHole,
    CheckedIf,
    CheckedNumbering,
    CheckedPart,
    CheckedPlace,
    CheckedTurn,
)
from .python_names import check_python_name
from .resolve import TypeResolver

TAG_WORDS: Final = ("end", "raw")
"""The words of tags that would be names in Python: no hole could show what is called so."""


def check_body(
    declaration: nodes.PromptDecl,
    signature: PromptSignature,
    resolver: TypeResolver,
    reporter: Reporter,
) -> tuple[CheckedPart, ...]:
    """The parts of a prompt's body; everything wrong with them is reported."""
    parameters = {parameter.name: parameter for parameter in signature.parameters}
    body = _Body(parameters, resolver, reporter)
    scope = {name: parameter.type for name, parameter in parameters.items()}
    parts = body.parts(declaration.body.parts, _Place(scope))
    _report_doubled(declaration.body, parameters, reporter)
    # A misspelt or malformed hole explains an unused parameter: one report is enough.
    if declaration.body.complete and not body.has_unknown:
        _report_unused(declaration, body.used | signature.sources, parameters, reporter)
    return parts


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part stands: the types of the names there, and the ways to values that cannot be missing
    there."""

    scope: Mapping[str, Type]
    present: frozenset[Way] = frozenset()

    def knowing(self, present: frozenset[Way]) -> _Place:
        return replace(self, present=self.present | present)


@dataclass(slots=True)
class _Body:
    """`used` are the names that were met; `has_unknown` is true once one meant nothing."""

    parameters: Mapping[str, CheckedParameter]
    resolver: TypeResolver
    reporter: Reporter
    used: set[str] = field(default_factory=set)
    has_unknown: bool = False

    def parts(self, parts: Sequence[nodes.PartAst], place: _Place) -> tuple[CheckedPart, ...]:
        found = (self._part(part, place) for part in parts)
        return tuple(part for part in found if part is not None)

    def _part(self, part: nodes.PartAst, place: _Place) -> CheckedPart | None:
        match part:
            case nodes.TextAst():
                return part.text
            case nodes.HoleAst():
                return self._hole(part, place)
            case nodes.PromptCallAst():
                return self._call(part, place)
            case nodes.IfAst():
                return self._if(part, place)
            case nodes.ForAst():
                return self._for(part, place)
            case nodes.TurnAst():
                return CheckedTurn(role=part.role, span=part.span)
            case _:
                assert_never(part)

    # ----------------------------------------------------------------------------------------- holes

    def _hole(self, part: nodes.HoleAst, place: _Place) -> CheckedHole | None:
        type = self._reached(part.path, place)
        if type is None:
            return None
        format = None if part.format is None else self._format(part.format, type)
        return _checked_hole(part.path, part, format)

    def _reached(self, path: nodes.Path, place: _Place) -> Type | None:
        """The type of what a path leads to; `None` where it begins with nothing that is known."""
        first, *rest = path.names
        self.used.add(first.text)
        if first.text not in place.scope:
            self._report_unknown(first, place)
            return None
        way: Way = (first.text,)
        type = _there(place.scope[first.text], way, place)
        for name in rest:
            type = type.field(name, ".".join(way), type.describe(), self.reporter)
            way = (*way, name.text)
            type = _there(type, way, place)
        return type

    def _format(self, format: nodes.FormatAst, type: Type) -> tuple[CheckedFormatPart, ...]:
        operand = type.operand
        is_list = operand.item is not None
        shown = operand.item if operand.item is not None else operand.type
        parts: list[CheckedFormatPart] = []
        for part in format.parts:
            match part:
                case nodes.TextAst():
                    parts.append(part.text)
                case nodes.NumberingAst():
                    if not is_list and operand.sort is not Sort.UNKNOWN:
                        self._report_numbering(part, type)
                    parts.append(CheckedNumbering(span=part.span))
                case nodes.PlaceAst():
                    names = () if part.path is None else part.path.names
                    found, way = shown, ""
                    for name in names:
                        found = found.field(name, way or "{}", found.describe(), self.reporter)
                        way = f"{way}.{name.text}" if way else name.text
                    parts.append(CheckedPlace(path=tuple(name.text for name in names), span=part.span))
                case _:
                    assert_never(part)
        return tuple(parts)

    # ----------------------------------------------------------------------------------------- calls

    def _call(self, part: nodes.PromptCallAst, place: _Place) -> CheckedCall | None:
        found = self.resolver.lookup(part.path)
        if not isinstance(found, PromptSignature):
            for argument in part.arguments:  # they are used, whatever is called
                self.used.update(_roots(argument, place.scope))
            self.has_unknown = True
            if not isinstance(found, Broken):
                report_no_prompt(part.path, found, self.resolver, self.reporter)
            return None
        takers = {parameter.name: parameter for parameter in found.parameters}
        reading = Reading(names=self.resolver, reporter=self.reporter, wanted=found.returns)
        values = read_arguments(
            part.arguments,
            takers,
            reading,
            f"`{part.path.text}`",
            part.span,
            by_name=False,
            read=lambda taker, argument: self._argument(taker, argument.value, reading, place),
        )
        given = ((name, value) for name, value in values.items())
        return CheckedCall(
            callee=found,
            text=_written(self.reporter.source.slice(part.span)[1:-1]),
            arguments=tuple(
                (name, value) for name, value in given if isinstance(value, CheckedHole | CheckedGiven)
            ),
            format=None if part.format is None else self._format(part.format, found.returns),
            span=part.span,
        )

    def _argument(self, taker: Taker, node: nodes.ValueAst, reading: Reading, place: _Place) -> Value:
        """What a call is given for a parameter: what a path leads to, or a value that is written there."""
        if isinstance(node, nodes.ReferenceAst) and node.path.names[0].text in place.scope:
            type = self._reached(node.path, place)
            assert type is not None, "it begins with a name of the scope"
            check_fits(type, taker, node, self.reporter)
            return _checked_hole(node.path, node, None)
        if isinstance(node, nodes.RecordAst) and isinstance(
            self.resolver.lookup(node.path), PromptSignature
        ):
            self.used.update(_roots(node, place.scope))
            report_nested(node, self.reporter)
            return None
        is_unknown = (
            isinstance(node, nodes.ReferenceAst)
            and node.path.text not in WORDS
            and self.resolver.lookup(node.path) is None
        )
        if isinstance(node, nodes.ReferenceAst) and is_unknown and taker.type.operand.sort is not Sort.MEMBER:
            self._report_unknown(node.path.names[0], place)
            return None
        value = reading.inside(taker.type).read(node)
        return CheckedGiven(type=taker.type, value=value, span=node.span)

    # ---------------------------------------------------------------------------------------- blocks

    def _if(self, part: nodes.IfAst, place: _Place) -> CheckedIf:
        arms = []
        for arm in part.arms:
            asked = tuple(dict.fromkeys(_roots(arm.condition, place.scope)))
            self.used.update(asked)
            condition = check_condition(
                arm.condition, place.scope, self.resolver, self.reporter, present=place.present
            )
            inside = place.knowing(present_if(condition, True))
            arms.append(
                CheckedArm(
                    condition=condition,
                    text=_written(self.reporter.source.slice(arm.condition.span)),
                    names=asked,
                    parts=self._block(arm.parts, inside, arm),
                    span=arm.span,
                )
            )
            place = place.knowing(present_if(condition, False))
        otherwise = self.parts(part.otherwise, place)
        return CheckedIf(arms=tuple(arms), otherwise=otherwise, ends_line=part.ends_line, span=part.span)

    def _for(self, part: nodes.ForAst, place: _Place) -> CheckedFor | None:
        variable = part.variable
        type = self._reached(part.each, place)
        item: Type = ErrorType()
        if type is not None:
            item = self._item(part, type)
        if variable.text in place.scope:
            self._report_shadowing(variable, place)
        else:
            check_python_name(variable, self.reporter, with_label=False)
            check_tag_word(variable, self.reporter)
        inside = replace(place, scope={**place.scope, variable.text: item})
        parts = self._block(part.parts, inside, part)
        if type is None:
            return None
        return CheckedFor(
            variable=variable.text,
            each=_checked_hole(part.each, part.each, None),
            parts=parts,
            ends_line=part.ends_line,
            span=part.span,
        )

    def _block(
        self, parts: Sequence[nodes.PartAst], place: _Place, block: nodes.ArmAst | nodes.ForAst
    ) -> tuple[CheckedPart, ...]:
        if all(isinstance(part, nodes.TextAst) and not part.text.strip() for part in parts):
            self.reporter.report(
                "MP0417",
                block.span,
                "an empty block",
                label="nothing is shown here",
                help="write what belongs in it, or leave it out",
            )
        return self.parts(parts, place)

    def _item(self, part: nodes.ForAst, type: Type) -> Type:
        """The type of what a loop goes through; reported where it goes through nothing."""
        operand = type.operand
        written = part.each.text
        if operand.item is None:
            if operand.sort is not Sort.UNKNOWN:
                self.reporter.report(
                    "MP0414",
                    part.each.span,
                    f"`{written}` is no list",
                    label=f"it is `{type.describe()}`",
                    help=f"write `{{if {written}}}` for what is shown once"
                    if operand.may_be_none or operand.can_be_empty
                    else f"write `{{{written}}}` to show it",
                )
            return ErrorType()
        if operand.may_be_none:
            self.reporter.report(
                "MP0414",
                part.each.span,
                f"`{written}` may be missing",
                label=f"it is `{type.describe()}`",
                help=f"put the loop between `{{if {written}}}` and `{{end}}`",
            )
        return operand.item

    # -------------------------------------------------------------------------------------- refusing

    def _report_unknown(self, name: nodes.Name, place: _Place) -> None:
        known = place.scope
        self.has_unknown = True
        self.reporter.report(
            "MP0401",
            name.span,
            f"unknown parameter `{name.text}`",
            label="no parameter of the prompt has this name",
            help=self.reporter.suggestion(name.text, known)
            or listed(known, before="the parameters are")
            or "declare it in the prompt's header",
        )

    def _report_numbering(self, part: nodes.NumberingAst, type: Type) -> None:
        self.reporter.report(
            "MP0416",
            part.span,
            "a number for something that is no list",
            label=f"what is shown is one `{type.describe()}`",
            help="leave `{#}` out",
        )

    def _report_shadowing(self, variable: nodes.Name, place: _Place) -> None:
        parameter = self.parameters.get(variable.text)
        self.reporter.report(
            "MP0415",
            variable.span,
            f"`{variable.text}` has a meaning here already",
            label="this would hide it",
            help="give the item another name",
            also=[(parameter.span, "the parameter")] if parameter is not None else [],
        )


def check_tag_word(name: nodes.Name, reporter: Reporter) -> None:
    """Refuse a name that means something else between braces."""
    if name.text in TAG_WORDS:
        reporter.report(
            "MP0418",
            name.span,
            f"`{name.text}` cannot be shown in a body",
            label=f"`{{{name.text}}}` is a tag there",
            help=f"call it `{name.text}_` or something more telling",
        )


def _written(text: str) -> str:
    return " ".join(text.split())


def _there(type: Type, way: Way, place: _Place) -> Type:
    """The type of what is reached, without the none that it cannot be here."""
    operand = type.operand
    return operand.type if operand.may_be_none and way in place.present else type


def _checked_hole(
    path: nodes.Path, at: nodes.SyntaxNode, format: tuple[CheckedFormatPart, ...] | None
) -> CheckedHole:
    first, *rest = path.names
    return CheckedHole(
        parameter=first.text, path=tuple(name.text for name in rest), format=format, span=at.span
    )


def _roots(node: nodes.SyntaxNode, scope: Mapping[str, Type]) -> Iterator[str]:
    """The names of the scope that an expression asks for."""
    for inner in nodes.walk(node):
        if isinstance(inner, nodes.ReferenceAst) and inner.path.names[0].text in scope:
            yield inner.path.names[0].text


def _report_doubled(
    body: nodes.TemplateAst, parameters: Mapping[str, CheckedParameter], reporter: Reporter
) -> None:
    for name in body.doubled:
        if name.text in parameters:
            reporter.report(
                "MP0419",
                name.span,
                f"`{name.text}` in double braces is text",
                label="the model sees the braces and this word",
                help=f"write `{{{name.text}}}` for the argument, or `{{raw}}` before text with braces",
            )


def _report_unused(
    declaration: nodes.PromptDecl, used: set[str], known: Mapping[str, CheckedParameter], reporter: Reporter
) -> None:
    by_name = {node.name.text: node.name for node in declaration.parameters}
    doubled = {name.text for name in declaration.body.doubled}
    for name in known:
        if name not in used | doubled and name not in TAG_WORDS:
            reporter.report(
                "MP0404",
                by_name[name].span,
                f"the parameter `{name}` is not used",
                label="no hole shows it to the model",
                help=f"write `{{{name}}}` where it belongs in the body, or remove it",
            )

