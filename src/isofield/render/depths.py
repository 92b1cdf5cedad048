"""Depth images of meshes, and the points that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from isofield.render.camera import Camera
from isofield.render.raster import rasterize

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True)
class DepthImage:
    """What one camera measured.

    depth: (height, width) along the camera's axis in the shape's units, infinite where it saw nothing.
    """

    depth: Float[np.ndarray, "h w"]
    camera: Camera

    def points(self) -> Float[np.ndarray, "n 3"]:
        """The seen pixels as points (n, 3) in the shape's units, row by row."""
        rows, columns = np.nonzero(np.isfinite(self.depth))
        return self.camera.unproject(rows, columns, self.depth[rows, columns])


def depth(mesh: trimesh.Trimesh, camera: Camera) -> DepthImage:
    """The depth image of a mesh from a camera (see `camera.frame` and `camera.views`); both sides of faces are seen."""
    vertices = np.asarray(mesh.vertices, np.float64)
    return DepthImage(rasterize(vertices, np.asarray(mesh.faces), camera).depth, camera)
