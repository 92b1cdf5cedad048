"""Point clouds: checks, normalisation, normals and their orientation, noise, outliers, downsampling, merging."""

from isofield.points.merge_scans import merge_scans
from isofield.points.normalization import normalization
from isofield.points.validation import check_cloud, check_faces, check_points

__all__ = ["check_cloud", "check_faces", "check_points", "merge_scans", "normalization"]
