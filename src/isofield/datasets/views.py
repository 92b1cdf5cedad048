"""Pictures, depth images and cameras of a shape, by software ray casting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from scipy.spatial.transform import Rotation

from isofield import render
from isofield.errors import InputError
from isofield.io.pictures import PICTURES, framed, read_picture
from isofield.sampling.picture_samples import resized
from isofield.sampling.visibility import Picture

if TYPE_CHECKING:
    import trimesh

POSES = "cameras.npz"
"""The file of the cameras of views."""
CAMERAS, PIXELS, RADIUS = 100, 400, 1.1
"""Cameras of `surrounding_pictures`, on a sphere of this radius; pixels along each side, which spans -1 to 1."""


def surrounding_pictures(vertices: np.ndarray, faces: np.ndarray) -> Iterator[Picture]:
    """What evenly distributed cameras with parallel rays see of normalised triangles (DeepSDF's preprocessing)."""
    for toward in render.all_around(CAMERAS):
        camera = render.Orthographic(RADIUS * toward, render.look(toward), 1.0, PIXELS, PIXELS)
        image = render.rasterize(vertices, faces, camera)
        row, column = np.nonzero(image.face >= 0)
        yield Picture(toward, image.face[row, column], camera.unproject(row, column, image.depth[row, column]))


def write_views(mesh: trimesh.Trimesh, folder: Path, count: int, size: int, random: np.random.Generator) -> None:
    """Writes `count` evenly distributed views of a mesh, turned at random, size x size pixels, in the mesh's units.

    Shapes that were all seen from the same directions would teach an encoder these directions alone.

    NNN.png: the picture. NNN.npy: (size, size) float32 depth along the optical axis, 0 where nothing is hit.
    camera.json: as `isofield fit --camera` reads it. cameras.npz: as in Occupancy Networks (Mescheder et al. 2019),
    camera_mat_i (3, 3) and world_mat_i (3, 4), from the world to the camera.
    """
    folder.mkdir()
    poses: dict[str, list[list[float]]] = {}
    arrays: dict[str, np.ndarray] = {}
    intrinsics = np.eye(3)
    turn = Rotation.from_quat(random.normal(size=4)).as_matrix()
    cameras = render.views(np.asarray(mesh.vertices), count, size=(size, size), turn=turn)
    for number, (camera, picture) in enumerate(zip(cameras, render.pictures(mesh, cameras), strict=True)):
        name = f"{number:03d}"
        render.save(picture, folder / f"{name}.png")
        view = render.depth(mesh, camera).view()  # its pixel centres are whole numbers, as in Occupancy Networks
        np.save(folder / f"{name}.npy", view.depth.astype(np.float32))
        intrinsics, poses[name] = view.intrinsics, view.pose.tolist()
        arrays[f"camera_mat_{number}"] = intrinsics
        arrays[f"world_mat_{number}"] = np.linalg.inv(view.pose)[:3]
    (folder / "camera.json").write_text(json.dumps({"K": intrinsics.tolist(), "poses": poses}) + "\n", encoding="utf-8")
    np.savez(folder / POSES, **arrays)  # type: ignore[arg-type]


def read_views(folder: Path) -> np.ndarray:
    """The pictures in a folder of views, in the order of their names, (v, 3, s, s) uint8: framed, as `io.pictures` has
    it, at the size of the first. Raises InputError where there are none, and for one that is damaged."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES) if folder.is_dir() else []
    if not paths:
        raise InputError(f"{folder} has no pictures: run the same `isofield prepare` again.")
    pictures = [read_picture(path) for path in paths]
    size = max(pictures[0].shape[:2])
    return np.stack([as_input(picture, size) for picture in pictures])


def as_input(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture (h, w, c) from 0 to 1 as an encoder's input (3, size, size) uint8: framed, white where it shows
    nothing."""
    square = framed(picture)
    square = np.ones((size, size, 3), np.float32) if square is None else resized(square, size)
    return np.ascontiguousarray((255 * square).round().astype(np.uint8).transpose(2, 0, 1))


def read_cameras(folder: Path) -> np.ndarray:
    """The cameras in a folder of views (v, 3, 4), from the normalised shape to the camera (right, down, forward).
    Raises InputError for a file that is missing or damaged."""
    path = folder / POSES
    try:
        with np.load(path, allow_pickle=False) as arrays:
            count = sum(name.startswith("world_mat_") and name[10:].isdigit() for name in arrays.files)
            cameras = np.stack([arrays[f"world_mat_{number}"] for number in range(count)]).astype(np.float64)
        if cameras.shape != (count, 3, 4) or not np.isfinite(cameras).all():
            raise ValueError(f"cameras of the shape {cameras.shape}")
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{path} is damaged ({error}): run the same `isofield prepare` again.") from None
    return cameras
