"""Settings: the clause `using:` and the options of a model."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Final, TypeVar, assert_never

from microprompt.abi import LABELS, MAX_REASONING
from microprompt.locations import is_path
from microprompt.notation import optional

from ..diagnostics import InternalError, Reporter, listed
from ..source import Span
from ..syntax import nodes
from ..types import Type
from ..types.base import Broken
from ..types.constraints import read_number
from .checked import CheckedEscalation, CheckedModel, CheckedThreshold, CheckedUsing, Symbol
from .resolve import TypeResolver

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
        _report_bad(
            location, "a model is a registered name or a path", 'write a name: `"smollm2-135m"`', reporter
        )
    context: int | None = None
    layout: str | None = None
    for setting in _each_once(declaration.options, _MODEL, "model option", reporter):
        if setting.name.text == "context":
            context = _whole(setting.value, 1, "a whole number of tokens above 0", "context=4096", reporter)
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
            using = replace(using, abstain=_abstain(setting, returns, returns_at, reporter))
        elif name.text == "escalate":
            using = replace(using, escalate=_escalate(setting, returns, resolver, models, reporter))
        elif (value := _plain_value(setting, reporter)) is not None:
            using = _with(using, name, value, returns, resolver, models, reporter)
    if using.model and using.escalate and _is_same(using.model, using.escalate.model):
        _report_same_model(clause, reporter)
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
        elif (value := _plain_value(setting, reporter)) is not None:
            timeout = _timeout(value, reporter)
    return timeout


def _timeout(value: nodes.ValueAst, reporter: Reporter) -> float | None:
    wanted = "a number of seconds above 0"
    return _number(value, lambda n: n > 0, wanted, "timeout = 20", reporter)


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
            return replace(using, model=_model(value, resolver, models, reporter))
        case "temperature":
            wanted = "a number from 0 to 2"
            found = _number(value, lambda n: 0 <= n <= 2, wanted, "temperature = 0", reporter)
            return replace(using, temperature=found)
        case "seed":
            return replace(using, seed=_whole(value, 0, "a whole number from 0", "seed = 7", reporter))
        case "timeout":
            return replace(using, timeout=_timeout(value, reporter))
        case "max_tokens":
            wanted = "a whole number above 0"
            return replace(using, max_tokens=_whole(value, 1, wanted, "max_tokens = 64", reporter))
        case "fields":
            return replace(using, independent=_are_independent(name, value, returns, reporter))
        case "decide":
            return replace(using, decide=_decide(name, value, returns, reporter))
        case "retries":
            return replace(using, retries=_retries(name, value, returns, reporter))
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


def _are_independent(name: nodes.Name, value: nodes.ValueAst, returns: Type, reporter: Reporter) -> bool:
    if not isinstance(value, nodes.StringAst) or value.text not in _FIELDS:
        help = 'write `fields = "independent"`'
        _report_bad(value, 'fields are "ordered" or "independent"', help, reporter)
        return False
    if not returns.has_fields:
        _report_idle(name, "a record", returns, reporter)
    return value.text == "independent"


def _layout(value: nodes.ValueAst, reporter: Reporter) -> str | None:
    if isinstance(value, nodes.StringAst) and value.text in _LAYOUTS:
        return value.text
    _report_bad(value, 'a layout is "plain" or "chat"', 'write `layout = "chat"`', reporter)
    return None


def _retries(name: nodes.Name, value: nodes.ValueAst, returns: Type, reporter: Reporter) -> int | None:
    if not returns.is_asserted:
        _report_idle(name, "something with an `assert`", returns, reporter)
    wanted = f"a whole number from 0 to {MAX_RETRIES}"
    return _whole(value, 0, wanted, "retries = 2", reporter, most=MAX_RETRIES)


def _reasoning(value: nodes.ValueAst, reporter: Reporter) -> int | None:
    most = _whole(value, 1, "a whole number of tokens above 0", "reasoning = 64", reporter)
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
        _report_bad(value, f'`decide` is "{LABELS}"', help, reporter)
        return None
    if not returns.has_choices:
        _report_idle(name, "a choice, or a record with one", returns, reporter)
    return value.text


# ------------------------------------------------------------------------ answers that are not sure enough


def _abstain(
    setting: nodes.SettingAst | nodes.FallbackAst, returns: Type, returns_at: Span, reporter: Reporter
) -> CheckedThreshold | None:
    match setting:
        case nodes.SettingAst():
            _report_unconditional(setting, "`abstain` takes no `=`", "write `abstain below 0.6`", reporter)
            return None
        case nodes.FallbackAst():
            if setting.value is not None:
                label = "there is nothing to name here"
                _report_bad(setting.value, label, "write `abstain below 0.6`", reporter)
                return None
        case _:
            assert_never(setting)
    if not _is_choice(returns):
        _report_idle(setting.name, "a choice", returns, reporter)
    elif not returns.may_be_none:
        described = returns.describe()
        reporter.report(
            "MP0607",
            setting.name.span,
            "an answer that `abstain` holds back is `none`",
            label=f"and `{described}` is never `none`",
            help=f"return `{optional(described)}`",
            also=[(returns_at, "this is what the prompt returns")],
        )
    return _threshold(setting, returns, reporter)


def _escalate(
    setting: nodes.SettingAst | nodes.FallbackAst,
    returns: Type,
    resolver: TypeResolver,
    models: Mapping[str, CheckedModel],
    reporter: Reporter,
) -> CheckedEscalation | None:
    match setting:
        case nodes.SettingAst():
            written = reporter.source.slice(setting.span)
            _report_unconditional(setting, "when is not said", f"write `{written} below 0.7`", reporter)
            return None
        case nodes.FallbackAst():
            value = setting.value
        case _:
            assert_never(setting)
    if value is None:
        written = reporter.source.slice(setting.thresholds[0].span)
        reporter.report(
            "MP0603",
            setting.name.span,
            "`escalate` needs a model",
            label="no model is named",
            help=f"name the larger model: `escalate = large {written}`",
        )
        return None
    if not _is_choice(returns):
        _report_idle(setting.name, "a choice", returns, reporter)
    model = _model(value, resolver, models, reporter)
    when = _threshold(setting, returns, reporter)
    return None if model is None or when is None else CheckedEscalation(model=model, when=when)


def _is_choice(returns: Type) -> bool:
    """Whether an answer is one of several labels, known now or at the call. One alone is always sure."""
    return returns.options is not None and (returns.options != 1 or bool(returns.depends_on))


def _threshold(
    setting: nodes.FallbackAst, returns: Type, reporter: Reporter
) -> CheckedThreshold | None:
    """The threshold of a setting, which has exactly one."""
    first, *others = setting.thresholds
    if others:
        reporter.report(
            "MP0606",
            others[0].span,
            f"`{setting.name.text}` has two thresholds",
            label="this is the second",
            help="leave one of the two out",
            also=[(first.span, "this is the first")],
        )
        return None
    match first:
        case nodes.BelowAst():
            share = _share(first.number, "a confidence", "below 0.6", reporter)
            return None if share is None else CheckedThreshold(below=share, span=first.span)
        case nodes.ReachAst():
            if _is_choice(returns) and returns.depends_on:
                _report_untunable(first, returns, reporter)
                return None
            share = _share(first.number, "an accuracy", "to reach 0.95", reporter)
            return None if share is None else CheckedThreshold(reach=share, span=first.span)
        case _:
            assert_never(first)


def _report_untunable(threshold: nodes.ReachAst, returns: Type, reporter: Reporter) -> None:
    """Of a choice that is tuned, a head knows the labels; where a call brings them along, there is none."""
    reporter.report(
        "MP0605",
        threshold.span,
        "`to reach` is for choices whose labels are known before the call",
        label=f"`{returns.describe()}` is not tuned, for each call has options of its own",
        help="write `below` and a confidence, such as `below 0.6`",
    )


def _share(node: nodes.NumberAst, what: str, sample: str, reporter: Reporter) -> float | None:
    """A number between 0 and 1: with either, no answer or every answer would be meant."""
    value = read_number(node.text)
    if value is not None and 0 < value < 1:
        return float(value)
    word = sample.rpartition(" ")[0]
    meant = f"{word} {value / 100:g}" if value is not None and 1 < value < 100 else sample
    _report_bad(node, f"{what} is a number between 0 and 1", f"write `{meant}`", reporter)
    return None


def _plain_value(
    setting: nodes.SettingAst | nodes.FallbackAst, reporter: Reporter
) -> nodes.ValueAst | None:
    """The value of a setting that has no threshold; `None` where one was written and reported."""
    match setting:
        case nodes.SettingAst():
            return setting.value
        case nodes.FallbackAst():
            name, at = setting.name.text, setting.thresholds[0].span.to(setting.thresholds[-1].span)
            reporter.report(
                "MP0606",
                at,
                f"`{name}` has no threshold",
                label="only `abstain` and `escalate` have one",
                help=f"write `{name} = ` and its value"
                if setting.value is None
                else f"leave `{reporter.source.slice(at)}` out",
            )
            return None
        case _:
            assert_never(setting)


def _report_unconditional(setting: nodes.SettingAst, label: str, help: str, reporter: Reporter) -> None:
    reporter.report(
        "MP0606", setting.span, f"`{setting.name.text}` needs a threshold", label=label, help=help
    )


def _is_same(model: CheckedModel, other: CheckedModel) -> bool:
    """Whether two models are one file."""
    if model.location != other.location:
        return False
    return not is_path(model.location) or posixpath.dirname(model.origin) == posixpath.dirname(other.origin)


def _report_same_model(clause: nodes.UsingAst, reporter: Reporter) -> None:
    at = {setting.name.text: setting.span for setting in clause.settings}
    reporter.report(
        "MP0608",
        at["escalate"],
        "`escalate` asks the same model again",
        label="its answer would be the same",
        help="name a larger model",
        also=[(at["model"], "this is the model that answers first")],
    )


# -------------------------------------------------------------------------------------------- what values are


def _number(
    node: nodes.ValueAst, fits: Callable[[float], bool], wanted: str, sample: str, reporter: Reporter
) -> float | None:
    value = read_number(node.text) if isinstance(node, nodes.NumberAst) else None
    if value is not None and fits(value):
        return float(value)
    _report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def _whole(
    node: nodes.ValueAst, least: int, wanted: str, sample: str, reporter: Reporter, *, most: float = inf
) -> int | None:
    value = read_number(node.text) if isinstance(node, nodes.NumberAst) else None
    if isinstance(value, int) and least <= value <= most:
        return value
    _report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def _report_bad(node: nodes.ValueAst, label: str, help: str, reporter: Reporter) -> None:
    reporter.report("MP0603", node.span, "this setting cannot have this value", label=label, help=help)


def _report_idle(name: nodes.Name, wanted: str, returns: Type, reporter: Reporter) -> None:
    reporter.report(
        "MP0605",
        name.span,
        f"`{name.text}` is for prompts that return {wanted}",
        label=f"this prompt returns {returns.describe()}",
        help="leave the setting out",
    )
