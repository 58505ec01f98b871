"""What becomes of the tests of a program: those that are written out in it, and those in files of rows."""

from .from_rows import RowsResult, run_rows
from .written import Result, run_written

__all__ = ["Result", "RowsResult", "run_rows", "run_written"]
