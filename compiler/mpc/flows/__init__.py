"""Flows: which of their calls are asked together, and what becomes of them in Python."""

from .effects import FlowKey, effectful
from .plan import FlowPlan
from .python import statements
from .walks import names_of
from .waves import plan

__all__ = ["FlowKey", "FlowPlan", "effectful", "names_of", "plan", "statements"]
