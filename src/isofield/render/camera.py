"""Pinhole and orthographic cameras: projection, framing, and the choice of a view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

UP = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
AZIMUTHS = (30, 330, 60, 300, 0, 90, 270, 120, 240, 150, 210, 180)
"""Candidate views around the up axis, in degrees; of equally good views the first is taken, which is from the front."""
OBLIQUE = 60.0
"""Elevation of the views that are tried, too, where the others show mostly surface that was not observed."""
ANGLE, MARGIN = 25.0, 1.08
"""Field of view of the shorter side, in degrees, and room around what a picture shows."""
FOOT = 0.03
"""Fraction of the extent along an axis that counts as the end of a shape."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion; its principal point is the picture's centre.

    eye: (3,) in the shape's units. rotation: (3, 3), whose rows are the camera's right, down and forward in the shape's
    axes (OpenCV's convention). focal, width, height: in pixels.
    """

    eye: np.ndarray
    rotation: Float[np.ndarray, "3 3"]
    focal: float
    width: int
    height: int

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 3) to coordinates (n, 3) right, down and forward of the eye, in the same units."""
        return rotated(np.asarray(points, np.float64) - self.eye, self.rotation)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 3) to pixels (n, 2), x right and y down from the top left corner, and depths (n,) along the axis.

        Pixel (row, column) covers [column, column + 1) x [row, row + 1). Points behind the eye get NaN pixels.
        """
        local = self.to_camera(points)
        depth = local[:, 2]
        front = np.where(depth > 0, depth, np.nan)
        pixels = local[:, :2] * (self.focal / front)[:, None] + (self.width / 2, self.height / 2)
        return pixels, depth

    def rays(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Rays (n, 3) through the pixels' centres, in the camera's axes, per unit of depth."""
        x = (columns + 0.5 - self.width / 2) / self.focal
        y = (rows + 0.5 - self.height / 2) / self.focal
        return np.stack([x, y, np.ones_like(x)], axis=1)

    def unproject(self, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Pixel centres (n,), (n,) at depths (n,) to points (n, 3) in the shape's units."""
        local = self.rays(rows, columns) * np.asarray(depth)[:, None]
        return np.einsum("ij,jk->ik", local, self.rotation) + self.eye

    @staticmethod
    def nearness(depth: np.ndarray) -> np.ndarray:
        """A decreasing function of depth that is linear over the picture of a plane, and its own inverse."""
        return 1 / depth

    def scaled(self, factor: int) -> Camera:
        """The same view with `factor` times the pixels along each side."""
        return Camera(self.eye, self.rotation, self.focal * factor, self.width * factor, self.height * factor)


@dataclass(frozen=True)
class Orthographic:
    """A camera with parallel rays.

    eye: (3,) in the shape's units. rotation: (3, 3) as in `Camera`. half: half the picture's width, in the shape's
    units. width, height: in pixels.
    """

    eye: np.ndarray
    rotation: Float[np.ndarray, "3 3"]
    half: float
    width: int
    height: int

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 3) to pixels (n, 2) and depths (n,) along the axis, as `Camera.project`."""
        local = rotated(np.asarray(points, np.float64) - self.eye, self.rotation)
        return local[:, :2] * (self.width / 2 / self.half) + (self.width / 2, self.height / 2), local[:, 2]

    def unproject(self, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Pixel centres (n,), (n,) at depths (n,) to points (n, 3) in the shape's units."""
        pixel = 2 * self.half / self.width
        local = np.stack([(columns + 0.5 - self.width / 2) * pixel, (rows + 0.5 - self.height / 2) * pixel, depth], 1)
        return np.einsum("ij,jk->ik", local, self.rotation) + self.eye

    @staticmethod
    def nearness(depth: np.ndarray) -> np.ndarray:
        """A decreasing function of depth that is linear over the picture of a plane, and its own inverse."""
        return -depth


