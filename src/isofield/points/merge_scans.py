"""Several registered scans as one cloud."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from isofield.errors import InputError
from isofield.kdtree import nearest
from isofield.points.downsample import sampled
from isofield.points.local_pca import neighbourhoods, spacing
from isofield.points.validation import check_cloud, check_faces
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

SAMPLES = 80_000
"""Points drawn from the faces of all scans that are meshes."""
NEAR, LEAST = 5.0, 0.01
"""Scans overlap where this share of one's points lies within so many spacings (or deviations of their noise, twice) of
the others' points."""
ALONG = 1.0
"""There, scans that are registered lie within this of each other's planes in the median, in the same unit."""
LOOKED = 20_000
"""Points of each scan that are looked at for it."""


def merge_scans(scans: Mapping[str, Cloud | trimesh.Trimesh], poses: Mapping[str, np.ndarray] | None = None) -> Cloud:
    """Merges the points of several scans, by the names of their files, into one cloud.

    poses: (4, 4) rigid motions from each scan's axes to the common ones, by the names without extension; None
    if the scans are already registered. Normals, colours and attributes are kept where all scans have them. Raises
    `InputError` for a scan without a pose or a surface; warns of scans that lie apart from all others.
    """
    clouds = []
    for name, shape in scans.items():
        if isinstance(shape, Cloud):
            cloud = check_cloud(shape, name)
        else:
            cloud = sampled(check_faces(shape, name), SAMPLES // len(scans))
        if poses is not None:
            stem = Path(name).stem
            if stem not in poses:
                raise InputError(f"{name} has no pose: add one called '{stem}' (there are: {', '.join(poses)[:200]}).")
            cloud = _moved(cloud, poses[stem])
        clouds.append(cloud)
    if len(clouds) > 1:
        _warn_of_strangers([cloud.points for cloud in clouds], list(scans))
    normals = [cloud.normals for cloud in clouds if cloud.normals is not None]
    colors = [cloud.colors for cloud in clouds if cloud.colors is not None]
    shared = set.intersection(*(set(cloud.attributes) for cloud in clouds))
    return Cloud(
        np.concatenate([cloud.points for cloud in clouds]),
        np.concatenate(normals) if len(normals) == len(clouds) else None,
        np.concatenate(colors) if len(colors) == len(clouds) else None,
        {name: np.concatenate([cloud.attributes[name] for cloud in clouds]) for name in sorted(shared)},
    )


def _moved(cloud: Cloud, pose: np.ndarray) -> Cloud:
    rotation = pose[:3, :3]
    normals = None if cloud.normals is None else cloud.normals @ rotation.T
    return replace(cloud, points=cloud.points @ rotation.T + pose[:3, 3], normals=normals)


def _warn_of_strangers(clouds: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """Warns of a scan that no other comes near to, or that runs through the others instead of along them: its pose, or
    its unit, may be wrong."""
    clouds = [points[:: -(-len(points) // LOOKED)] for points in clouds]
    around = [neighbourhoods(points) for points in clouds]
    apart = [max(spacing(p), 2 * float(np.median(known.noise))) for p, known in zip(clouds, around, strict=True)]
    for index, points in enumerate(clouds):
        others = np.concatenate([other for number, other in enumerate(clouds) if number != index])
        normals = np.concatenate([other.normals for number, other in enumerate(around) if number != index])
        unit = max(apart)
        distance, place = nearest(cKDTree(others), points)
        near = distance < NEAR * unit
        if near.mean() < LEAST:
            warnings.warn(
                f"{names[index]} lies apart from the other scans: check its pose, and that all have one unit",
                stacklevel=3,
            )
        elif np.median(np.abs(((points - others[place]) * normals[place]).sum(1))[near]) > ALONG * unit:
            warnings.warn(
                f"{names[index]} runs through the other scans instead of along them: register the scans (--poses)",
                stacklevel=3,
            )
