"""Several registered scans as one cloud."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.kdtree import KDTree, nearest
from isofield.points.downsample import sample_mesh, select
from isofield.points.local_pca import neighbourhoods, spacing
from isofield.points.validation import FEWEST, check_cloud, check_faces
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

SAMPLES = 80_000
"""Points sampled from the faces of all scans that are meshes."""
NEAR, LEAST = 5.0, 0.01
"""Two scans overlap if at least the second fraction of the points of one lie within the first number of spacings (or
double deviations of the noise) of the points of the other."""
ALONG = 1.0
"""Median distance of registered scans to each other's tangent planes where they overlap, at most, in the same unit."""
AFAR, MOST = 300.0, 0.9
"""Sensors farther away than this many diagonals count as directions alone; they are kept where at least this share of
all points has one."""
TESTED = 20_000
"""Points of each scan in this test, at most."""


def merge_scans(scans: Mapping[str, Cloud | trimesh.Trimesh], poses: Mapping[str, np.ndarray] | None = None) -> Cloud:
    """Merges the points of several scans, by the names of their files, into one cloud.

    poses: (4, 4) rigid motions from each scan's axes to the common ones, by the names without extension; None
    if the scans are already registered. Normals, colours and attributes are kept where all scans have them. Raises
    `InputError` for a scan without a pose or a surface; one of fewer than 100 points, as tiles may be, need not have
    one. Warns of scans that lie apart from all others.
    """
    clouds = []
    for name, shape in scans.items():
        if isinstance(shape, Cloud):
            cloud = check_cloud(shape, name) if len(shape.points) >= FEWEST else _few(shape)
        else:
            cloud = sample_mesh(check_faces(shape, name), SAMPLES // len(scans))
        if poses is not None:
            stem = Path(name).stem
            if stem not in poses:
                raise InputError(f"{name} has no pose: add one called '{stem}' (there are: {', '.join(poses)[:200]}).")
            cloud = _moved(cloud, poses[stem])
        clouds.append(cloud)
    large = {name: cloud.points for name, cloud in zip(scans, clouds, strict=True) if len(cloud.points) >= FEWEST}
    if len(large) > 1:
        _warn_unregistered(list(large.values()), list(large))
    normals = [cloud.normals for cloud in clouds if cloud.normals is not None]
    colors = [cloud.colors for cloud in clouds if cloud.colors is not None]
    clouds = _without_guesses(clouds)
    sensors = [np.full((len(cloud.points), 3), np.nan) if cloud.sensors is None else cloud.sensors for cloud in clouds]
    shared = set.intersection(*(set(cloud.attributes) for cloud in clouds))
    return Cloud(
        np.concatenate([cloud.points for cloud in clouds]),
        np.concatenate(normals) if len(normals) == len(clouds) else None,
        np.concatenate(colors) if len(colors) == len(clouds) else None,
        {name: np.concatenate([cloud.attributes[name] for cloud in clouds]) for name in sorted(shared)},
        np.concatenate(sensors) if any(cloud.sensors is not None for cloud in clouds) else None,
    )


def _few(cloud: Cloud) -> Cloud:
    """The finite points of a scan that is too small to be checked: the tile of a larger one."""
    return select(cloud, np.isfinite(cloud.points).all(1))


def _without_guesses(clouds: Sequence[Cloud]) -> list[Cloud]:
    """The scans without sensors that are only a direction, unless most of the points have one: a flat tile seems to be
    seen from above, whatever it is a tile of."""
    far = [_seen_from_afar(cloud) for cloud in clouds]
    share = sum(len(cloud.points) for cloud, one in zip(clouds, far, strict=True) if one)
    if share >= MOST * sum(len(cloud.points) for cloud in clouds):
        return list(clouds)
    return [replace(cloud, sensors=None) if one else cloud for cloud, one in zip(clouds, far, strict=True)]


def _seen_from_afar(cloud: Cloud) -> bool:
    """Whether the sensors are at least `AFAR` diagonals away from the points of the scan."""
    if cloud.sensors is None or not np.isfinite(cloud.sensors).any():
        return False
    away = np.nanmedian(np.linalg.norm(cloud.sensors - cloud.points, axis=1))
    return bool(away >= AFAR * np.linalg.norm(np.ptp(cloud.points, axis=0)))


def _moved(cloud: Cloud, pose: np.ndarray) -> Cloud:
    rotation = pose[:3, :3]
    normals = None if cloud.normals is None else cloud.normals @ rotation.T
    sensors = None if cloud.sensors is None else cloud.sensors @ rotation.T + pose[:3, 3]
    return replace(cloud, points=cloud.points @ rotation.T + pose[:3, 3], normals=normals, sensors=sensors)


def _warn_unregistered(clouds: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """Warns of a scan that is far from all others, or that crosses them instead of following them: its pose or its unit
    may be wrong."""
    clouds = [points[:: -(-len(points) // TESTED)] for points in clouds]
    around = [neighbourhoods(points) for points in clouds]
    apart = [max(spacing(p), 2 * float(np.median(local.noise))) for p, local in zip(clouds, around, strict=True)]
    for index, points in enumerate(clouds):
        others = np.concatenate([other for number, other in enumerate(clouds) if number != index])
        normals = np.concatenate([other.normals for number, other in enumerate(around) if number != index])
        unit = max(apart)
        distance, closest = nearest(KDTree(others), points)
        near = distance < NEAR * unit
        if near.mean() < LEAST:
            warnings.warn(
                f"{names[index]} lies apart from the other scans: check its pose and its unit",
                stacklevel=3,
            )
        elif np.median(np.abs(((points - others[closest]) * normals[closest]).sum(1))[near]) > ALONG * unit:
            warnings.warn(
                f"{names[index]} crosses the other scans instead of following them: register the scans (--poses)",
                stacklevel=3,
            )
