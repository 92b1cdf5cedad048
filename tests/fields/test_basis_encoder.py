"""The encoder that sees clouds from a basis."""

import pytest
import torch

from isofield.fields.basis_encoder import BasisEncoder
from isofield.fields.serialization import build, describe

BASIS = torch.tensor([[0.0, 0, 0], [0.9, 0, 0], [0, 0.9, 0], [0, 0, 0.9]])


def _points(inputs=3):
    return torch.randn(2, 50, inputs, generator=torch.Generator().manual_seed(0))


def _first_entry(x, z):
    """A decoder: x_0 - z_0."""
    return x[..., 0] - z[:, :1]


def _net(inputs=3):
    """Away from its start, where every code is the same."""
    net, generator = BasisEncoder(BASIS, 6, 16, 2, inputs), torch.Generator().manual_seed(1)
    for head in (net.mean, net.change, net.deviation):
        head.weight.data.normal_(0, 0.1, generator=generator)
    return net


def test_the_start():
    mean, log_deviation = BasisEncoder(BASIS, 6, 16)(_points(), _first_entry)
    assert torch.equal(mean, torch.zeros(2, 3, 6))
    assert torch.equal(log_deviation, torch.full((2, 3, 6), -10.0))


@pytest.mark.parametrize("inputs", [3, 6])
def test_only_the_nearest_points_count(inputs):
    net, points = _net(inputs), _points(inputs)
    index = torch.cdist(BASIS.expand(2, -1, -1), points[..., :3]).argmin(2)
    few = torch.gather(points, 1, index[..., None].expand(-1, -1, inputs)).flip(1)  # in any order
    mean = net(points, _first_entry)[0]
    assert torch.allclose(mean, net(few, _first_entry)[0], atol=1e-6)
    assert not torch.allclose(mean[0], mean[1], atol=1e-3)


def test_corrections_follow_the_decoder():
    """The first code is the encoder's alone; a field that is 0 everywhere and one that is not are told apart."""
    net, points = _net(), _points()
    codes, others = net(points, _first_entry)[0], net(points, lambda x, z: 0 * x[..., 0])[0]
    assert torch.equal(codes[:, 0], others[:, 0])
    assert all(not torch.allclose(codes[:, k], others[:, k], atol=1e-4) for k in (1, 2))
    codes[:, -1].sum().backward()
    assert net.observed.weight.grad.any() and not net.mean.weight.grad.any()  # each code learns for itself


def test_folder():
    net, points = _net(), _points()
    again = build(describe(net), net.state_dict())
    assert all(torch.equal(*pair) for pair in zip(again(points, _first_entry), net(points, _first_entry), strict=True))
