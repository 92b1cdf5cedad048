"""Pictures of scans whose sensors are known: seen from where they were, and rooms cut open."""

from __future__ import annotations

import numpy as np
import trimesh

from isofield.kdtree import KDTree, nearest
from isofield.points.downsample import select
from isofield.render.camera import UP, Camera, best_view, core, frame, look
from isofield.types import Cloud

BELOW = 0.7
"""Height of the unit vector to the sensors beyond which a scan is one from above, of terrain or a floor."""
ELEVATION = 40.0
"""Degrees above the horizon of the camera for terrain and rooms."""
ASIDE = (0.3, 0.25)
"""How far the camera for one view is to the side of the sensor and above it, as fractions of its distance."""
INWARD = 0.75
"""Share of the area of an open mesh that faces the middle of its box, from which on it is a room."""


def sensor_view(cloud: Cloud, size: tuple[int, int] = (800, 800)) -> tuple[Camera, bool] | None:
    """A camera for a scan, and whether its sensors are inside of the scanned space; None without sensors.

    Terrain and rooms are seen from above with z up. A single view is seen from near its sensor; where the sensor looks
    along z, the axes are those of a depth camera (y down).
    """
    if cloud.sensors is None or not (measured := np.isfinite(cloud.sensors).all(axis=1)).any():
        return None
    points, sensors = cloud.points[measured], cloud.sensors[measured]
    lower, upper = np.quantile(points, [0.01, 0.99], axis=0)
    within = ((sensors > lower) & (sensors < upper)).all(axis=1).mean()
    toward = np.median(sensors - points, axis=0)
    toward /= np.linalg.norm(toward) or 1.0
    around = len(np.unique(np.round((sensors - lower) / (upper - lower).max(), 2), axis=0)) > 1
    if within > 0.5 and (around or abs(_directions(points, sensors)) < 0.3):
        return _above(points, size), True
    if toward[2] > BELOW:
        return _above(points, size), False
    if around:
        return None
    optical = toward[2] < -BELOW
    up = np.array([0.0, -1, 0]) if optical else np.array(UP["z"])
    right = np.cross(up, toward)
    right /= np.linalg.norm(right)
    rotation = look(toward + ASIDE[0] * right + ASIDE[1] * np.cross(toward, right), "y" if optical else "z")
    if optical:
        rotation = rotation * [[-1], [-1], [1]]  # from y up to y down
    return frame(core(points), rotation=rotation, size=size), False


def sensors_of_room(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray | None:
    """Positions (n, 3) just inside, from which points (n, 3) of a room are visible: of an open mesh that faces
    inward. None for any other mesh."""
    if mesh.is_watertight or not len(mesh.faces):
        return None
    center, area = mesh.triangles_center, mesh.area_faces
    inward = np.einsum("ij,ij->i", mesh.face_normals, mesh.bounds.mean(axis=0) - center) > 0
    if area[inward].sum() < INWARD * area.sum():
        return None
    face = nearest(KDTree(center), points)[1]
    return points + 0.01 * mesh.scale * mesh.face_normals[face]


def cut_away(mesh: trimesh.Trimesh, cloud: Cloud, camera: Camera) -> tuple[trimesh.Trimesh, Cloud]:
    """The faces and the points (of a cloud with sensors) that a camera sees from the side that the sensors saw.

    The walls and the ceiling between the camera and a room are left out.
    """
    sensors = np.asarray(cloud.sensors)
    center, normals = mesh.triangles_center, mesh.face_normals
    of_face = sensors[nearest(KDTree(cloud.points), center)[1]]
    alike = np.einsum("ij,ij->i", normals, camera.eye - center) * np.einsum("ij,ij->i", normals, of_face - center) > 0
    kept = trimesh.Trimesh(mesh.vertices, mesh.faces[alike], process=False)
    return kept, select(cloud, alike[nearest(KDTree(center), cloud.points)[1]])


def _above(points: np.ndarray, size: tuple[int, int]) -> Camera:
    points = core(points)
    return frame(points, view=best_view(points, "z", ELEVATION), up="z", size=size)


def _directions(points: np.ndarray, sensors: np.ndarray) -> float:
    """Length of the mean unit vector from points to their sensors: 1 for one direction, 0 for all around."""
    toward = sensors - points
    return float(np.linalg.norm((toward / np.linalg.norm(toward, axis=1, keepdims=True)).mean(axis=0)))
