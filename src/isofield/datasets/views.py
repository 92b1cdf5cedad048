"""Pictures, depth images and cameras of a shape, by software ray casting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield import render
from isofield.sampling.visibility import Picture

if TYPE_CHECKING:
    import trimesh

CAMERAS, PIXELS, RADIUS = 100, 400, 1.1
"""Cameras of `surrounding_pictures`, on a sphere of this radius; pixels along each side, which spans -1 to 1."""


def surrounding_pictures(vertices: np.ndarray, faces: np.ndarray) -> Iterator[Picture]:
    """What evenly distributed cameras with parallel rays see of normalised triangles (DeepSDF's preprocessing)."""
    for toward in render.all_around(CAMERAS):
        camera = render.Orthographic(RADIUS * toward, render.look(toward), 1.0, PIXELS, PIXELS)
        image = render.rasterize(vertices, faces, camera)
        row, column = np.nonzero(image.face >= 0)
        yield Picture(toward, image.face[row, column], camera.unproject(row, column, image.depth[row, column]))


def write_views(mesh: trimesh.Trimesh, folder: Path, count: int, size: int) -> None:
    """Writes `count` evenly distributed views of a mesh, size x size pixels, in the mesh's units.

    NNN.png: the picture. NNN.npy: (size, size) float32 depth along the optical axis, 0 where nothing is hit.
    camera.json: as `isofield fit --camera` reads it. cameras.npz: as in Occupancy Networks (Mescheder et al. 2019),
    camera_mat_i (3, 3) and world_mat_i (3, 4), from the world to the camera.
    """
    folder.mkdir()
    poses: dict[str, list[list[float]]] = {}
    arrays: dict[str, np.ndarray] = {}
    intrinsics = np.eye(3)
    for number, camera in enumerate(render.views(np.asarray(mesh.vertices), count, size=(size, size))):
        name = f"{number:03d}"
        render.save(render.picture(mesh, view=camera), folder / f"{name}.png")
        depth = render.depth(mesh, camera).depth
        np.save(folder / f"{name}.npy", np.where(np.isfinite(depth), depth, 0).astype(np.float32))
        # Pixel centres are whole numbers in Occupancy Networks, and halves in our cameras.
        intrinsics = np.array([[camera.focal, 0, size / 2 - 0.5], [0, camera.focal, size / 2 - 0.5], [0, 0, 1.0]])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = camera.rotation.T, camera.eye
        poses[name] = pose.tolist()
        arrays[f"camera_mat_{number}"] = intrinsics
        arrays[f"world_mat_{number}"] = np.linalg.inv(pose)[:3]
    (folder / "camera.json").write_text(json.dumps({"K": intrinsics.tolist(), "poses": poses}) + "\n", encoding="utf-8")
    np.savez(folder / "cameras.npz", **arrays)  # type: ignore[arg-type]
