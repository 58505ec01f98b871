"""Models on servers: whether their addresses lead to one, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from microprompt.locations import MAX_SERVER_OPTIONS, NoServer, is_server, protocol_of, server

from ..diagnostics import Reporter
from ..syntax import nodes
from ..types import Type
from .checked import CheckedModel, CheckedUsing

_OF_THE_MODEL: Final = ("layout", "fields")
_OF_BOTH: Final = ("reasoning",)
"""Settings of how a model that runs here is led: of the prompt's own, and of the larger one as well."""


def check_address(location: nodes.StringAst, reporter: Reporter) -> None:
    """Report the name of a model that has the form of a server's address and leads to none."""
    if not is_server(location.text):
        return
    try:
        server(location.text)
    except NoServer as error:
        label = "this leads to no model"
        reporter.report("MP0615", location.span, error.message, label=label, help=error.help)


def check_servers(clause: nodes.UsingAst, using: CheckedUsing, returns: Type, reporter: Reporter) -> None:
    """Report what the servers that a prompt asks can't do for it."""
    at = {setting.name.text: setting for setting in clause.settings}
    own, larger = _on_server(using.model), _on_server(using.escalate.model if using.escalate else None)
    for name in (*(_OF_THE_MODEL if own else ()), *(_OF_BOTH if own or larger else ())):
        if name in at:
            report_local(at[name].name, reporter)
    for threshold in _reached(clause, own=own is not None, larger=larger is not None):
        reporter.report(
            "MP0605",
            threshold.span,
            "`to reach` is for models that run on this machine",
            label="what a server says is not tuned",
            help="write `below` and a confidence, such as `below 0.6`",
        )
    for name, model in (("model", own), ("escalate", larger)):
        if model is not None and protocol_of(model.location) == "systemone":
            _check_choice(at[name].name, returns, reporter)


def _check_choice(name: nodes.Name, returns: Type, reporter: Reporter) -> None:
    if returns.options is None:
        if name.text != "escalate":  # which is for choices, wherever it leads
            reporter.report(
                "MP0616",
                name.span,
                "a server of System One answers choices",
                label=f"this prompt returns {returns.describe()}",
                help="ask a model on this machine, or a server of another kind, as "
                '`"openai:http://127.0.0.1:8080/v1#MODEL"`',
            )
    elif returns.options > MAX_SERVER_OPTIONS:
        reporter.report(
            "MP0616",
            name.span,
            f"a server of System One answers choices of up to {MAX_SERVER_OPTIONS} labels",
            label=f"{returns.describe()} has {returns.options}",
            help="choose a group first, then one of its members",
        )


def _on_server(model: CheckedModel | None) -> CheckedModel | None:
    return model if model is not None and is_server(model.location) else None


def _reached(clause: nodes.UsingAst, *, own: bool, larger: bool) -> Iterator[nodes.ReachAst]:
    """The thresholds that a tuning would find for what servers say."""
    for setting in clause.settings:
        if isinstance(setting, nodes.FallbackAst) and (own or (larger and setting.name.text == "escalate")):
            yield from (each for each in setting.thresholds if isinstance(each, nodes.ReachAst))


def report_local(name: nodes.Name, reporter: Reporter) -> None:
    """Report a setting of how a model that runs here is led, where a server answers."""
    reporter.report(
        "MP0605",
        name.span,
        f"`{name.text}` is for models that run on this machine",
        label="a server sees to it by itself",
        help="leave the setting out",
    )
