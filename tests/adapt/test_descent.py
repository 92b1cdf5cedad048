"""Descending an objective."""

import pytest
import torch

from isofield.adapt import descend_batches
from isofield.configs import Optim, Schedule
from isofield.fields.siren import Siren
from isofield.threads import SHARDS, deterministic, products_are_exact
from isofield.types import Batch


@pytest.fixture(autouse=True)
def _restore():
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)


def _learn_sphere(threads: int, steps: int = 60) -> tuple[Siren, list[float]]:
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    field = Siren(64, 2, 10.0, generator)

    def batch(step):
        x = torch.rand(500, 3, generator=generator) * 2 - 1
        return Batch({"x": x, "distance": x.norm(dim=1) - 0.5})

    def losses(batch):
        return {"distance": (field(batch["x"]) - batch["distance"]).abs().mean()}

    optim = Optim(steps, 500, Schedule(2e-3, "cosine", final=2e-5))
    return field, [terms["distance"] for terms in descend_batches(losses, field.parameters(), batch, optim)]


def test_learns():
    _, losses = _learn_sphere(1, 120)
    assert len(losses) == 120
    assert losses[-1] < 0.02 < losses[0]


def test_same_bytes_for_any_number_of_threads():
    results = [_learn_sphere(threads) for threads in (1, 2, 3)]
    for field, losses in results[1:]:
        assert losses == results[0][1]
        for a, b in zip(field.parameters(), results[0][0].parameters(), strict=True):
            assert torch.equal(a, b)


def test_the_sum_over_shards_is_the_gradient_of_the_whole_batch():
    """One step of Adam moves each weight by the rate against its gradient; 10 rows do not divide by the shards."""
    assert 10 % SHARDS
    weight = torch.tensor([0.0, 0.0], requires_grad=True)
    x = torch.arange(20.0).reshape(10, 2) - 9.0  # means 0 and 1

    def losses(batch):
        return {"mean": (batch["x"] @ weight).mean(), "first": weight[0]}

    terms = list(descend_batches(losses, [weight], lambda _: Batch({"x": x}), Optim(1, 10, Schedule(0.1))))
    assert terms == [{"mean": 0.0, "first": 0.0}]
    assert torch.allclose(weight.detach(), torch.tensor([-0.1, -0.1]), rtol=1e-4)


def test_settings_of_torch_are_the_callers_between_steps():
    torch.set_num_threads(2)
    torch.set_float32_matmul_precision("highest")
    weight = torch.ones(1, requires_grad=True)
    batch = Batch({"x": torch.ones(8)})
    for _ in descend_batches(lambda part: {"mean": (part["x"] * weight).mean()}, [weight], lambda _: batch, Optim(2)):
        assert torch.get_num_threads() == 2
        assert torch.get_float32_matmul_precision() == "highest"
    with pytest.raises(ZeroDivisionError), deterministic():
        assert torch.get_num_threads() == 1
        _ = 1 / 0
    assert torch.get_num_threads() == 2


def test_fast_products_are_used_only_where_exact():
    with deterministic():
        assert torch.get_float32_matmul_precision() == ("medium" if products_are_exact() else "highest")
        a = torch.randn(300, 200, generator=torch.Generator().manual_seed(1))
        exact = a.double() @ a.double().T
        assert (a @ a.T - exact).abs().max() < 1e-4 * exact.abs().max()