def rotated(points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Points (n, 3) in the axes of a camera. Without BLAS, whose threads cost more than they save here and could change
    the last bits."""
    return np.einsum("ij,kj->ik", points, rotation)


def direction(azimuth: float, elevation: float, up: str = "y") -> np.ndarray:
    """Unit vector (3,) from the shape to a camera: degrees around the up axis and above the horizon.

    Azimuth 0 looks from +z where y is up, from -y where z is up, from +z where x is up.
    """
    a, e = np.radians([azimuth, elevation])
    side, front, height = np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)
    return {
        "y": np.array([side, height, front]),
        "z": np.array([side, -front, height]),
        "x": np.array([height, -side, front]),
    }[up]


def look(toward: np.ndarray, up: str = "y") -> np.ndarray:
    """Rotation (3, 3) of a camera that is in the direction `toward` (3,) of the shape and looks at it."""
    forward = -np.asarray(toward, np.float64)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, UP[up])
    if np.linalg.norm(right) < 1e-6:  # from straight above or below, any other axis serves
        right = np.cross(forward, UP["x" if up != "x" else "z"])
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def core(points: np.ndarray) -> np.ndarray:
    """The points (m, 3) that a picture has to frame: all but far outliers.

    Those within the quantiles 0.01 and 0.99 of every axis, widened by a quarter of their distance.
    """
    points = np.asarray(points, np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 10:
        return points
    lower, upper = np.quantile(points, [0.01, 0.99], axis=0)
    # A flat axis is widened by a little of the largest one.
    reach = 0.25 * np.maximum(upper - lower, 0.05 * (upper - lower).max())
    return points[((points >= lower - reach) & (points <= upper + reach)).all(axis=1)]


def frame(
    points: np.ndarray,
    *,
    view: tuple[float, float] = (30.0, 20.0),
    up: str = "y",
    size: tuple[int, int] = (800, 800),
    rotation: Float[np.ndarray, "3 3"] | None = None,
) -> Camera:
    """A camera that shows all `points` (n, 3), n >= 1, as large as possible, with a margin of 8 %.

    view: azimuth and elevation in degrees. size: width and height in pixels. rotation: (3, 3) as in
    `Camera`, in place of view and up.
    """
    points = np.asarray(points, np.float64)
    width, height = size
    rotation = look(direction(*view, up), up) if rotation is None else rotation
    focal = min(width, height) / 2 / np.tan(np.radians(ANGLE) / 2)
    local = points @ rotation.T
    middle = (local.min(axis=0) + local.max(axis=0)) / 2
    diagonal = float(np.linalg.norm(np.ptp(local, axis=0))) or 1.0
    shift, distance = np.zeros(2), diagonal
    for _ in range(5):  # perspective shifts the picture's centre: centre it, step back, repeat
        middle[:2] += shift
        centred = local - middle
        fit = np.abs(centred[:, :2]) * (MARGIN * 2 * focal / np.array([width, height])) - centred[:, 2:]
        distance = max(float(fit.max()), -float(centred[:, 2].min()) + 0.1 * diagonal)
        seen = centred[:, :2] / (centred[:, 2:] + distance)
        shift = (seen.min(axis=0) + seen.max(axis=0)) / 2 * distance
    eye = (middle - (0, 0, distance)) @ rotation
    return Camera(eye, rotation, float(focal), int(width), int(height))


def views(
    points: np.ndarray, count: int, *, size: tuple[int, int] = (512, 512), turn: np.ndarray | None = None
) -> list[Camera]:
    """`count` cameras around `points` (n, 3), evenly on a sphere (Fibonacci's spiral); each shows all of them. turn: a
    rotation (3, 3) of that spiral."""
    toward = all_around(count) if turn is None else all_around(count) @ turn.T
    return around(np.asarray(points, np.float64), toward, size)


def around(points: np.ndarray, toward: Iterable[np.ndarray], size: tuple[int, int], up: str = "y") -> list[Camera]:
    """Cameras in directions (3,) of points (n, 3), so far away that each shows the ball around them."""
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - center, axis=1).max()) or 1.0
    distance = 1.02 * radius / np.sin(np.radians(ANGLE) / 2)
    focal = min(size) / 2 / np.tan(np.radians(ANGLE) / 2)
    return [Camera(center + distance * one, look(one, up), float(focal), size[0], size[1]) for one in toward]


def all_around(count: int) -> np.ndarray:
    """Unit vectors (count, 3), evenly on the sphere along Fibonacci's spiral."""
    index = np.arange(count) + 0.5
    polar = np.arccos(1 - 2 * index / count)
    around = np.pi * (1 + np.sqrt(5)) * index
    return np.stack([np.cos(around) * np.sin(polar), np.cos(polar), np.sin(around) * np.sin(polar)], axis=1)


def best_view(
    points: np.ndarray, up: str = "y", elevation: float = 20.0, normals: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[float, float]:
    """The view (azimuth, elevation), of twelve around the up axis, in which the hull of `points` (n, 3) is largest.

    normals: (f, 3) of the surface's faces, as long as their areas, and (f,) which fraction of each face was observed;
    a view then counts by the fraction of the surface facing it that was observed.
    """
    points = np.asarray(points, np.float64)
    points = points[:: max(1, len(points) // 20_000)]
    points = (points - points.mean(axis=0)) / (float(np.abs(points - points.mean(axis=0)).max()) or 1.0)
    best, most, seen = (30.0, elevation), 0.0, 1.0
    for azimuth in AZIMUTHS:
        toward, share = direction(azimuth, elevation, up), 1.0
        area = _hull_area(points @ look(toward, up)[:2].T)
        if normals is not None:
            facing = np.maximum(normals[0] @ toward, 0)
            share = float(facing @ normals[1] / max(facing.sum(), 1e-300))
        # An oblique view shows depth: a frontal one has to be clearly larger to win.
        score = area * share * (0.9 if azimuth % 90 == 0 else 1.0)
        if score > most * 1.02:
            best, most, seen = (float(azimuth), elevation), score, share
    return best_view(points, up, OBLIQUE, normals) if seen < 0.5 and elevation < OBLIQUE else best


def up_axis(points: np.ndarray) -> str:
    """The up axis of a shape with points (n, 3): "z" where it can clearly stand on its lower end along z, else "y".

    A shape can stand on an end with a large footprint, the convex hull of its points; the footprint of the other end
    (a table's top) counts against it.
    """
    points = np.asarray(points, np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = np.maximum(high - low, 1e-300)

    def stands(axis: int) -> float:
        others = [other for other in range(3) if other != axis]
        ends = (points[np.abs(points[:, axis] - end[axis]) <= FOOT * extent[axis]] for end in (low, high))
        lower, upper = (_hull_area(end[:, others] / extent[others]) for end in ends)
        return lower - upper

    return "z" if stands(2) > max(0.2, 1.5 * stands(1)) else "y"


def _hull_area(plane: np.ndarray) -> float:
    """Area of the convex hull of points (n, 2); 0 for fewer than three, and for points on a line."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return float(ConvexHull(plane).volume)  # in the plane, the volume is the area
    except (QhullError, ValueError):
        return 0.0
