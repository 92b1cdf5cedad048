"""What a field is asked for beside distances: feet of points, rays, and a grid of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.render.tracing import trace
from isofield.types import ProgressCallback

if TYPE_CHECKING:
    from isofield.api.sdf import SDF

STEPS = 12
TOLERANCE = 1e-5
"""How near to the surface is on it, as a share of the shape's radius."""
GRID_BYTES = 4 * 2**30
"""A grid of samples larger than this is refused."""


@dataclass(frozen=True)
class Samples:
    """A field on a regular grid, in the user's units.

    values: (nx, ny, nz) float32 distances. origin: (3,) the first sample's place. spacing: between samples.
    """

    values: np.ndarray
    origin: np.ndarray
    spacing: float


def project(sdf: SDF, points: np.ndarray) -> np.ndarray:
    """The feet (n, 3) of points (n, 3) on the surface: x - f grad f / |grad f|^2, again until f is nothing.

    Where a point is about as near to several places of the surface, one of them is found.
    """
    x = np.array(points, np.float64)
    tolerance = TOLERANCE / sdf.similarity.scale
    todo = np.arange(len(x))
    for _ in range(STEPS):
        value = np.asarray(sdf(x[todo]))
        far = np.abs(value) > tolerance
        todo, value = todo[far], value[far]
        if not len(todo):
            break
        gradient = np.asarray(sdf.gradient(x[todo]))
        square = np.maximum(np.square(gradient).sum(1), 0.25)  # a slope near 0 must not send a point away
        x[todo] -= (value / square)[:, None] * gradient
    return x


def cast(sdf: SDF, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """How far (n,) rays from origins (n, 3) along directions (n, 3) go to the surface; inf where they miss it.

    In the user's units; directions need not have unit length, distances are lengths all the same. Raises InputError for
    a direction without length.
    """
    origins, directions = np.atleast_2d(np.asarray(origins, np.float64)), np.atleast_2d(np.asarray(directions, float))
    if origins.shape != directions.shape or origins.shape[1:] != (3,):
        raise InputError(
            f"origins {origins.shape} and directions {directions.shape} do not match: give (n, 3) of both."
        )
    length = np.linalg.norm(directions, axis=1)
    if not (np.isfinite(length).all() and (length > 0).all()):
        raise InputError("a ray's direction has no length: give directions that are not zero.")
    unit = directions / length[:, None]
    low, high = sdf.similarity.invert(np.array([sdf.lower, sdf.upper]))
    with np.errstate(divide="ignore", invalid="ignore"):  # the box: rays go on from where they enter it
        slabs = np.stack([(low - origins) / unit, (high - origins) / unit])
        slabs[:, unit == 0] = np.where(((low <= origins) & (origins <= high))[unit == 0], [[-np.inf], [np.inf]], np.nan)
    enter, leave = np.fmin(slabs[0], slabs[1]).max(1), np.fmax(slabs[0], slabs[1]).min(1)
    start = np.maximum(enter, 0)
    through = leave > start
    met = np.full(len(origins), np.inf)
    first = origins[through] + start[through, None] * unit[through]
    tolerance = TOLERANCE / sdf.similarity.scale
    found = trace(lambda x: np.asarray(sdf(x)), first, unit[through], (leave - start)[through], tolerance)
    met[through] = found + start[through]
    return met


def grid(sdf: SDF, resolution: int = 128, progress: ProgressCallback | None = None) -> Samples:
    """The field on a regular grid over its box, `resolution` cells along the longest side. progress: called with what
    is being done and the share that is done.

    Raises InputError where it would not fit into 4 GiB.
    """
    if not isinstance(resolution, (int, np.integer)) or resolution < 1:
        raise InputError(f"resolution {resolution} is no number of cells: give 1 or more.")
    low, high = sdf.similarity.invert(np.array([sdf.lower, sdf.upper]))
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
    tell = progress or (lambda stage, fraction: None)
    for i in range(counts[0]):
        tell(f"sampling {' x '.join(map(str, counts))} places", i / counts[0])
        x = low[0] + spacing * i
        values[i] = np.asarray(sdf(_plane(x, y, z))).reshape(counts[1:])
    return Samples(values, low, spacing)


def _plane(x: float, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Points (ny * nz, 3) of a plane."""
    return np.stack(np.meshgrid([x], y, z, indexing="ij"), -1).reshape(-1, 3)
