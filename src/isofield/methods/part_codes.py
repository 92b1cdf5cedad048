"""The code of a part of a shape, by descent on its signed samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import descend_code, rows, tensor
from isofield.losses.signed import lower_bounded
from isofield.types import Batch, SdfSamples

Decode = Callable[[Tensor, Tensor], Tensor]
"""Points (n, 3) and a code (l,) to values (n,)."""


def code_of_part(
    decode: Decode, samples: SdfSamples, start: Tensor, rates: Sequence[float], count: int, prior: float = 0.0
) -> Tensor:
    """argmin_z mean |f(x; z) - s| + prior * mean z^2, (l,), by Adam from `start` (l,) at these learning rates; where a
    distance s is only a lower bound, larger values of f cost nothing. count: samples of a step."""
    device = str(start.device)
    tensors = {"points": tensor(samples.points, device), "distance": tensor(samples.distance, device)}
    if samples.free is not None:
        tensors["free"] = torch.as_tensor(samples.free, device=device)

    def objective(code: Tensor, batch: Batch) -> dict[str, Tensor]:
        value = decode(batch["points"], code)
        distance = lower_bounded(value.detach(), batch["distance"], batch.tensors.get("free"))
        return {"distance": (value - distance).abs().mean(), "prior": prior * code.square().mean()}

    return descend_code(objective, start, rows(tensors, count, np.random.default_rng(0)), rates)
