from __future__ import annotations

import numpy as np
import pytest

from isofield.surfaces import adaptive_sampling
from isofield.surfaces.adaptive_sampling import Lattice, crossed, swept

from . import analytic as fields


def lattice(field: fields.Field, resolution: int) -> Lattice:
    return Lattice(field, np.full(3, -1.0), np.full(3, 1.0), resolution, 0.0, 1 << 16)


@pytest.mark.parametrize("resolution", [47, 96])
@pytest.mark.parametrize("field", [fields.torus, fields.plate(0.05)])
def test_the_surface_is_followed_into_cells_that_too_small_a_bound_discards(
    field: fields.Field, resolution: int
) -> None:
    few, usual, full = (lattice(field, resolution) for _ in range(3))
    cells, every = crossed(few, safety=0.3), swept(full)
    crossed(usual)
    assert few.evaluations < 0.95 * usual.evaluations  # cells were discarded that the usual bound keeps
    order, wanted = np.argsort(few.keys(cells.low)), np.argsort(full.keys(every.low))
    assert np.array_equal(cells.low[order], every.low[wanted])
    assert np.array_equal(cells.values[order], every.values[wanted])


def test_the_bounds_are_the_largest_possible() -> None:
    corners = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    points = np.random.default_rng(0).random((10_000, 3))
    points = np.concatenate([points, corners, [[0.5, 0.5, 0.5]]])
    distance = np.linalg.norm(points[:, None] - corners, axis=2)
    assert distance.min(axis=1).max() == pytest.approx(adaptive_sampling.NEAREST)
    assert distance.mean(axis=1).max() == pytest.approx(adaptive_sampling.MEAN)
