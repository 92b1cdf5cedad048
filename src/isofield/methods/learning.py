"""What the methods that learn a network share: the start from the sides of the points, and the descent."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batch, descend, rows, tensor
from isofield.configs import DescentConfig, NetworkConfig
from isofield.fields.serialization import network
from isofield.methods.progress import Progress
from isofield.points import Oriented, denoise, orient
from isofield.sampling.query_points import Draw, everywhere, rough_distance
from isofield.types import Observation

SPACE = 1.1
"""Half side of the cube in which a field is taught its sign; a sine network means nothing beyond."""
SAMPLES = 100_000
"""Samples of the rough signed distance, as many near the points as in the whole space."""

Samples = list[Tensor]
"""Points (n, 3) and their rough signed distance (n,), on the field's device."""


def fresh_network(config: NetworkConfig, points: np.ndarray, seed: int, device: str) -> nn.Module:
    """A network at its own start, on `device`: those that begin as a sphere have one of the points' half extent."""
    generator, radius = torch.Generator().manual_seed(seed), float(np.ptp(points, axis=0).max()) / 2
    return network(
        config.kind, config.width, config.layers, config.w0, config.activation, radius, generator
    ).to(device)  # fmt: skip


def sides(observed: Observation, seed: int) -> Oriented:
    """The observed points with their sides, moved to where their neighbours say that the surface is."""
    return denoise(orient(observed.points, observed.normals, observed.noise, seed))


def learn_sides(
    field: nn.Module, oriented: Oriented, draw: Draw, config: DescentConfig, random: np.random.Generator, device: str
) -> Generator[Progress, None, tuple[Samples, Samples]]:
    """Regresses the field onto the rough signed distance: nearest point, side by the winding number.

    draw: of the samples near the points. Returns those, and the samples in all of space: a pull or a slope alone grows
    blobs where there is nothing, so that methods keep that distance as a weak target.
    """

    def known(x: np.ndarray) -> Samples:
        return [tensor(x, device), tensor(rough_distance(oriented, x), device)]

    far = known(everywhere(oriented.points, SPACE, random, SAMPLES))
    near = known(draw(random, SAMPLES))
    both = [torch.cat(pair) for pair in zip(near, far, strict=True)]
    steps = learn(
        field, lambda x, distance: (field(x) - distance).abs().mean(), rows(both, config.batch, random), config,
        "learning the sides", 0.1, 0.3,
    )  # fmt: skip
    for step in steps:
        yield Progress(step.stage, step.fraction, field, oriented.median_noise)
    return near, far


def rough_loss(field: nn.Module, known: Sequence[Tensor], weight: float) -> Tensor | float:
    """`weight` times how far the field is from samples x (n, 3) and distance (n,); 0 where there are none."""
    if not known:
        return 0.0
    x, distance = known
    return weight * (field(x) - distance).abs().mean()


def learn(
    field: nn.Module,
    objective: Callable[..., Tensor],
    batch: Batch,
    config: DescentConfig,
    stage: str,
    first: float,
    last: float = 1.0,
) -> Iterator[Progress]:
    """Descends `objective`; the fraction that is done goes from `first` to `last`."""
    steps = descend(
        objective, field.parameters(), batch, config.steps,
        learning_rate=config.learning_rate, warm_up=config.warm_up, final=config.final,
    )  # fmt: skip
    for index, _ in enumerate(steps):
        yield Progress(stage, first + (last - first) * (index + 1) / config.steps, field)
