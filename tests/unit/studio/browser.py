"""The Chromium of this system, where there is one; Playwright's own is not fetched."""

from __future__ import annotations

import os
import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM: Final = next((found for found in map(shutil.which, NAMES) if found), None)
LACKING: Final = "there is no Chromium: install the package `chromium`, and these tests run"


def arguments() -> list[str]:
    """What Chromium is started with; it has no sandbox for root."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return ["--disable-dev-shm-usage", *(["--no-sandbox"] if is_root else [])]
