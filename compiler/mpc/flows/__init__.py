"""Flows: which of their calls are asked together, and what becomes of them in Python."""

from .drawing import FlowOutline, outline
from .effects import FlowKey, effectful
from .plan import FlowPlan
from .python import statements
from .walks import names_of
from .waves import plan

__all__ = ["FlowKey", "FlowOutline", "FlowPlan", "effectful", "names_of", "outline", "plan", "statements"]
