"""How good the answers of a prompt function are, measured on rows whose answers are known.

Imports run one way: leaves, metrics, tables, outcomes <- rows, figures, variants <- bounds, run, leave_out <-
charts <- report. Importing this package loads nothing.
"""
