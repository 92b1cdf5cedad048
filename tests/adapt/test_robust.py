"""Robust least squares: exact where nothing is wrong, unmoved by outliers, one-sided where so much is known."""

from __future__ import annotations

import torch

from isofield.adapt import robust_least_squares
from isofield.adapt.posterior import log_evidence


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


def test_the_evidence_is_that_of_a_normal_distribution_where_errors_are_small():
    random = torch.Generator().manual_seed(2)
    count, ridge = 200, 1e-13
    noise = (ridge * count) ** 0.5  # far below the tip of the loss, where it is a square
    ways = [scale * torch.randn(count, 3, generator=random) for scale in (1e-4, 1e-5, 3e-4)]
    b = ways[0] @ torch.tensor([0.5, -1.0, 0.8]) + noise * torch.randn(count, generator=random)

    def exact(a):
        variance = noise**2 * torch.eye(count, dtype=torch.float64) + a.double() @ a.double().T
        return float(torch.distributions.MultivariateNormal(torch.zeros(count).double(), variance).log_prob(b.double()))

    def ours(a):
        return log_evidence(a, b, ridge, *robust_least_squares(a, b, ridge, rounds=12))

    for other in ways[1:]:
        assert exact(ways[0]) - exact(other) > 1  # the way that b came about
        assert abs(ours(ways[0]) - ours(other) - (exact(ways[0]) - exact(other))) < 0.05 * abs(
            exact(ways[0]) - exact(other)
        )


def test_free_rows_that_hold_are_no_evidence():
    a, b = torch.ones(3, 1), torch.tensor([1.0, 1.0, -5.0])
    free = torch.tensor([False, False, True])
    u, normal = robust_least_squares(a, b, 1e-6, free=free)
    assert log_evidence(a, b, 1e-6, u, normal, free) == log_evidence(
        a, b - torch.tensor([0, 0, 9]), 1e-6, u, normal, free
    )
