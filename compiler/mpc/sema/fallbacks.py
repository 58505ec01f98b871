"""Settings for answers that are not sure enough: `abstain` and `escalate`, and their thresholds."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import assert_never

from microprompt.locations import is_path
from microprompt.notation import optional

from ..diagnostics import Reporter
from ..source import Span
from ..syntax import nodes
from ..types import Type
from ..types.constraints import read_number
from .checked import CheckedEscalation, CheckedModel, CheckedThreshold
from .resolve import TypeResolver
from .setting_values import model_of, report_bad, report_idle


def check_abstain(
    setting: nodes.SettingAst | nodes.FallbackAst, returns: Type, returns_at: Span, reporter: Reporter
) -> CheckedThreshold | None:
    """When an answer of a choice is held back; `None` where something is wrong with it, which is reported."""
    match setting:
        case nodes.SettingAst():
            _report_unconditional(setting, "`abstain` takes no `=`", "write `abstain below 0.6`", reporter)
            return None
        case nodes.FallbackAst():
            if setting.value is not None:
                label = "there is nothing to name here"
                report_bad(setting.value, label, "write `abstain below 0.6`", reporter)
                return None
        case _:
            assert_never(setting)
    if not _is_choice(returns):
        report_idle(setting.name, "a choice", returns, reporter)
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


def check_escalate(
    setting: nodes.SettingAst | nodes.FallbackAst,
    returns: Type,
    resolver: TypeResolver,
    models: Mapping[str, CheckedModel],
    reporter: Reporter,
) -> CheckedEscalation | None:
    """When a larger model is asked, and which; `None` where something is wrong with it, which is reported."""
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
        report_idle(setting.name, "a choice", returns, reporter)
    model = model_of(value, resolver, models, reporter)
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
    report_bad(node, f"{what} is a number between 0 and 1", f"write `{meant}`", reporter)
    return None


def plain_value(
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


def is_same_model(model: CheckedModel, other: CheckedModel) -> bool:
    """Whether two models are one file."""
    if model.location != other.location:
        return False
    return not is_path(model.location) or posixpath.dirname(model.origin) == posixpath.dirname(other.origin)


def report_same_model(clause: nodes.UsingAst, reporter: Reporter) -> None:
    """Report an answer that is asked for again of the model that has given it."""
    at = {setting.name.text: setting.span for setting in clause.settings}
    reporter.report(
        "MP0608",
        at["escalate"],
        "`escalate` asks the same model again",
        label="its answer would be the same",
        help="name a larger model",
        also=[(at["model"], "this is the model that answers first")],
    )
