"""Principal components of grids: as NumPy's, and with mirror images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isofield.fields.pca_basis import best_axes, components

AXIS = np.linspace(-1, 1, 13)
NODES = np.stack(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"), -1)


def grids(count=20):
    """About the distances to ellipsoids, shifted by a tenth along x."""
    made = []
    for number in range(count):
        radii = np.random.default_rng([3, number]).uniform(0.3, 0.7, 3)
        distance = (np.linalg.norm((NODES - [0.1, 0, 0]) / radii, axis=-1) - 1) * np.min(radii)
        made.append(distance.clip(-0.3, 0.3))
    return np.stack(made).astype(np.float32)


@pytest.mark.parametrize("axes", [(), (1,), (0, 2)], ids=str)
def test_components_are_those_of_the_grids_and_of_their_mirror_images(axes):
    some = grids()
    images = [some]
    for axis in axes:
        images += [np.flip(image, axis + 1) for image in images]
    whole = np.concatenate(images).reshape(len(some) * 2 ** len(axes), -1).astype(np.float64)
    space = components(some, axes, 64, 28.0)
    mean = space.volume(torch.zeros(1, space.length))[0].numpy()
    np.testing.assert_allclose(mean, whole.mean(0), atol=1e-5)
    values = np.linalg.svd(whole - whole.mean(0), compute_uv=False) / np.sqrt(len(whole))
    rows = space.volume(torch.eye(space.length)).numpy() - mean
    own = np.sort(np.linalg.norm(rows, axis=1))[::-1]
    np.testing.assert_allclose(own[:5], values[:5], rtol=0.01)
    gram = rows @ rows.T / np.outer(np.linalg.norm(rows, axis=1), np.linalg.norm(rows, axis=1))
    large = np.argsort(-np.linalg.norm(rows, axis=1))[:5]
    assert np.abs(gram[np.ix_(large, large)] - np.eye(5)).max() < 0.05  # orthogonal, but for rounding


def test_mirror_images_count_where_they_lower_the_error_of_held_out_shapes():
    # All shifted to +x: with room for four components, those of the other half of the images are a waste.
    assert 0 not in best_axes(grids(40), 4, 28.0)
    both = np.concatenate([grids(20), np.flip(grids(40)[20:], 1)])[np.random.default_rng(0).permutation(40)]
    assert 0 in best_axes(both, 64, 28.0)
