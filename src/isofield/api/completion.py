"""The whole of a shape of which a part was seen: its code from points on the surface and the space before them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
import trimesh
from scipy.spatial import cKDTree

from isofield import io
from isofield.api.inference import InferenceResult, PoseSearch, found, in_frame, median_neighbour_distance, poser
from isofield.api.observations import ShapeSamples
from isofield.api.space import ShapeSpace
from isofield.configs import ETA
from isofield.errors import InputError
from isofield.kdtree import nearest
from isofield.methods import spaces
from isofield.points import check_cloud, check_faces, inliers, orient, sample_mesh
from isofield.types import Cloud, SdfSamples, Similarity, View

SURFACE = 2500
"""Seen points, at most."""
FREE = 4000
"""Points on the rays to them."""
DRAWN = 20_000
"""Points that a mesh's faces are sampled at."""
BEFORE = (0.02, 0.05, 0.1)
"""So far before the seen surface, along its normals, the distance to the seen points is that to the surface, where no
other seen point is nearer than `ALONE` of it: normalised."""
ALONE = 0.8
NEAR = 1.3
"""A scan of which nothing is in the ball of this radius is not in the frame of the space."""
DRAWS, ELSEWHERE = 500_000, 40_000
"""Points of which some are chosen at which a code's own field counts, where a field is adapted to what was seen: so
many near its surface, and a third as many others."""
APART, BAND = 0.03, 0.06
"""That far from all that was seen; what is near the code's surface."""
ALIKE = 0.02
"""Training shapes whose ways to the normalised space differ by less than this share one frame."""
SPACE = Similarity((0.0, 0.0, 0.0), 1.0)
"""The frame of a scan that is in the normalised space already."""

Part = str | os.PathLike[str] | trimesh.Trimesh | Cloud | View | Sequence[View]


@dataclass(frozen=True)
class Seen:
    """Points that were seen, and from where.

    points, normals: (n, 3), outward, in the scan's own units. eyes: (n, 3) where the camera of each of them stands, or
    None where nobody knows.
    """

    points: np.ndarray
    normals: np.ndarray
    eyes: np.ndarray | None = None


def partial(
    source: Part,
    frame: Similarity = SPACE,
    *,
    eta: float = ETA,
    sensor: Sequence[float] | None = None,
    background: bool = False,
    name: str | None = None,
    placed: bool = True,
    seed: int = 0,
) -> ShapeSamples:
    """What a partial scan tells of the distance to its shape (DeepSDF, section 6.3).

    source: a file of points or of a mesh of which a part is missing, the same read, or depth images with cameras.
    frame: the way from its units to the normalised space, which a part's own box does not tell. eta: normalised; the
    distance is 0 at the points, and +-eta beside them along their normals; farther before them it is that to the
    nearest of them; on the rays to them it is at least 0.
    sensor: (3,) where points were seen from, in their units: it tells their sides, and gives rays. background: what a
    depth image did not measure is empty, as in rendered ones; a sensor's holes are not. placed: the frame is right;
    else the pose is still to be found. Raises InputError for a scan that is empty, or that is not in the frame.
    """
    if not 0 < eta < 0.2:
        raise InputError(f"eta {eta:g} is out of range: give a normalised length greater than 0 and below 0.2.")
    label, seen = _seen(source, sensor, name)
    points, normals = frame.apply(seen.points), seen.normals
    if placed and not (np.square(points).sum(1) < NEAR**2).any():
        away = float(np.sqrt(np.square(points).sum(1).min()))
        raise InputError(
            f"{label} is not where the shapes of this space are (its nearest point is {away:.3g} from the centre, the "
            "shapes end at 1): give --center and --scale, or let --pose find them."
        )
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(points))[:SURFACE]
    x, n = points[chosen], normals[chosen]
    rows = [np.column_stack([x + d * n, np.full(len(x), d)]) for d in (0.0, eta, -eta)]
    rows += _before(x, n, cKDTree(points))
    free = np.zeros((0, 4))
    if seen.eyes is not None:
        free = np.column_stack([_rays(points, frame.apply(seen.eyes), eta, random), np.zeros(FREE)])
    if background and (views := _views(source)):
        free = np.concatenate([free, np.pad(_empty(views, frame, random), ((0, 0), (0, 1)))])
    known = np.concatenate([*rows, free]).astype(np.float32)
    is_free = np.arange(len(known)) >= len(known) - len(free)
    known_inside = (np.abs(known[:, :3]) <= 1).all(1) if placed else np.ones(len(known), bool)
    order = random.permutation(np.flatnonzero(known_inside))
    return ShapeSamples(label, SdfSamples(known[order, :3], known[order, 3], is_free[order]), frame)


