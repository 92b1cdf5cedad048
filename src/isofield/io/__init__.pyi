from .depth import cloud_of, read_depth, read_views, unmeasured
from .free_space import Rays, blocked, clusters, free_of, hidden_fraction, rays_of
from .info import Info, describe, inspect
from .poses import is_rigid, read_poses
from .reading import read, readable_extensions, shape_of, table_of, vertices_of
from .writing import write_cloud, write_mesh

__all__ = [
    "Info",
    "Rays",
    "blocked",
    "cloud_of",
    "clusters",
    "describe",
    "free_of",
    "hidden_fraction",
    "inspect",
    "is_rigid",
    "rays_of",
    "read",
    "read_depth",
    "read_poses",
    "read_views",
    "readable_extensions",
    "shape_of",
    "table_of",
    "unmeasured",
    "vertices_of",
    "write_cloud",
    "write_mesh",
]
