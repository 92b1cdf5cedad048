"""Linear spaces of shapes: codes, the residual, and equal bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from isofield.configs import Linear
from isofield.errors import InputError
from isofield.fields.pca_basis import components
from isofield.methods.grid_fit import gridded, smoothed, with_levels
from isofield.methods.linear import LinearSpace
from isofield.types import SdfSamples, Shape
from trained import codes, started

CONFIG = Linear(cells=12, samples=6000, evidence=6000, detail=6000, length=64, mirror="-")
AXIS = np.linspace(-1, 1, CONFIG.cells + 1)
NODES = np.stack(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"), -1)


def distance(points, radii):
    """About the distance to an ellipsoid with half axes `radii`, shifted by a tenth along x."""
    return (np.linalg.norm((points - [0.1, 0, 0]) / radii, axis=-1) - 1) * np.min(radii)


def radii(number):
    return np.random.default_rng([3, number]).uniform(0.3, 0.7, 3)


def samples(number, count, shift=0):
    random = np.random.default_rng([4, number, shift])
    points = random.uniform(-1, 1, (count, 3)).astype(np.float32)
    return SdfSamples(points, distance(points.astype(np.float64), radii(number)).astype(np.float32))


def grids(count=20):
    return np.stack([distance(NODES, radii(n)).clip(-0.3, 0.3) for n in range(count)]).astype(np.float32)


def test_a_grid_agrees_with_samples_of_a_known_field():
    values = gridded(samples(0, 20_000), CONFIG.cells, 0.3, 0.3, 30)
    error = np.abs(values.reshape(NODES.shape[:3]) - distance(NODES, radii(0)).clip(-0.3, 0.3))
    assert np.median(error) < 0.005
    assert error.mean() < 0.015


def test_finer_levels_are_nearer_to_the_surface_than_one_grid():
    known, held = samples(0, 20_000), samples(0, 5000, shift=1)
    near = np.abs(held.distance) < 0.05
    values = gridded(known, CONFIG.cells, 0.3, 0.3, 30)
    errors = []
    for field in (smoothed(values), with_levels(known, values, 2, 2.0, 30)):
        with torch.no_grad():
            errors.append(float(np.abs(field(torch.tensor(held.points[near])).numpy() - held.distance[near]).mean()))
    assert errors[1] < 0.7 * errors[0]


def test_a_code_is_recovered_from_samples_of_its_field():
    space = LinearSpace(replace(CONFIG, ridge=1e-12), components(grids(), (), CONFIG.length, CONFIG.megabytes))
    module, length = space.grid, space.grid.length
    true = torch.randn(length, generator=torch.Generator().manual_seed(0)) * 0.5
    points = np.random.default_rng(0).uniform(-1, 1, (6000, 3)).astype(np.float32)
    value = module(torch.tensor(points)[None], true[None])[0].numpy()
    kept = np.abs(value) < CONFIG.limit
    code = space.solve(SdfSamples(points[kept], value[kept]))
    large = module.volume(torch.eye(length)).sub(module.volume(torch.zeros(1, length))).norm(dim=1) > 0.1
    torch.testing.assert_close(code[large], true[large], atol=2e-2, rtol=0)


def learned(order=range(24)) -> LinearSpace:
    return started(CONFIG, [Shape(samples=samples(number, 6000)) for number in order])


def test_an_unseen_shape_is_held_by_its_code_and_better_with_the_residual():
    space = learned()
    seen, held_out = samples(100, 6000), samples(100, 4000, shift=1)
    x, near = torch.tensor(held_out.points), np.abs(held_out.distance) < 0.1
    code = codes(space, [seen])[0]

    def error(value):
        return float(np.abs(value.detach().numpy() - held_out.distance)[near].mean())

    by_code = error(space.module(x[None], code[None])[0])
    nearest = min(error(space.module(x[None], z[None])[0]) for z in space.table)
    refined = error(space.refine(code, Shape(samples=seen))(x))
    assert by_code < 0.5 * nearest
    assert refined < 0.8 * by_code


def test_order_of_shapes_and_number_of_threads_change_nothing(monkeypatch):
    space, other = learned(), learned(reversed(range(24)))
    x = torch.tensor(samples(0, 500).points)
    for row in (0, 7, 23):
        there = other.module(x[None], other.table[23 - row][None])
        torch.testing.assert_close(space.module(x[None], space.table[row][None]), there, atol=2e-3, rtol=0)
    monkeypatch.setattr("isofield.threads.workers", lambda: 1)
    alone = learned()
    assert torch.equal(alone.grid.rows, space.grid.rows)
    assert torch.equal(alone.table, space.table)


def bent(number, count, shift=0):
    """Samples of about the distance to an ellipsoid that is bent along x."""
    random = np.random.default_rng([6, number, shift])
    points = random.uniform(-1, 1, (count, 3)).astype(np.float32)
    straight = points - np.stack([0 * points[:, 0], 0.25 * points[:, 0] ** 2, 0 * points[:, 0]], -1)
    return SdfSamples(points, distance(straight.astype(np.float64), radii(number)).astype(np.float32))


def test_warped_copies_of_few_shapes_let_codes_reach_bent_ones(monkeypatch):
    few = [Shape(samples=samples(number, 6000)) for number in range(6)]
    errors = []
    for warps in (0, 8):
        space = started(replace(CONFIG, warps=warps), few)
        assert len(space.table) == len(few)
        each = []
        for number in range(50, 54):
            seen, held_out = bent(number, 6000), bent(number, 4000, shift=1)
            near = np.abs(held_out.distance) < 0.1
            value = space.module(torch.tensor(held_out.points)[None], codes(space, [seen]))[0]
            each.append(np.abs(value.numpy() - held_out.distance)[near].mean())
        errors.append(np.mean(each))
    assert errors[1] < 0.6 * errors[0]
    again, other = (started(replace(CONFIG, warps=8), few, seed) for seed in (0, 1))
    monkeypatch.setattr("isofield.threads.workers", lambda: 1)
    alone = started(replace(CONFIG, warps=8), few)
    assert torch.equal(alone.grid.rows, again.grid.rows)
    assert torch.equal(alone.table, again.table)
    assert not torch.equal(other.grid.rows, again.grid.rows)


def test_copies_count_among_the_most_shapes():
    few = [Shape(samples=samples(number, 6000)) for number in range(6)]
    assert started(replace(CONFIG, warps=8, most=20), few).grid.length <= 19
    assert started(replace(CONFIG, warps=8, most=4), few).grid.length <= 3


def test_an_odd_number_of_cells_is_refused():
    with pytest.raises(InputError, match="cells 13 is out of range: give an even number"):
        replace(CONFIG, cells=13)
