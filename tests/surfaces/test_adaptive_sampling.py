from __future__ import annotations

import numpy as np
import pytest

from isofield.surfaces import adaptive_sampling
from isofield.surfaces.sampling_grid import Lattice

from . import analytic as fields


@pytest.mark.parametrize("resolution", [48, 47])
def test_the_surface_is_followed_into_cells_that_were_discarded(resolution: int) -> None:
    lattice, full = (
        Lattice(fields.torus, np.full(3, -1.0), np.full(3, 1.0), resolution, 0.0, 1 << 16) for _ in range(2)
    )
    known = adaptive_sampling._Border(lattice)
    cells = adaptive_sampling._coarse(lattice, 2, known)
    mixed = np.flatnonzero(adaptive_sampling._mixed(cells.values))
    some = mixed[[0, len(mixed) // 2]]
    found = adaptive_sampling._finest(lattice, adaptive_sampling.Cells(cells.low[some], cells.values[some]), known)
    every = adaptive_sampling.swept(full)
    order, wanted = np.argsort(lattice.keys(found.low)), np.argsort(full.keys(every.low))
    assert np.array_equal(found.low[order], every.low[wanted])
    assert np.array_equal(found.values[order], every.values[wanted])


def test_the_bounds_hold_at_the_worst_places() -> None:
    corners = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    points = np.random.default_rng(0).random((10_000, 3))
    points = np.concatenate([points, corners, [[0.5, 0.5, 0.5]]])
    distance = np.linalg.norm(points[:, None] - corners, axis=2)
    assert distance.min(axis=1).max() == pytest.approx(adaptive_sampling.NEAREST)
    assert distance.mean(axis=1).max() == pytest.approx(adaptive_sampling.MEAN)
