"""Sparse least squares against dense linear algebra."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, random_array, vstack

from isofield.losses.ssd import conjugate_gradients


@pytest.fixture(autouse=True)
def _restore():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def _system(rows: int, unknowns: int, seed: int) -> tuple[csr_matrix, np.ndarray]:
    random = np.random.default_rng(seed)
    a = random_array((rows, unknowns), density=0.2, rng=random, dtype=np.float32)
    return csr_matrix(a), random.normal(size=rows)


def least_squares(rows, start, free, iterations, size=7):
    """The solution of rows (A, b), with A'A in blocks of `size` rows."""
    a, b = vstack([a for a, _ in rows]).tocsr().astype(np.float64), np.concatenate([b for _, b in rows])
    normal = (a.T @ a).tocsr()
    blocks = [normal[first : first + size] for first in range(0, normal.shape[0], size)]
    return conjugate_gradients(blocks, a.T @ b, start, free, iterations)


def _dense(rows):
    return np.concatenate([a.toarray() for a, _ in rows]).astype(np.float64), np.concatenate([b for _, b in rows])


def test_finds_what_dense_least_squares_finds():
    rows = [_system(150, 40, 0), _system(60, 40, 1)]
    a, b = _dense(rows)
    found = least_squares(rows, np.full(40, 3.0), np.ones(40, bool), 100)
    assert found.dtype == np.float32
    assert np.allclose(found, np.linalg.lstsq(a, b, rcond=None)[0], atol=1e-4)


def test_fixed_unknowns_keep_their_start_and_the_others_adapt_to_them():
    rows = [_system(200, 30, 2)]
    a, b = _dense(rows)
    start = np.random.default_rng(3).normal(size=30)
    free = np.arange(30) % 3 > 0
    found = least_squares(rows, start, free, 100)
    assert np.array_equal(found[~free], start[~free].astype(np.float32))
    rest = np.linalg.lstsq(a[:, free], b - a[:, ~free] @ start[~free], rcond=None)[0]
    assert np.allclose(found[free], rest, atol=1e-4)


def test_an_unknown_of_which_nothing_is_asked_keeps_its_start():
    a = csr_matrix(np.array([[2.0, 0, 0], [0, 4, 0]], np.float32))
    found = least_squares([(a, np.array([2.0, 2.0]))], np.array([0, 0, 7.0]), np.ones(3, bool), 10)
    assert np.allclose(found, [1, 0.5, 7])


def test_no_iterations_give_the_start_and_more_come_nearer():
    rows = [_system(300, 80, 4)]
    a, b = _dense(rows)
    losses = [
        np.square(a @ least_squares(rows, np.ones(80), np.ones(80, bool), count) - b).sum() for count in (0, 3, 30)
    ]
    assert losses[0] == pytest.approx(np.square(a.sum(1) - b).sum(), rel=1e-5)
    assert losses[0] > losses[1] > losses[2]


def test_same_bytes_for_any_number_of_threads():
    random = np.random.default_rng(5)
    count = 20_000
    column = random.integers(0, 500, (count, 3))
    start = np.arange(0, 3 * count + 1, 3)
    a = csr_matrix((random.normal(size=3 * count).astype(np.float32), column.ravel(), start), shape=(count, 500))
    rows, results = [(a, random.normal(size=count))], []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(least_squares(rows, np.zeros(500), np.ones(500, bool), 8).tobytes())
    assert results[0] == results[1]
