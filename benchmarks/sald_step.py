"""One step of SALD: isofield beside the released code's formulation, with equal gradients.

    python benchmarks/sald_step.py

The network of the paper (8 layers of 512, softplus with beta = 100, one skip), 4096 queries, forward, gradient by
space, both terms of the loss, backward; without the optimiser. First for one shape, then the decoder of a space with
weight norm and codes of 256, for 8 shapes with 512 queries each. The released code pushes three forward tangents
through every layer in torch's default matrix products; isofield sweeps backwards once, computes each softplus and its
slope once, and takes the fastest products that stay exact on the machine. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import datetime
import math
import platform
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from isofield.fields.evaluation import value_and_gradient
from isofield.fields.geometric_decoder import GeometricDecoder
from isofield.fields.mlp import BETA, Mlp
from isofield.losses.sign_agnostic import unsigned_direction, unsigned_value
from isofield.threads import SHARDS, deterministic, parallel_map

COUNT, REPEATS, SHAPES = 4096, 5, 8
Decode = Callable[[GeometricDecoder, Tensor, Tensor], tuple[Tensor, Tensor]]


def three_tangents(field: Mlp, x: Tensor) -> tuple[Tensor, Tensor]:
    """Values (n,) and gradients (n, 3) by the Jacobian (n, out, 3) carried through every layer."""
    unit = torch.eye(3).expand(len(x), 3, 3)
    h, jacobian = x, unit
    for index, layer in enumerate(field.hidden):
        if index in field.skip:
            h = torch.cat([h, x], 1) / math.sqrt(2)
            jacobian = torch.cat([jacobian, unit], 1) / math.sqrt(2)
        z = layer(h)
        jacobian = torch.sigmoid(BETA * z)[..., None] * (layer.weight @ jacobian)
        h = F.softplus(z, BETA)
    return field.last(h)[:, 0], (field.last.weight @ jacobian)[:, 0]


def tangents_of_decoder(decoder: GeometricDecoder, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """The same (b, n) and (b, n, 3) for codes z (b, l), which join the points in every row."""
    joined = torch.cat([x, z[:, None].expand(-1, x.shape[1], -1)], -1)
    unit = torch.eye(joined.shape[-1], 3).expand(*x.shape[:2], -1, 3)
    h, jacobian = joined, unit
    for index in range(len(decoder.dims) + 1):
        if index in decoder.skip:
            h = torch.cat([h, joined], -1) / math.sqrt(2)
            jacobian = torch.cat([jacobian, unit], 2) / math.sqrt(2)
        layer = getattr(decoder, f"lin{index}")
        matrix = layer.matrix()
        a = F.linear(h, matrix, layer.bias)
        jacobian = matrix @ jacobian
        if index < len(decoder.dims):
            jacobian, h = torch.sigmoid(BETA * a)[..., None] * jacobian, F.softplus(a, BETA)
    return a[..., 0], jacobian[..., 0, :]


def step_of_decoder(way: Decode, decoder: GeometricDecoder, batch: tuple[Tensor, ...]) -> list[Tensor]:
    """Gradients of the weights and the codes."""
    x, z, distance, direction = batch
    weights = [*decoder.parameters(), z]

    def differentiate(shard: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        query, code, *known = shard
        value, gradient = way(decoder, query, code)
        terms = unsigned_value(value, known[0]) + unsigned_direction(gradient, known[1])
        return torch.autograd.grad(terms.sum() / len(x), weights, materialize_grads=True)

    if way is tangents_of_decoder:
        return list(differentiate((x, z, distance, direction)))
    with deterministic():
        cut = zip(*(tensor.tensor_split(SHARDS) for tensor in (x, z, distance, direction)), strict=True)
        parts = parallel_map(differentiate, list(cut))
        return [torch.stack(gradients).sum(0) for gradients in zip(*parts, strict=True)]


def loss(answer: tuple[Tensor, Tensor], distance: Tensor, direction: Tensor) -> Tensor:
    return unsigned_value(answer[0], distance) + unsigned_direction(answer[1], direction)


def ours(field: Mlp, x: Tensor, distance: Tensor, direction: Tensor) -> list[Tensor]:
    """As `adapt.descend` does it: a batch in shards, one thread for each."""
    weights = list(field.parameters())

    def differentiate(shard: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        query, *known = shard
        part = len(query) / len(x)
        return torch.autograd.grad(part * loss(value_and_gradient(field, query), *known), weights)

    with deterministic():
        cut = zip(*(tensor.tensor_split(SHARDS) for tensor in (x, distance, direction)), strict=True)
        parts = parallel_map(differentiate, list(cut))
        return [torch.stack(gradients).sum(0) for gradients in zip(*parts, strict=True)]


def theirs(field: Mlp, x: Tensor, distance: Tensor, direction: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss(three_tangents(field, x), distance, direction), list(field.parameters())))


def seconds(step: Callable[[], object]) -> float:
    """The least of some runs: other work on the machine only adds."""
    step()
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        step()
        took.append(time.perf_counter() - began)
    return min(took)


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    generator = torch.Generator().manual_seed(0)
    field = Mlp((512,) * 8, (4,), "softplus", 0.5, generator)
    x = torch.randn(COUNT, 3, generator=generator) * 0.5
    direction = F.normalize(torch.randn(COUNT, 3, generator=generator), dim=1)
    batch = x, x.norm(dim=1), direction
    one, two = ours(field, *batch), theirs(field, *batch)
    apart = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(one, two, strict=True))
    fast, slow = seconds(lambda: ours(field, *batch)), seconds(lambda: theirs(field, *batch))
    # 3 products forward and back for the value, as many again for the gradient: 2 flop a weight and product
    flop = 6 * 2 * sum(weight.numel() for weight in field.parameters()) * COUNT
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {datetime.date.today()}\n"
    )
    print("| way | seconds a step | GFLOP/s of the floor's operations |\n| --- | --- | --- |")
    for name, took in (("released code's: three forward tangents", slow), ("isofield's", fast)):
        print(f"| {name} | {took:.3f} | {flop / took / 1e9:.0f} |")
    print(f"\n{slow / fast:.1f} times faster; gradients differ by {apart:.1e} of the largest entry of each tensor.\n")
    decoder, z = GeometricDecoder(256, generator=generator), 0.02 * torch.randn(SHAPES, 256, generator=generator)
    many = [some.view(SHAPES, COUNT // SHAPES, *some.shape[1:]) for some in batch]
    rows = (many[0], z.requires_grad_(), *many[1:])
    ways = (tangents_of_decoder, GeometricDecoder.value_and_gradient)
    two, one = (step_of_decoder(way, decoder, rows) for way in ways)
    apart = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(one, two, strict=True))
    slow, fast = (seconds(partial(step_of_decoder, way, decoder, rows)) for way in ways)
    print("| way, a space | seconds a step |\n| --- | --- |")
    for name, took in (("released code's: three forward tangents", slow), ("isofield's", fast)):
        print(f"| {name} | {took:.3f} |")
    print(f"\n{slow / fast:.1f} times faster; gradients differ by {apart:.1e} of the largest entry of each tensor.")


if __name__ == "__main__":
    main()
