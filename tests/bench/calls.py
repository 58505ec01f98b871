"""How long a call takes, here and in Outlines: ratios first, then what was measured, then on what.

    python tests/bench/calls.py [--json] [--repeats N] [--rounds N] [--model NAME] [--workload NAME]

Run it on a quiet machine. Three workloads (a 3-way enum, 20 labels whose first tokens collide, a record of
five fields), three engines (this runtime, Outlines on llama-cpp-python as its documentation shows, the same
without the `reset()` that throws the prompt away after each call), two files of weights (prepared, as
shipped). Nothing is asserted about time.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first in the path; the package it belongs to starts at the root.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from tests.bench.cli import main

    main()
