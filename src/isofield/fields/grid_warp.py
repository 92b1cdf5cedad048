"""Smoothly warped copies of a shape, as grids of its truncated distances: further shapes for a linear space.

A copy of the shape f is f(y(x)) with

    y(x) = c + R diag(exp(-t)) (x - c) + d(x),

about the middle c of the shape: R is a small rotation, t a scale and a stretch of each axis, and d a displacement with
normal values at control points, cubic in between. All are as large as the shape is. To be a distance again near the
surface, the value is divided by the slope that the warp gives it, |J^T n| with J = dy/dx and the normal n (Osher and
Fedkiw 2003, "Level Set Methods and Dynamic Implicit Surfaces", section 1.4); the truncated values stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

CONTROLS = 5
"""Control points of the displacement along each axis of the cube."""


@dataclass(frozen=True)
class Warping:
    """Deviations of the random parts of a warp.

    displacement: at the control points, as a fraction of the shape's radius. scale, stretch: of the logarithms of the
    scale and of the further scale of each axis. turn: about each axis, in radians.
    """

    displacement: float = 0.07
    scale: float = 0.06
    stretch: float = 0.04
    turn: float = 0.08


def warped(values: np.ndarray, limit: float, random: np.random.Generator, warping: Warping | None = None) -> np.ndarray:
    """A warped copy of the distances (side, side, side) of a shape, truncated at +-limit, on a grid over the cube from
    -1 to 1; float32."""
    warping, side = warping or Warping(), len(values)
    inside = np.argwhere(values < 0) * (2 / (side - 1)) - 1
    low, high = (inside.min(0), inside.max(0)) if len(inside) else (np.full(3, -1.0), np.ones(3))
    middle, radius = (low + high) / 2, np.linalg.norm(high - low) / 2
    turn = Rotation.from_rotvec(warping.turn * random.normal(size=3)).as_matrix()
    scales = np.exp(-warping.scale * random.normal() - warping.stretch * random.normal(size=3))
    matrix = torch.tensor(turn * scales, dtype=torch.float32)
    controls = warping.displacement * radius * random.normal(size=(CONTROLS,) * 3 + (3,))
    weights, slopes = _splines(side, CONTROLS)
    control = torch.tensor(controls, dtype=torch.float32)
    axis, center = torch.linspace(-1, 1, side), torch.tensor(middle, dtype=torch.float32)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1) - center
    source = center + nodes @ matrix.T + _tensor_product(control, weights, weights, weights)
    slopes_of = [_tensor_product(control, *(slopes if a == b else weights for b in range(3))) for a in range(3)]

    f = torch.as_tensor(values)
    channels = torch.stack([f, *torch.gradient(f, spacing=2 / (side - 1))])[None]
    found = nn.functional.grid_sample(channels, source.flip(-1)[None], padding_mode="border", align_corners=True)[0]
    value, gradient = found[0], found[1:].movedim(0, -1)
    slope = torch.stack([((part + matrix[:, a]) * gradient).sum(-1) for a, part in enumerate(slopes_of)]).norm(dim=0)
    factor = torch.where(slope > 0, gradient.norm(dim=-1) / slope, 1.0).clamp(0.5, 2.0)
    return (value * (1 + (factor - 1) * (1 - value.abs() / limit))).clamp(-limit, limit).numpy()


def _tensor_product(controls: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Controls (c, c, c, k) to values (n, n, n, k), by matrices (n, c) along the axes."""
    side = len(x)
    rows = (z @ controls).flatten(2)  # (c, c, n k)
    rows = (y @ rows).flatten(1)  # (c, n n k)
    return (x @ rows).view(side, side, side, -1)


@lru_cache(maxsize=2)
def _splines(side: int, controls: int) -> tuple[Tensor, Tensor]:
    """Cubic interpolation (side, controls) from control points over -1 to 1 to nodes, and its derivative."""
    spline = make_interp_spline(np.linspace(-1, 1, controls), np.eye(controls), k=3)
    axis = np.linspace(-1, 1, side)
    weights, slopes = spline(axis), spline.derivative()(axis)
    return torch.tensor(weights, dtype=torch.float32), torch.tensor(slopes, dtype=torch.float32)
