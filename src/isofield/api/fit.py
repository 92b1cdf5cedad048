"""One shape: read it, check it, normalise it, fit it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from isofield import __version__, io
from isofield.api.field import chosen_device
from isofield.api.sdf import SDF
from isofield.configs.common import Init, NetworkKind, Quality, check_noise
from isofield.configs.methods import check_config, choose, method_of
from isofield.errors import InputError
from isofield.io.reading import read_hashed
from isofield.points import (
    check_cloud,
    check_faces,
    drop_duplicates,
    inliers,
    noise_level,
    normalization,
    sample_mesh,
    select,
    spacing,
    voxel_downsample,
)
from isofield.types import Cloud, Observation, ProgressCallback, Shape, Similarity, View, triple

SAMPLES = {"fast": 50_000, "balanced": 80_000, "best": 80_000}
"""Points drawn from a mesh's faces, by quality."""
DENSE = 200_000
"""More points than this are downsampled first."""
VOXELS = {"fast": 200, "balanced": 256, "best": 384}
"""Cells along the longest side of the downsampling, by quality."""
NOISE_OF_CELL, LEAST_VOXELS = 0.4, 64
"""The noise is at most this fraction of a cell, unless a side would have fewer cells than this."""

Source = str | os.PathLike[str] | trimesh.Trimesh | Cloud | np.ndarray | View | Sequence[View]


