"""Depth images of meshes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from isofield.render.camera import Camera
from isofield.render.raster import rasterize
from isofield.types import View

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True)
class DepthImage:
    """The measurement of one camera.

    depth: (height, width) along the camera's axis in the shape's units, infinite where there is no surface.
    """

    depth: Float[np.ndarray, "h w"]
    camera: Camera

    def points(self) -> Float[np.ndarray, "n 3"]:
        """The pixels with a finite depth as points (n, 3) in the shape's units, row by row."""
        rows, columns = np.nonzero(np.isfinite(self.depth))
        return self.camera.unproject(rows, columns, self.depth[rows, columns])

    def view(self) -> View:
        """The same as a `View`: 0 where there is no surface, pixel centres at whole numbers, camera to world."""
        camera, pose = self.camera, np.eye(4)
        across, down = (camera.width - 1) / 2, (camera.height - 1) / 2
        intrinsics = np.array([[camera.focal, 0, across], [0, camera.focal, down], [0, 0, 1.0]])
        pose[:3, :3], pose[:3, 3] = camera.rotation.T, camera.eye
        return View(np.where(np.isfinite(self.depth), self.depth, 0.0).astype(np.float64), intrinsics, pose)


def depth(mesh: trimesh.Trimesh, camera: Camera) -> DepthImage:
    """The depth image of a mesh from a camera (see `camera.frame`, `camera.views`); faces are two-sided."""
    vertices = np.asarray(mesh.vertices, np.float64)
    return DepthImage(rasterize(vertices, np.asarray(mesh.faces), camera).depth, camera)
