"""Scans that are fitted before training samples are taken of them: the gate of `isofield prepare --fit`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import trimesh

from isofield import datasets
from isofield.api.coverage import gaps_of
from isofield.api.fit import SAMPLES, fit
from isofield.api.inputs import Source, brought, checked_shape, sampled
from isofield.api.meshes import solid_triangles
from isofield.configs import PrepareConfig
from isofield.configs.methods import choose
from isofield.datasets.prepare import Progress
from isofield.datasets.quality_gate import AS_THEY_ARE, Gate, GateResult, judge_mesh
from isofield.kdtree import KDTree, nearest
from isofield.points import confidence, drop_duplicates, inliers, select, without_floor
from isofield.sampling.measured import Measured
from isofield.topology import areas
from isofield.types import Cloud

SEEN = 0.5
"""The surface was measured where its confidence is at least this; an open mesh ends there, too."""
UNLIKE = 1.0
"""A fit is rejected where the points are farther from it, in the median, than this many of their local spacings."""
EXTENT = 20_000
"""Points of a scan that the common frame of a data set is made of."""


def prepare(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: PrepareConfig | None = None,
    *,
    layout: str = "auto",
    classes: Sequence[str] = (),
    split: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    workers: int | None = None,
    timeout: float | None = 600.0,
    progress: Progress | None = None,
) -> list[datasets.Record]:
    """Writes samples of every shape below `source` into the folder `out`; where `config.fit` is set, scans are fitted
    first. See `datasets.prepare` for the arguments, and for what it raises and warns of."""
    config = config or PrepareConfig()
    return datasets.prepare(
        source, out, config, layout=layout, classes=classes, split=split, workers=workers, timeout=timeout,
        progress=progress, gate=FITTED if config.fit else AS_THEY_ARE,
    )  # fmt: skip


def fitted(source: Source, config: PrepareConfig) -> GateResult:
    """The judged closed surface of a scan, a mesh or a cloud, normalised by the points that `fit` keeps; figures: the
    fraction of the points on a floor, the fraction of the area that no point is near (unseen), and the noise in the
    scan's units.

    Points of a floor (`points.without_floor`) are left out first; where there are no normals, after a fit, whose
    normals a second one keeps. A mesh that encloses a volume is judged as it is. Raises InputError as `fit` does.
    """
    name, _, given = brought(source)
    shape = checked_shape(given, name)
    if isinstance(shape, trimesh.Trimesh) and solid_triangles(shape, name)[0] is not None:
        return judge_mesh(shape, name, config)
    cloud = sampled(shape, name, SAMPLES[config.quality], config.seed)
    # Levels below the cells of this quality show details that no space of shapes resolves.
    settings = replace(choose("auto", config.quality), further=0)
    closed = partial(fit, quality=config.quality, config=settings, surface="closed", seed=config.seed)
    standing, share = (cloud, 0.0) if cloud.normals is None else without_floor(cloud)
    sdf = closed(standing)
    given = sdf.provenance["points"]
    if cloud.normals is None:
        standing, share = without_floor(Cloud(sdf.points, np.asarray(sdf.normals(sdf.points))))
        if share:
            sdf = closed(standing, normals="trust")
    mesh = sdf.extract().mesh
    judged = judge_mesh(mesh, name, config, sdf.points)
    seen = confidence(gaps_of(sdf, mesh)[0], sdf.reach) >= SEEN
    figures = judged.figures | {
        "points": len(cloud.points),
        "outliers": given["outliers"],
        "floor": round(share, 4),
        "noise": float(f"{sdf.provenance['noise']:.4g}"),
        "unseen": round(_unseen(mesh, seen), 4),
    }
    if judged.similarity is None:
        return replace(judged, figures=figures)
    apart = float(np.median(np.abs(np.asarray(sdf(sdf.points)))) / np.median(sdf.local_spacing))
    if apart > UNLIKE:
        reason = f"unlike: the points are {apart:.2g} of their spacings from the surface that was fitted, in the median"
        return GateResult("reject", reason, figures)
    gap = nearest(KDTree(sdf.points), np.asarray(mesh.vertices))[0] * judged.similarity.scale
    measured = Measured(judged.similarity.apply(mesh.vertices), seen, gap)
    return replace(judged, figures=figures, measured=measured)


def _unseen(mesh: trimesh.Trimesh, seen: np.ndarray) -> float:
    """The fraction of the mesh's area around vertices that were not seen (n,)."""
    area = areas(np.asarray(mesh.vertices), np.asarray(mesh.faces))
    return float((area * (~seen)[mesh.faces].mean(1)).sum() / area.sum())


def extent(path: str) -> np.ndarray:
    """Points (n, 3) of a scan without outliers and, where it has normals or faces, without the floor.

    Raises InputError for a file that cannot be read.
    """
    name, _, given = brought(path)
    cloud = drop_duplicates(sampled(checked_shape(given, name), name, EXTENT, 0))
    if len(cloud.points) > EXTENT:
        cloud = select(cloud, np.random.default_rng(0).permutation(len(cloud.points))[:EXTENT])
    if cloud.normals is not None:
        cloud = without_floor(cloud)[0]
    return cloud.points[inliers(cloud.points)]


FITTED = Gate(fitted, extent)
"""Scans are fitted; meshes that enclose a volume stay as they are."""
