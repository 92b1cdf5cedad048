"""DeepSDF's decoder: the released network's function and size, codes once a shape, dropout only by a generator."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from isofield.fields.decoder import Decoder, LatentField, dropped
from isofield.fields.serialization import build, describe, tensors

OPTIONS = [
    {},
    {"weight_norm": False},
    {"xyz_in_all": True},
    {"use_tanh": True, "latent_in": (2, 3)},
    {"norm_layers": (), "latent_in": ()},
]


def small(**options):
    options = {"dims": (24,) * 4, "latent_in": (2,), "norm_layers": (0, 1, 2, 3), "dropout": (0, 1, 2), **options}
    return Decoder(6, **options)


def published(net, x, z):
    """The forward pass as the paper has it: input [z, x] at every point, one layer after the other. (n, 3), (l,)."""
    given = torch.cat([z.expand(len(x), -1), x], 1)
    h = given
    for layer in range(len(net.dims) + 1):
        if layer in net.latent_in:
            h = torch.cat([h, given], 1)
        elif layer and net.xyz_in_all:
            h = torch.cat([h, x], 1)
        linear = getattr(net, f"lin{layer}")
        h = h @ linear.matrix().T + linear.bias
        if layer == len(net.dims):
            return (h.tanh() if net.use_tanh else h).tanh()[:, 0]
        if layer in net.norm_layers and not net.weight_norm:
            h = F.layer_norm(h, h.shape[1:])
        h = h.relu()


def test_the_published_network_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in Decoder().parameters()) == 1_843_195


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_codes_joined_once_a_shape_give_what_codes_at_every_point_do(options):
    net, random = small(**options), torch.Generator().manual_seed(1)
    x, z = torch.rand(3, 50, 3, generator=random) * 2 - 1, torch.randn(3, 6, generator=random)
    each = torch.stack([published(net, one, code) for one, code in zip(x, z, strict=True)])
    torch.testing.assert_close(net(x, z), each, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_round_trip_of_a_space_and_of_one_of_its_fields(options):
    net, x = small(**options), torch.rand(20, 3) * 2 - 1
    again = build(describe(net), tensors(net))
    field = LatentField(net, torch.ones(6))
    assert torch.equal(again(x[None], torch.ones(1, 6))[0], field(x))
    assert torch.equal(build(describe(field), tensors(field))(x), field(x))


def test_dropout_needs_a_generator_and_repeats_with_its_seed():
    net, x, z = small(latent_dropout=True), torch.rand(2, 10, 3), torch.randn(2, 6)

    def drawn(seed):
        random = torch.Generator().manual_seed(seed)
        return net.decode(x, net.condition(z, random), random)

    assert torch.equal(net.train()(x, z), net.eval()(x, z))
    assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))
    kept = dropped(torch.ones(100_000), 0.2, torch.Generator().manual_seed(0))
    assert abs(float((kept == 0).float().mean()) - 0.2) < 0.005 and float(kept.max()) == 1.25


def test_weight_norm_starts_as_the_same_map_and_holds_lengths_apart():
    net = small()
    linear = net.lin1
    torch.testing.assert_close(linear.matrix(), linear.weight_v)
    with torch.no_grad():
        linear.weight_v *= 3
    torch.testing.assert_close(linear.matrix().norm(dim=1), linear.weight_g[:, 0])


@pytest.mark.parametrize("options", [{"latent_in": (9,)}, {"dims": (4, 4), "latent_in": (1,)}], ids=str)
def test_impossible_decoders(options):
    with pytest.raises(ValueError, match=r"decoder|narrow"):
        small(**options)
