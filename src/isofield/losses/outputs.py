"""Losses on the outputs of a network: a signed distance, sign and distance apart, or colours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from isofield.configs import Objective
from isofield.fields.meta_network import value_of


def sign_and_distance(heads: Tensor, distance: Tensor, log_deviations: Tensor) -> Tensor:
    """The composite loss (b, n) of outputs (b, n, 2), a logit of being outside and a distance, against signed distances
    (b, n):

        b / (2 s0^2) + l / (2 s1^2) + log(s0 s1),

    b the binary cross-entropy, l = |f - d|, s the deviations that weigh them (Kendall et al. 2018), given by their
    logarithms (2,).
    """
    outside = (distance > 0).to(heads)
    sign = F.binary_cross_entropy_with_logits(heads[..., 0], outside, reduction="none")
    error = (heads[..., 1] - distance).abs()
    first, second = (-2 * log_deviations).exp() / 2
    return first * sign + second * error + log_deviations.sum()


def outputs_of(objective: Objective, channels: int | None) -> int:
    """How many outputs a network needs: channels of colours; None for a distance, which composite has as two."""
    return channels or (2 if objective == "composite" else 1)


def output_error(objective: Objective, outputs: Tensor, value: Tensor, log_deviations: Tensor) -> Tensor:
    """The error (b,) of outputs (b, n, c) against signed distances (b, n) or colours (b, n, c), a mean over the
    samples: |f - s|, (f - s)^2, or the composite with deviations given by their logarithms (2,)."""
    match objective:
        case "composite":
            return sign_and_distance(outputs, value, log_deviations).mean(1)
        case "mse":
            return (value_of(outputs) - value).square().flatten(1).mean(1)
    return (value_of(outputs) - value).abs().flatten(1).mean(1)


def misclassified(outputs: Tensor, distance: Tensor) -> Tensor:
    """The fraction (b,) of samples that outputs (b, n, c) put on the other side than the signed distances (b, n)."""
    return ((value_of(outputs) < 0) != (distance < 0)).float().mean(1)


def surface_error(value: Tensor, gradient: Tensor, on: Tensor) -> Tensor:
    """SIREN's loss of one shape each (b,), without its term on normals (Sitzmann et al. 2020, eq. 6), over 3000:

        |f(p)|  +  1/60 | |grad f| - 1 |  +  1/30 exp(-100 |f(q)|).

    value: (b, n) at points p on the surface, where `on` (b, n), and at points q anywhere; gradient: (b, n, d) there.
    """
    unit = (gradient.norm(dim=2) - 1).abs().mean(1)
    surface = (value.abs() * on).sum(1) / on.sum(1).clamp(min=1)
    elsewhere = (torch.exp(-100 * value.abs()) * ~on).sum(1) / (~on).sum(1).clamp(min=1)
    return surface + unit / 60 + elsewhere / 30
