"""Settings: the clause `using:` and the options of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ..diagnostics import Reporter, suggestion
from ..source import Span
from ..syntax import nodes
from .checked import Broken, Model, Symbol, Using
from .resolve import TypeResolver
from .types import ErrorType, RecordType, Type, describe, resolved
from .values import read_number

_RESERVED: Final = ("reasoning", "escalate", "abstain")
_USING: Final = ("model", "temperature", "seed", "timeout", "max_tokens", "fields")
_MODEL: Final = ("context", "layout")
_LAYOUTS: Final = ("plain", "chat")
_FIELDS: Final = ("ordered", "independent")


def check_model(declaration: nodes.ModelDecl, reporter: Reporter) -> Model:
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
        elif isinstance(setting.value, nodes.StringValue) and setting.value.text in _LAYOUTS:
            layout = setting.value.text
        else:
            _report_bad(setting.value, 'a layout is "plain" or "chat"', 'write `layout="chat"`', reporter)
    return Model(
        origin=reporter.source.path,
        name=declaration.name.text,
        location=location.text,
        context=context,
        layout=layout,
    )


def check_using(
    clause: nodes.Using,
    returns: Type,
    resolver: TypeResolver,
    models: dict[str, Model],
    reporter: Reporter,
) -> Using:
    """The settings of a prompt that returns `returns`; those that are wrong are reported and left out."""
    model: Model | None = None
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
    return Using(
        model=model,
        temperature=temperature,
        seed=seed,
        timeout=timeout,
        max_tokens=max_tokens,
        independent=independent,
    )


def _each_once(
    settings: Sequence[nodes.Setting], known: Sequence[str], kind: str, reporter: Reporter
) -> Iterator[nodes.Setting]:
    """The settings with a known name, the first of each."""
    seen: dict[str, Span] = {}
    for setting in settings:
        name = setting.name
        if name.text in _RESERVED:
            reporter.report(
                "MP0106",
                name.span,
                f"`{name.text}` is not part of this version",
                label="reserved",
                help="leave the setting out",
            )
        elif name.text not in known:
            listed = ", ".join(f"`{other}`" for other in known)
            reporter.report(
                "MP0601",
                name.span,
                f"unknown {kind} `{name.text}`",
                label="there is no such setting",
                help=suggestion(name.text, known) or f"there is {listed}",
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
    node: nodes.ValueNode, resolver: TypeResolver, models: dict[str, Model], reporter: Reporter
) -> Model | None:
    match node:
        case nodes.StringValue() if node.text.strip() and node.text.isprintable():
            return Model(origin=reporter.source.path, name="", location=node.text)
        case nodes.Reference():
            found: Symbol | None = models.get(node.path.text) or resolver.lookup(node.path)
            if isinstance(found, Model):
                return found
            if not isinstance(found, Broken):
                reporter.report(
                    "MP0604",
                    node.span,
                    f"unknown model `{node.path.text}`",
                    label="no model with this name is in scope" if found is None else "this is not a model",
                    help=suggestion(node.path.text, models)
                    or f'declare it: `model {node.path.names[-1].text} = "smollm2-135m"`',
                )
        case _:
            _report_bad(
                node, "a model is a declared name or a string", 'write `model = "smollm2-135m"`', reporter
            )
    return None


def _are_independent(setting: nodes.Setting, returns: Type, reporter: Reporter) -> bool:
    value = setting.value
    if not isinstance(value, nodes.StringValue) or value.text not in _FIELDS:
        help = 'write `fields = "independent"`'
        _report_bad(value, 'fields are "ordered" or "independent"', help, reporter)
        return False
    if not isinstance(resolved(returns), (RecordType, ErrorType)):
        reporter.report(
            "MP0605",
            setting.name.span,
            "`fields` is for prompts that return a record",
            label=f"this prompt returns {describe(returns)}",
            help="leave the setting out",
        )
    return value.text == "independent"


def _number(
    node: nodes.ValueNode, fits: Callable[[float], bool], wanted: str, sample: str, reporter: Reporter
) -> float | None:
    value = read_number(node.text) if isinstance(node, nodes.NumberValue) else None
    if value is not None and fits(value):
        return float(value)
    _report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def _whole(node: nodes.ValueNode, least: int, wanted: str, sample: str, reporter: Reporter) -> int | None:
    value = read_number(node.text) if isinstance(node, nodes.NumberValue) else None
    if isinstance(value, int) and value >= least:
        return value
    _report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def _report_bad(node: nodes.ValueNode, label: str, help: str, reporter: Reporter) -> None:
    reporter.report("MP0603", node.span, "this setting cannot have this value", label=label, help=help)
