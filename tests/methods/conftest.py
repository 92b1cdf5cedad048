"""Scans whose truth is known, fitted once for all tests of this folder."""

import numpy as np
import pytest

from adapts import fitted as fit_one
from isofield import families, surfaces
from isofield.configs import Ssd
from isofield.render import scan
from isofield.types import Observation, normalization

CONFIG = Ssd(cells=96, levels=3)
SHAPES = {"knot": families.knot, "gear": lambda: families.gear(teeth=8, holes=3, thickness=0.5, twist=0)}


@pytest.fixture(scope="session")
def fitted():
    """Name of a shape, number of points -> (true mesh, observation, grid), all normalised; noise 0.2 %."""
    known = {}

    def get(name: str, count: int):
        if (name, count) not in known:
            mesh = SHAPES[name]()
            cloud = scan(mesh, count, 0.002, seed=1)
            similarity = normalization(cloud.points)
            mesh.vertices = similarity.apply(mesh.vertices)
            observed = Observation(similarity.apply(cloud.points))
            known[name, count] = mesh, observed, fit_one(CONFIG, observed)
        return known[name, count]

    return get


@pytest.fixture(scope="session")
def surface():
    """Field -> every component of its mesh, at the grid's cells."""
    import torch

    def get(field, cells: int = 96):
        def distance(x: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return field(torch.as_tensor(x, dtype=torch.float32)).double().numpy()

        return surfaces.extract(distance, np.full(3, -1.05), np.full(3, 1.05), cells).mesh

    return get
