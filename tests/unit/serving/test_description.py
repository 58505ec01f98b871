"""The description of a service held against what it does, by Schemathesis: whatever is sent, within what it
says or not, there is no fault of the server's, and nothing that it does not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from microprompt.serving.app import create_app
from microprompt.serving.served import Served
from microprompt.testing import ScriptedEngine

CASES: Final = 2_000
_SERVED: Final = ("classify", "rate", "weigh", "reply", "answer")
"""Functions that wait for nothing, and raise nothing themselves."""

_SLOW: Final = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)

_CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_a_service_does_what_it_says_and_nothing_else(
    functions: Sequence[Served], engine: ScriptedEngine
) -> None:
    served = [each for each in functions if each.function.program.name in _SERVED]
    app = create_app(served, keys=["secret"])
    headers = {"Authorization": "Bearer secret"}
    app.state.readiness.is_ready = True
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=headers)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(_SERVED) + 5
    calls = [operation for operation in operations if operation.method.upper() == "POST"]
    seen: Counter[int] = Counter()

    for operation in operations:
        count = CASES // len(calls) + 1 if operation in calls else 1

        @settings(max_examples=count, database=None, suppress_health_check=_SLOW)
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            response = case.call(headers=headers)
            seen[response.status_code] += 1
            case.validate_response(response, checks=_CHECKS)

        check()

    assert seen.total() >= CASES
    assert {200, 422} <= seen.keys()
