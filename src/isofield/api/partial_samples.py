"""Samples of partly observed shapes: points on the surface, and the empty space in front of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

from isofield import io
from isofield.api.inputs import Source, views_of
from isofield.api.observations import ShapeSamples
from isofield.configs.common import ETA
from isofield.errors import InputError
from isofield.kdtree import KDTree, nearest
from isofield.points import check_cloud, check_faces, inliers, orient, sample_mesh
from isofield.types import IDENTITY, SdfSamples, Similarity, View, normalization

SURFACE = 2500
"""Observed points that samples are made of, at most."""
FREE = 4000
"""Samples on the rays to them."""
DRAWN = 20_000
"""Points drawn on the faces of a mesh."""
BEFORE = (0.02, 0.05, 0.1)
"""Distances in front of the observed surface, along its normals, of further samples; one is kept if no other observed
point is nearer than `ALONE` times that distance. Normalised."""
ALONE = 0.8
NEAR = 1.3
"""A scan without a point in the ball of this radius is not in the frame of the space."""


@dataclass(frozen=True)
class Oriented:
    """Observed points with outward normals, both (n, 3), in the scan's own units. sensors: (n, 3) the position of the
    sensor that measured each of them, or None."""

    points: np.ndarray
    normals: np.ndarray
    sensors: np.ndarray | None = None


def partial(
    source: Source,
    frame: Similarity | None = IDENTITY,
    *,
    eta: float = ETA,
    viewpoint: Sequence[float] | None = None,
    background: bool = False,
    name: str | None = None,
    posed: bool = True,
    scale: bool = False,
    seed: int = 0,
) -> ShapeSamples:
    """Samples of the distance to a partly observed shape (DeepSDF, section 6.3).

    source: a file of points or of a mesh with a part missing, the same read, points (n, 3), or depth images with
    cameras. frame: from its units to the normalised space, which a part's own box does not give; None, for a pose
    search: the box's centre, and with `scale` its size. eta: normalised; the distance is 0 at the points and +-eta
    beside them along their normals; farther in front of them it is the distance to the nearest one; on the rays to them
    it is at least 0. viewpoint: (3,) position that the points were measured from, in their units: it gives their
    orientation, and rays. background: pixels without a measurement are empty, as in rendered depth images; a sensor's
    holes are not. posed: the frame is right; otherwise the pose is still to be found. Raises InputError for a scan that
    is empty, or not in the frame.
    """
    if not 0 < eta < 0.2:
        raise InputError(f"eta {eta:g} is out of range: give a normalised length greater than 0 and below 0.2.")
    label, observed = _oriented(source, viewpoint, name)
    if frame is None:
        own = normalization(observed.points)
        frame = own if scale else Similarity(own.center, 1.0)
    points, normals = frame.apply(observed.points), observed.normals
    if posed and not (np.square(points).sum(1) < NEAR**2).any():
        away = float(np.sqrt(np.square(points).sum(1).min()))
        raise InputError(
            f"{label} is not in the frame of this space (its nearest point is {away:.3g} from the centre, shapes have "
            "radius 1): give --center and --scale, or search for its pose with --pose."
        )
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(points))[:SURFACE]
    x, n = points[chosen], normals[chosen]
    rows = [np.column_stack([x + d * n, np.full(len(x), d)]) for d in (0.0, eta, -eta)]
    rows += _before(x, n, KDTree(points))
    free = np.zeros((0, 4))
    if observed.sensors is not None:
        free = np.column_stack([_rays(points, frame.apply(observed.sensors), eta, random), np.zeros(FREE)])
    if background and (views := views_of(source)):
        free = np.concatenate([free, np.pad(_empty(views, frame, random), ((0, 0), (0, 1)))])
    samples = np.concatenate([*rows, free]).astype(np.float32)
    is_free = np.arange(len(samples)) >= len(samples) - len(free)
    in_cube = (np.abs(samples[:, :3]) <= 1).all(1) if posed else np.ones(len(samples), bool)
    order = random.permutation(np.flatnonzero(in_cube))
    return ShapeSamples(label, SdfSamples(samples[order, :3], samples[order, 3], is_free[order]), frame)


def _before(x: np.ndarray, normals: np.ndarray, observed: KDTree) -> list[np.ndarray]:
    """Points in front of a surface x (n, 3) with their distances to all observed ones, (k, 4) for each of `BEFORE`."""
    rows = []
    for distance in BEFORE:
        ahead = x + distance * normals
        away = np.minimum(nearest(observed, ahead)[0], distance)
        kept = away > ALONE * distance
        rows.append(np.column_stack([ahead, away])[kept])
    return rows


def _rays(points: np.ndarray, sensors: np.ndarray, eta: float, random: np.random.Generator) -> np.ndarray:
    """Points (FREE, 3) between observed points (n, 3) and their sensors (n, 3), within the cube from -1 to 1."""
    chosen = random.integers(len(points), size=FREE)
    x, toward = points[chosen], sensors[chosen] - points[chosen]
    length = np.linalg.norm(toward, axis=1, keepdims=True)
    unit = toward / np.maximum(length, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        leave = np.where(unit == 0, np.inf, (np.sign(unit) - x) / unit).min(1, keepdims=True)
    far = np.minimum(np.maximum(leave, 2 * eta), length)
    return x + (eta + (far - eta) * random.random((FREE, 1)) ** 2) * unit  # more of them near the surface


def _empty(views: Sequence[View], frame: Similarity, random: np.random.Generator) -> np.ndarray:
    """Points (n, 3), at most FREE of them, in the cube from -1 to 1 at pixels without a measurement."""
    x = random.uniform(-1, 1, (8 * FREE, 3))
    empty = [io.unmeasured(view, frame.invert(x)) for view in views]
    return x[np.any(empty, axis=0)][:FREE]


def _oriented(source: Source, viewpoint: Sequence[float] | None, name: str | None) -> tuple[str, Oriented]:
    """The name of a source, and its points."""
    if views := views_of(source):
        clouds = [io.cloud_of([view]) for view in views]
        pairs = zip(views, clouds, strict=True)
        sensors = [np.broadcast_to(view.pose[:3, 3], cloud.points.shape) for view, cloud in pairs]
        normals = np.concatenate([np.asarray(cloud.normals) for cloud in clouds])
        points = np.concatenate([cloud.points for cloud in clouds])
        return name or "depth", Oriented(points, normals, np.concatenate(sensors))
    label = name or (Path(source).stem if isinstance(source, (str, os.PathLike)) else io.shape_of(source)[0])
    shape = io.shape_of(source)[1]
    if isinstance(shape, trimesh.Trimesh):
        shape = sample_mesh(check_faces(shape, label), DRAWN)
    cloud = check_cloud(shape, label)
    kept = inliers(cloud.points)
    oriented = orient(cloud.points[kept], None if cloud.normals is None else cloud.normals[kept])
    if viewpoint is None:
        return label, Oriented(oriented.points, oriented.normals)
    position = np.asarray(viewpoint, np.float64)
    if position.shape != (3,) or not np.isfinite(position).all():
        raise InputError(f"the viewpoint {tuple(viewpoint)} is invalid: give three finite numbers.")
    facing = ((position - oriented.points) * oriented.normals).sum(1, keepdims=True)
    normals = oriented.normals * np.where(facing < 0, -1.0, 1.0)
    return label, Oriented(oriented.points, normals, np.broadcast_to(position, oriented.points.shape))
