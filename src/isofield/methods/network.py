"""One network for one shape, trained by descending a method's objective; the code is the network.

A method file has the samples that a step learns from and the terms of the objective; the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, descend_batches, joined
from isofield.configs import Network, Optim, WarmStart
from isofield.fields.serialization import network
from isofield.methods.warm_start import anchored, warm_up
from isofield.stopwatch import stage, staged
from isofield.types import Batch, FitProgress, Observation, Shape


@dataclass(frozen=True, eq=False)
class NetworkMethod:
    """A method that trains a network for one shape.

    network: the field. optim: the descent. warm_start: a start from the orientation of the points, or None for the
    network's own. batches: of what was observed, what step i learns from. losses: of the field and a batch, the terms
    of the objective.
    """

    network: Network
    optim: Optim
    warm_start: WarmStart | None
    batches: Callable[[Observation, np.random.Generator, str], Batches]
    losses: Callable[[nn.Module, Batch], Mapping[str, Tensor]]

    def init(self, observed: Observation, seed: int, device: str) -> nn.Module:
        """A network at its own start; those that begin as a sphere have the points' half extent."""
        generator, radius = torch.Generator().manual_seed(seed), float(np.ptp(observed.points, axis=0).max()) / 2
        kind, w0, activation = self.network.kind, self.network.w0, self.network.activation
        return network(kind, self.network.width, self.network.layers, w0, activation, radius, generator).to(device)

    def field(self, code: nn.Module) -> nn.Module:
        """The network itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[nn.Module]]:
        """Descends the objective from the network's own start, or from the warm start with its anchors."""
        observed, random = shapes[0].observed, np.random.default_rng(seed)
        field, begun = self.init(observed, seed, device), 0.0
        anchors: Sequence[Batches] = ()
        warm = self.warm_start
        if warm is not None:
            observed, anchors = yield from warm_up(field, observed, warm, self.optim.batch, seed, random, device)
            begun = 0.3
        with stage("descent"):
            batches = joined(self.batches(observed, random, device), *anchors)

        def losses(batch: Batch) -> dict[str, Tensor]:
            return {**self.losses(field, batch), **({} if warm is None else anchored(field, batch, warm))}

        steps = descend_batches(losses, field.parameters(), batches, self.optim)
        for index, terms in enumerate(staged("descent", steps)):
            yield FitProgress("fitting", begun + (1 - begun) * (index + 1) / self.optim.steps, field, losses=terms)
