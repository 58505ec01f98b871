"""Tuning: from rows to heads and cut-points, each chosen on rows that it was not fitted on."""
