"""Positions as sines and cosines (Mildenhall et al. 2020, "NeRF", eq. 4, without the factor pi)."""

from __future__ import annotations

import torch
from torch import Tensor


def encoded(x: Tensor, frequencies: int) -> Tensor:
    """x (..., d) with sin(2^k x) and cos(2^k x) for k < frequencies beside it, (..., d (1 + 2 frequencies))."""
    scaled = [2.0**k * x for k in range(frequencies)]
    return torch.cat([x, *(s.sin() for s in scaled), *(s.cos() for s in scaled)], -1) if scaled else x
