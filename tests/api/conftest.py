"""A fitted ellipsoid, and a field that is a sphere by construction."""

import numpy as np
import pytest
import trimesh

from isofield.api import SDF, fit
from isofield.fields.grid import SparseGrid
from isofield.render import scan
from isofield.types import Similarity

AXES = np.array([1.0, 0.3, 0.22])
CENTER, SCALE, RADIUS = np.array([10.0, -20.0, 30.0]), 0.1, 4.0


@pytest.fixture(scope="session")
def ellipsoid():
    """Mesh of the ellipsoid with half axes 1, 0.3 and 0.22."""
    mesh = trimesh.creation.icosphere(5)
    mesh.apply_scale(AXES)
    return mesh


@pytest.fixture(scope="session")
def cloud(ellipsoid):
    """Its scan: 1500 points with true normals, noise 0.2 % of the diagonal."""
    return scan(ellipsoid, 1500, 0.002, seed=0, normals=True)


@pytest.fixture(scope="session")
def fitted(cloud) -> SDF:
    """The field of the bare points of that scan."""
    return fit(cloud.points, quality="fast")


@pytest.fixture(scope="session")
def probes():
    """Points (4000, 3) in a box around the ellipsoid, and which are clearly (4 % of the long axis) off its surface."""
    x = np.random.default_rng(8).uniform(-1.2, 1.2, (4000, 3)) * AXES
    radius = np.linalg.norm(x / AXES, axis=1)
    off = np.abs(radius - 1) * radius / np.linalg.norm(x / AXES**2, axis=1)  # first order distance
    return x, off > 0.04, radius < 1


@pytest.fixture
def ball() -> SDF:
    """The distance to a sphere of radius 4 about (10, -20, 30), sampled at 40 coarse cells along each axis."""
    index = np.stack(np.meshgrid(*[np.arange(41)] * 3, indexing="ij"), -1).reshape(-1, 3)
    values = np.linalg.norm(index * 0.05 - 1, axis=1) - RADIUS * SCALE
    grid = SparseGrid([-1, -1, -1], 0.05, (40, 40, 40), [np.arange(40**3)], [values])
    grid.requires_grad_(False)
    random = np.random.default_rng(0).normal(size=(2000, 3))
    points = CENTER + RADIUS * random / np.linalg.norm(random, axis=1, keepdims=True)
    similarity = Similarity((10.0, -20.0, 30.0), SCALE)
    return SDF(grid, similarity, points, 0.2, (-0.5,) * 3, (0.5,) * 3, {"method": "by hand", "seed": 7})
