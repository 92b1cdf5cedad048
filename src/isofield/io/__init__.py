"""Input and output: meshes and clouds, depth images, poses, and descriptions of shapes."""

from isofield.io.depth import cloud_of, read_depth, read_views, unmeasured
from isofield.io.free_space import Rays, blocked, clusters, free_of, rays_of
from isofield.io.given import shape_of
from isofield.io.info import Info, describe, inspect
from isofield.io.poses import is_rigid, read_poses
from isofield.io.reading import read, readable_extensions, vertices_of
from isofield.io.writing import check_output, write_cloud, write_mesh

__all__ = [
    "Info",
    "Rays",
    "blocked",
    "check_output",
    "cloud_of",
    "clusters",
    "describe",
    "free_of",
    "inspect",
    "is_rigid",
    "rays_of",
    "read",
    "read_depth",
    "read_poses",
    "read_views",
    "readable_extensions",
    "shape_of",
    "unmeasured",
    "vertices_of",
    "write_cloud",
    "write_mesh",
]
