"""The smooth grid on simulated scans of shapes that are known."""

from dataclasses import replace

import igl
import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

import isofield
from adapts import fitted as fit_one
from adapts import stages
from isofield import families, surfaces
from isofield.api.modules import distances
from isofield.configs import Ssd
from isofield.configs.methods import choose
from isofield.evaluate import compare
from isofield.fields.array_grid import ArrayGrid
from isofield.fields.grid import SparseGrid
from isofield.methods.ssd import fit_oriented
from isofield.points.normals import Oriented
from isofield.render import scan
from isofield.types import Observation

TINY = Ssd(cells=32, levels=2, iterations=(20, 20))


@pytest.fixture(autouse=True)
def _restore():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def sphere(count: int, noise: float, seed: int = 0) -> Observation:
    """Points of a sphere of radius 0.9."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 3))
    return Observation(x / np.linalg.norm(x, axis=1, keepdims=True) * (0.9 + random.normal(0, noise, (count, 1))))


@pytest.mark.parametrize(("family", "near", "normals"), [("knot", 0.99, 0.985), ("gear", 0.75, 0.89)])
def test_follows_a_scan(fitted, surface, family, near, normals):
    """The gear has more than twice the knot's surface: there 4000 points lie farther apart than 1 % of the diagonal."""
    truth, _, grid = fitted(family, 4000)
    mesh = surface(grid)
    scores = compare(mesh, truth, samples=20_000, floor=False)
    assert scores["f_score_1"] >= near
    assert scores["f_score_2"] >= 0.985
    assert scores["normal_consistency"] >= normals
    assert scores["components"] == 1
    assert scores["watertight"]
    assert surfaces.check(mesh).problems == []
    assert scores["genus"] == scores["truth_genus"]


@pytest.mark.parametrize(
    ("count", "noise", "near"),
    [(3000, 0.002, 0.93), pytest.param(30_000, 0.005, 0.95, marks=pytest.mark.slow)],
)
def test_thin_blades_in_few_points_and_in_noise(count, noise, near):
    """Blades are thinner than the points are apart, or than twice the noise."""
    truth = families.propeller()
    mesh = isofield.fit(scan(truth, count, noise, seed=3).points).mesh()
    scores = compare(mesh, truth, samples=100_000, floor=False, thresholds=(0.005,))
    assert scores["f_score_0.5"] >= near
    assert scores["components"] == 1


