"""What a field says beyond the space it was learned in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isofield.fields.decoder import LatentField
from isofield.fields.hash_grid import HashGrid
from isofield.fields.mlp import Mlp
from isofield.fields.siren import Siren

NETWORKS = (Mlp, Siren, HashGrid, LatentField)
"""Fields that mean nothing beyond the cube from -1 to 1; grids and what is made of fields know for themselves."""


def value(field: nn.Module, x: Tensor) -> Tensor:
    """Signed distances (n,) at normalised x (n, 3): beyond the cube a network is asked at its nearest place, and the
    way there is added."""
    if not isinstance(field, NETWORKS):
        return field(x)
    inside = x.clamp(-1, 1)
    square = (x - inside).square().sum(1)
    return field(inside) + torch.where(square > 0, square, torch.ones_like(square)).sqrt() * (square > 0)
