"""Pictures, depth images and cameras of a shape, by software ray casting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield import render

if TYPE_CHECKING:
    import trimesh


def write_views(mesh: trimesh.Trimesh, folder: Path, count: int, size: int) -> None:
    """`count` views of a mesh, evenly around it, of size x size pixels, all in the mesh's units.

    NNN.png: the picture. NNN.npy: (size, size) float32 depth along the optical axis, 0 where nothing is. camera.json:
    as `isofield fit --camera` reads it. cameras.npz: as Occupancy Networks have them (Mescheder et al. 2019),
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
        # Pixel centres are whole numbers there, and halves for our cameras.
        intrinsics = np.array([[camera.focal, 0, size / 2 - 0.5], [0, camera.focal, size / 2 - 0.5], [0, 0, 1.0]])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = camera.rotation.T, camera.eye
        poses[name] = pose.tolist()
        arrays[f"camera_mat_{number}"] = intrinsics
        arrays[f"world_mat_{number}"] = np.linalg.inv(pose)[:3]
    (folder / "camera.json").write_text(json.dumps({"K": intrinsics.tolist(), "poses": poses}) + "\n", encoding="utf-8")
    np.savez(folder / "cameras.npz", **arrays)  # type: ignore[arg-type]
