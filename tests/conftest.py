"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isofield.types import Cloud


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


@pytest.fixture(scope="session")
def ball() -> trimesh.Trimesh:
    """A closed mesh of 162 vertices and 320 faces whose coordinates all fit into 32 bits."""
    mesh = trimesh.creation.icosphere(2)
    return trimesh.Trimesh(mesh.vertices.astype(np.float32), mesh.faces, process=False)


@pytest.fixture(scope="session")
def table() -> np.ndarray:
    """(200, 3) points on a unit sphere, float64."""
    points = np.random.default_rng(0).normal(size=(200, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def torus() -> Callable[..., Cloud]:
    """torus(count, noise=0.0, seed=0): points evenly on a torus, with its outward normals."""

    def make(count: int, noise: float = 0.0, seed: int = 0) -> Cloud:
        """Radii 0.6 and 0.25; the points are moved off it by `noise`."""
        random = np.random.default_rng(seed)
        v = random.uniform(0, 2 * np.pi, 4 * count)
        v = v[random.uniform(0, 0.85, len(v)) < 0.6 + 0.25 * np.cos(v)][:count]
        u = random.uniform(0, 2 * np.pi, len(v))
        normals = np.stack([np.cos(v) * np.cos(u), np.cos(v) * np.sin(u), np.sin(v)], 1)
        middle = 0.6 * np.stack([np.cos(u), np.sin(u), np.zeros(len(u))], 1)
        return Cloud(middle + (0.25 + random.normal(0, noise, len(v)))[:, None] * normals, normals)

    return make
