"""Flows: which of their calls are asked together, and what becomes of them in Python."""

from .drawing import FlowOutline, outline
from .effects import effectful
from .plan import FlowPlan
from .python import statements
from .states import costs_of
from .walks import names_of
from .waves import plan

__all__ = ["FlowOutline", "FlowPlan", "costs_of", "effectful", "names_of", "outline", "plan", "statements"]
