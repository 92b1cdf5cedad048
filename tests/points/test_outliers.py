"""Points that do not belong to the surface are told from those that do."""

import igl
import numpy as np
import pytest

from isofield import families
from isofield.points import inliers, pieces
from isofield.render import scan


def test_strays_are_told_from_the_surface(torus):
    random = np.random.default_rng(3)
    surface = torus(3000, 0.003).points
    strays = random.uniform(-1, 1, (150, 3))
    off = np.hypot(np.hypot(strays[:, 0], strays[:, 1]) - 0.6, strays[:, 2]) - 0.25
    kept = inliers(np.concatenate([surface, strays]))
    assert kept[:3000].mean() > 0.995
    assert kept[3000:][off > 0.35].mean() == 0
    assert kept[3000:].mean() < 0.6


def test_many_strays_have_strays_around_them(torus):
    """30 % of a cloud, which look like a sparse part of it to each other."""
    random = np.random.default_rng(3)
    surface, strays = torus(14_000, 0.002).points, random.uniform(-1.2, 1.2, (6000, 3))
    off = np.abs(np.hypot(np.hypot(strays[:, 0], strays[:, 1]) - 0.6, strays[:, 2]) - 0.25)
    kept = inliers(np.concatenate([surface, strays]))
    assert kept[:14_000].mean() > 0.995
    assert kept[14_000:][off > 0.1].mean() < 0.01


@pytest.mark.parametrize(("name", "share"), [("plate", 0.05), ("coil", 0.2)])
def test_strays_go_and_the_surface_stays(name, share):
    """The box of a thin plate is so small that strays in it lie close to each other and to the plate."""
    mesh = families.FAMILIES[name]()
    cloud = scan(mesh, 20_000, 0.002, outliers=share, seed=0)
    diagonal = np.linalg.norm(mesh.extents)
    off = np.sqrt(igl.point_mesh_squared_distance(cloud.points, mesh.vertices, mesh.faces)[0]) / diagonal
    kept = inliers(cloud.points)
    assert kept[off < 0.005].mean() > 0.998
    assert (off > 0.02).sum() > 50
    assert kept[off > 0.02].mean() < 0.15


def test_where_a_scan_gets_sparser_its_points_stay():
    """A density that falls fourfold at a line, as where two views overlap."""
    random = np.random.default_rng(2)
    x = random.uniform(-1, 1, (20_000, 3)) * [1, 1, 0.002]
    x = x[(x[:, 0] < 0) | (random.random(len(x)) < 1 / 4)]
    assert inliers(x).mean() > 0.998


@pytest.mark.parametrize("sparser", [16, 100])
def test_where_a_scan_gets_far_sparser_most_points_stay(sparser):
    """As on a far wall of a room, or beside a dense patch."""
    random = np.random.default_rng(2)
    x = random.uniform(-1, 1, (100_000, 3)) * [1, 1, 0.002]
    x = x[(x[:, 0] < 0) | (random.random(len(x)) < 1 / sparser)]
    kept = inliers(x)
    assert kept[x[:, 0] < 0].mean() > 0.998
    assert kept[x[:, 0] > 0].mean() > 0.9


def test_where_a_closed_scan_gets_far_sparser_its_points_stay():
    """A ball whose cap is a hundred times as dense as the rest, which is curved between its points."""
    random = np.random.default_rng(2)
    x = random.normal(size=(40_000, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x = x[(x[:, 2] > 0.5) | (random.random(len(x)) < 1 / 100)]
    x += random.normal(0, 0.002, x.shape)
    strays = random.uniform(-2, 2, (40, 3))
    kept = inliers(np.concatenate([x, strays[np.abs(np.linalg.norm(strays, axis=1) - 1) > 0.3]]))
    assert kept[: len(x)][x[:, 2] > 0.5].mean() > 0.998
    assert kept[: len(x)][x[:, 2] < 0.5].mean() > 0.95
    assert kept[len(x) :].mean() < 0.1


def test_small_groups_go_where_they_are_far_by_their_own_scale():
    """Two pieces of 50 points, one with a gap of 50 times its spacing, one with a gap of twice its spacing."""
    random = np.random.default_rng(4)
    wall = random.uniform(-1, 1, (30_000, 3)) * [1, 1, 0]
    far, near = (random.uniform(0, side, (50, 3)) * [1, 1, 0] for side in (0.1, 2.0))
    kept = inliers(np.concatenate([wall, far + [0, 0, 0.7], near + [1.5, -1, 0]]))
    assert kept[:30_000].mean() > 0.998
    assert not kept[30_000:30_050].any()
    assert kept[30_050:].mean() > 0.8


def test_a_stray_that_is_far_from_a_sheet_but_in_its_plane_goes():
    random = np.random.default_rng(5)
    ground = random.uniform(0, 1, (5000, 3)) * [1, 1, 0.002]
    edge = np.array([[1.05, 0.5, 0.001]])
    kept = inliers(np.concatenate([ground, edge, [[600.0, 500, 0]]]))
    assert kept[:-1].mean() > 0.998 and not kept[-1]


def test_a_few_points_together_far_from_a_scan_go_and_repeated_points_stay():
    random = np.random.default_rng(6)
    wall = random.uniform(0, 1, (5000, 3)) * [1, 1, 0.002]
    few = np.array([[0.01 * step, 3.0, 0.0] for step in range(5)])
    kept = inliers(np.concatenate([wall, few]))
    assert kept[:5000].mean() > 0.998 and not kept[5000:].any()
    again = np.repeat(wall[:2000], 2, axis=0) + random.normal(0, 1e-5, (4000, 3))
    assert inliers(again).mean() > 0.99


def test_outliers_are_counted_in_pieces():
    random = np.random.default_rng(0)
    kept = np.c_[random.uniform(-1, 1, (4000, 2)), np.zeros(4000)]
    part = np.c_[random.uniform(0, 0.2, (60, 2)), random.normal(1, 0.01, 60)]
    strays = random.uniform([-1, -1, 2], [1, 1, 4], (30, 3))
    sizes = pieces(np.concatenate([strays, part]), kept)
    assert sizes[0] == 60 and sizes.sum() == 90 and len(sizes) > 25
    assert not len(pieces(np.empty((0, 3)), kept))
