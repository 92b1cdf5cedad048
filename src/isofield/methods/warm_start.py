"""A start of any network from the orientation of the points, in place of the one in the method's paper.

    orient and denoise the points;  regress the network onto the rough signed distance;  keep that as a weak anchor

The rough distance is the distance to the nearest point, its sign the winding number's. A pull or an eikonal term alone
grows blobs where there are no points, and an unsigned loss cannot tell a lost thin part from a kept one: afterwards the
method's own terms are joined by

    anchor * mean |f(x) - rough(x)|  +  sign * mean max(0, -sign(rough(y)) f(y))  +  surface * mean |f(p)|

with x anywhere, y near the points p (GridPull, Chen et al. 2023, has the last term).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, descend_batches, joined, rows, tensor
from isofield.configs import Network, Optim, WarmStart
from isofield.fields.serialization import network
from isofield.losses.signed import sign_hinge
from isofield.points.denoising import denoise
from isofield.points.normals import Oriented, orient
from isofield.sampling.query_points import around, everywhere, rough_distance
from isofield.types import Batch, Descent, FitProgress, Observation, Shape

SPACE = 1.1
"""Half side of the cube in which a network is trained."""
SAMPLES = 100_000
"""Samples of the rough distance near the points, and as many in all of space."""
NEAR, FAR, ON = "near", "far", "on"
"""What a batch's tensors are called that belong to the warm start."""


def observation_of(shapes: list[Shape] | tuple[Shape, ...]) -> Observation:
    """What was observed of the one shape that is to be fitted."""
    (shape,) = shapes
    if shape.observation is None:
        raise ValueError("the shape has no observed points")
    return shape.observation


def fresh_network(config: Network, points: np.ndarray, seed: int, device: str) -> nn.Module:
    """A network at its own start; those that begin as a sphere have the points' half extent."""
    generator, radius = torch.Generator().manual_seed(seed), float(np.ptp(points, axis=0).max()) / 2
    return network(
        config.kind, config.width, config.layers, config.w0, config.activation, radius, generator
    ).to(device)  # fmt: skip


def descend_from(
    method: Descent[nn.Module], shapes: list[Shape] | tuple[Shape, ...], optim: Optim, warm: WarmStart | None,
    seed: int, device: str,
) -> Iterator[FitProgress[nn.Module]]:  # fmt: skip
    """Descends a method's objective from its `init`, after a warm start where there is one."""
    random, field = np.random.default_rng(seed), method.init(shapes, seed, device)
    if warm is None:
        batches = method.batches(shapes, random, device)
        yield from _steps(method, field, batches, optim, 0.0)
        return
    observed = observation_of(shapes)
    yield FitProgress("finding the orientation", 0.0)
    oriented = denoise(orient(observed.points, observed.normals, observed.noise, seed))
    shape = replace(shapes[0], observation=replace(observed, points=oriented.points, normals=oriented.normals))
    near, far = _rough_samples(oriented, warm, random, device)
    both = {name: torch.cat([near[name], far[name]]) for name in near}

    def rough(batch: Batch) -> dict[str, Tensor]:
        return {"rough": (field(batch["x"]) - batch["distance"]).abs().mean()}

    steps = descend_batches(rough, field.parameters(), rows(both, warm.optim.batch, random), warm.optim)
    for index, losses in enumerate(steps):
        done = 0.1 + 0.2 * (index + 1) / warm.optim.steps
        yield FitProgress("learning the rough distance", done, field, oriented.usual_noise, losses)
    own = method.batches((shape,), random, device)
    anchors = _anchors(warm, near, far, tensor(oriented.points, device), optim.batch // 4, random)
    yield from _steps(method, field, joined(own, *anchors), optim, 0.3, warm)


def _steps(
    method: Descent[nn.Module], field: nn.Module, batches: Batches, optim: Optim, begun: float,
    warm: WarmStart | None = None,
) -> Iterator[FitProgress[nn.Module]]:  # fmt: skip
    def losses(batch: Batch) -> dict[str, Tensor]:
        return method.losses(field, batch) | ({} if warm is None else anchored(field, batch, warm))

    for index, terms in enumerate(descend_batches(losses, field.parameters(), batches, optim)):
        done = begun + (1 - begun) * (index + 1) / optim.steps
        yield FitProgress("fitting", done, field, losses=terms)


def _rough_samples(
    oriented: Oriented, warm: WarmStart, random: np.random.Generator, device: str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Samples x (n, 3) of the rough distance (n,): near the points, and in all of space."""

    def of(x: np.ndarray) -> dict[str, Tensor]:
        return {"x": tensor(x, device), "distance": tensor(rough_distance(oriented, x), device)}

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
    names = [name for name in (NEAR, FAR, ON) if f"{name}.x" in batch]
    if not names:
        return {}
    x = [batch[f"{name}.x"] for name in names]
    value = dict(zip(names, field(torch.cat(x) if len(x) > 1 else x[0]).split([len(one) for one in x]), strict=True))
    terms = {}
    if NEAR in value:
        terms["sign"] = warm.sign * sign_hinge(value[NEAR], batch[f"{NEAR}.distance"])
    if FAR in value:
        terms["anchor"] = warm.anchor * (value[FAR] - batch[f"{FAR}.distance"]).abs().mean()
    if ON in value:
        terms["surface"] = warm.surface * value[ON].abs().mean()
    return terms
