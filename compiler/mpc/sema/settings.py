"""Settings: the clause `using:` and the options of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from microprompt.abi import LABELS, MAX_REASONING
from microprompt.locations import is_server

from ..diagnostics import InternalError, Reporter, listed
from ..source import Span
from ..syntax import nodes
from ..types import Type
from .checked import CheckedModel, CheckedUsing
from .fallbacks import check_abstain, check_escalate, is_same_model, plain_value, report_same_model
from .resolve import TypeResolver
from .servers import check_address, check_servers, report_local
from .setting_values import model_of, number, report_bad, report_idle, whole

_USING: Final = (
    *("model", "temperature", "seed", "timeout", "max_tokens", "fields"),
    *("decide", "abstain", "escalate", "retries", "layout", "reasoning"),
)
_MODEL: Final = ("context", "layout")
MAX_RETRIES: Final = 10
_LAYOUTS: Final = ("plain", "chat")
_FIELDS: Final = ("ordered", "independent")

_Setting = TypeVar("_Setting", bound=nodes.SettingAst | nodes.FallbackAst)


def check_model(declaration: nodes.ModelDecl, reporter: Reporter) -> CheckedModel:
    """A declared model with its options."""
    location = declaration.location
    if not location.text.strip() or not location.text.isprintable():
        report_bad(
            location, "a model is a registered name or a path", 'write a name: `"smollm2-135m"`', reporter
        )
    check_address(location, reporter)
    context: int | None = None
    layout: str | None = None
    for setting in _each_once(declaration.options, _MODEL, "model option", reporter):
        if is_server(location.text):
            report_local(setting.name, reporter)
        elif setting.name.text == "context":
            context = whole(setting.value, 1, "a whole number of tokens above 0", "context=4096", reporter)
        else:
            layout = _layout(setting.value, reporter)
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
    returns_at: Span,
    resolver: TypeResolver,
    models: Mapping[str, CheckedModel],
    reporter: Reporter,
) -> CheckedUsing:
    """The settings of a prompt that returns `returns`; those that are wrong are reported and left out."""
    using = CheckedUsing()
    for setting in _each_once(clause.settings, _USING, "setting", reporter):
        name = setting.name
        if name.text == "abstain":
            using = replace(using, abstain=check_abstain(setting, returns, returns_at, reporter))
        elif name.text == "escalate":
            using = replace(using, escalate=check_escalate(setting, returns, resolver, models, reporter))
        elif (value := plain_value(setting, reporter)) is not None:
            using = _with(using, name, value, returns, resolver, models, reporter)
    if using.model and using.escalate and is_same_model(using.model, using.escalate.model):
        report_same_model(clause, reporter)
    check_servers(clause, using, returns, reporter)
    _check_retries(clause, using, returns, reporter)
    if using.reasoning is not None:
        _check_room(clause, using, using.reasoning, reporter)
    return using


def check_flow_using(clause: nodes.UsingAst, reporter: Reporter) -> float | None:
    """The timeout of a flow, the one setting that it has; others are reported."""
    timeout = None
    for setting in _each_once(clause.settings, _USING, "setting", reporter):
        if setting.name.text != "timeout":
            reporter.report(
                "MP1241",
                setting.name.span,
                f"flows have no `{setting.name.text}`",
                label="no model answers a flow",
                help="set it for the prompts that the flow calls; a flow has a `timeout`",
            )
        elif (value := plain_value(setting, reporter)) is not None:
            timeout = _timeout(value, reporter)
    return timeout


def _timeout(value: nodes.ValueAst, reporter: Reporter) -> float | None:
    wanted = "a number of seconds above 0"
    return number(value, lambda n: n > 0, wanted, "timeout = 20", reporter)


def _with(
    using: CheckedUsing,
    name: nodes.Name,
    value: nodes.ValueAst,
    returns: Type,
    resolver: TypeResolver,
    models: Mapping[str, CheckedModel],
    reporter: Reporter,
) -> CheckedUsing:
    """The settings with one more, which has no threshold."""
    match name.text:
        case "model":
            return replace(using, model=model_of(value, resolver, models, reporter))
        case "temperature":
            wanted = "a number from 0 to 2"
            found = number(value, lambda n: 0 <= n <= 2, wanted, "temperature = 0", reporter)
            return replace(using, temperature=found)
        case "seed":
            return replace(using, seed=whole(value, 0, "a whole number from 0", "seed = 7", reporter))
        case "timeout":
            return replace(using, timeout=_timeout(value, reporter))
        case "max_tokens":
            wanted = "a whole number above 0"
            return replace(using, max_tokens=whole(value, 1, wanted, "max_tokens = 64", reporter))
        case "fields":
            return replace(using, independent=_are_independent(name, value, returns, reporter))
        case "decide":
            return replace(using, decide=_decide(name, value, returns, reporter))
        case "retries":
            return replace(using, retries=_retries(value, reporter))
        case "layout":
            return replace(using, layout=_layout(value, reporter))
        case "reasoning":
            return replace(using, reasoning=_reasoning(value, reporter))
    raise InternalError("sema", f"no check for the setting `{name.text}`")


def _each_once(
    settings: Sequence[_Setting], known: Sequence[str], kind: str, reporter: Reporter
) -> Iterator[_Setting]:
    """The settings with a known name, the first of each."""
    seen: dict[str, nodes.Name] = {}
    for setting in settings:
        name = setting.name
        if name.text not in known:
            reporter.report(
                "MP0601",
                name.span,
                f"unknown {kind} `{name.text}`",
                label="there is no such setting",
                help=reporter.suggestion(name.text, known) or listed(known, most=None),
            )
        elif name.text in seen:
            report_twice(name, seen[name.text], reporter)
        else:
            seen[name.text] = name
            yield setting


def report_twice(name: nodes.Name, first: nodes.Name, reporter: Reporter) -> None:
    """Report a name that something has been given for already."""
    reporter.report(
        "MP0602",
        name.span,
        f"`{name.text}` is given twice",
        label="given again here",
        help="leave one of the two out",
        also=[(first.span, "first given here")],
    )


def _are_independent(name: nodes.Name, value: nodes.ValueAst, returns: Type, reporter: Reporter) -> bool:
    if not isinstance(value, nodes.StringAst) or value.text not in _FIELDS:
        help = 'write `fields = "independent"`'
        report_bad(value, 'fields are "ordered" or "independent"', help, reporter)
        return False
    if not returns.has_fields:
        report_idle(name, "a record", returns, reporter)
    return value.text == "independent"


def _layout(value: nodes.ValueAst, reporter: Reporter) -> str | None:
    if isinstance(value, nodes.StringAst) and value.text in _LAYOUTS:
        return value.text
    report_bad(value, 'a layout is "plain" or "chat"', 'write `layout = "chat"`', reporter)
    return None


def _check_retries(
    clause: nodes.UsingAst, using: CheckedUsing, returns: Type, reporter: Reporter
) -> None:
    """Report retries where no answer is refused. Servers are asked again for one that is not of the type."""
    models = (using.model, using.escalate.model if using.escalate else None)
    if returns.is_asserted or any(model is not None and is_server(model.location) for model in models):
        return
    for setting in clause.settings:
        if setting.name.text == "retries":
            report_idle(setting.name, "something with an `assert`", returns, reporter)


def _retries(value: nodes.ValueAst, reporter: Reporter) -> int | None:
    wanted = f"a whole number from 0 to {MAX_RETRIES}"
    return whole(value, 0, wanted, "retries = 2", reporter, most=MAX_RETRIES)


def _reasoning(value: nodes.ValueAst, reporter: Reporter) -> int | None:
    most = whole(value, 1, "a whole number of tokens above 0", "reasoning = 64", reporter)
    if most is None or most <= MAX_REASONING:
        return most
    label, help = f"at most {MAX_REASONING} tokens", f"write `reasoning = {MAX_REASONING}`"
    _report_too_much(value.span, label, help, reporter)
    return None


def _check_room(clause: nodes.UsingAst, using: CheckedUsing, most: int, reporter: Reporter) -> None:
    """Report reasoning that is as long as all that a model is to read and write."""
    larger = None if using.escalate is None else using.escalate.model
    for model in (using.model, larger):
        if model is not None and model.context is not None and most >= model.context:
            at = next(setting.span for setting in clause.settings if setting.name.text == "reasoning")
            label = f"the context of the model is {model.context} tokens in all"
            _report_too_much(at, label, "write less, or give the model a larger context", reporter)
            return


def _report_too_much(at: Span, label: str, help: str, reporter: Reporter) -> None:
    reporter.report("MP0609", at, "reasoning that leaves no room for an answer", label=label, help=help)


def _decide(name: nodes.Name, value: nodes.ValueAst, returns: Type, reporter: Reporter) -> str | None:
    if not isinstance(value, nodes.StringAst) or value.text != LABELS:
        help = f'write `decide = "{LABELS}"`, or leave it out for the best evidence that there is'
        report_bad(value, f'`decide` is "{LABELS}"', help, reporter)
        return None
    if not returns.has_choices:
        report_idle(name, "a choice, or a record with one", returns, reporter)
    return value.text
