"""Whether a space that learns by pulling alone still tells inside from outside.

A pulled network has its signs from its start, a sphere: its objective is as low for a field that is positive on both
sides of the surface, or negative outside. So a few training shapes are looked at: some of the queries of a
step, which lie around the surface, must be inside, and the faces of the cube from -1 to 1, which encloses every
normalised shape, must be outside.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch

from isofield.errors import join_names
from isofield.rows import evenly
from isofield.threads import deterministic
from isofield.types import Batch, Shape, TrainedSpace

SHAPES, NAMED, EVERY = 16, 6, 100
"""Shapes that are looked at, most of them that a sentence names, and steps between two checks."""
LEAST_INSIDE, MOST_OUTSIDE = 0.01, 0.1
"""Signs are lost where the field is negative at a smaller fraction of the queries, or at a larger one of the faces."""
CELLS = 8
"""Points along each edge of the cube."""


@torch.no_grad()
def shapes_without_signs(space: TrainedSpace, shapes: Sequence[Shape], random: np.random.Generator) -> list[int]:
    """The rows of those of some shapes, evenly chosen, whose signs are lost; the space draws the samples `query`."""
    device, lost = str(space.table.device), []
    axis = torch.linspace(-1, 1, CELLS)
    cube = torch.cartesian_prod(axis, axis, axis).to(device)
    faces = cube[cube.abs().amax(1) == 1]
    with deterministic():
        for row in evenly(len(shapes), SHAPES):
            some = space.draw(shapes[row], random)
            drawn = {name: torch.from_numpy(np.stack([value])).to(device) for name, value in some.items()}
            code = space.init(Batch({"row": torch.tensor([row], device=device), **drawn}))
            field = space.field(code[0])
            inside, outside = ((field(x) < 0).float().mean() for x in (drawn["query"][0], faces))
            if inside < LEAST_INSIDE or outside > MOST_OUTSIDE:
                lost.append(int(row))
    return lost


class SignCheck:
    """Warns once in a training of a space of clouds, at the second of two checks that find the same shapes."""

    def __init__(self, space: TrainedSpace, shapes: Sequence[Shape], names: Sequence[str], seed: int) -> None:
        self.space, self.shapes, self.names, self.random = space, shapes, names, np.random.default_rng(seed)
        self.before: set[int] = set()
        self.warned = False

    def __call__(self, step: int) -> None:
        """After each step of a training."""
        if self.warned or step % EVERY:
            return
        now = shapes_without_signs(self.space, self.shapes, self.random)
        lost = [self.names[row] for row in now if row in self.before]
        self.before, self.warned = {*now}, bool(lost)
        if lost:
            warnings.warn(
                f"after {step} steps {join_names(lost, NAMED)} have lost their signs ({len(lost)} of "
                f"{min(SHAPES, len(self.shapes))} shapes that were looked at): the field is positive inside them or "
                "negative outside, which the loss does not show; train again with a smaller learning rate "
                "(--training.network-rate.initial).",
                stacklevel=2,
            )
