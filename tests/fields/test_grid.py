"""The sparse grid: values by hand, continuity, gradients, outside, and its description."""

import json

import numpy as np
import pytest
import torch

from isofield.errors import InputError
from isofield.fields.array_grid import array_grid, cell_corners
from isofield.fields.grid import SparseGrid
from isofield.fields.serialization import build, describe, tensors
from isofield.types import CORNERS

ORIGIN = np.array([-1.0, 2.0, 0.5])
SIDE = 0.5
SHAPE = (3, 2, 2)


def two_levels() -> SparseGrid:
    """3 x 2 x 2 coarse cells of random values, of which cells 0 and 5 are refined; no jump at the fine ones' border."""
    random = np.random.default_rng(0)
    coarse = np.arange(12)
    values = random.normal(size=4 * 3 * 3)
    parents = np.stack(np.unravel_index([0, 5], SHAPE), 1)
    children = (2 * parents[:, None] + CORNERS).reshape(-1, 3)
    counts = 2 * np.array(SHAPE)
    fine = np.sort(np.ravel_multi_index(tuple(children.T), tuple(counts)))
    nodes, _ = cell_corners(fine, SHAPE, 1)
    position = np.stack(np.unravel_index(nodes, counts + 1), 1)
    plain = SparseGrid(ORIGIN, SIDE, SHAPE, [coarse], [values])
    with torch.no_grad():
        x = torch.as_tensor(ORIGIN + position * SIDE / 2, dtype=torch.float32)
        inherited = plain(x).numpy().copy()
    # a node at the centre of a refined cell is the only one that no neighbour sees
    center = (position % 2 == 1).all(1)
    assert center.sum() == 2
    inherited[center] += 3.0
    return SparseGrid(ORIGIN, SIDE, SHAPE, [coarse, fine], [values, inherited])


def test_values_of_one_cell_by_hand():
    grid = SparseGrid([0, 0, 0], 2.0, (1, 1, 1), [np.array([0])], [np.arange(8.0) ** 2])
    x = torch.tensor([[0, 0, 0], [2, 2, 2], [0, 0, 2], [1, 1, 1], [0.5, 1, 1.5]])
    corner = np.arange(8.0).reshape(2, 2, 2) ** 2
    last = sum(
        corner[i, j, k] * (0.25, 0.75)[1 - i] * 0.5 * (0.25, 0.75)[k]
        for i in (0, 1) for j in (0, 1) for k in (0, 1)
    )  # fmt: skip
    assert torch.allclose(grid(x), torch.tensor([0.0, 49.0, 1.0, 140 / 8, float(last)]))


def test_the_finest_cell_counts():
    grid = two_levels()
    assert grid.cell == SIDE / 2
    plain = SparseGrid(ORIGIN, SIDE, SHAPE, [np.arange(12)], [grid.values_0.detach().numpy()])
    centers = torch.as_tensor(ORIGIN + np.array([[0.5, 0.5, 0.5], [1.5, 0.5, 1.5], [2.5, 1.5, 1.5]]) * SIDE).float()
    assert torch.allclose(grid(centers) - plain(centers), torch.tensor([3.0, 3.0, 0.0]), atol=1e-5)


def test_no_jump_where_levels_meet():
    grid = two_levels().double()
    random = np.random.default_rng(1)
    upper = ORIGIN + np.array(SHAPE) * SIDE
    x = random.uniform(ORIGIN, upper, (30_000, 3))
    step = random.normal(size=x.shape)
    step *= 1e-5 / np.linalg.norm(step, axis=1, keepdims=True)
    with torch.no_grad():
        rise = (grid(torch.as_tensor(x + step)) - grid(torch.as_tensor(x))).abs().numpy() / 1e-5
    assert rise.max() < 60  # the largest difference of nodes is below 8, over cells of 0.25


@pytest.mark.parametrize("reach", [1.0, 1.6])
def test_gradient_equals_finite_differences(reach):
    """Inside the box, and outside of it."""
    grid = two_levels().double()
    middle, half = ORIGIN + np.array(SHAPE) * SIDE / 2, np.array(SHAPE) * SIDE / 2
    x = torch.as_tensor(middle + np.random.default_rng(2).uniform(-reach, reach, (300, 3)) * half)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(grid(x).sum(), x)
    h = 1e-7
    with torch.no_grad():
        differences = torch.stack([(grid(x + s) - grid(x - s)) / (2 * h) for s in h * torch.eye(3).double()], 1)
    wrong = (gradient - differences).abs().amax(1)
    assert (wrong < 1e-5).float().mean() > 0.99  # a face between two cells may lie between the points of a difference


def test_values_learn():
    grid = two_levels()
    x = torch.as_tensor(ORIGIN + np.array([[0.25, 0.25, 0.25], [2.5, 1.5, 1.5]]) * SIDE).float()
    grid(x).sum().backward()
    assert grid.values_1.grad.sum() == pytest.approx(1, abs=1e-5)
    assert grid.values_0.grad.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("far", [1.2, 2.0, 50.0])
def test_outside_the_box_distances_are_those_to_the_surface(far):
    """A sphere of radius 0.5 in a box of half side 1: the distance to the box added would be up to 40 % more."""
    cells = np.arange(32**3)
    nodes = np.stack(np.meshgrid(*[np.linspace(-1, 1, 33)] * 3, indexing="ij"), -1).reshape(-1, 3)
    grid = SparseGrid([-1, -1, -1], 1 / 16, [32] * 3, [cells], [np.linalg.norm(nodes, axis=1) - 0.5])
    x = np.random.default_rng(0).normal(size=(500, 3))
    x *= far / np.abs(x).max(1, keepdims=True)
    found = grid(torch.as_tensor(x).float()).detach().numpy()
    assert np.allclose(found, np.linalg.norm(x, axis=1) - 0.5, rtol=0.025)


