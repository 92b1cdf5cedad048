"""Completion of partly observed shapes: a code from points on the surface and the empty space in front of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from isofield.api.inference import InferenceResult, PoseSearch, in_frame, pose_finder, result_of
from isofield.api.inputs import Source
from isofield.api.partial_samples import partial
from isofield.api.space import ShapeSpace, checked_space
from isofield.configs.common import ETA
from isofield.errors import InputError, with_article
from isofield.kdtree import KDTree, nearest
from isofield.types import IDENTITY, SdfSamples, Shape, Similarity, triple

DRAWS, ELSEWHERE = 500_000, 40_000
"""Points that are drawn, and how many of them keep a refined field at the code's own where nothing was observed: this
many near the code's surface, and a third as many others."""
APART, BAND = 0.03, 0.06
"""How far from the observed surface they are, and which of them count as near the code's."""
ALIKE = 0.02
"""Training shapes whose similarities differ by less than this share one frame."""
SCALES, OWN_SCALES = (0.5, 2.0), (0.25, 1.0)
"""Scales that a pose search allows: of a scan in a given frame, and of one normalised by its own box, which is larger
there than in its whole."""


def shared_frame(space: ShapeSpace) -> Similarity:
    """The similarity from the training shapes' units to the normalised space, where they share one.

    Raises InputError where they do not: then a scan in their units has no frame.
    """
    scales = np.array([shape.similarity.scale for shape in space.shapes])
    centers = np.array([shape.similarity.center for shape in space.shapes])
    center, scale = np.median(centers, axis=0), float(np.median(scales))
    apart = max(float(np.abs(scales / scale - 1).max()), float(np.abs(centers - center).max()) * scale)
    if apart > ALIKE:
        raise InputError(
            "the shapes of this space were normalised one by one (their sizes and positions differ by "
            f"{100 * apart:.0f} %) and share no frame: give --center and --scale, or search for the pose with --pose."
        )
    return Similarity(triple(center), scale)


def own_frame(space: ShapeSpace) -> Similarity:
    """The frame of a part that comes without one: the training shapes' where these were normalised by one similarity,
    else the normalised space."""
    return IDENTITY if space.prepare.normalize == "shape" else shared_frame(space)


def complete(
    space: ShapeSpace,
    source: Source,
    *,
    frame: Similarity | None = None,
    eta: float = ETA,
    viewpoint: Sequence[float] | None = None,
    background: bool = False,
    samples: int = 1,
    pose: PoseSearch | None = None,
    refine: bool = False,
    name: str | None = None,
    seed: int = 0,
) -> list[InferenceResult]:
    """Whole shapes that agree with a part: first the most probable one, then `samples` - 1 draws of the posterior,
    which differ where nothing was observed.

    frame, eta, viewpoint, background: as in `partial`; without a frame the part is in the units of the training shapes
    where one similarity normalised all of these, else in the normalised space, or where a pose is searched, anywhere.
    pose: the pose of the part in the frame is searched, too. refine: the fields are also corrected towards the observed
    surface. Raises InputError as `partial` does.
    """
    space = checked_space(space)
    if space.in_camera:
        given = source if isinstance(source, (str, os.PathLike)) else name or "the part"
        raise InputError(
            f"{given} has axes of its own, and this space has its shapes in those of cameras: infer a picture "
            "(isofield infer)."
        )
    if samples < 1:
        raise InputError(f"there are no {samples} samples: give 1 or more.")
    if samples > 1 and not space.space.posterior:
        raise InputError(
            f"{with_article(space.method)} space has no posterior to draw samples from: leave --samples out."
        )
    start = own_frame(space) if frame is None and pose is None else frame
    observed = partial(
        source, start, eta=eta, viewpoint=viewpoint, background=background, name=name, posed=pose is None,
        scale=pose is not None and pose.scale, seed=seed,
    )  # fmt: skip
    bounds = OWN_SCALES if frame is None else SCALES
    found = None if pose is None else pose_finder(space, pose, bounds)(observed.shape.sdf)
    framed = in_frame(observed.shape.sdf, found)
    random = torch.Generator().manual_seed(seed)
    codes = space.space.complete(Shape(samples=framed), samples, random).numpy()
    named = [observed, *(replace(observed, id=f"{observed.id}-{number}") for number in range(1, samples))]
    return [
        result_of(space, one, code, refine, found, _unobserved(space, framed, code, seed) if refine else None)
        for one, code in zip(named, codes, strict=True)
    ]


def _unobserved(space: ShapeSpace, samples: SdfSamples, code: np.ndarray, seed: int) -> SdfSamples:
    """Samples of the field of a code (l,) where nothing was observed, which keep a refined field near it there."""
    x = np.random.default_rng(seed).uniform(-1, 1, (DRAWS, 3)).astype(np.float32)
    surface = samples.points if samples.free is None else samples.points[~samples.free]
    x = x[nearest(KDTree(surface), x)[0] > APART]
    value = np.asarray(space.sdf(code)(x), np.float32)
    close = np.abs(value) < BAND
    kept = np.concatenate([np.flatnonzero(close)[:ELSEWHERE], np.flatnonzero(~close)[: ELSEWHERE // 3]])
    return SdfSamples(x[kept], value[kept], np.zeros(len(kept), bool))
