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


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory) -> Path:
    """The folder of a small linear space of toys (`toys`)."""
    import toys

    folder = tmp_path_factory.mktemp("toys") / "run"
    toys.space().save(folder)
    return folder


@pytest.fixture(scope="session")
def toy_space(toy_run):
    """The same, loaded."""
    from isofield.api import load_run

    return load_run(toy_run)
