"""The sides of normals."""

import numpy as np

from isofield.shapes.neighbourhoods import neighbourhoods
from isofield.shapes.sides import graph_sides


def test_neighbours_outvote_a_few_wrong_sides(torus):
    cloud = torus(1500)
    near = neighbourhoods(cloud.points)
    random = np.random.default_rng(4)
    votes = np.where(random.random(1500) < 0.1, -0.3, 0.8)
    sides = graph_sides(cloud.points, cloud.normals, near.index, near.distance, votes)
    assert set(np.unique(sides)) <= {-1.0, 1.0}
    assert (sides > 0).mean() > 0.999
