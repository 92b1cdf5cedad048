"""Input and output: meshes and clouds, depth images, poses, and descriptions of shapes."""

from isofield.io.depth import cloud_of, free_of, read_depth, read_views, unmeasured
from isofield.io.info import Info, describe, inspect
from isofield.io.poses import is_rigid, read_poses
from isofield.io.reading import read, readable_extensions, vertices_of
from isofield.io.writing import check_output, write_cloud, write_mesh

__all__ = [
    "Info",
    "check_output",
    "cloud_of",
    "describe",
    "free_of",
    "inspect",
    "is_rigid",
    "read",
    "read_depth",
    "read_poses",
    "read_views",
    "readable_extensions",
    "unmeasured",
    "vertices_of",
    "write_cloud",
    "write_mesh",
]
