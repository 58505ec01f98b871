"""What flows call, and that it comes to an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...diagnostics import Reporter
from ...expressions.signatures import FlowSignature
from ..calls import report_circle_of
from ..checked_flows import CheckedFlow
from ..flow_walks import calls_in


def report_flow_circles(flows: Sequence[CheckedFlow], reporter: Reporter) -> None:
    """Report flows of a file that come to call themselves. Files import one another in no circle, and prompts
    call no flows, so no other way leads back."""
    path = reporter.source.path
    calls = {
        flow.name: {
            call.callee.name: call.span
            for call in calls_in(flow.statements)
            if isinstance(call.callee, FlowSignature) and call.callee.origin == path
        }
        for flow in flows
    }
    help = "write a loop with a bound, `while ... up to 3:`, or let a prompt answer the inner question"
    report_circle_of(calls, "MP1230", help, reporter)


def called_by(flow: CheckedFlow, flows: Mapping[str, CheckedFlow], path: str) -> frozenset[str] | None:
    """The names of what a flow calls, also by other flows of its file, which has the `path`; `None` where it
    calls a flow of another file, of which nothing is known here."""
    found: set[str] = set()
    pending = [flow]
    while pending:
        for call in calls_in(pending.pop().statements):
            callee = call.callee
            if isinstance(callee, FlowSignature) and callee.origin != path:
                return None
            if callee.name not in found and isinstance(callee, FlowSignature) and callee.name in flows:
                pending.append(flows[callee.name])
            found.add(callee.name)
    return frozenset(found)
