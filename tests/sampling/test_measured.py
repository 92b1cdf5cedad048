"""Which distances to a fitted surface are certain."""

import numpy as np
import trimesh

from isofield.sampling.measured import FAR, Measured, measured_distance
from isofield.solids.signed_distance import closest_surface
from isofield.solids.solid_parts import sort


def test_near_what_was_not_measured_only_far_positions_have_a_distance():
    """A unit ball of which the half above z = 0 was not measured; its gap there is the height."""
    mesh = trimesh.creation.icosphere(5)
    height = mesh.vertices[:, 2]
    measured = Measured(mesh.vertices, height <= 0, np.maximum(height, 0))
    distance = measured_distance(closest_surface(sort(mesh.vertices, mesh.faces), 0), measured)
    random = np.random.default_rng(0)
    x = random.standard_normal((4000, 3)) * random.uniform(0.2, 2.5, (4000, 1))
    length = np.linalg.norm(x, axis=1)
    truth, gap = length - 1, np.maximum(x[:, 2] / length, 0)
    value = distance(x)
    certain = (gap == 0) | (np.abs(truth) > FAR * gap)
    unsure = np.abs(np.abs(truth) - FAR * gap) < 0.1  # the gap is that of the nearest vertex
    assert np.array_equal(np.isnan(value)[~unsure], ~certain[~unsure])
    assert (certain & (gap > 0) & ~unsure).sum() > 100 and (~certain).sum() > 100
    assert np.abs(value - truth)[~np.isnan(value)].max() < 0.005
