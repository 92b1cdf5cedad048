"""One shape from what a person brings: read, check, observe, fit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import trimesh

from isofield import __version__, io
from isofield.api.sdf import SDF
from isofield.configs import CLOSED, NOISIEST, Network, Quality, Start, check_settings
from isofield.errors import InputError
from isofield.methods import fitter
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
from isofield.types import Cloud, Observation, ProgressCallback, Similarity, View, triple

SAMPLES = {"fast": 50_000, "balanced": 80_000, "best": 80_000}
"""Points drawn from a mesh's faces, by quality."""
DENSE = 200_000
"""More points than this are thinned first."""
THINNED = {"fast": 200, "balanced": 256, "best": 384}
"""Cells along the longest side that thinning leaves one point of, by quality."""
NOISE_OF_CELL, LEAST_THINNED = 0.4, 64
"""The noise is at most this share of such a cell, unless fewer cells than this would be left along a side."""

Source = str | os.PathLike[str] | trimesh.Trimesh | Cloud | np.ndarray | View | Sequence[View]


def fit(
    source: Source,
    *,
    method: str = "auto",
    quality: Quality = "balanced",
    noise: float | None = None,
    start: Start = "sides",
    network: Network | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> SDF:
    """The signed distance field of one shape.

    source: a file, a mesh, a cloud, an array of points (n, 3), or points and normals (n, 6), or depth images (`View`s,
    see `read_views`); points need no normals, a mesh may be a soup. method: one of `METHODS`. quality: fast, balanced
    or best. noise: standard deviation of the points off the surface, as a fraction of the diagonal of their box; None
    estimates it. start, network: of the methods that learn a network, `configs.LEARNED`: "sides", or "published" as
    their papers begin; siren, mlp or features, None for the method's own. device: auto, cpu or cuda. progress: called
    with what is being done and the share that is done.

    On Ctrl-C the best field so far comes back, with `interrupted` set. Raises InputError for what cannot be fitted, and
    KeyboardInterrupt where there was no field yet.
    """
    device = _device(device)
    check_settings(method, quality, start, network)
    if noise is not None and not 0 <= noise <= NOISIEST:
        raise InputError(
            f"noise {noise} is no fraction of the diagonal from 0 to {NOISIEST}: give one, or leave it out."
        )
    run, config = fitter(method, quality, start, network)
    tell = progress or (lambda stage, fraction: None)
    tell("reading", 0.0)
    name, cloud, mesh = _brought(source, SAMPLES[quality], seed)
    if method in CLOSED and (mesh is None or not mesh.is_watertight):
        what = "holds points alone" if mesh is None else "is open, or its faces are not joined"
        raise InputError(f"{name} {what}, and method {method} needs a closed mesh: take --method auto.")
    # Whatever the unit, distances are taken where they neither overflow nor vanish; outliers do not decide the scale.
    first = normalization(cloud.points)
    clean, outliers = _clean(replace(cloud, points=first.apply(cloud.points)), quality)
    similarity = _after(first, normalization(clean.points))
    points = similarity.apply(first.invert(clean.points))
    free = io.free_of(views, similarity) if (views := _views(source)) else None
    triangles = None if mesh is None else similarity.apply(np.asarray(mesh.triangles))
    deviation = None if noise is None else float(noise) * float(np.linalg.norm(np.ptp(points, axis=0)))
    field, found, interrupted = None, None, False
    try:
        for step in run(Observation(points, clean.normals, deviation, triangles, free), seed, device):
            field = step.field if step.field is not None else field
            found = step.noise if step.noise is not None else found
            tell(step.stage, step.fraction)
    except KeyboardInterrupt:
        if field is None:
            raise
        interrupted = True
    if deviation is None:
        deviation = found if found is not None else noise_level(points)
    if field is None:
        raise RuntimeError(f"method {method} ended without a field")
    field = field.cpu().eval().requires_grad_(False)
    margin = 0.1 * float(np.ptp(points, axis=0).max())
    provenance = {
        "isofield": __version__,
        "input": Path(name).name,
        "sha256": _digest(source),
        "method": method,
        "quality": quality,
        "seed": seed,
        "settings": asdict(config),  # type: ignore[call-overload]
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


def _brought(source: Source, samples: int, seed: int) -> tuple[str, Cloud, trimesh.Trimesh | None]:
    """The name, the checked points, and the mesh if there is one, of what was given; faces are sampled."""
    name: str
    shape: trimesh.Trimesh | Cloud
    if views := _views(source):
        name, shape = f"{len(views)} depth images", io.cloud_of(views)
    elif isinstance(source, (str, os.PathLike)):
        name, shape = str(source), io.read(source)
    elif isinstance(source, (trimesh.Trimesh, Cloud)):
        name, shape = type(source).__name__, source
    elif isinstance(source, trimesh.Scene):
        name, shape = "Scene", source.to_mesh()
    elif isinstance(source, trimesh.PointCloud):
        name, shape = "PointCloud", Cloud(np.asarray(source.vertices, np.float64))
    elif not isinstance(source, (np.ndarray, list, tuple)) and not hasattr(source, "__array__"):
        raise InputError(f"a {type(source).__name__} is no shape: give a file, a trimesh.Trimesh, a Cloud or an array.")
    else:
        table = np.asarray(source)
        if table.ndim != 2 or table.shape[1] not in (3, 6):
            raise InputError(
                f"the array has the shape {table.shape}: give points (n, 3), or points and normals (n, 6)."
            )
        normals = table[:, 3:].astype(np.float64) if table.shape[1] == 6 else None
        name, shape = "array", Cloud(table[:, :3].astype(np.float64), normals)
    if isinstance(shape, Cloud):
        return name, check_cloud(shape, name), None
    mesh = check_faces(shape, name)
    return name, check_cloud(sample_mesh(mesh, samples, seed), name), mesh


def _views(source: Source) -> list[View]:
    """The depth images that were given, none where it is something else."""
    if isinstance(source, View):
        return [source]
    if isinstance(source, (list, tuple)) and source and all(isinstance(view, View) for view in source):
        return list(source)
    return []


def _clean(cloud: Cloud, quality: Quality) -> tuple[Cloud, int]:
    """The cloud without doubles and outliers, thinned where it is denser than the field resolves; how many outliers."""
    cloud = drop_duplicates(cloud)
    if len(cloud.points) > DENSE:
        cloud = _thinned(cloud, THINNED[quality])
    kept = inliers(cloud.points)
    return select(cloud, kept), int(np.count_nonzero(~kept))


def _thinned(cloud: Cloud, cells: int) -> Cloud:
    """One point for each of so many cells along the longest side, or of wider ones, where the noise is wider: the mean
    over a cell that does not hold all of the noise across the surface would still scatter, in several layers."""
    first = voxel_downsample(cloud, cells)
    side = float(np.ptp(first.points, axis=0).max()) / cells
    wider = noise_level(first.points) / (NOISE_OF_CELL * side)
    return first if wider <= 1 else voxel_downsample(cloud, max(LEAST_THINNED, int(cells / wider)))


def _after(first: Similarity, second: Similarity) -> Similarity:
    """The similarity that applies `first`, then `second`."""
    x, y, z = (np.asarray(first.center) + np.asarray(second.center) / first.scale).tolist()
    return Similarity((x, y, z), first.scale * second.scale)


def _digest(source: Source) -> str | None:
    """SHA-256 of the input file; None where there is no file."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    with Path(source).open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _device(device: str) -> str:
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {device!r} is unknown: take auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda is asked for, but torch finds no CUDA device here: take --device cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
