"""What people bring: reading and writing files, checks, normalisation, and what a shape is.

Normals and their sides are in `isofield.shapes.normals`.
"""

from isofield.shapes.checking import check_cloud, check_faces, check_points
from isofield.shapes.depth import cloud_of, free_of, read_depth, read_views, unmeasured
from isofield.shapes.info import Info, describe, inspect
from isofield.shapes.merging import merged
from isofield.shapes.normalizing import normalization
from isofield.shapes.poses import is_rigid, read_poses
from isofield.shapes.reading import known, read, vertices_of
from isofield.shapes.writing import check_output, replacing, write_cloud, write_mesh

__all__ = [
    "Info",
    "check_cloud",
    "check_faces",
    "check_output",
    "check_points",
    "cloud_of",
    "describe",
    "free_of",
    "inspect",
    "is_rigid",
    "known",
    "merged",
    "normalization",
    "read",
    "read_depth",
    "read_poses",
    "read_views",
    "replacing",
    "unmeasured",
    "vertices_of",
    "write_cloud",
    "write_mesh",
]
