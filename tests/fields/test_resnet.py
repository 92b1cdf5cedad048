"""The encoder of pictures."""

import pytest
import torch

from isofield.fields.resnet import ResNet
from isofield.fields.serialization import build, describe, tensors


def _pictures(size=64, count=3):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_it_is_resnet_18():
    """11.2 million numbers without the last map, as in the paper's table: the shift and scale of a normalisation are as
    many as batch normalisation's. The last map gets the features of four quarters."""
    net = ResNet(256)
    assert sum(value.numel() for value in net.parameters()) == 11_176_512 + 4 * 512 * 256 + 256
    assert sum(isinstance(module, torch.nn.Conv2d) and module.kernel_size != (1, 1) for module in net.modules()) == 17


@pytest.mark.parametrize("size", [32, 96, 224])
def test_any_size_gives_a_code(size):
    code = ResNet(6, 8)(_pictures(size, 2))
    assert code.shape == (2, 6)
    assert torch.isfinite(code).all()


def test_a_picture_alone_has_the_code_that_it_has_in_a_batch():
    net, pictures = ResNet(6, 16), _pictures()
    assert torch.allclose(net(pictures)[1:2], net(pictures[1:2]), atol=1e-5)
    assert (net(pictures)[0] - net(pictures)[1]).abs().max() > 1e-3


def test_a_uniform_picture_has_a_finite_code():
    assert torch.isfinite(ResNet(6, 8)(torch.zeros(1, 3, 64, 64))).all()


def test_it_learns_where_a_square_lies():
    """The shape of a picture: 3 numbers per picture, from 64 of them, to a tenth of their deviation."""
    random, net = torch.Generator().manual_seed(0), ResNet(3, 8)
    truth = torch.rand(32, 3, generator=random)
    pictures = torch.zeros(32, 3, 32, 32)
    for picture, (x, y, side) in zip(pictures, truth.tolist(), strict=True):
        left, top, width = int(4 + 12 * x), int(4 + 12 * y), int(4 + 8 * side)
        picture[:, top : top + width, left : left + width] = 1
    adam = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(60):
        adam.zero_grad()
        (net(pictures) - truth).square().mean().backward()
        adam.step()
    assert (net(pictures) - truth).square().mean() < 0.1 * truth.var()


def test_features_of_the_first_pictures_are_standardized():
    net, pictures = ResNet(6, 8), _pictures(count=20)
    net.standardize(pictures)
    features = net.features(pictures)
    assert features.mean(0).abs().max() < 1e-3 and features.std(0, unbiased=False).max() < 1 + 1e-3


def test_folder():
    net, pictures = ResNet(6, 8, torch.Generator().manual_seed(3)), _pictures()
    net.standardize(pictures)
    again = build(describe(net), tensors(net))
    assert torch.equal(again(pictures), net(pictures))


def test_settings_that_make_no_encoder():
    with pytest.raises(ValueError, match="0 channels"):
        ResNet(4, 0)
