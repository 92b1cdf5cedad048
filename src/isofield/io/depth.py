"""Depth images: reading them with their cameras, and their points with normals."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from isofield.errors import InputError
from isofield.files import printable
from isofield.io.formats import numpy_files
from isofield.io.formats.raw import Damage
from isofield.io.free_space import project
from isofield.io.poses import is_rigid, read_json
from isofield.types import Cloud, View

MILLIMETRES = 1000.0
"""Units of a 16-bit PNG per metre."""
JUMP = 0.05
"""Adjacent pixels whose depths differ by more than this fraction belong to different surfaces."""
SLANT = 0.15
"""Pixels whose surface is seen at a smaller cosine to the ray than this are dropped: their depth is unreliable."""
LEAST_SEEN = 0.02
"""A view that sees less than this fraction of the points of the others causes a warning."""
OTHER_POSES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "with poses from world to camera": np.linalg.inv,
    "with OpenGL's axes (y up, z backward)": lambda pose: pose @ np.diag([1.0, -1, -1, 1]),
}
"""Other conventions of poses, and their conversion to ours."""


def read_views(paths: Sequence[str | os.PathLike[str]], camera: str | os.PathLike[str]) -> list[View]:
    """Depth images with their cameras.

    paths: 16-bit .png in millimetres, or .npy (h, w) in metres. camera: JSON, by the images' names without extension
    {"name": {"K": 3x3, "pose": 4x4}, ...}, or {"K": 3x3, "poses": {"name": 4x4, ...}}, or, for one image,
    {"K": 3x3, "pose": 4x4}; K in pixels, pose from the camera to the world with OpenCV's axes (x right, y down, z
    forward).

    Raises `InputError` for an image that cannot be read or has no camera, a pose that is not a rigid motion, and poses
    in another convention; warns of views that see none of the points of the others.
    """
    cameras = _cameras(camera, [Path(path).stem for path in paths])
    views = [View(read_depth(path), *cameras[Path(path).stem]) for path in paths]
    if len(views) > 1:
        _check_overlap(views, [printable(path) for path in paths])
    return views


def read_depth(path: str | os.PathLike[str]) -> np.ndarray:
    """A depth image (h, w) float64 in metres, 0 where nothing was measured. Raises InputError."""
    path = Path(path)
    name = printable(path)
    if not path.is_file():
        raise InputError(f"there is no depth image {name}: check the spelling.")
    depth = _npy(path, name) if path.suffix.lower() == ".npy" else _png(path, name)
    depth = np.where(np.isfinite(depth) & (depth > 0), depth, 0.0)
    if not depth.any():
        raise InputError(f"{name} has no depth greater than 0: give another image.")
    return depth


def cloud_of(views: Sequence[View]) -> Cloud:
    """The points of depth images, (n, 3) in the world, with normals (n, 3) towards their cameras.

    A normal comes from the differences between adjacent pixels; the sensors are the cameras. Pixels at the border of a
    surface (a jump of depth) or at a grazing angle are left out. Raises `InputError` if none are left.
    """
    parts = [_points(view) for view in views]
    points, normals = (np.concatenate([part[index] for part in parts]) for index in (0, 1))
    if not len(points):
        raise InputError(
            "the depth images show no surface (all pixels are at jumps of depth or grazing angles): give others."
        )
    sensors = np.repeat([view.pose[:3, 3] for view in views], [len(part[0]) for part in parts], axis=0)
    return Cloud(points, normals, sensors=sensors)


def unmeasured(view: View, x: np.ndarray) -> np.ndarray:
    """(n,) bool: which points (n, 3), in the world, project to pixels of a view without a measurement."""
    blank = replace(view, depth=np.where(view.depth > 0, 0.0, 1.0))
    depth, unseen = project(blank, x)
    return (depth > 0) & (unseen > 0)


def _points(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Points and normals (n, 3), in the world, of the inner pixels of a depth image."""
    height, width = view.depth.shape
    row, column = np.mgrid[:height, :width]
    ray = np.stack([column, row, np.ones_like(row)], -1) @ np.linalg.inv(view.intrinsics).T  # (h, w, 3), z = 1
    place = ray * view.depth[..., None]
    inner = view.depth[1:-1, 1:-1]
    good = inner > 0
    for shifted in (view.depth[:-2, 1:-1], view.depth[2:, 1:-1], view.depth[1:-1, :-2], view.depth[1:-1, 2:]):
        good &= (shifted > 0) & (np.abs(shifted - inner) < JUMP * inner)
    down, right = place[2:, 1:-1] - place[:-2, 1:-1], place[1:-1, 2:] - place[1:-1, :-2]
    normal = np.cross(down, right)[good]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    point = place[1:-1, 1:-1][good]
    toward = -point / np.linalg.norm(point, axis=1, keepdims=True)
    facing = (normal * toward).sum(1)
    normal *= np.sign(facing)[:, None]
    steep = np.abs(facing) > SLANT
    rotation, shift = view.pose[:3, :3], view.pose[:3, 3]
    return point[steep] @ rotation.T + shift, normal[steep] @ rotation.T


