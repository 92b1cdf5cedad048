"""Postprocessing of an extracted mesh: decimation, trimming, colours and attributes of the input."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import trimesh

from isofield import surfaces
from isofield.api.coverage import trimmed
from isofield.api.extraction import Extraction
from isofield.api.sdf import SDF
from isofield.api.transfer import with_attributes
from isofield.configs.common import check_finish
from isofield.evaluate.rays import Rays, rays_met, stray
from isofield.kdtree import KDTree, nearest
from isofield.points import local_spacing, subsample
from isofield.solids.triangles import distance_to
from isofield.stopwatch import stage

GAP, TRUST = "distance_to_points", "confidence"
"""Names of the vertex properties: the distance to the nearest observed point, and `SDF.confidence`."""
SAMPLES = 30_000
"""This number of points on the mesh is compared with the input, and at most as many rays."""
UNSEEN = 4.0
"""A point of the mesh is unobserved where no input point lies within this many spacings; a uniform scan has none."""
FAR_SENSOR = 2.0
"""A sensor farther away than this many diagonals counts as that far along its ray: 1 % of an aeroplane's range is more
than the scan."""


def postprocess(
    sdf: SDF,
    extraction: Extraction,
    *,
    largest: bool = False,
    faces: int | None = None,
    trim: float | None = None,
    confidence: bool = False,
) -> Extraction:
    """The extraction with a postprocessed mesh.

    largest: keep the largest component alone, with its cavities. faces: the largest number of faces; the mesh stays
    closed. trim: cut off where no observed point is within this distance (user's units), with a smooth border.
    confidence: give vertices the properties `distance_to_points`, the distance to the nearest observed point (user's
    units), and `confidence`, that of the field. Colours and attributes of the input are transferred to the vertices.
    Raises InputError for numbers out of range, and where nothing is left.
    """
    check_finish(faces, trim)
    mesh, problems, dropped = extraction.mesh, extraction.problems, extraction.dropped
    if largest:
        mesh, more = surfaces.keep_largest(mesh)
        dropped += more
    if faces is not None:
        mesh = surfaces.decimate(mesh, faces)
        problems = list(surfaces.check(mesh).problems)
    if trim is not None:
        mesh = trimmed(sdf, mesh, trim)
        problems = []
    mesh = with_attributes(sdf, mesh)
    if confidence:
        mesh.vertex_attributes[GAP] = gaps(sdf, mesh).astype(np.float32)
        mesh.vertex_attributes[TRUST] = sdf.confidence(np.asarray(mesh.vertices)).astype(np.float32)
    return replace(extraction, mesh=mesh, problems=problems, dropped=dropped)


def gaps(sdf: SDF, mesh: trimesh.Trimesh) -> np.ndarray:
    """Distances (n,) of the vertices to the nearest observed point of the field, in the user's units."""
    return nearest(KDTree(sdf.points), np.asarray(mesh.vertices))[0]


@dataclass(frozen=True)
class FitReport:
    """Figures of a fit, lengths in the input's units.

    median, p95: distance of the input's points from the mesh, outliers included. unseen: fraction of the mesh's area
    that is farther from all points than three local spacings. spacings: the median distance over the median local
    spacing. rays: of the sensors to their points, or None where no sensor is known.
    """

    median: float
    p95: float
    unseen: float
    spacings: float
    rays: Rays | None = None


@stage("checking")
def fit_report(
    mesh: trimesh.Trimesh,
    points: np.ndarray,
    spacing: float,
    left_out: np.ndarray | None = None,
    sensors: np.ndarray | None = None,
) -> FitReport:
    """Compare a mesh with the points (n, 3) that it was made from.

    spacing: median distance of neighbouring points. left_out: (k, 3) points that were taken for outliers; they count
    among the distances. sensors: (n, 3) positions of the points' sensors, NaN where unknown.
    """
    chosen, _ = subsample(points if left_out is None else np.concatenate([points, left_out]), spacing)
    distance = distance_to(mesh.vertices, mesh.faces)(chosen)
    median = float(np.median(distance))
    return FitReport(
        median,
        float(np.percentile(distance, 95)),
        stray(mesh, points, samples=SAMPLES),
        median / max(float(np.median(local_spacing(points))), 1e-300),
        None if sensors is None else _rays(mesh, points, sensors),
    )


def _rays(mesh: trimesh.Trimesh, points: np.ndarray, sensors: np.ndarray) -> Rays | None:
    """Shares of at most `SAMPLES` rays from sensors to their points that meet the mesh; see `evaluate.rays`."""
    known = np.flatnonzero(np.isfinite(sensors).all(1) & (sensors != points).any(1))
    if not len(known):
        return None
    if len(known) > SAMPLES:
        known = np.random.default_rng(0).choice(known, SAMPLES, replace=False)
    there, away = points[known], sensors[known] - points[known]
    farthest = FAR_SENSOR * float(np.linalg.norm(np.ptp(points, axis=0)))
    away *= np.minimum(1, farthest / np.linalg.norm(away, axis=1))[:, None]
    return rays_met(mesh, there, there + away)


def observed(samples: np.ndarray, points: np.ndarray, spacing: float) -> np.ndarray:
    """Which of samples (m, 3) of a surface have an input point within `UNSEEN` spacings: (m,) bool."""
    points, spacing = subsample(points, spacing)
    return nearest(KDTree(points), np.asarray(samples))[0] <= UNSEEN * spacing
