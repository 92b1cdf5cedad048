"""The space that depth images, and clouds with the positions of their sensors, show to be free.

The rays of a sensor become depth images (of pinhole cameras: one, or the six of a cube map), so that both take one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.topology import distinct
from isofield.types import Cloud, FreeSpace, Similarity, View

MOST_SENSORS = 64
"""Sensors whose range images are made; more positions are clustered."""
AROUND = 6
"""Neighbours of a direction, for the angle between directions."""
TESTED = 20_000
"""Directions whose neighbours are searched."""
PIXEL, FINEST = 1.5, 4.0
"""Side of a pixel, in angles between directions, and at most this many pixels a point."""
WIDE = 0.7
"""Directions within this cosine of their mean take one camera, others the six of a cube."""
BORDER = 2
"""Pixels beyond the edge of a camera's directions, so that the least of adjacent pixels is right there."""
ENCLOSED = 5
"""A pixel without a measurement counts as measured if at least this many of its eight neighbours are."""
AXES = np.array(
    [[[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0, 0, 1], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]]
)
"""(3, 3, 3): right, down and forward of the faces of a cube along x, y and z."""
SLACK, GAP = 10.0, 0.02
"""A point lies behind a surface if it is farther from it than this many pixels (a slanted surface is deep within one),
and than this fraction of the diagonal."""


@dataclass(frozen=True, eq=False)
class Rays:
    """The measurements of one sensor, or of a cluster of sensors, as depth images.

    position: (3,) of the sensor, or the middle of the cluster. radius: of the cluster. views: depth images that its
    points make; 0 where there is no point. angle: between adjacent pixels, in radians. points: (n,) index of its points
    in the cloud.
    """

    position: np.ndarray
    radius: float
    views: tuple[View, ...]
    angle: float
    points: np.ndarray


def rays_of(cloud: Cloud) -> list[Rays]:
    """The range images of the sensors of a cloud; none if no sensor is known.

    A sensor takes one image that spans its points, or those of six cameras around it. A pixel is about 1.5 times as
    wide as the angle between the directions of adjacent points, and has the least depth of its points. More than 64
    positions are clustered.
    """
    if cloud.sensors is None:
        return []
    group, centers, radii = clusters(cloud.sensors)
    rays = []
    for number, (center, radius) in enumerate(zip(centers, radii, strict=True)):
        rows = np.flatnonzero(group == number)
        away = cloud.points[rows] - center
        reach = np.linalg.norm(away, axis=1)
        rows, away, reach = (part[np.isfinite(reach) & (reach > 0)] for part in (rows, away, reach))
        if len(rows) <= AROUND:
            continue
        angle = PIXEL * _spacing(away / reach[:, None])
        views, angle = _range_images(center, away, angle)
        rays.append(Rays(center, float(radius), views, angle, rows))
    return rays


