"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real shapes: ISOFIELD_DATA, or ../shared/data beside the checkout. Skips where it is not."""
    beside = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get("ISOFIELD_DATA", beside)).resolve()
    if not folder.is_dir():
        pytest.skip(f"the shared data are not at {folder} (set ISOFIELD_DATA)")
    return folder
