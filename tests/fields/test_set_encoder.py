"""Encoders of sets of samples: order does not count, each shape has its own code, and the folder."""

import pytest
import torch

from isofield.fields.decoder import Decoder
from isofield.fields.feature_planes import PlaneDecoder, PlaneEncoder
from isofield.fields.hypernetwork import Hypernetwork
from isofield.fields.serialization import build, describe
from isofield.fields.set_encoder import SetEncoder
from isofield.fields.weight_network import WeightNetwork


def samples(columns: int = 3) -> torch.Tensor:
    """Two sets of 60."""
    return 2 * torch.rand(2, 60, columns, generator=torch.Generator().manual_seed(0)) - 1


def encoder(inputs: int = 3, pool="mean") -> SetEncoder:
    return SetEncoder(inputs, 5, (16, 16), pool)


def planes(dimension: int) -> PlaneEncoder:
    return PlaneEncoder(encoder(dimension + 1), dimension, 8, 3, 16)


ENCODERS = {
    "mean": encoder(), "max": encoder(pool="max"), "plane": planes(2), "space": planes(3),
    "hypernetwork": Hypernetwork(encoder(), 5, [6, 2, 4], (8,), scale=1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODERS)
def test_order_does_not_count_and_other_sets_do_not(name):
    net = ENCODERS[name]
    some = samples(4 if name == "space" else 3)
    shuffled = some[:, torch.randperm(60, generator=torch.Generator().manual_seed(2))]
    assert torch.allclose(net(some), net(shuffled), atol=1e-5)
    assert torch.allclose(net(some)[1], net(some[1:])[0], atol=1e-6)
    assert (net(some)[0] - net(some)[1]).abs().max() > 1e-3


@pytest.mark.parametrize("name", ENCODERS)
def test_every_sample_and_every_weight_counts(name):
    net, some = ENCODERS[name], samples(4 if name == "space" else 3).requires_grad_()
    target = torch.randn(net(some).shape, generator=torch.Generator().manual_seed(3))
    slopes = torch.autograd.grad((net(some) * target).sum(), [some, *net.parameters()])
    assert all(slope.abs().max() > 0 for slope in slopes)
    if name != "max":
        assert (slopes[0].abs().sum(-1) > 0).all()


@pytest.mark.parametrize("name", ENCODERS)
def test_folder(name):
    net, some = ENCODERS[name], samples(4 if name == "space" else 3)
    assert torch.equal(build(describe(net), net.state_dict())(some), net(some))


def test_the_pool_is_a_mean_or_a_maximum():
    some = samples()
    for pool in ("mean", "max"):
        net = encoder(pool=pool)
        h = torch.relu(net.samples(some))
        pooled = h.sum(1) / 60 if pool == "mean" else h.max(1).values
        assert torch.allclose(net(some), pooled @ net.last[0].weight.T + net.last[0].bias, atol=1e-6)


def test_a_hypernetwork_starts_at_its_first_weights_and_near_them():
    network = WeightNetwork(2, (128, 128), 1)
    first = network.first_weights(0.5, torch.Generator().manual_seed(0))
    whole = encoder()
    for parameter in whole.last.parameters():
        parameter.data.zero_()
    net = Hypernetwork(whole, 5, network.sizes, (8,), 0.1, first)
    assert torch.equal(net(samples()), first.expand(2, -1))  # of a latent of 0
    x = samples(2)
    assert (network(x, net(samples()))[..., 0] - (x.norm(dim=-1) - 0.5)).abs().mean() < 0.15
    loud, quiet = (Hypernetwork(encoder(), 5, network.sizes, (8,), scale, first) for scale in (0.1, 0.01))
    apart = [float((one(samples()) - first).detach().norm()) for one in (loud, quiet)]
    assert apart[0] == pytest.approx(10 * apart[1], rel=1e-3)


def test_published_hypernetwork():
    """35.1 million weights for the network of a digit, 2-256-256-256-1 (the released notebook)."""
    sizes = WeightNetwork(2, (256,) * 3, 1).sizes
    net = Hypernetwork(torch.nn.Identity(), 256, sizes, (256,) * 2)
    assert sum(sizes) == 132_609 and sum(p.numel() for p in net.parameters()) == pytest.approx(35.1e6, rel=0.002)


def test_features_are_those_of_the_cell_and_are_interpolated_there():
    """With convolutions that pass the means on, the field reads the mean of the samples in a cell at its centre."""
    net = planes(2)
    some = samples()
    means = net.means(some[..., 2:].expand(-1, -1, 3), some[..., :2])
    row, column = 5, 2
    inside = ((some[0, :, 1] + 1) * 4).long() == row
    inside &= ((some[0, :, 0] + 1) * 4).long() == column
    assert inside.any()
    assert torch.allclose(means[0, :3, row, column], some[0, inside, 2].mean().expand(3), atol=1e-6)
    assert means[0, 3].sum() == len(torch.unique(((some[0, :, :2] + 1) * 4).long(), dim=0))
    decoder = Decoder(5, (8,), (), norm_layers=(), dropout=(), inputs=2 + 3, outputs=1)
    field = PlaneDecoder(decoder, 2, 8)
    code = torch.cat([torch.zeros(2, 5), means[:, :3].flatten(1)], 1)
    centre = torch.tensor([[(2 * column + 1) / 8 - 1, (2 * row + 1) / 8 - 1]])
    wanted = decoder(torch.cat([centre, means[0, :3, row, column][None]], 1)[None], torch.zeros(1, 5))
    assert torch.allclose(field(centre.expand(2, 1, 2), code)[:1], wanted, atol=1e-6)
    assert torch.equal(build(describe(field), field.state_dict())(samples(2), code), field(samples(2), code))