def _before(x: np.ndarray, normals: np.ndarray, seen: cKDTree) -> list[np.ndarray]:
    """Points (k, 3) before a surface x (n, 3) with their distances to all of it that was `seen`, (k, 4) for each of
    `BEFORE`: what is nearer than the point that they start from was seen, or is no nearer than its neighbours."""
    rows = []
    for distance in BEFORE:
        ahead = x + distance * normals
        away = np.minimum(nearest(seen, ahead)[0], distance)
        kept = away > ALONE * distance
        rows.append(np.column_stack([ahead, away])[kept])
    return rows


def _rays(points: np.ndarray, eyes: np.ndarray, eta: float, random: np.random.Generator) -> np.ndarray:
    """Points (FREE, 3) between seen points (n, 3) and the eyes (n, 3) that saw them, within the cube from -1 to 1."""
    chosen = random.integers(len(points), size=FREE)
    x, toward = points[chosen], eyes[chosen] - points[chosen]
    length = np.linalg.norm(toward, axis=1, keepdims=True)
    unit = toward / np.maximum(length, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        leave = np.where(unit == 0, np.inf, (np.sign(unit) - x) / unit).min(1, keepdims=True)
    far = np.minimum(np.maximum(leave, 2 * eta), length)
    return x + (eta + (far - eta) * random.random((FREE, 1)) ** 2) * unit  # more of them near the surface


def _empty(views: Sequence[View], frame: Similarity, random: np.random.Generator) -> np.ndarray:
    """Points (n, 3), at most FREE of them, in the cube from -1 to 1 at pixels where views measured nothing."""
    x = random.uniform(-1, 1, (8 * FREE, 3))
    seen = [io.unmeasured(view, frame.invert(x)) for view in views]
    return x[np.any(seen, axis=0)][:FREE]


def _views(source: Part) -> list[View]:
    """The depth images that were given; none where it is something else."""
    if isinstance(source, View):
        return [source]
    several = isinstance(source, (list, tuple)) and source and all(isinstance(view, View) for view in source)
    return list(source) if several else []  # type: ignore[arg-type]


def _seen(source: Part, sensor: Sequence[float] | None, name: str | None) -> tuple[str, Seen]:
    """The name, and the points with their sides, of what was given."""
    if views := _views(source):
        clouds = [io.cloud_of([view]) for view in views]
        pairs = zip(views, clouds, strict=True)
        eyes = [np.broadcast_to(view.pose[:3, 3], cloud.points.shape) for view, cloud in pairs]
        normals = np.concatenate([np.asarray(cloud.normals) for cloud in clouds])
        points = np.concatenate([cloud.points for cloud in clouds])
        return name or "depth", Seen(points, normals, np.concatenate(eyes))
    label = name or (Path(source).stem if isinstance(source, (str, os.PathLike)) else type(source).__name__)
    shape = io.read(source) if isinstance(source, (str, os.PathLike)) else source
    if isinstance(shape, trimesh.Trimesh):
        shape = sample_mesh(check_faces(shape, label), DRAWN)
    cloud = check_cloud(cast(Cloud, shape), label)  # views have gone another way
    kept = inliers(cloud.points)
    given = None if cloud.normals is None else cloud.normals[kept]
    oriented = orient(cloud.points[kept], given)
    if sensor is None:
        return label, Seen(oriented.points, oriented.normals)
    eye = np.asarray(sensor, np.float64)
    if eye.shape != (3,) or not np.isfinite(eye).all():
        raise InputError(f"the sensor's place {tuple(sensor)} is no point: give three finite numbers.")
    facing = ((eye - oriented.points) * oriented.normals).sum(1, keepdims=True)
    normals = oriented.normals * np.where(facing < 0, -1.0, 1.0)
    return label, Seen(oriented.points, normals, np.broadcast_to(eye, oriented.points.shape))


def shared_frame(space: ShapeSpace) -> Similarity:
    """The way from the training shapes' units to the normalised space, where it is about the same for all of them.

    Raises InputError where it is not: then a scan in their units has no frame.
    """
    scales = np.array([shape.similarity.scale for shape in space.shapes])
    centers = np.array([shape.similarity.center for shape in space.shapes])
    center, scale = np.median(centers, axis=0), float(np.median(scales))
    apart = max(float(np.abs(scales / scale - 1).max()), float(np.abs(centers - center).max()) * scale)
    if apart > ALIKE:
        raise InputError(
            f"the shapes of this space were normalised one by one (their sizes and places differ by {100 * apart:.0f} %"
            "), so that their units are no frame: give --center and --scale, or let --pose find them."
        )
    x, y, z = center.tolist()
    return Similarity((x, y, z), scale)


def complete(
    space: ShapeSpace,
    source: Part,
    *,
    frame: Similarity = SPACE,
    eta: float = ETA,
    sensor: Sequence[float] | None = None,
    background: bool = False,
    samples: int = 1,
    posing: PoseSearch | None = None,
    refine: bool = False,
    name: str | None = None,
    seed: int = 0,
) -> list[InferenceResult]:
    """Whole shapes that agree with a part: first the most probable one, then `samples` - 1 others of the posterior,
    which differ where nothing was seen.

    frame, eta, sensor, background: as in `partial`. posing: how the part stands in the frame is looked for, too.
    refine: the fields are also adapted to the seen surface. Raises InputError as `partial` does.
    """
    if samples < 1:
        raise InputError(f"{samples} samples are none: give 1 or more.")
    observed = partial(
        source, frame, eta=eta, sensor=sensor, background=background, name=name, placed=posing is None, seed=seed
    )
    pose = None if posing is None else poser(space, posing, whole=False)(observed.evidence)
    codes = spaces.complete(
        space.module, in_frame(observed.evidence, pose), torch.from_numpy(space.codes), space.config, samples,
        torch.Generator().manual_seed(seed),
    ).numpy()  # fmt: skip
    usual = median_neighbour_distance(space.codes)
    kept = [_kept(space, in_frame(observed.evidence, pose), code, seed) if refine else None for code in codes]
    named = [observed, *(replace(observed, id=f"{observed.id}-{number}") for number in range(1, samples))]
    return [
        found(space, one, code, refine, usual, pose, more) for one, code, more in zip(named, codes, kept, strict=True)
    ]


def _kept(space: ShapeSpace, known: SdfSamples, code: np.ndarray, seed: int) -> SdfSamples:
    """What the field of a code (l,) says where nothing was seen, so that an adaptation to what was seen leaves it."""
    x = np.random.default_rng(seed).uniform(-1, 1, (DRAWS, 3)).astype(np.float32)
    surface = known.points if known.free is None else known.points[~known.free]
    x = x[nearest(cKDTree(surface), x)[0] > APART]
    value = np.asarray(space.sdf(code)(x), np.float32)
    close = np.abs(value) < BAND
    kept = np.concatenate([np.flatnonzero(close)[:ELSEWHERE], np.flatnonzero(~close)[: ELSEWHERE // 3]])
    return SdfSamples(x[kept], value[kept], np.zeros(len(kept), bool))
