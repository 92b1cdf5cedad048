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
    """A small linear space of toys (`toys`), learned by the commands."""
    import toys

    from isofield import shapes
    from isofield.cli.main import main

    folder = tmp_path_factory.mktemp("toys")
    for number in range(toys.COUNT):
        shapes.write_mesh(toys.toy(number), folder / "meshes" / "toy" / f"{number:03d}.ply")
    some = ["--count", "12000", "--workers", "1", "--no-progress"]
    assert main(["prepare", str(folder / "meshes"), str(folder / "data"), *some]) == 0
    assert main(["train", "linear", str(folder / "data"), "-o", str(folder / "run"), "--cells", "24", "--no-progress"]) == 0
    return folder / "run"


@pytest.fixture(scope="session")
def toy_space(toy_run):
    """The same, loaded."""
    from isofield.api import load_run

    return load_run(toy_run)
