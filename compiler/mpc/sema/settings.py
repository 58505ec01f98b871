"""Settings: the clause `using:` and the options of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from .. import later
from ..diagnostics import Reporter
from ..source import Span
from ..syntax import nodes
from ..types import Type
from ..types.base import Broken
from ..types.constraints import read_number
from .checked import CheckedModel, CheckedUsing, Symbol
from .resolve import TypeResolver

_USING: Final = ("model", "temperature", "seed", "timeout", "max_tokens", "fields")
_MODEL: Final = ("context", "layout")
_LAYOUTS: Final = ("plain", "chat")
_FIELDS: Final = ("ordered", "independent")


def check_model(declaration: nodes.ModelDecl, reporter: Reporter) -> CheckedModel:
    """A declared model with its options."""
    location = declaration.location
    if not location.text.strip() or not location.text.isprintable():
        _report_bad(
            location, "a model is a registered name or a path", 'write a name: `"smollm2-135m"`', reporter
        )
    context: int | None = None
    layout: str | None = None
    for setting in _each_once(declaration.options, _MODEL, "model option", reporter):
        if setting.name.text == "context":
            context = _whole(setting.value, 1, "a whole number of tokens above 0", "context=4096", reporter)
        elif isinstance(setting.value, nodes.StringAst) and setting.value.text in _LAYOUTS:
            layout = setting.value.text
        else:
            _report_bad(setting.value, 'a layout is "plain" or "chat"', 'write `layout="chat"`', reporter)
    return CheckedModel(
        origin=reporter.source.path,
        name=declaration.name.text,
        location=location.text,
        context=context,
        layout=layout,
        span=declaration.name.span,
    )


def check_using(
    clause: nodes.UsingAst,
    returns: Type,
    resolver: TypeResolver,
    models: Mapping[str, CheckedModel],
    reporter: Reporter,
) -> CheckedUsing:
    """The settings of a prompt that returns `returns`; those that are wrong are reported and left out."""
    model: CheckedModel | None = None
    temperature: float | None = None
    seed: int | None = None
    timeout: float | None = None
    max_tokens: int | None = None
    independent = False
    for setting in _each_once(clause.settings, _USING, "setting", reporter):
        value = setting.value
        match setting.name.text:
            case "model":
                model = _model(value, resolver, models, reporter)
            case "temperature":
                temperature = _number(
                    value, lambda n: 0 <= n <= 2, "a number from 0 to 2", "temperature = 0", reporter
                )
            case "seed":
                seed = _whole(value, 0, "a whole number from 0", "seed = 7", reporter)
            case "timeout":
                timeout = _number(
                    value, lambda n: n > 0, "a number of seconds above 0", "timeout = 20", reporter
                )
            case "max_tokens":
                max_tokens = _whole(value, 1, "a whole number above 0", "max_tokens = 64", reporter)
            case "fields":
                independent = _are_independent(setting, returns, reporter)
    return CheckedUsing(
        model=model,
        temperature=temperature,
        seed=seed,
        timeout=timeout,
        max_tokens=max_tokens,
        independent=independent,
    )


def _each_once(
    settings: Sequence[nodes.SettingAst], known: Sequence[str], kind: str, reporter: Reporter
) -> Iterator[nodes.SettingAst]:
    """The settings with a known name, the first of each."""
    seen: dict[str, Span] = {}
    for setting in settings:
        name = setting.name
        if name.text in later.SETTINGS:
            later.SETTINGS[name.text].report(name.span, reporter)
        elif name.text not in known:
            listed = ", ".join(f"`{other}`" for other in known)
            reporter.report(
                "MP0601",
                name.span,
                f"unknown {kind} `{name.text}`",
                label="there is no such setting",
                help=reporter.suggestion(name.text, known) or f"there is {listed}",
            )
        elif name.text in seen:
            reporter.report(
                "MP0602",
                name.span,
                f"`{name.text}` is given twice",
                label="given again here",
                help="leave one of the two out",
                also=[(seen[name.text], "first given here")],
            )
        else:
            seen[name.text] = name.span
            yield setting


def _model(
    node: nodes.ValueAst, resolver: TypeResolver, models: Mapping[str, CheckedModel], reporter: Reporter
) -> CheckedModel | None:
    if isinstance(node, nodes.StringAst) and node.text.strip() and node.text.isprintable():
        return CheckedModel(origin=reporter.source.path, name="", location=node.text, span=node.span)
    if not isinstance(node, nodes.ReferenceAst):
        _report_bad(
            node, "a model is a declared name or a string", 'write `model = "smollm2-135m"`', reporter
        )
        return None
    found: Symbol | None = models.get(node.path.text) or resolver.lookup(node.path)
    if isinstance(found, CheckedModel):
        return found
    if not isinstance(found, Broken):
        reporter.report(
            "MP0604",
            node.span,
            f"unknown model `{node.path.text}`",
            label="no model with this name is in scope" if found is None else "this is not a model",
            help=reporter.suggestion(node.path.text, models)
            or f'declare it: `model {node.path.names[-1].text} = "smollm2-135m"`',
        )
    return None


def _are_independent(setting: nodes.SettingAst, returns: Type, reporter: Reporter) -> bool:
    value = setting.value
    if not isinstance(value, nodes.StringAst) or value.text not in _FIELDS:
        help = 'write `fields = "independent"`'
        _report_bad(value, 'fields are "ordered" or "independent"', help, reporter)
        return False
    if not returns.has_fields:
        reporter.report(
            "MP0605",
            setting.name.span,
            "`fields` is for prompts that return a record",
            label=f"this prompt returns {returns.describe()}",
            help="leave the setting out",
        )
    return value.text == "independent"


def _number(
    node: nodes.ValueAst, fits: Callable[[float], bool], wanted: str, sample: str, reporter: Reporter
) -> float | None:
    value = read_number(node.text) if isinstance(node, nodes.NumberAst) else None
    if value is not None and fits(value):
        return float(value)
    _report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def _whole(node: nodes.ValueAst, least: int, wanted: str, sample: str, reporter: Reporter) -> int | None:
    value = read_number(node.text) if isinstance(node, nodes.NumberAst) else None
    if isinstance(value, int) and value >= least:
        return value
    _report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def _report_bad(node: nodes.ValueAst, label: str, help: str, reporter: Reporter) -> None:
    reporter.report("MP0603", node.span, "this setting cannot have this value", label=label, help=help)