def test_is_the_distance_to_a_sphere_near_it():
    field = fit_one(Ssd(cells=48, levels=2), sphere(1500, 0.004))
    x = np.random.default_rng(5).normal(size=(3000, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    for low, high, median, most in ((0.86, 0.94, 0.003, 0.02), (0.7, 1.1, 0.005, 0.03)):
        y = x * np.random.default_rng(6).uniform(low, high, (3000, 1))
        with torch.no_grad():
            found = field(torch.as_tensor(y, dtype=torch.float32)).numpy()
        wrong = np.abs(found - (np.linalg.norm(y, axis=1) - 0.9))
        assert np.median(wrong) < median
        assert wrong.max() < most
    center = field(torch.zeros(1, 3)).item()
    assert center == pytest.approx(-0.9, abs=0.1)


def test_answers_distances_also_far_from_the_surface(fitted):
    truth, _, grid = fitted("knot", 4000)
    lower = grid.origin.double().numpy()
    x = np.random.default_rng(4).uniform(lower, lower + np.array(grid.shape) * grid.side, (3000, 3))
    faces = np.asarray(truth.faces, np.int64)
    distance = np.sqrt(igl.point_mesh_squared_distance(x, np.asarray(truth.vertices, np.float64), faces)[0])
    with torch.no_grad():
        found = np.abs(grid(torch.as_tensor(x, dtype=torch.float32)).double().numpy())
    far = distance > 0.1
    assert np.median(np.abs(found - distance)[far] / distance[far]) < 0.02
    assert np.quantile(np.abs(found - distance), 0.95) < 0.02


def test_progress_holds_ever_finer_grids():
    done = stages(replace(TINY, levels=3), sphere(600, 0.0))
    assert done[0].code is None
    assert [stage.fraction for stage in done] == sorted(stage.fraction for stage in done)
    assert done[-1].fraction == 1
    grids = [stage.code for stage in done[1:]]
    assert all(isinstance(grid, ArrayGrid) for grid in grids)
    assert [grid.levels for grid in grids] == [1, 2, 3]
    assert grids[-1].side / 4 == pytest.approx(1.8 / 32, rel=0.02)


def test_has_no_jump_where_levels_meet(fitted):
    _, _, grid = fitted("knot", 4000)
    random = np.random.default_rng(1)
    lower = grid.origin.double().numpy()
    x = random.uniform(lower, lower + np.array(grid.shape) * grid.side, (60_000, 3))
    step = random.normal(size=x.shape)
    step *= 1e-3 / np.linalg.norm(step, axis=1, keepdims=True)
    with torch.no_grad():
        a, b = (grid(torch.as_tensor(p, dtype=torch.float32)).double().numpy() for p in (x, x + step))
    assert np.abs(a - b).max() < 4e-3
    assert np.quantile(np.abs(a - b), 0.99) < 1.5e-3


def test_follows_the_points_less_where_they_are_known_to_be_noisy():
    observed = sphere(3000, 0.02)
    config = Ssd(cells=64, levels=3)
    rough, even = (fit_one(config, replace(observed, noise=noise)) for noise in (0.0005, 0.02))
    noisy, true = (torch.as_tensor(one.points, dtype=torch.float32) for one in (observed, sphere(3000, 0.0, 9)))
    with torch.no_grad():
        off = [field(noisy).abs().mean().item() for field in (rough, even)]
        deviation = even(true).std().item()
    assert off[1] > 0.5 * 0.02 > 10 * off[0]
    assert deviation < 0.3 * 0.02  # of the noise


def test_same_bytes_for_any_number_of_threads():
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        field = fit_one(TINY, sphere(800, 0.003), seed=2)
        results.append(b"".join(value.numpy().tobytes() for value in field.state_dict().values()))
    assert results[0] == results[1]


def test_qualities_differ_in_cells():
    cells = [choose("ssd", quality).cells for quality in ("fast", "balanced", "best")]
    assert cells == sorted(set(cells))


def bumpy(random: np.random.Generator, count: int, patch: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of a sphere with small waves around its pole, beyond z = patch only, and outward normals: (n, 3) each."""
    x = random.normal(size=(8 * count, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x = x[x[:, 2] > patch][:count]

    def radius(y: np.ndarray) -> np.ndarray:
        high = np.clip((y[:, 2] - 0.9) / 0.02, 0, 1)
        return 1 + 0.005 * high * np.sin(100 * y[:, 0]) * np.sin(100 * y[:, 1])

    across = np.cross(x, [1.0, 0.3, 0.2])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    along = np.cross(x, across)
    moved = []
    for way in (across, along):
        ends = [x + sign * 1e-4 * way for sign in (-1, 1)]
        ends = [y / np.linalg.norm(y, axis=1, keepdims=True) for y in ends]
        moved.append(ends[1] * radius(ends[1])[:, None] - ends[0] * radius(ends[0])[:, None])
    normals = np.cross(moved[0], moved[1])
    normals *= np.sign((normals * x).sum(1, keepdims=True))
    return x * radius(x)[:, None], normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_cells_follow_the_points_where_these_are_dense():
    """The waves of a dense patch are narrower than the even cells; the patch ends inside, without a jump or a crack."""
    random = np.random.default_rng(0)
    (sparse, out), (dense, up) = bumpy(random, 2000, -1.0), bumpy(random, 12_000, 0.88)
    points, normals = np.concatenate([sparse, dense]), np.concatenate([out, up])
    distance = cKDTree(points).query(points, k=11)[0]
    oriented = Oriented(points, normals, np.pi * distance[:, 10] ** 2 / 10, np.full(len(points), 1e-4), 0.01)
    held_out = torch.as_tensor(bumpy(random, 4000, 0.92)[0], dtype=torch.float32)
    grids = {}
    for further in (0, 4):
        *_, last = fit_oriented(oriented, Ssd(cells=32, levels=2, further=further, detail=1.0))
        grids[further] = SparseGrid.of(last.code)
    with torch.no_grad():
        error = {further: grid(held_out).abs().mean().item() for further, grid in grids.items()}
    assert grids[0].levels == 2 and grids[4].levels >= 4
    assert error[4] < 0.0004 < 0.0008 < error[0]
    grid = grids[4]
    nodes = [len(getattr(grid, f"values_{level}")) for level in range(grid.levels)]
    assert sum(nodes[2:]) < 20 * len(dense)
    x = bumpy(random, 20_000, 0.8)[0]
    x *= random.uniform(0.9, 1.1, (len(x), 1))
    step = random.normal(size=x.shape) * 1e-3
    with torch.no_grad():
        jump = (grid(torch.as_tensor(x + step).float()) - grid(torch.as_tensor(x).float())).abs().numpy()
    assert (jump / np.linalg.norm(step, axis=1)).max() < 3
    lower = grid.origin.double().numpy()
    upper = lower + np.array(grid.shape) * grid.side
    mesh = surfaces.extract(lambda y: distances(grid, y), lower, upper, 250).mesh
    assert mesh.is_watertight and mesh.body_count == 1


def test_a_closing_ends_near_the_data():
    # A box without its bottom, tilted: the closing is a lid, no chimney to the end of the domain.
    x = np.random.default_rng(0).uniform(-1, 1, (12_000, 3))
    side = np.arange(12_000) % 5
    x[np.arange(12_000), side // 2] = np.where(side % 2, -1.0, 1.0)  # all faces but z = -1
    x *= [0.6, 0.6, 0.4]
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    mesh = isofield.fit(x @ turn.T, config=replace(TINY, cells=64), surface="closed").mesh()
    assert mesh.is_watertight
    assert -0.44 < (mesh.vertices @ turn)[:, 2].min() < -0.38