def _check_overlap(views: Sequence[View], names: Sequence[str]) -> None:
    """Warns of a camera that sees no points of the others: its pose may be wrong. Raises `InputError` if most see none
    and would see some in another convention of poses."""
    isolated = _without_overlap(views)
    for reading, other in OTHER_POSES.items():
        if (
            isolated.mean() > 0.5
            and not _without_overlap([replace(view, pose=other(view.pose)) for view in views]).any()
        ):
            raise InputError(
                f"the cameras of {names[0]} and the others do not see each other's points, but {reading} they "
                "would: give poses from camera to world in OpenCV's axes (x right, y down, z forward)."
            )
    for index in np.flatnonzero(isolated):
        warnings.warn(
            f"{names[int(index)]}: its camera sees no points of the others; check its pose (camera to world, x "
            "right, y down, z forward)",
            stacklevel=3,
        )


def _without_overlap(views: Sequence[View]) -> np.ndarray:
    """(v,) bool: which views see no points of the others."""
    points = [_points(view)[0][::50] for view in views]
    others = [np.concatenate([*points[:index], *points[index + 1 :]]) for index in range(len(views))]
    pairs = zip(views, others, strict=True)
    return np.array([len(x) > 0 and (project(view, x)[1] > 0).mean() < LEAST_SEEN for view, x in pairs])


def _npy(path: Path, name: str) -> np.ndarray:
    try:
        depth = numpy_files.parse_array(path.read_bytes())
    except Damage as damage:
        raise InputError(f"{name} {damage.what}: {damage.remedy}.") from None
    if depth.ndim != 2 or min(depth.shape) < 3:
        raise InputError(f"{name} has the shape {depth.shape}: a depth image is (h, w), in metres.")
    return depth.astype(np.float64)


def _png(path: Path, name: str) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            mode, values = image.mode, np.asarray(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{name} cannot be read as an image ({error}): give a 16-bit .png, or .npy.") from None
    if not mode.startswith("I") or values.ndim != 2:
        raise InputError(
            f"{name} is an image of mode {mode}, not of depths: give a 16-bit .png in millimetres, or .npy in metres."
        )
    if min(values.shape) < 3:
        raise InputError(f"{name} has the shape {values.shape}: a depth image has at least 3 x 3 pixels.")
    return values.astype(np.float64) / MILLIMETRES


def _cameras(path: str | os.PathLike[str], names: Sequence[str]) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Intrinsics and pose by the images' names."""
    source, table = printable(path), read_json(path, "cameras")
    if not isinstance(table, dict):
        raise InputError(f'{source} holds no cameras: give {{"K": 3x3, "poses": {{"name": 4x4, ...}}}}.')
    cameras = {}
    for name in names:
        entry: Any = table.get(name)
        if not isinstance(entry, dict):
            poses = table.get("poses")
            pose = poses.get(name) if isinstance(poses, dict) else table.get("pose") if len(names) == 1 else None
            entry = {"K": table.get("K"), "pose": pose}
        for key, size in (("K", 3), ("pose", 4)):
            if entry.get(key) is None:
                missing = f"{key} ({size} x {size}) for the depth image '{name}'"
                raise InputError(f"{source} has no {missing}: add its camera.")
        intrinsics, pose = (_matrix(entry[key], size) for key, size in (("K", 3), ("pose", 4)))
        if intrinsics is None or pose is None:
            wrong = "K of '{}' is not a (3, 3)" if intrinsics is None else "the pose of '{}' is not a (4, 4)"
            raise InputError(f"{source}: {wrong.format(name)} matrix of finite numbers: correct it.")
        if intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0 or not np.array_equal(intrinsics[2], [0, 0, 1]):
            raise InputError(
                f"{source}: K of '{name}' is not a camera matrix: give [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]."
            )
        if not is_rigid(pose):
            raise InputError(
                f"{source}: the pose of '{name}' is not a rigid motion: give a rotation and a translation, no scale."
            )
        cameras[name] = intrinsics, pose
    return cameras


def _matrix(rows: Any, size: int) -> np.ndarray | None:
    try:
        matrix = np.array(rows, np.float64)
    except (TypeError, ValueError):
        return None
    return matrix if matrix.shape == (size, size) and np.isfinite(matrix).all() else None
