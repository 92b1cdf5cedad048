"""Points in the lines of a scanner."""

import numpy as np
import pytest
import trimesh

from isofield import api
from isofield.kdtree import KDTree, nearest
from isofield.points import evened_lines
from isofield.solids.triangles import distance_to
from isofield.types import Cloud

SENSOR = np.array([0.0, 0.0, 1.2])


def rings(count: int = 16, steps: int = 1800) -> np.ndarray:
    """A box of 8 x 6 m and 3 m high, measured from inside along rings that are two degrees apart."""
    turns = 1e-3 + np.linspace(0, 2 * np.pi, steps, endpoint=False)
    elevation, azimuth = np.meshgrid(np.radians(np.linspace(-15, 15, count)), turns, indexing="ij")
    rays = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], -1
    ).reshape(-1, 3)
    depth = (np.where(rays > 0, [4, 3, 3] - SENSOR, [-4, -3, 0] - SENSOR) / rays).min(1)
    noise = np.random.default_rng(0).normal(0, 0.005, len(rays))
    return SENSOR + rays * (depth + noise)[:, None]


def test_the_lines_of_a_scanner_are_thinned_until_they_are_as_dense_as_from_line_to_line():
    points = rings()
    left = points[evened_lines(points)]
    assert 0.2 * len(points) < len(left) < 0.5 * len(points)
    distance = nearest(KDTree(left), left, k=[5, 17])[0]
    assert np.median(distance[:, 1] / distance[:, 0]) < 2.3  # 2 on a surface, 4 on a line
    assert nearest(KDTree(left), points)[0].max() < 0.1  # no part is lost


def test_other_points_stay():
    random = np.random.default_rng(1)
    surface = np.asarray(trimesh.creation.torus(1, 0.3).sample(8000, seed=0))
    turns = np.linspace(0, 6 * np.pi, 2000)
    wire = np.stack([np.cos(turns), np.sin(turns), turns / 8], 1) + random.normal(0, 0.005, (2000, 3))
    for points in (surface, wire, surface[:10]):
        assert evened_lines(points).all()


def test_a_room_measured_in_rings_has_whole_walls():
    with pytest.warns(UserWarning, match=r"lie in lines.*of 28800 are fitted.*--close-holes"):
        sdf = api.fit(Cloud(rings(), sensors=np.tile(SENSOR, (28800, 1))), quality="fast")
    mesh = sdf.mesh()
    height, along = np.meshgrid(np.linspace(0.5, 1.9, 60), np.linspace(-2.5, 2.5, 60))
    wall = np.stack([np.full_like(along, 4), along, height], -1).reshape(-1, 3)
    distance = distance_to(mesh.vertices, mesh.faces)(wall)
    assert (distance < 0.03).mean() > 0.98
