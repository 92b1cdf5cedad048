"""The encoder of SAL and SALD."""

import torch
from torch.nn import functional as F

from isofield.fields.point_net import PointNet
from isofield.fields.serialization import build, describe


def _points():
    return torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))


def _net():
    """Away from its start, where every code is the same."""
    net, generator = PointNet(6, 16), torch.Generator().manual_seed(1)
    for head in (net.fc_mean, net.fc_std):
        head.weight.data.normal_(0, 1, generator=generator)
    return net


def test_the_start():
    mean, log_deviation = PointNet(6, 16)(_points())
    assert torch.equal(mean, torch.zeros(2, 6))
    assert torch.equal(log_deviation, torch.full((2, 6), -10.0))


def test_order_does_not_count():
    net, points = _net(), _points()
    shuffled = points[:, torch.randperm(50, generator=torch.Generator().manual_seed(2))]
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(net(points), net(shuffled), strict=True))
    assert not torch.allclose(net(points)[0][0], net(points)[0][1], atol=1e-3)


def test_equals_the_network_as_published():
    """The features of a point beside the maxima over all points, in one vector."""
    net, points = _net(), _points()
    h = F.linear(F.linear(points, net.fc_pos.weight, net.fc_pos.bias).relu(), net.fc_0.weight, net.fc_0.bias)
    for layer in (net.fc_1, net.fc_2, net.fc_3):
        pooled = h.amax(1, keepdim=True).expand(h.shape)
        h = F.linear(torch.cat([h, pooled], 2).relu(), layer.weight, layer.bias)
    h = h.amax(1).relu()
    mean, log_deviation = net(points)
    assert torch.allclose(mean, F.linear(h, net.fc_mean.weight, net.fc_mean.bias), atol=1e-5)
    assert torch.allclose(log_deviation, F.linear(h, net.fc_std.weight, net.fc_std.bias), atol=1e-5)


def test_folder():
    net, points = _net(), _points()
    again = build(describe(net), net.state_dict())
    assert all(torch.equal(*pair) for pair in zip(again(points), net(points), strict=True))
