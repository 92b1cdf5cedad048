"""Projections of points, intersections with rays, and samples on a grid of a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isofield.api.field import box, checked
from isofield.errors import InputError
from isofield.types import ProgressCallback

if TYPE_CHECKING:
    from torch import Tensor

    from isofield.api.sdf import SDF

TOLERANCE = 1e-5
"""A point this close to the surface is on it, as a fraction of the shape's radius."""
TRACING_STEPS = 256
HALVINGS = 24
GRID_BYTES = 4 * 2**30
"""The largest grid of samples."""


@dataclass(frozen=True)
class Samples:
    """A field on a regular grid, in the user's units.

    values: (nx, ny, nz) float32 distances. origin: (3,) the first sample's position. spacing: distance of samples.
    """

    values: np.ndarray
    origin: np.ndarray
    spacing: float


def project(field: SDF, points: np.ndarray | Tensor) -> Any:
    """The projections (n, 3) of points (n, 3) onto the surface, by Newton steps along the gradient.

    NumPy in, NumPy out; torch in, torch out, on the device of the points and without a gradient. Where several points
    of the surface are about equally close, the result is one of them.
    """
    import torch

    from isofield.fields.level_set import newton

    x = checked(points)
    start = torch.as_tensor(x).detach().to("cpu", torch.float64)
    found = newton(_torch(field), _torch(field.gradient), start, TOLERANCE / field.similarity.scale)
    return found.to(x.device, x.dtype) if isinstance(x, torch.Tensor) else found.numpy()


def cast(field: SDF, origins: np.ndarray | Tensor, directions: np.ndarray | Tensor) -> Any:
    """Lengths (n,) of rays from origins (n, 3) along directions (n, 3) to the surface; infinite where a ray misses.

    Sphere tracing inside the field's box, in the user's units; the directions need no unit length. A ray that starts
    inside ends where it leaves the shape. NumPy in, NumPy out; torch in, torch out, on the device of the directions and
    without a gradient. Raises InputError for a direction of length zero.
    """
    if not isinstance(directions, np.ndarray) and hasattr(directions, "detach"):
        import torch

        found = cast(field, _array(origins), _array(directions))
        dtype = directions.dtype if directions.is_floating_point() else torch.float32
        return torch.as_tensor(found).to(directions.device, dtype)
    origins, directions = _array(origins), _array(directions)
    if origins.shape != directions.shape or origins.shape[1:] != (3,):
        raise InputError(
            f"origins {origins.shape} and directions {directions.shape} do not match: give (n, 3) of both."
        )
    norm = np.linalg.norm(directions, axis=1)
    if not (np.isfinite(norm).all() and (norm > 0).all()):
        raise InputError("a ray's direction has no length: give directions that are not zero.")
    unit = directions / norm[:, None]
    enter, leave = _clip(origins, unit, *box(field))
    start = np.maximum(enter, 0)
    through = leave > start
    lengths = np.full(len(origins), np.inf)
    first = origins[through] + start[through, None] * unit[through]
    limit = (leave - start)[through]
    lengths[through] = _trace(field, first, unit[through], limit, TOLERANCE / field.similarity.scale) + start[through]
    return lengths


def _array(rows: np.ndarray | Tensor) -> np.ndarray:
    """Rows (n, 3) float64 of an array, a tensor, or a single row."""
    return np.atleast_2d(np.asarray(rows.detach().cpu() if hasattr(rows, "detach") else rows, np.float64))


def _clip(origins: np.ndarray, unit: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths (n,) at which rays enter and leave the box from low to high, by its three slabs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slabs = np.stack([(low - origins) / unit, (high - origins) / unit])
        slabs[:, unit == 0] = np.where(((low <= origins) & (origins <= high))[unit == 0], [[-np.inf], [np.inf]], np.nan)
    return np.fmin(slabs[0], slabs[1]).max(1), np.fmax(slabs[0], slabs[1]).min(1)


def _trace(
    distance: Callable[[np.ndarray], np.ndarray],
    origins: np.ndarray,
    directions: np.ndarray,
    limit: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """Lengths (n,) of rays with unit directions to the surface, from either side; infinite beyond `limit` (n,)."""
    import torch

    from isofield.fields.level_set import bisect, march

    f, start, way, far = _torch(distance), *(torch.from_numpy(one) for one in (origins, directions, limit))
    sign = torch.where(f(start) < 0, -1.0, 1.0).double()
    before, length, end = march(f, start, way, far, tolerance, TRACING_STEPS, sign)
    crossed = end < -tolerance

    def outside(t: Tensor) -> Tensor:
        return sign[crossed] * f(start[crossed] + t[:, None] * way[crossed]) > 0

    low, high = bisect(outside, before[crossed], length[crossed], HALVINGS)
    length[crossed] = (low + high) / 2
    return torch.where((end <= tolerance) & (length <= far), length, torch.inf).numpy()


def _torch(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Tensor], Tensor]:
    """A function of arrays as one of tensors."""
    import torch

    return lambda x: torch.from_numpy(np.asarray(function(x.numpy())))


def grid(field: SDF, resolution: int = 128, progress: ProgressCallback | None = None) -> Samples:
    """The field on a regular grid over its box, `resolution` cells along the longest side.

    progress: called with the stage and the finished fraction. Raises InputError for a grid of more than 4 GiB.
    """
    if not isinstance(resolution, (int, np.integer)) or resolution < 1:
        raise InputError(f"resolution {resolution} is not a number of cells: give 1 or more.")
    low, high = box(field)
    spacing = float((high - low).max()) / resolution
    counts = np.ceil((high - low) / spacing - 1e-9).astype(int) + 1
    size = 4 * int(np.prod(counts.astype(object)))
    if size > GRID_BYTES:
        raise InputError(
            f"a grid of {' x '.join(map(str, counts))} samples takes {size / 2**30:.1f} GiB, more than "
            f"{GRID_BYTES / 2**30:.0f}: give a lower resolution."
        )
    y, z = (low[axis] + spacing * np.arange(counts[axis]) for axis in (1, 2))
    values = np.empty(counts, np.float32)
    for i in range(counts[0]):
        if progress:
            progress(f"sampling {' x '.join(map(str, counts))} points", i / counts[0])
        plane = np.stack(np.meshgrid([low[0] + spacing * i], y, z, indexing="ij"), -1).reshape(-1, 3)
        values[i] = np.asarray(field(plane)).reshape(counts[1:])
    return Samples(values, low, spacing)
