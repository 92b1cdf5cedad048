"""Pictures, depth images and simulated scans by software rasterisation: no display, no OpenGL.

Meshes are `trimesh.Trimesh`, clouds `types.Cloud` or arrays (n, 3); everything is in the shape's own units.
"""

from __future__ import annotations

from isofield.render.camera import Camera, frame, views
from isofield.render.depths import DepthImage, depth
from isofield.render.panels import Panel, save, sheet, side_by_side
from isofield.render.pictures import camera_for, picture
from isofield.render.scans import scan

__all__ = [
    "Camera",
    "DepthImage",
    "Panel",
    "camera_for",
    "depth",
    "frame",
    "picture",
    "save",
    "scan",
    "sheet",
    "side_by_side",
    "views",
]