def test_the_field_is_continuous_across_the_border_of_the_box():
    grid = two_levels()
    upper = ORIGIN + np.array(SHAPE) * SIDE
    face = np.array([[ORIGIN[0], 2.3, 0.9], upper, [0.1, upper[1], 1.0]])
    outward = np.array([[-1.0, 0, 0], [1, 1, 1], [0, 1, 0]])
    at, beyond = (grid(torch.as_tensor(p).float()).detach() for p in (face, face + 1e-4 * outward))
    assert torch.allclose(beyond, at, atol=1e-3)


def test_no_points_and_far_points():
    grid = two_levels()
    assert grid(torch.zeros(0, 3)).shape == (0,)
    x = torch.tensor([[float("nan"), 0, 0], [1e30, 0, 0], [float("inf"), 0, 0]])
    value = grid(x).detach()
    assert value[0].isnan()
    assert value[1] > 1e15
    assert value[2] == float("inf")


def test_without_torch_the_field_is_the_same():
    grid, far = two_levels(), np.array([[np.nan, 0, 0], [1e30, 0, 0], [np.inf, 0, 0]])
    low, high = ORIGIN, ORIGIN + np.array(SHAPE) * SIDE
    random = np.random.default_rng(4)
    for x in (random.uniform(low, high, (5000, 3)), random.uniform(low - 2, high + 2, (5000, 3)), far, far[:0]):
        found, wanted = grid.arrays()(x), grid(torch.as_tensor(x, dtype=torch.float32)).detach().numpy()
        inside = ((x > low) & (x < high)).all(1)
        np.testing.assert_array_equal(found[inside], wanted[inside])
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert torch.equal(SparseGrid.of(grid.arrays())(torch.ones(1, 3)), grid(torch.ones(1, 3)))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_corners_of_scattered_cells_are_their_own_nodes(share):
    shape, level = np.array([3, 5, 4]), 1
    keys = np.flatnonzero(np.random.default_rng(0).random(np.prod(shape * 2)) < share)
    nodes, corners = cell_corners(keys, shape, level)
    index = np.stack(np.unravel_index(keys, shape * 2), 1)[:, None] + CORNERS
    wanted = np.ravel_multi_index(tuple(index.reshape(-1, 3).T), tuple(shape * 2 + 1)).reshape(-1, 8)
    np.testing.assert_array_equal(nodes, np.unique(wanted))
    np.testing.assert_array_equal(nodes[corners], wanted)


def test_cell_corners_number_the_nodes_in_order():
    nodes, corners = cell_corners(np.array([0, 7]), SHAPE, 0)
    assert np.array_equal(nodes, np.unique(nodes))
    assert len(nodes) == 15  # the cells (0, 0, 0) and (1, 1, 1) share one
    assert corners.shape == (2, 8)
    assert np.array_equal(np.unique(corners), np.arange(15))
    index = np.stack(np.unravel_index(nodes, (4, 3, 3)), 1)
    assert np.array_equal(index[corners[0]], CORNERS)
    assert np.array_equal(index[corners[1]], CORNERS + 1)


def test_described_and_built_again_it_is_the_same():
    grid = two_levels()
    again = build(json.loads(json.dumps(describe(grid))), tensors(grid))
    x = torch.as_tensor(np.random.default_rng(3).uniform(-2, 4, (500, 3))).float()
    assert isinstance(again, SparseGrid)
    assert torch.equal(grid(x), again(x))


@pytest.mark.parametrize("change", [{"levels": 3}, {"shape": [2, 2, 2]}, {"shape": [3, 2, 3]}, {"type": "cube"}])
def test_a_description_that_does_not_fit_the_tensors_is_refused(change):
    grid = two_levels()
    with pytest.raises((KeyError, ValueError, TypeError, RuntimeError)):
        build(describe(grid) | change, tensors(grid))


def test_values_that_do_not_fit_the_cells_are_refused():
    grid = two_levels()
    held = tensors(grid)
    with pytest.raises(ValueError):
        build(describe(grid), held | {"values_1": held["values_1"][:-1]})


def test_a_foreign_module_is_not_described():
    with pytest.raises(InputError, match="Linear"):
        describe(torch.nn.Linear(3, 1))


def test_few_fine_cells_do_not_decide_on_the_resolution_of_all():
    """A plane x = 1.3 through 4^3 cells, one of which is split."""
    nodes = [np.stack(np.meshgrid(*[np.arange(n * 4 + 1) / n] * 3, indexing="ij"), -1).reshape(-1, 3) for n in (1, 2)]
    split = np.array([64 * i + 8 * j + k for i in (2, 3) for j in (0, 1) for k in (0, 1)])  # children of cell (1, 0, 0)
    keys = cell_corners(split, (4, 4, 4), 1)[0]
    values = [x[:, 0] - 1.3 for x in (nodes[0], nodes[1][keys])]
    grid = array_grid((0, 0, 0), 1.0, (4, 4, 4), [np.arange(64), split], values)
    assert grid.resolved(1000) == 1  # 16 crossed cells of level 0, of which one has children
    assert grid.resolved(1000, share=1 / 32) == 1 and grid.resolved(1000, share=0.25) == 0
    assert grid.resolved(20) == 0
