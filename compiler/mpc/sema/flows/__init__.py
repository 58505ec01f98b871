"""Flows: what their statements mean, what they call, and what stands below them."""

from .calls import called_by, report_flow_circles
from .clauses import with_clauses
from .statements import check_flow, check_flow_signature

__all__ = ["called_by", "check_flow", "check_flow_signature", "report_flow_circles", "with_clauses"]