def clusters(sensors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups sensors (n, 3), NaN where unknown, by their positions, into at most `MOST_SENSORS` groups.

    Returns the group (n,) of each, -1 where unknown, the middle (k, 3) of each group, and its radius (k,): 0 where all
    its positions are equal.
    """
    known = np.isfinite(sensors).all(axis=1)
    group = np.full(len(sensors), -1)
    if not known.any():
        return group, np.empty((0, 3)), np.empty(0)
    start = sensors[np.flatnonzero(known)[0]]
    if (sensors[known] == start).all():
        group[known] = 0
        return group, start[None].copy(), np.zeros(1)
    first, inverse = distinct(sensors[known])
    places = sensors[known][first]
    label, number = np.arange(len(places)), len(places)
    low = places.min(axis=0)
    side = float(np.ptp(places, axis=0).max()) / MOST_SENSORS
    while number > MOST_SENSORS:
        _, label = np.unique(np.floor((places - low) / side).astype(np.int64), axis=0, return_inverse=True)
        label = label.reshape(-1)
        number = int(label.max()) + 1
        side *= 1.5
    count = np.bincount(label)
    centers = np.stack([np.bincount(label, places[:, axis]) / count for axis in range(3)], axis=1)
    radii = np.zeros(number)
    np.maximum.at(radii, label, np.linalg.norm(places - centers[label], axis=1))
    if number == len(places):
        centers, radii = places, np.zeros(number)
    group[known] = label[inverse]
    return group, centers, radii


def free_of(measured: Sequence[View | Rays], similarity: Similarity) -> FreeSpace:
    """The free space of depth images or of rays, for points and margins in the normalised space of `similarity`.

    A point is free if some camera measured a surface behind it, at least the margin farther away along its axis, in the
    pixel of the point and in all adjacent ones. Pixels without a measurement are ignored. Where rays of a cluster of
    sensors pass each other by more than the margin, nothing is free.
    """
    views: list[tuple[View, float]] = []
    for one in measured:
        parts, radius = (one.views, one.radius) if isinstance(one, Rays) else ((one,), 0.0)
        views += [(replace(view, depth=_least(view.depth)), radius) for view in parts]

    def free(x: np.ndarray, margin: float) -> np.ndarray:
        world = similarity.invert(x)
        seen = np.zeros(len(world), bool)
        left = np.arange(len(world))
        for view, radius in views:
            if not len(left):
                break
            depth, surface = project(view, world[left])
            empty = (surface > 0) & (depth > 0) & (depth < surface - margin / similarity.scale)
            if radius > 0:
                empty &= radius * (1 - depth / np.maximum(surface, 1e-300)) <= margin / similarity.scale
            seen[left[empty]] = True
            left = left[~empty]
        return seen

    return free


def blocked(rays: Rays, points: np.ndarray) -> np.ndarray:
    """(n,) bool: which points (n, 3) lie behind the surface that the sensor measured in their pixel or next to it.

    A sensor measures few points behind others: many of them mean that it was elsewhere.
    """
    behind = np.zeros(len(points), bool)
    apart = GAP * float(np.linalg.norm(np.ptp(points, axis=0)))
    for view in rays.views:
        depth, surface = project(replace(view, depth=_least(view.depth)), points)
        behind |= (surface > 0) & (depth > surface + np.maximum(SLACK * rays.angle * surface, apart) + 2 * rays.radius)
    return behind


def hidden_fraction(cloud: Cloud) -> float:
    """The fraction of the points with a sensor that lie behind others as seen from it."""
    rays = rays_of(cloud)
    total = sum(len(one.points) for one in rays)
    behind = sum(int(np.count_nonzero(blocked(one, cloud.points[one.points]))) for one in rays)
    return behind / total if total else 0.0


def project(view: View, world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The depth (n,) of points (n, 3) in a view, and the depth measured there (n,); 0 outside the image."""
    rotation, shift = view.pose[:3, :3], view.pose[:3, 3]
    local = (world - shift) @ rotation  # the inverse of x' = R x + t
    depth = local[:, 2]
    measured = np.zeros(len(world))
    before = np.flatnonzero(depth > 0)
    pixel = local[before] @ view.intrinsics[:2].T
    column, row = (pixel[:, axis] / depth[before] for axis in (0, 1))
    height, width = view.depth.shape
    inside = (column > -0.5) & (column < width - 0.5) & (row > -0.5) & (row < height - 0.5)
    row, column = (np.rint(part[inside]).astype(np.int64) for part in (row, column))
    measured[before[inside]] = view.depth[row, column]
    return depth, measured


def _least(depth: np.ndarray) -> np.ndarray:
    """The least measured depth (h, w) of a pixel and its eight neighbours; 0 where neither the pixel nor enough of its
    neighbours are measured."""
    from scipy.ndimage import convolve, minimum_filter

    there = depth > 0
    around = convolve(there.astype(np.int8), np.ones((3, 3), np.int8), mode="constant")
    least = minimum_filter(np.where(there, depth, np.inf), 3, mode="constant", cval=np.inf)
    return np.where(there | (around >= ENCLOSED), least, 0.0)


def _spacing(directions: np.ndarray) -> float:
    """The median angle between adjacent directions (n, 3): the side of the square that each covers."""
    most = 10 * TESTED
    some = directions[:: -(-len(directions) // most)]
    angle = nearest(KDTree(some), some[:: -(-len(some) // TESTED)], k=AROUND + 1)[0][:, -1]
    angle = angle[angle > 0]
    if not len(angle):
        return 1e-3
    return float(np.median(angle)) * np.sqrt(np.pi / AROUND * len(some) / len(directions))


def _range_images(position: np.ndarray, away: np.ndarray, angle: float) -> tuple[tuple[View, ...], float]:
    """The range images of points at `away` (n, 3) from the position, and the angle of their pixels, at least `angle`:
    one, if they lie within a cone, or those of the faces of a cube that see points."""
    unit = away / np.linalg.norm(away, axis=1, keepdims=True)
    mean = unit.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length > WIDE and float((unit @ (mean / length)).min()) > WIDE:
        forward = mean / length
        right = np.cross(forward, np.eye(3)[np.abs(forward).argmin()])
        right /= np.linalg.norm(right)
        cameras = [np.stack([right, np.cross(forward, right), forward], axis=1)]
    else:
        cameras = [np.stack([sign * a, b, sign * c], axis=1) for a, b, c in AXES for sign in (1.0, -1.0)]
    spans = []
    for camera in cameras:
        local = away @ camera
        with np.errstate(divide="ignore", invalid="ignore"):
            plane = local[:, :2] / local[:, 2:]
        seen = local[:, 2] > 0
        if len(cameras) > 1:
            seen &= (np.abs(plane) <= 1 + BORDER * angle).all(axis=1)
        if seen.any():
            spans.append((camera, plane[seen], local[seen, 2]))
    area = sum(float(np.prod(np.ptp(plane, axis=0))) for _, plane, _ in spans)
    angle = max(angle, np.sqrt(area / (FINEST * len(away))), 1e-9)
    views = []
    for camera, plane, depth in spans:
        low = plane.min(axis=0)
        width, height = (np.floor(np.ptp(plane, axis=0) / angle).astype(int) + 1 + 2 * BORDER).tolist()
        shift = BORDER - low / angle
        column, row = np.rint(plane / angle + shift).astype(np.int64).T
        image = np.full((height + 1, width + 1), np.inf)
        np.minimum.at(image, (row, column), depth)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = camera, position
        intrinsics = np.array([[1 / angle, 0, shift[0]], [0, 1 / angle, shift[1]], [0, 0, 1]])
        views.append(View(np.where(np.isfinite(image), image, 0.0), intrinsics, pose))
    return tuple(views), float(angle)
