"""A start of any network from the orientation of the points, in place of the one in the method's paper.

    orient and denoise the points;  regress the network onto the rough signed distance;  keep that as a weak anchor

The rough distance is the distance to the nearest point, its sign the winding number's, or, of an open surface, that of
the side of the nearest point's plane. A pull or an eikonal term alone grows blobs where there are no points, and an
unsigned loss cannot tell a lost thin part from a kept one: afterwards the method's own terms are joined by

    anchor * mean |f(x) - rough(x)|  +  sign * mean max(0, -sign(rough(y)) f(y))  +  surface * mean |f(p)|

with x anywhere, y near the points p (GridPull, Chen et al. 2023, has the last term).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, descend_batches, rows, tensor
from isofield.configs import WarmStart
from isofield.losses.signed import sign_hinge
from isofield.points import Oriented, denoise, oriented_points
from isofield.sampling.query_points import SPACE, around, everywhere, rough_distance
from isofield.stopwatch import stage, staged
from isofield.types import Batch, FitProgress, Observation

SAMPLES = 100_000
"""Samples of the rough distance near the points, and as many in all of space."""
NEAR, FAR, ON = "near", "far", "on"
"""What a batch's tensors are called that belong to the warm start."""


def warm_up(
    field: nn.Module, observed: Observation, warm: WarmStart, batch: int, seed: int, random: np.random.Generator,
    device: str,
) -> Generator[FitProgress[nn.Module], None, tuple[Observation, list[Batches]]]:  # fmt: skip
    """Regresses a network onto the rough distance of observed points.

    batch: samples of a step of the method afterwards. Returns the observation with its points denoised and their
    normals oriented, and batches for the anchors.
    """
    yield FitProgress("finding the orientation", 0.0)
    oriented = denoise(oriented_points(observed, seed))
    with stage("warm start"):
        near, far = _rough_samples(oriented, observed.open, warm, random, device)
    both = {name: torch.cat([near[name], far[name]]) for name in near}

    def rough(batch: Batch) -> dict[str, Tensor]:
        return {"rough": (field(batch["x"]) - batch["distance"]).abs().mean()}

    steps = descend_batches(rough, field.parameters(), rows(both, warm.optim.batch, random), warm.optim)
    for index, losses in enumerate(staged("warm start", steps)):
        done = 0.1 + 0.2 * (index + 1) / warm.optim.steps
        yield FitProgress("learning the rough distance", done, field, oriented.median_noise, oriented.turned, losses)
    anchors = _anchors(warm, near, far, tensor(oriented.points, device), batch // 4, random)
    return replace(observed, points=oriented.points, normals=oriented.normals), anchors


def _rough_samples(
    oriented: Oriented, open_: bool, warm: WarmStart, random: np.random.Generator, device: str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Samples x (n, 3) of the rough distance (n,): near the points, and in all of space."""

    def of(x: np.ndarray) -> dict[str, Tensor]:
        return {"x": tensor(x, device), "distance": tensor(rough_distance(oriented, x, open_), device)}

    near = around(oriented.points, scales=warm.scales)
    far = of(everywhere(oriented.points, SPACE, random, SAMPLES))
    return of(near(random, SAMPLES)), far


def _anchors(
    warm: WarmStart, near: dict[str, Tensor], far: dict[str, Tensor], points: Tensor, count: int,
    random: np.random.Generator,
) -> list[Batches]:  # fmt: skip
    """Batches of `count` rows for every anchor with a weight."""
    parts = ((warm.sign, NEAR, near), (warm.anchor, FAR, far), (warm.surface, ON, {"x": points}))
    return [
        rows({f"{prefix}.{name}": values for name, values in samples.items()}, count, random)
        for weight, prefix, samples in parts
        if weight
    ]


def anchored(field: nn.Module, batch: Batch, warm: WarmStart) -> dict[str, Tensor]:
    """The anchors' terms of a batch."""
    x = {name: batch[f"{name}.x"] for name in (NEAR, FAR, ON) if f"{name}.x" in batch}
    value = (
        dict(zip(x, field(torch.cat([*x.values()])).split([len(one) for one in x.values()]), strict=True)) if x else {}
    )
    terms = {}
    if NEAR in value:
        terms["anchor_sign"] = warm.sign * sign_hinge(value[NEAR], batch[f"{NEAR}.distance"])
    if FAR in value:
        terms["anchor_distance"] = warm.anchor * (value[FAR] - batch[f"{FAR}.distance"]).abs().mean()
    if ON in value:
        terms["anchor_surface"] = warm.surface * value[ON].abs().mean()
    return terms
