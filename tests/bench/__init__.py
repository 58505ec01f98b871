"""Benchmarks, run by hand on a quiet machine. Nothing here is timed by the test suite."""