def fit(
    source: Source,
    *,
    method: str = "auto",
    quality: Quality = "balanced",
    init: Init = "oriented",
    network: NetworkKind | None = None,
    config: Any = None,
    noise: float | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> SDF:
    """The signed distance field of one shape.

    source: a file, a mesh, a cloud, an array of points (n, 3), or points and normals (n, 6), or depth images (`View`s,
    see `read_views`); points need no normals, a mesh may be a soup. method: a name of `configs.methods`. quality: fast,
    balanced or best. init, network: of methods that learn a network; "oriented", or "paper" as their papers start;
    siren, mlp or hashgrid, None for the method's own. config: the method's settings, a dataclass of `configs`, in place
    of those of quality, init and network; quality then decides only how densely the input is sampled. noise: standard
    deviation of the points off the surface, as a fraction of the diagonal of their box; None estimates it. device:
    auto, cpu or cuda. progress: called with the stage and the fraction that is done.

    On Ctrl-C the best field so far comes back, with `interrupted` set. Raises InputError for what cannot be fitted, and
    KeyboardInterrupt where there was no field yet.
    """
    device = chosen_device(device)
    settings = choose(method, quality, init, network) if config is None else config
    name = method_of(settings) if method == "auto" and config is not None else method
    spec = check_config(name, settings)
    check_noise(noise)
    report = progress or (lambda stage, fraction: None)
    report("reading", 0.0)
    label, digest, cloud, mesh = _brought(source, SAMPLES[quality], seed)
    if spec.reads == "closed mesh" and (mesh is None or not mesh.is_watertight):
        what = "holds only points" if mesh is None else "is open, or its faces are not joined"
        raise InputError(f"{label} {what}, and method {name} needs a closed mesh: take --method auto.")
    # Whatever the unit, distances are taken where they neither overflow nor vanish; outliers do not decide the scale.
    first = normalization(cloud.points)
    clean, outliers = _clean(replace(cloud, points=first.apply(cloud.points)), quality)
    similarity = _after(first, normalization(clean.points))
    points = similarity.apply(first.invert(clean.points))
    free = io.free_of(views, similarity) if (views := _views(source)) else None
    triangles = None if mesh is None else similarity.apply(np.asarray(mesh.triangles))
    deviation = None if noise is None else float(noise) * float(np.linalg.norm(np.ptp(points, axis=0)))
    shape = Shape(Observation(points, clean.normals, deviation, triangles, free))
    implementation, code, estimated, interrupted = spec.method(settings), None, None, False
    losses: Mapping[str, float] = {}
    try:
        for stage in implementation.infer((shape,), seed, device):
            code = stage.code if stage.code is not None else code
            estimated = stage.noise if stage.noise is not None else estimated
            losses = stage.losses or losses
            terms = ", ".join(f"{term} {value:.4g}" for term, value in stage.losses.items())
            report(f"{stage.stage}: {terms}" if terms else stage.stage, stage.fraction)
    except KeyboardInterrupt:
        if code is None:
            raise
        interrupted = True
    if code is None:
        raise RuntimeError(f"method {name} ended without a result")
    if deviation is None:
        deviation = estimated if estimated is not None else noise_level(points)
    field = implementation.field(code).cpu().eval().requires_grad_(False)
    margin = 0.1 * float(np.ptp(points, axis=0).max())
    provenance = {
        "isofield": __version__,
        "input": Path(label).name,
        "sha256": digest,
        "method": name,
        "quality": quality,
        "seed": seed,
        "settings": asdict(settings),
        "losses": dict(losses),
        "points": {"given": len(cloud.points), "outliers": outliers, "used": len(points)},
        "faces": None if mesh is None else len(mesh.faces),
        "noise": deviation / similarity.scale,
        "bounds": similarity.invert(np.array([points.min(0), points.max(0)])).tolist(),
    }
    lower, upper = triple(points.min(0) - margin), triple(points.max(0) + margin)
    return SDF(
        field,
        similarity,
        similarity.invert(points),
        spacing(points) / similarity.scale,
        lower,
        upper,
        provenance,
        interrupted,
        clean.colors,
        clean.attributes,
    )


def _brought(source: Source, samples: int, seed: int) -> tuple[str, str | None, Cloud, trimesh.Trimesh | None]:
    """The name of the input, the SHA-256 of its file, its checked points and its mesh, if any; faces are sampled."""
    digest: str | None = None
    shape: trimesh.Trimesh | Cloud
    if views := _views(source):
        name, shape = f"{len(views)} depth images", io.cloud_of(views)
    elif isinstance(source, (str, os.PathLike)):
        name, (shape, digest) = str(source), read_hashed(source)
    elif isinstance(source, (trimesh.Trimesh, Cloud)):
        name, shape = type(source).__name__, source
    elif isinstance(source, trimesh.Scene):
        name, shape = "Scene", source.to_mesh()
    elif isinstance(source, trimesh.PointCloud):
        name, shape = "PointCloud", Cloud(np.asarray(source.vertices, np.float64))
    elif not isinstance(source, (np.ndarray, list, tuple)) and not hasattr(source, "__array__"):
        raise InputError(f"a {type(source).__name__} is not a shape: give a file, a Trimesh, a Cloud or an array.")
    else:
        table = np.asarray(source)
        if table.ndim != 2 or table.shape[1] not in (3, 6):
            raise InputError(
                f"the array has the shape {table.shape}: give points (n, 3), or points and normals (n, 6)."
            )
        normals = table[:, 3:].astype(np.float64) if table.shape[1] == 6 else None
        name, shape = "array", Cloud(table[:, :3].astype(np.float64), normals)
    if isinstance(shape, Cloud):
        return name, digest, check_cloud(shape, name), None
    mesh = check_faces(shape, name)
    return name, digest, check_cloud(sample_mesh(mesh, samples, seed), name), mesh


def _views(source: Source) -> list[View]:
    """The depth images of an input; none for any other input."""
    if isinstance(source, View):
        return [source]
    if isinstance(source, (list, tuple)) and source and all(isinstance(view, View) for view in source):
        return list(source)
    return []


def _clean(cloud: Cloud, quality: Quality) -> tuple[Cloud, int]:
    """The cloud without duplicates and outliers, downsampled where it is denser than the field resolves, and the number
    of outliers."""
    cloud = drop_duplicates(cloud)
    if len(cloud.points) > DENSE:
        cloud = _thinned(cloud, VOXELS[quality])
    kept = inliers(cloud.points)
    return select(cloud, kept), int(np.count_nonzero(~kept))


def _thinned(cloud: Cloud, cells: int) -> Cloud:
    """One point for each of `cells` cells along the longest side, or of wider ones where the noise is wider: the mean
    over a cell narrower than the noise would still scatter, in several layers."""
    first = voxel_downsample(cloud, cells)
    side = float(np.ptp(first.points, axis=0).max()) / cells
    wider = noise_level(first.points) / (NOISE_OF_CELL * side)
    return first if wider <= 1 else voxel_downsample(cloud, max(LEAST_VOXELS, int(cells / wider)))


def _after(first: Similarity, second: Similarity) -> Similarity:
    """The similarity that applies `first`, then `second`."""
    x, y, z = (np.asarray(first.center) + np.asarray(second.center) / first.scale).tolist()
    return Similarity((x, y, z), first.scale * second.scale)
