"""The code of a part of a shape, by descent on its signed samples.

An encoder, and a few learned steps, are made for samples from all around a shape, and a part would lead them astray.
`most_probable_code` takes the code that is most probable where training codes are normally distributed, with the mean m
and the columns of A their principal components times their deviations:

    z = m + A u,    argmin_u  L(f(.; z); s) + PRIOR * mean u^2,

L the error of a space's objective (`losses.outputs`). Adam starts from the training code that explains the part best.
Where there are fewer shapes than numbers in a code, codes stay in the span of the training codes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import cosine_rates, descend_code, rows, tensor
from isofield.configs import Objective
from isofield.fields.meta_network import value_of
from isofield.losses.outputs import output_error
from isofield.losses.signed import lower_bounded
from isofield.threads import deterministic
from isofield.types import Batch, SdfSamples

Decode = Callable[[Tensor, Tensor], Tensor]
"""Points (n, 3) and a code (l,) to values (n,)."""
STEPS, RATE, SAMPLES = 300, 5e-2, 2048
"""Steps of Adam, its first rate, in deviations of the training codes, and samples of each of them."""
PRIOR = 1e-3
"""Weight of mean u^2."""
COMPARED, AT_ONCE = 512, 16
"""Samples that training codes are compared on, and how many codes at once."""
LEAST = 1e-3
"""Components whose deviation is less than this fraction of the greatest are left out."""


def absolute(value: Tensor, batch: Batch) -> Tensor:
    """mean |f - s|, a scalar, of values (n,); where a distance s is only a lower bound, larger values cost nothing."""
    return (value - lower_bounded(value.detach(), batch["distance"], batch.tensors.get("free"))).abs().mean()


def code_of_part(
    decode: Decode, samples: SdfSamples, start: Tensor, rates: Sequence[float], count: int, prior: float = 0.0,
    error: Callable[[Tensor, Batch], Tensor] = absolute,
) -> Tensor:  # fmt: skip
    """argmin_z error(f(.; z)) + prior * mean z^2, (l,), by Adam from `start` (l,) at these learning rates.

    count: samples of a step. error: of what `decode` gives at the "points" of a batch, beside its "distance" and, where
    the samples have that, "free".
    """

    def objective(code: Tensor, batch: Batch) -> dict[str, Tensor]:
        found = error(decode(batch["points"], code), batch)
        return {"distance": found, "prior": prior * code.square().mean()}

    batches = rows(_tensors(samples, str(start.device)), count, np.random.default_rng(0))
    return descend_code(objective, start, batches, rates)


def most_probable_code(
    outputs: Decode, objective: Objective, log_deviations: Tensor, table: Tensor, samples: SdfSamples
) -> Tensor:
    """The code (l,) of a part. outputs: of points (b, n, d) and codes (b, l), (b, n, c). objective, log_deviations: as
    in `output_error`. table: the training codes (k, l)."""

    def errors(found: Tensor, batch: Batch) -> Tensor:
        distance = lower_bounded(value_of(found).detach(), batch["distance"], batch.tensors.get("free"))
        return output_error(objective, found, distance, log_deviations)

    few = Batch(_tensors(samples.part(0, COMPARED), str(table.device)))
    with deterministic():
        with torch.no_grad():
            x, parts = few["points"], table.split(AT_ONCE)
            first = table[torch.cat([errors(outputs(x.expand(len(z), -1, -1), z), few) for z in parts]).argmin()]
        if len(table) == 1:
            return first
        mean, axes = components(table)
        u = ((first - mean)[:, None] * axes).sum(0) / axes.square().sum(0)  # the axes are orthogonal
        decode: Decode = lambda x, u: outputs(x[None], (mean + axes @ u)[None])  # noqa: E731
        total: Callable[[Tensor, Batch], Tensor] = lambda found, batch: errors(found, batch).sum()  # noqa: E731
        return mean + axes @ code_of_part(decode, samples, u, cosine_rates(RATE, STEPS), SAMPLES, PRIOR, total)


def components(table: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (l,) of codes (k, l), and their principal components times their deviations, (l, m)."""
    mean = table.mean(0)
    _, values, axes = torch.linalg.svd(table - mean, full_matrices=False)
    kept = values > LEAST * values[0]
    return mean, (axes[kept] * values[kept, None]).T / (len(table) - 1) ** 0.5


def _tensors(samples: SdfSamples, device: str) -> dict[str, Tensor]:
    tensors = {"points": tensor(samples.points, device), "distance": tensor(samples.distance, device)}
    return tensors if samples.free is None else tensors | {"free": torch.as_tensor(samples.free, device=device)}
