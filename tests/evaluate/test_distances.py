from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from isofield.evaluate.distances import Matches, earth_mover, hausdorff, match, mesh_accuracy, precision_recall_f
from isofield.evaluate.surface_samples import SurfaceSamples


def test_earth_mover_finds_a_known_permutation():
    rng = np.random.default_rng(0)
    # Points at least 1 apart, moved by 0.1 and shuffled: the best assignment undoes the shuffle.
    points = np.stack(np.meshgrid(*[np.arange(8.0)] * 3), axis=-1).reshape(-1, 3)[:500]
    step = rng.normal(size=3)
    step *= 0.1 / np.linalg.norm(step)
    assert earth_mover(rng.permutation(points + step), points) == pytest.approx(0.1, rel=1e-9)
    assert earth_mover(rng.permutation(points), points) == 0


def test_earth_mover_is_the_best_of_all_assignments():
    a, b = np.random.default_rng(1).normal(size=(2, 6, 3))
    best = min(np.linalg.norm(a - b[list(order)], axis=1).mean() for order in permutations(range(6)))
    assert earth_mover(a, b) == pytest.approx(best, rel=1e-12)
    greedy = np.linalg.norm(a[:, None] - b[None], axis=2).min(axis=1).mean()
    assert best > greedy  # nearest neighbours are no assignment


def test_percentiles_and_shares():
    m = Matches(np.arange(101.0), np.zeros(7))
    assert hausdorff(m) == 100
    assert hausdorff(m, 95) == 95
    assert mesh_accuracy(m) == 90
    assert precision_recall_f(m, 50) == (51 / 101, 1, 2 * (51 / 101) / (152 / 101))
    assert precision_recall_f(Matches(np.ones(3), np.ones(3)), 0.5) == (0, 0, 0)


def test_match_takes_the_nearest_and_ignores_the_side_of_normals():
    pred = SurfaceSamples(np.array([[0.0, 0, 0], [1, 0, 0]]), np.array([[0.0, 0, 1], [0, 1, 0]]))
    truth = SurfaceSamples(
        np.array([[0.1, 0, 0], [1, 0.2, 0], [5, 0, 0]]), np.array([[0.0, 0, -1], [0, 0.6, 0.8], [1, 0, 0]])
    )
    m = match(pred, truth)
    assert m.forward == pytest.approx([0.1, 0.2])
    assert m.backward == pytest.approx([0.1, 0.2, 4])
    assert m.forward_cosine == pytest.approx([1, 0.6])
    assert m.backward_cosine == pytest.approx([1, 0.6, 0])
