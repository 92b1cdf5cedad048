"""Robust least squares: exact where nothing is wrong, unmoved by outliers, one-sided where so much is known."""

from __future__ import annotations

import torch

from isofield.adapt import robust_least_squares


def rows(count=400, seed=0):
    random = torch.Generator().manual_seed(seed)
    a = torch.randn(count, 3, generator=random)
    return a, torch.tensor([1.0, -2.0, 0.5])


def test_exact_rows_are_met():
    a, u = rows()
    found, normal = robust_least_squares(a, a @ u, 0.0)
    torch.testing.assert_close(found, u, atol=1e-5, rtol=0)
    # Without errors every row weighs 1: the normal equations are those of plain least squares.
    torch.testing.assert_close(normal, (a.T @ a).double() / len(a), atol=1e-3, rtol=1e-3)


def test_outliers_do_not_move_it_as_they_move_plain_least_squares():
    a, u = rows()
    b = a @ u
    b[::5] += 3
    found = robust_least_squares(a, b, 0.0, rounds=12)[0]
    plain = torch.linalg.lstsq(a, b[:, None]).solution[:, 0]
    assert float((found - u).norm()) < 0.01 < 0.05 < float((plain - u).norm())


def test_one_unknown_is_the_median():
    b = torch.tensor([0.0, 0.0, 1.0, 5.0, 9.0])
    found = robust_least_squares(torch.ones(5, 1), b, 0.0, rounds=60)[0]
    assert abs(float(found) - 1) < 0.01


def test_free_rows_count_only_where_they_are_broken():
    a, b = torch.ones(4, 1), torch.tensor([1.0, 1.0, 0.0, 3.0])
    free = torch.tensor([False, False, True, False])
    assert abs(float(robust_least_squares(a, b, 0.0, rounds=60, free=free)[0]) - 1) < 0.01
    # Now the free rows want more than the others say, and are as strong as the other two.
    b, free = torch.tensor([1.0, 2.0, 2.0, 2.0]), torch.tensor([False, True, True, True])
    assert abs(float(robust_least_squares(a, b, 0.0, rounds=60, free=free)[0]) - 2) < 0.01


def test_a_ridge_shrinks_and_makes_rows_that_say_nothing_solvable():
    a, b = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([1.0, 1.0])
    found = robust_least_squares(a, b, 1e-9)[0]
    torch.testing.assert_close(found, torch.tensor([1.0, 0.0]), atol=1e-4, rtol=0)
    strong = robust_least_squares(a, b, 1.0, rounds=1)[0]
    # One round from 0: weights .003 / (1 + .003); u = w / (w + 1).
    w = 0.003 / 1.003
    assert abs(float(strong[0]) - w / (w + 1)) < 1e-6
