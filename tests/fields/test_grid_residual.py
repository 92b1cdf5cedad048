"""A network on the leash of a grid."""

import json

import numpy as np
import torch
from torch import nn

from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.fields.serialization import build, describe, tensors
from isofield.fields.siren import Siren

H = 0.125


def slope() -> SparseGrid:
    """The grid's value is z, on 16 cells of H along each axis, -1 to 1."""
    index = np.stack(np.meshgrid(*[np.arange(17)] * 3, indexing="ij"), -1).reshape(-1, 3)
    return SparseGrid([-1, -1, -1], H, (16, 16, 16), [np.arange(16**3)], [index[:, 2] * H - 1.0])


class Offset(nn.Module):
    """z + offset, and where it was asked."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset, self.asked = offset, torch.zeros(0, 3)

    def forward(self, x):
        self.asked = x.detach()
        return x[:, 2] + self.offset


def line() -> torch.Tensor:
    z = torch.linspace(-0.99, 0.99, 400)
    return torch.stack([torch.full_like(z, 0.03), torch.full_like(z, -0.2), z], 1)


def test_near_the_surface_the_network_counts_within_one_cell():
    for offset in (0.5 * H, -0.5 * H, 5 * H, -5 * H):
        x = line()
        found = GridResidual(slope(), Offset(offset))(x) - x[:, 2]
        g = x[:, 2].abs()
        held = torch.tensor(offset).clamp(-H, H)
        assert torch.allclose(found[g < 1.99 * H], held, atol=1e-6)
        assert torch.allclose(found[g > 4.01 * H], torch.tensor(0.0), atol=1e-6)
        assert torch.allclose(found, held * (2 - g / (2 * H)).clamp(0, 1), atol=1e-5)


def test_the_network_is_asked_in_the_band_only():
    network = Offset(0.0)
    GridResidual(slope(), network)(line())
    assert 0 < len(network.asked) < 210
    assert network.asked[:, 2].abs().max() <= 4 * H
    far = line()[:50]
    assert torch.equal(GridResidual(slope(), Offset(9.0))(far), slope()(far))
    assert GridResidual(slope(), network)(torch.zeros(0, 3)).shape == (0,)


def test_gradient_is_the_networks_near_and_the_grids_far():
    network = Siren(16, 1, 5.0, torch.Generator().manual_seed(0))
    network.requires_grad_(False)
    field = GridResidual(slope(), lambda_of(network))
    x = torch.tensor([[0.03, -0.2, 0.01], [0.03, -0.2, 0.9]], requires_grad=True)
    (gradient,) = torch.autograd.grad(field(x).sum(), x)
    near = torch.tensor([[0.03, -0.2, 0.01]], requires_grad=True)
    (expected,) = torch.autograd.grad(lambda_of(network)(near).sum(), near)
    assert torch.allclose(gradient[:1], expected, atol=1e-5)
    assert torch.allclose(gradient[1], torch.tensor([0.0, 0.0, 1.0]), atol=1e-5)


def lambda_of(network: nn.Module) -> nn.Module:
    """z and a little of the network, so that it stays within a cell of the grid."""

    class Little(nn.Module):
        def forward(self, x):
            return x[:, 2] + 0.01 * network(x)

    return Little()


def test_described_and_built_again_it_is_the_same():
    field = GridResidual(slope(), Siren(16, 2, 8.0, torch.Generator().manual_seed(1)))
    again = build(json.loads(json.dumps(describe(field))), tensors(field))
    x = torch.rand(300, 3, generator=torch.Generator().manual_seed(2)) * 3 - 1.5
    assert isinstance(again, GridResidual)
    assert torch.equal(field(x), again(x))
