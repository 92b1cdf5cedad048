"""Normals, their sides, noise and outliers of unoriented points."""

import numpy as np
import pytest
import torch

from isofield import families
from isofield.render import scan
from isofield.shapes.normals import (
    NEIGHBOURS,
    inliers,
    neighbourhoods,
    noise_level,
    orient,
    planes,
    spacing,
)
from isofield.shapes.sides import graph_sides
from isofield.types import Cloud


@pytest.fixture(autouse=True)
def _restore():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def torus(count: int, noise: float = 0.0, seed: int = 0) -> Cloud:
    """Points evenly on a torus of radii 0.6 and 0.25, moved off it by `noise`, with its outward normals."""
    random = np.random.default_rng(seed)
    v = random.uniform(0, 2 * np.pi, 4 * count)
    v = v[random.uniform(0, 0.85, len(v)) < 0.6 + 0.25 * np.cos(v)][:count]
    u = random.uniform(0, 2 * np.pi, len(v))
    normals = np.stack([np.cos(v) * np.cos(u), np.cos(v) * np.sin(u), np.sin(v)], 1)
    middle = 0.6 * np.stack([np.cos(u), np.sin(u), np.zeros(len(u))], 1)
    return Cloud(middle + (0.25 + random.normal(0, noise, len(v)))[:, None] * normals, normals)


AREA = 4 * np.pi**2 * 0.6 * 0.25


@pytest.fixture(scope="module")
def oriented():
    return orient(torus(1500, 0.004).points)


def test_normals_of_a_torus_point_outward(oriented):
    cosine = (oriented.normals * torus(1500, 0.004).normals).sum(1)
    assert (cosine > 0).mean() == 1
    assert np.median(cosine) > 0.99
    assert np.allclose(np.linalg.norm(oriented.normals, axis=1), 1)


def test_areas_add_up_and_noise_is_found(oriented):
    assert oriented.areas.sum() == pytest.approx(AREA, rel=0.15)
    assert 0.004 < np.median(oriented.noise) < 0.012  # 16 of 1500 points also see how the torus bends
    assert oriented.spacing == pytest.approx(spacing(oriented.points))


def test_winding_number_tells_inside_from_outside(oriented):
    x = np.random.default_rng(1).uniform(-1, 1, (3000, 3)) * [1, 1, 0.5]
    distance = np.hypot(np.hypot(x[:, 0], x[:, 1]) - 0.6, x[:, 2]) - 0.25
    clear = np.abs(distance) > 0.08
    winding = oriented.winding(x[clear])
    assert np.abs(winding - (distance[clear] < 0)).max() < 0.2


def test_lengths_follow_the_units_and_directions_do_not(oriented):
    moved = orient(torus(1500, 0.004).points * 1e9 + 3e9)
    assert (moved.normals * oriented.normals).sum(1).min() > 0.999
    assert np.allclose(moved.noise, oriented.noise * 1e9, rtol=1e-3)
    assert moved.spacing == pytest.approx(oriented.spacing * 1e9, rel=1e-4)
    assert np.allclose(moved.areas, oriented.areas * 1e18, rtol=1e-3)


def test_same_bytes_for_any_number_of_threads():
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found = orient(torus(700, 0.002).points, seed=5)
        results.append(found.normals.tobytes() + found.noise.tobytes() + found.areas.tobytes())
    assert results[0] == results[1]


def test_given_normals_are_used_and_their_sides_repaired():
    cloud = torus(1000, 0.01)
    given = cloud.normals.copy()
    random = np.random.default_rng(2)
    given[random.random(len(given)) < 0.4] *= -3
    given[:3] = [[0, 0, 0], [np.nan, 0, 1], [np.inf, 0, 0]]
    found = orient(cloud.points, given).normals
    cosine = (found * cloud.normals).sum(1)
    assert np.isfinite(found).all()
    assert cosine[3:].min() > 1 - 1e-9
    assert (cosine[:3] > 0.5).all()


