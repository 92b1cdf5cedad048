"""SAL's and SALD's decoder: its start, its exact gradient, its folder."""

import math

import pytest
import torch

from isofield.fields.geometric_decoder import GeometricDecoder
from isofield.fields.serialization import build, describe

SHAPES, POINTS, LENGTH = 3, 20, 8


def _inputs(dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    x = 0.5 * torch.randn(SHAPES, POINTS, 3, dtype=dtype, generator=generator)
    return x, torch.randn(SHAPES, LENGTH, dtype=dtype, generator=generator)


@pytest.mark.parametrize("norm_layers", [(), tuple(range(7))])
@pytest.mark.parametrize("activation", ["softplus", "relu"])
def test_the_gradient_is_that_of_double_backward(activation, norm_layers):
    """In space, and of a loss on it by every weight and by the codes."""
    decoder = GeometricDecoder(LENGTH, (32,) * 6, (3,), activation=activation, norm_layers=norm_layers).double()
    x, z = _inputs()
    z.requires_grad_()
    weights = [*decoder.parameters(), z]

    def loss(value, gradient):
        return (value.abs() - 0.3).abs().mean() + (gradient - 0.5).abs().sum(-1).mean()

    value, gradient = decoder.value_and_gradient(x, z)
    found = torch.autograd.grad(loss(value, gradient), weights, materialize_grads=True)
    free = x.clone().requires_grad_()
    known = decoder(free, z)
    (known_gradient,) = torch.autograd.grad(known.sum(), free, create_graph=True)
    expected = torch.autograd.grad(loss(known, known_gradient), weights, materialize_grads=True)
    assert torch.allclose(value, known, atol=1e-12)
    assert torch.allclose(gradient, known_gradient, atol=1e-5)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(("radius", "slope", "activation"), [(1.0, 1.0, "softplus"), (0.5, 2.0, "relu")])
def test_starts_as_a_sphere(radius, slope, activation):
    """Of SALD and of SAL, for the code 0: the zero set is near the radius, with the slope across it."""
    generator, (found, slopes) = torch.Generator().manual_seed(5), (list[float](), list[float]())
    for seed in range(2):
        decoder = GeometricDecoder(
            256, radius=radius, slope=slope, activation=activation, generator=torch.Generator().manual_seed(seed)
        )
        direction = torch.nn.functional.normalize(torch.randn(60, 1, 3, generator=generator), dim=-1)
        r = torch.linspace(0, 2, 41)[None, :, None]
        with torch.no_grad():
            value = decoder((direction * r).view(1, -1, 3), torch.zeros(1, 256)).view(60, 41)
        crossing = (value < 0).sum(1) * 0.05
        found.append(float(crossing.mean()))
        slopes.append(float((value[:, -1] - value[:, 20]).mean()))
        assert bool((value[:, 0] < 0).all())
        assert bool((value[:, -1] > 0).all())
        assert crossing.std() < 0.16 * radius
    assert sum(found) / 2 == pytest.approx(radius, rel=0.2)
    assert sum(slopes) / 2 == pytest.approx(slope, rel=0.2)


def test_a_code_moves_the_start_only_where_it_may():
    x, z = _inputs(torch.float32)
    same, published = (GeometricDecoder(LENGTH, (64,) * 6, (3,), same_start=start) for start in (True, False))
    with torch.no_grad():
        assert torch.allclose(same(x, 5 * z), same(x, 0 * z), atol=1e-6)
        assert (published(x, 5 * z) - published(x, 0 * z)).abs().min() > 0.1


def test_the_code_changes_nothing_of_other_shapes():
    decoder, (x, z) = GeometricDecoder(LENGTH, (32,) * 6, (3,)).double(), _inputs()
    alone = torch.cat([decoder(x[i : i + 1], z[i : i + 1]) for i in range(SHAPES)])
    assert torch.allclose(decoder(x, z), alone, atol=1e-12)


def test_folder():
    decoder, (x, z) = GeometricDecoder(LENGTH, (32,) * 4, (2,), radius=0.5, norm_layers=(1,)), _inputs(torch.float32)
    again = build(describe(decoder), decoder.state_dict())
    assert torch.equal(again(x, z), decoder(x, z))


@pytest.mark.parametrize("skip", [(0,), (6,)])
def test_layers_that_do_not_fit(skip):
    with pytest.raises(ValueError, match="no decoder"):
        GeometricDecoder(LENGTH, (32,) * 6, skip)
    with pytest.raises(ValueError, match="too narrow"):
        GeometricDecoder(LENGTH, (10,) * 6, (3,))


def test_weights_have_the_published_scale():
    """Gaussian of variance 2 / out in the hidden layers, about sqrt(pi / in) in the last."""
    decoder = GeometricDecoder(256)
    for layer in range(8):
        matrix = getattr(decoder, f"lin{layer}").matrix().detach()
        assert float(matrix.std()) == pytest.approx(math.sqrt(2 / len(matrix)), rel=0.05)
    assert float(decoder.lin8.matrix().detach().mean()) == pytest.approx(math.sqrt(math.pi / 512), rel=1e-3)
    lengths = sum(getattr(decoder, f"lin{layer}").weight_g.numel() for layer in range(9))
    assert sum(p.numel() for p in decoder.parameters()) - lengths == 1_839_358
