"""Pictures, charts, depth images and simulated scans by software rasterisation, without a display or OpenGL.

Meshes are `trimesh.Trimesh`, clouds `types.Cloud` or arrays (n, 3); everything is in the shape's own units.
"""

from __future__ import annotations

from isofield.render.animation import animate, check_movie, movie_extensions, write_gif
from isofield.render.camera import Camera, Orthographic, all_around, frame, look, up_axis, views
from isofield.render.charts import Chart, chart_svg, charts
from isofield.render.depth import DepthImage, depth
from isofield.render.figures import Panel, save, sheet, side_by_side
from isofield.render.frames import Frames
from isofield.render.linked_views import linked_views
from isofield.render.pictures import CLAY, SLATE, camera_for, picture, pictures
from isofield.render.raster import rasterize
from isofield.render.scans import scan
from isofield.render.sensor_views import cut_away, sensor_view, sensors_of_room
from isofield.render.turntable import turntable

__all__ = [
    "CLAY",
    "SLATE",
    "Camera",
    "Chart",
    "DepthImage",
    "Frames",
    "Orthographic",
    "Panel",
    "all_around",
    "animate",
    "camera_for",
    "chart_svg",
    "charts",
    "check_movie",
    "cut_away",
    "depth",
    "frame",
    "linked_views",
    "look",
    "movie_extensions",
    "picture",
    "pictures",
    "rasterize",
    "save",
    "scan",
    "sensor_view",
    "sensors_of_room",
    "sheet",
    "side_by_side",
    "turntable",
    "up_axis",
    "views",
    "write_gif",
]
