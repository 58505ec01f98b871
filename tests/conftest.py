"""What all tests share: Hypothesis looks for new cases on a developer's machine, and repeats itself in CI.

Nothing is timed: a machine that others use makes any case slow once.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
