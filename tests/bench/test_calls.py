"""A smoke test: the bench runs, and its JSON has the promised shape. Times are read by people, not tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CALLS = Path(__file__).with_name("calls.py")


@pytest.mark.model
def test_json_has_ratios_measurements_and_setup() -> None:
    # With one thread, so that a busy machine doesn't slow llama.cpp's barriers down to a crawl.
    options = [
        "--json",
        "--workload",
        "enum",
        "--rounds",
        "1",
        "--repeats",
        "2",
        "--threads",
        "1",
        "--peer",
        "none",
    ]

    done = subprocess.run([sys.executable, str(CALLS), *options], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["ratios", "measured", "setup", "notes"]
    weights = set(found["setup"]["weights"])
    assert {(row["engine"], row["weights"]) for row in found["measured"]} == {
        ("microprompt", kind) for kind in weights
    }
    for row in found["measured"]:
        assert row["samples"] == 2
        assert row["valid"] == 1
        assert row["agreement"] == 1
        assert row["decodes_per_call"] == 1
    assert len(found["ratios"]) == len(weights) - 1
