"""What people bring: files read and written, depth images, poses, and what a file holds."""

from isofield.io.depth import cloud_of, free_of, read_depth, read_views, unmeasured
from isofield.io.info import Info, describe, inspect
from isofield.io.poses import is_rigid, read_poses
from isofield.io.reading import known, read, vertices_of
from isofield.io.writing import check_output, write_cloud, write_mesh

__all__ = [
    "Info",
    "check_output",
    "cloud_of",
    "describe",
    "free_of",
    "inspect",
    "is_rigid",
    "known",
    "read",
    "read_depth",
    "read_poses",
    "read_views",
    "unmeasured",
    "vertices_of",
    "write_cloud",
    "write_mesh",
]
