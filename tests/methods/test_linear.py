"""Linear spaces of shapes: components as by numpy, mirrored images, codes, the residual, and equal bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from isofield.configs import LinearConfig
from isofield.methods import linear
from isofield.methods.grid_fit import gridded, sharpened, smoothed
from isofield.types import SdfSamples

CONFIG = LinearConfig(cells=12, samples=6000, evidence=6000, detail=6000, length=64, mirror="-")
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
    for field in (smoothed(values), sharpened(known, values, 2, 2.0, 30)):
        with torch.no_grad():
            errors.append(float(np.abs(field(torch.tensor(held.points[near])).numpy() - held.distance[near]).mean()))
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("axes", [(), (1,), (0, 2)], ids=str)
def test_components_are_those_of_the_grids_and_of_their_mirror_images(axes):
    some = grids()
    images = [some]
    for axis in axes:
        images += [np.flip(image, axis + 1) for image in images]
    whole = np.concatenate(images).reshape(len(some) * 2 ** len(axes), -1).astype(np.float64)
    space = linear.components(some, axes, CONFIG)
    mean = space.volume(torch.zeros(1, space.length))[0].numpy()
    np.testing.assert_allclose(mean, whole.mean(0), atol=1e-5)
    values = np.linalg.svd(whole - whole.mean(0), compute_uv=False) / np.sqrt(len(whole))
    rows = space.volume(torch.eye(space.length)).numpy() - mean
    own = np.sort(np.linalg.norm(rows, axis=1))[::-1]
    np.testing.assert_allclose(own[:5], values[:5], rtol=0.01)
    gram = rows @ rows.T / np.outer(np.linalg.norm(rows, axis=1), np.linalg.norm(rows, axis=1))
    large = np.argsort(-np.linalg.norm(rows, axis=1))[:5]
    assert np.abs(gram[np.ix_(large, large)] - np.eye(5)).max() < 0.05  # orthogonal, but for rounding


def test_mirror_images_count_where_they_make_shapes_that_were_left_out_better_known():
    few = replace(CONFIG, length=4)
    # All shifted to +x: with room for four components, those of the other half of the images are a waste.
    assert 0 not in linear.best_axes(grids(40), few)
    both = np.concatenate([grids(20), np.flip(grids(40)[20:], 1)])[np.random.default_rng(0).permutation(40)]
    assert 0 in linear.best_axes(both, CONFIG)


def test_a_code_is_recovered_from_samples_of_its_field():
    space = linear.components(grids(), (), CONFIG)
    true = torch.randn(space.length, generator=torch.Generator().manual_seed(0)) * 0.5
    points = np.random.default_rng(0).uniform(-1, 1, (6000, 3)).astype(np.float32)
    value = space(torch.tensor(points)[None], true[None])[0].numpy()
    kept = np.abs(value) < CONFIG.limit
    found = linear.solve(space, SdfSamples(points[kept], value[kept]), replace(CONFIG, ridge=1e-12))[0]
    large = space.volume(torch.eye(space.length)).sub(space.volume(torch.zeros(1, space.length))).norm(dim=1) > 0.1
    torch.testing.assert_close(found[large], true[large], atol=2e-2, rtol=0)


def learned(order=range(24)):
    order = list(order)
    return linear.learn(lambda i, n: samples(order[i], n), len(order), CONFIG, lambda stage, share: None)


def test_an_unseen_shape_is_known_by_its_code_and_better_with_the_residual():
    space, codes = learned()
    known, held = samples(100, 6000), samples(100, 4000, shift=1)
    x, near = torch.tensor(held.points), np.abs(held.distance) < 0.1
    code = linear.solve(space, known, CONFIG)[0]

    def error(value):
        return float(np.abs(value.detach().numpy() - held.distance)[near].mean())

    by_code = error(space(x[None], code[None])[0])
    nearest = min(error(space(x[None], z[None])[0]) for z in codes)
    refined = error(linear.refine(space, known, code, CONFIG)(x))
    assert by_code < 0.5 * nearest
    assert refined < 0.8 * by_code


def test_order_of_shapes_and_number_of_threads_change_nothing(monkeypatch):
    space, codes = learned()
    again, other = learned(reversed(range(24)))
    x = torch.tensor(samples(0, 500).points)
    for row in (0, 7, 23):
        there = again(x[None], other[23 - row][None])
        torch.testing.assert_close(space(x[None], codes[row][None]), there, atol=2e-3, rtol=0)
    monkeypatch.setattr("isofield.threads.workers", lambda: 1)
    alone, same = learned()
    assert torch.equal(alone.rows, space.rows)
    assert torch.equal(same, codes)


def test_an_odd_number_of_cells_has_no_middle():
    with pytest.raises(ValueError, match="no middle"):
        linear.learn(lambda i, n: samples(i, n), 4, replace(CONFIG, cells=13), lambda stage, share: None)
