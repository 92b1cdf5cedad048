"""Sign and distance as two outputs of a network (Sitzmann et al. 2020, "MetaSDF: Meta-learning Signed Distance
Functions", section 3.2)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


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
