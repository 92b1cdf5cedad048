"""Point clouds: checks, oriented normals, noise, outliers, downsampling, merging."""

from isofield.points.coverage import REACH, confidence, relative_gap
from isofield.points.denoising import denoise
from isofield.points.downsample import (
    drop_duplicates,
    merge_repeats,
    merge_twins,
    sample_mesh,
    select,
    vertex_colors,
    vertex_scalars,
    voxel_box,
    voxel_count,
    voxel_downsample,
)
from isofield.points.enclosure import Beyond, beyond_hull
from isofield.points.floor import floor, without_floor
from isofield.points.local_pca import along_lines, local_spacing, noise_level, spacing, subsample
from isofield.points.merge_scans import merge_scans
from isofield.points.normals import Oriented, orient, oriented_points
from isofield.points.openness import Openness, openness, scattered
from isofield.points.outliers import inliers, pieces
from isofield.points.scan_lines import evened_lines
from isofield.points.validation import FEWEST, check_cloud, check_faces, check_points

__all__ = [
    "FEWEST",
    "REACH",
    "Beyond",
    "Openness",
    "Oriented",
    "along_lines",
    "beyond_hull",
    "check_cloud",
    "check_faces",
    "check_points",
    "confidence",
    "denoise",
    "drop_duplicates",
    "evened_lines",
    "floor",
    "inliers",
    "local_spacing",
    "merge_repeats",
    "merge_scans",
    "merge_twins",
    "noise_level",
    "openness",
    "orient",
    "oriented_points",
    "pieces",
    "relative_gap",
    "sample_mesh",
    "scattered",
    "select",
    "spacing",
    "subsample",
    "vertex_colors",
    "vertex_scalars",
    "voxel_box",
    "voxel_count",
    "voxel_downsample",
    "without_floor",
]
