"""One shape: read it, check it, normalise it, fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from isofield import __version__, io
from isofield.api.field import chosen_device
from isofield.api.inputs import Source, brought, cleaned, views_of
from isofield.api.sdf import SDF
from isofield.configs.common import Init, NetworkKind, Quality, check_noise
from isofield.configs.methods import check_config, choose, method_of
from isofield.errors import InputError
from isofield.points import (
    noise_level,
    normalization,
    spacing,
)
from isofield.types import Cloud, Observation, ProgressCallback, Shape, Similarity, triple

SAMPLES = {"fast": 50_000, "balanced": 80_000, "best": 80_000}
"""Points drawn from a mesh's faces, by quality."""


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
    label, digest, cloud, mesh = brought(source, SAMPLES[quality], seed)
    if spec.reads == "closed mesh" and (mesh is None or not mesh.is_watertight):
        what = "holds only points" if mesh is None else "is open, or its faces are not joined"
        raise InputError(f"{label} {what}, and method {name} needs a closed mesh: take --method auto.")
    # Whatever the unit, distances are taken where they neither overflow nor vanish; outliers do not decide the scale.
    first = normalization(cloud.points)
    clean, outliers = cleaned(_mapped(cloud, first), quality)
    similarity = _after(first, normalization(clean.points))
    points = similarity.apply(first.invert(clean.points))
    sensors = None if clean.sensors is None else similarity.apply(first.invert(clean.sensors))
    free = io.free_of(views, similarity) if (views := views_of(source)) else None
    triangles = None if mesh is None else similarity.apply(np.asarray(mesh.triangles))
    deviation = None if noise is None else float(noise) * float(np.linalg.norm(np.ptp(points, axis=0)))
    shape = Shape(Observation(points, clean.normals, deviation, triangles, free, sensors))
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
        None if sensors is None else similarity.invert(sensors),
    )


def _mapped(cloud: Cloud, similarity: Similarity) -> Cloud:
    """The cloud in the space that the similarity leads to."""
    sensors = None if cloud.sensors is None else similarity.apply(cloud.sensors)
    return replace(cloud, points=similarity.apply(cloud.points), sensors=sensors)


def _after(first: Similarity, second: Similarity) -> Similarity:
    """The similarity that applies `first`, then `second`."""
    x, y, z = (np.asarray(first.center) + np.asarray(second.center) / first.scale).tolist()
    return Similarity((x, y, z), first.scale * second.scale)