def test_both_sides_of_a_thin_plate_point_away_from_it():
    cloud = scan(families.plate(thickness=0.08), 2500, 0.001, seed=0, normals=True)
    cosine = (orient(cloud.points).normals * cloud.normals).sum(1)
    assert (cosine > 0).mean() > 0.97
    assert (cosine < -0.5).mean() < 0.005  # edges may be unclear, faces not


def test_planes_are_exact_where_points_are():
    random = np.random.default_rng(0)
    flat = random.normal(size=(40, 3))
    normal = np.array([1.0, 2, -2]) / 3
    flat -= np.outer(flat @ normal, normal)
    index = np.stack([random.permutation(40)[:16] for _ in range(5)])
    normals, noise, bend = planes(flat + 7, index)
    assert np.allclose(np.abs(normals @ normal), 1)
    assert noise.max() < 1e-6
    assert bend.max() < 1e-9
    ball = planes(random.normal(size=(4000, 3)), np.arange(4000)[None])[2]
    assert ball[0] > 0.8


def test_a_wider_neighbourhood_is_taken_where_the_noise_asks_for_it():
    random = np.random.default_rng(0)
    points = np.concatenate([random.uniform(0, 1, (3000, 2)), random.normal(0, 0.02, (3000, 1))], 1)
    near = neighbourhoods(points)
    narrow = planes(points, near.index[:, :NEIGHBOURS])[0]
    assert np.abs(near.normals[:, 2]).mean() > np.abs(narrow[:, 2]).mean() + 0.01
    assert np.array_equal(near.index[:, 0], np.arange(3000))


@pytest.mark.parametrize("sigma", [0.002, 0.005, 0.01])
def test_noise_level_is_the_deviation_off_the_surface(sigma):
    random = np.random.default_rng(0)
    points = np.concatenate([random.uniform(0, 1, (8000, 2)), random.normal(0, sigma, (8000, 1))], 1)
    assert noise_level(points) == pytest.approx(sigma, rel=0.4)
    assert noise_level(torus(8000, sigma).points) == pytest.approx(sigma, abs=0.003)


def test_strays_are_told_from_the_surface():
    random = np.random.default_rng(3)
    surface = torus(3000, 0.003).points
    strays = random.uniform(-1, 1, (150, 3))
    off = np.hypot(np.hypot(strays[:, 0], strays[:, 1]) - 0.6, strays[:, 2]) - 0.25
    kept = inliers(np.concatenate([surface, strays]))
    assert kept[:3000].mean() > 0.995
    assert kept[3000:][off > 0.35].mean() == 0
    assert kept[3000:].mean() < 0.6


def test_neighbours_outvote_a_few_wrong_sides():
    cloud = torus(1500)
    near = neighbourhoods(cloud.points)
    random = np.random.default_rng(4)
    votes = np.where(random.random(1500) < 0.1, -0.3, 0.8)
    sides = graph_sides(cloud.points, cloud.normals, near.index, near.distance, votes)
    assert set(np.unique(sides)) <= {-1.0, 1.0}
    assert (sides > 0).mean() > 0.999


def test_an_open_sheet_has_one_side():
    """Nothing is inside a sheet, so the winding number says nothing; neighbours still have to agree."""
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (5000, 3))
    x[:, 2] = 0.02 * np.sin(3 * x[:, 0])
    up = orient(x).normals[:, 2]
    assert (up > 0).all() or (up < 0).all()


def test_given_sides_stay_where_they_are_consistent_and_not_where_some_are_flipped():
    random = np.random.default_rng(1)
    n = random.normal(size=(4000, 3))
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    inward = orient(0.5 * n, -n).normals
    assert (np.einsum("nd,nd->n", inward, n) > 0.99).all()
    flipped = n * np.where(random.random(4000) < 0.3, -1, 1)[:, None]
    assert (np.einsum("nd,nd->n", orient(0.5 * n, flipped).normals, n) > 0.99).all()
