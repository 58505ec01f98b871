"""Expressions: typed, evaluated on values that are known, and written in Python."""

from .check import check_condition, check_expression
from .checked import Checked
from .evaluate import evaluate
from .python import in_python

__all__ = ["Checked", "check_condition", "check_expression", "evaluate", "in_python"]
