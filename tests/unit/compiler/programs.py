"""Programs without mistakes, as the stages behind the checker get them."""

from __future__ import annotations

from mpc.codes import Severity
from mpc.render import as_text
from mpc.sema import CheckedModule, check
from mpc.source import Source
from mpc.syntax import parse


def checked(source: Source) -> CheckedModule:
    """The module, which imports nothing and in which no error is found."""
    tree, mistakes = parse(source)
    module, problems = check(tree, source, {})
    errors = [found for found in (*mistakes, *problems) if found.severity is Severity.ERROR]
    assert not errors, as_text(errors)
    return module
