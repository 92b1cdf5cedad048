"""The pose of a shape: its rotation, shift and scale in the frame of a space, found together with its shape.

With x the shape's own points and s their distances, the pose (R, t, c) and the code a minimise

    sum_j rho(f(c R x_j + t; a) - c s_j)  +  ridge |a|^2

The search needs a space that holds the training shapes and little else (one with their mirror images holds a shape that
lies on its side, too): the mean and a few principal components of the training shapes' own grids, so that a is white
and f linear in it. From a net of rotations the best are refined by Gauss-Newton in (a, pose) at once, the pose by left
perturbations: y = c R x + t moves by w x y + v + q y, so that the residual f(y) - c s changes by

    w . (y x g) + v . g + q (y . g - c s),      g = df/dy

Distances u without signs stand for | |f| - c u |: every step takes the signs of the field that it starts from.

Nets of rotations are the super-Fibonacci spirals of Alexa 2022 ("Super-Fibonacci Spirals: Fast, Low-Discrepancy
Sampling of SO(3)", CVPR).

The scale of a part is bounded, and starts are compared by their errors over c: a part that shrinks into a point of the
surface has no error otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from isofield.adapt import robust_least_squares
from isofield.fields.pca_basis import components
from isofield.fields.pca_grid import PcaGrid
from isofield.methods.grid_fit import nodes
from isofield.threads import deterministic, parallel_map
from isofield.types import RADIUS, Pose, SdfSamples

ROTATIONS = 360
"""A net of them covers all rotations, about 30 degrees apart."""
CELLS = 32
"""Cells a side of the search's grid."""
FEW, MANY = 24, 48
"""Components while starts are compared, and at the end."""
LIMIT = 0.3
"""Distances beyond it count as this."""
STAGES = ((512, 3, 1e-3), (1024, 6, 3e-4), (4096, 12, 1e-5))
"""Samples, steps and ridge: for every start, for the best of them, and for the best of these."""
START_SCALES = 3
"""Scales that the pose of a part starts from."""
KEPT = (12, 3)
"""Starts that are kept after the first two stages."""
ROUNDS = 3
"""Rounds of reweighting in a step."""
LARGEST_STEP = 0.5
"""Most that a step rotates (radians); it shifts by at most half of it, and scales by a quarter."""
SURFACE = 0.005
"""A sample this near to the surface counts as a point of it, for the box of a whole shape."""
GROWN = 1.25
"""Whole shapes may be larger or smaller than the training shapes by this factor."""
POSE_WEIGHT = 0.3
"""Weight of a change of the pose beside one of the code in the ridge."""


@dataclass(frozen=True)
class Posed:
    """A pose, the code (k,) of the search's space there, and the loss."""

    pose: Pose
    code: Tensor
    loss: float


@dataclass(frozen=True)
class Freedom:
    """What a search may change. scaled: the scale, too. scales: its bounds for a shape that was observed in part; None
    for a whole one. surface: (m, 3) points of a whole shape, whose box gives shift and scale as those of the training
    shapes do; none for a part. signed: the samples have signs. middle: where the shape's origin starts."""

    scaled: bool
    scales: tuple[float, float] | None
    surface: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    signed: bool = True
    middle: tuple[float, float, float] = (0.0, 0.0, 0.0)


def search_space(grids: np.ndarray, length: int) -> PcaGrid:
    """The mean and `length` principal components of the training shapes' grids (n, side, side, side) alone."""
    return components(grids, (), length, megabytes=1e3)


def starts(max_rotation: float) -> list[np.ndarray]:
    """Rotations (3, 3) to start from, the identity first: a uniform covering of those by at most `max_rotation`
    degrees."""
    index = np.arange(ROTATIONS) + 0.5
    inner, outer = np.sqrt(index / ROTATIONS), np.sqrt(1 - index / ROTATIONS)
    alpha, beta = 2 * np.pi * index / np.sqrt(2), 2 * np.pi * index / 1.533751168755204288118041
    net = Rotation.from_quat(
        np.column_stack([inner * np.sin(alpha), inner * np.cos(alpha), outer * np.sin(beta), outer * np.cos(beta)])
    )
    near = np.degrees(net.magnitude()) <= max_rotation
    return [np.eye(3), *net[near].as_matrix()]


def find(few: PcaGrid, many: PcaGrid, samples: SdfSamples, max_rotation: float, freedom: Freedom) -> Posed:
    """The pose of a shape. few, many: spaces of the search. max_rotation: degrees."""
    scales = [1.0]
    if freedom.scaled and freedom.scales is not None:
        scales = [*np.geomspace(min(freedom.scales[1], 1.0), max(freedom.scales[0], 0.4), START_SCALES)]
    elif freedom.scales is not None:
        scales = [float(np.clip(1.0, *freedom.scales))]
    first = [
        Posed(Pose(rotation, freedom.middle, scale), torch.zeros(few.length), np.inf)
        for rotation in starts(max_rotation)
        for scale in scales
    ]
    for (count, steps, ridge), kept in zip(STAGES[:2], KEPT, strict=True):
        fit = partial(descended, few, samples.part(0, count), steps=steps, ridge=ridge, freedom=freedom)
        first = sorted(parallel_map(fit, first), key=lambda one: one.loss)[:kept]
    count, steps, ridge = STAGES[2]
    ends = [replace(one, code=torch.zeros(many.length)) for one in first]
    fit = partial(descended, many, samples.part(0, count), steps=steps, ridge=ridge, freedom=freedom)
    return min(parallel_map(fit, ends), key=lambda one: one.loss)


def descended(
    space: PcaGrid, samples: SdfSamples, begun: Posed, *, steps: int, ridge: float, freedom: Freedom
) -> Posed:
    """Gauss-Newton in pose and code together; the best pose on the way."""
    distance = torch.tensor(samples.distance, dtype=torch.float64)
    free = None if samples.free is None else torch.from_numpy(np.asarray(samples.free))
    pose, code, best = _centred(begun.pose, freedom), begun.code, begun
    for step in range(steps + 1):
        y = torch.from_numpy(pose.apply(samples.points)).float()
        target, features = (pose.scale * distance).float(), space.features(y)
        if not freedom.signed:
            target = torch.where(features[:, 0] + features[:, 1:] @ code < 0, -target, target)
        value = target.clamp(-LIMIT, LIMIT)
        if step == 0 and not bool(code.any()):
            code, _ = robust_least_squares(features[:, 1:], value - features[:, 0], ridge, rounds=ROUNDS, free=free)
        loss = _loss(features, code, value, free, ridge) / (1.0 if freedom.scales is None else pose.scale)
        if loss < best.loss:
            best = Posed(pose, code, loss)
        if step == steps:
            break
        g = _gradients(space, y, code)
        growth = ((y * g).sum(1) - target * (target.abs() < LIMIT))[:, None]
        change = [torch.linalg.cross(y, g)]
        if len(freedom.surface):
            shift, scale = (torch.from_numpy(part).float() for part in _dependent(pose.apply(freedom.surface)))
            change[0] = change[0] + g @ shift + growth * scale * freedom.scaled
        else:
            change += [g, growth] if freedom.scaled else [g]
        columns = torch.cat([features[:, 1:], torch.cat(change, 1) / POSE_WEIGHT], 1)
        start = torch.cat([code, torch.zeros(columns.shape[1] - len(code))])
        solution, _ = robust_least_squares(
            columns, value - features[:, 0], ridge, start=start, rounds=ROUNDS, free=free
        )  # fmt: skip
        code, moved = solution[: len(code)], np.zeros(7)
        moved[: columns.shape[1] - len(code)] = (solution[len(code) :] / POSE_WEIGHT).double().numpy()
        pose = _centred(_perturbed(pose, moved[:3], moved[3:6], float(moved[6]), freedom.scales), freedom)
    return best


def _centred(pose: Pose, freedom: Freedom) -> Pose:
    """The pose that centres the box of a whole shape at 0 and, where it may scale, puts the farthest point at RADIUS,
    as shapes are normalised; the pose itself for a part."""
    surface = freedom.surface
    if not len(surface):
        return pose
    y = pose.scale * surface @ pose.rotation.T
    center = (y.min(0) + y.max(0)) / 2
    factor = RADIUS / float(np.linalg.norm(y - center, axis=1).max()) if freedom.scaled else 1.0
    a, b, c = (-factor * center).tolist()
    return Pose(pose.rotation, (a, b, c), factor * pose.scale)


def _dependent(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How shift (3, 3) and growth (3,) depend on a rotation w of centred points y (m, 3) that stay normalised."""
    ends = [(y[y[:, axis].argmax()], y[y[:, axis].argmin()]) for axis in range(3)]
    middle = [np.cross(high + low, unit) / 2 for (high, low), unit in zip(ends, np.eye(3), strict=True)]
    shift = -np.stack(middle)
    far = y[np.square(y).sum(1).argmax()]
    return shift, -(far @ shift) / max(float(far @ far), 1e-12)


def _perturbed(
    pose: Pose, rotation: np.ndarray, shift: np.ndarray, growth: float, scales: tuple[float, float] | None
) -> Pose:
    """A pose after a left perturbation, a rotation vector (3,), a shift (3,) and the logarithm of a factor, which is
    clipped to the bounds of the scale."""
    largest = max(float(np.linalg.norm(rotation)), 2 * float(np.linalg.norm(shift)), 4 * abs(growth))
    part = min(1.0, LARGEST_STEP / max(largest, 1e-12))
    matrix, factor = Rotation.from_rotvec(part * rotation).as_matrix(), float(np.exp(part * growth))
    if scales is not None and growth:
        factor = float(np.clip(factor * pose.scale, *scales)) / pose.scale
    x, y, z = (factor * matrix @ np.asarray(pose.shift) + part * shift).tolist()
    return Pose(matrix @ pose.rotation, (x, y, z), factor * pose.scale)


def _gradients(space: PcaGrid, y: Tensor, code: Tensor) -> Tensor:
    """Gradients (n, 3) of the field of a code at y (n, 3)."""
    with torch.enable_grad():
        x = y.clone().requires_grad_(True)
        return torch.autograd.grad(space(x[None], code[None]).sum(), x)[0]


def _loss(features: Tensor, code: Tensor, value: Tensor, free: Tensor | None, ridge: float) -> float:
    error = features[:, 0] + features[:, 1:] @ code - value
    if free is not None:
        error = torch.where(free, error.clamp(max=0), error)
    return float(error.abs().mean() + ridge * code.square().sum())


def poser(
    module: nn.Module, codes: Tensor, max_rotation: float, scaled: bool, scales: tuple[float, float] | None = None
) -> Callable[[SdfSamples], Pose]:
    """The search for poses in a space f(x; z), given some of its training codes (n, l); see `find` and `Freedom`."""
    few, many = _search_spaces(_grids(module, codes))

    def pose(samples: SdfSamples) -> Pose:
        on_surface = np.abs(samples.distance) < SURFACE if scales is None else np.zeros(len(samples.points), bool)
        freedom = Freedom(scaled, scales, samples.points[on_surface].astype(np.float64))
        with deterministic():
            return find(few, many, samples, max_rotation, freedom).pose

    return pose


def scan_poser(
    module: nn.Module, codes: Tensor, max_rotation: float, scaled: bool
) -> Callable[[SdfSamples, float], Pose]:
    """The search for poses of whole shapes by distances without signs, of shapes whose own box is centred at 0 and
    whose farthest point is at RADIUS, in a space f(x; z) whose training shapes share any frame.

    codes: (n, l) some of the training codes. The search gets a shape's samples and, unless `scaled`, its scale in that
    frame.
    """
    grids = _grids(module, codes)
    few, many = _search_spaces(grids)
    x = nodes(CELLS).numpy()
    boxes = [(inside.min(0), inside.max(0)) for inside in (x[grid.ravel() < 0] for grid in grids) if len(inside)]
    boxes = boxes or [(-np.ones(3), np.ones(3))]
    a, b, c = np.median([(low + high) / 2 for low, high in boxes], 0).tolist()
    sizes = [float(np.linalg.norm(high - low)) / 2 for low, high in boxes]  # half of a diagonal: at least the radius

    def pose(samples: SdfSamples, scale: float) -> Pose:
        bounds = (min(sizes) / GROWN / RADIUS, max(sizes) * GROWN / RADIUS) if scaled else (scale, scale)
        with deterministic():
            return find(few, many, samples, max_rotation, Freedom(scaled, bounds, signed=False, middle=(a, b, c))).pose

    return pose


def _grids(module: nn.Module, codes: Tensor) -> np.ndarray:
    """The fields of codes (n, l) on the search's grid (n, side, side, side)."""
    side, points = CELLS + 1, nodes(CELLS)[None]
    grids = np.empty((len(codes), side, side, side), np.float32)

    def fill(row: int) -> None:
        with torch.no_grad():
            grids[row] = module(points, codes[row : row + 1]).view(side, side, side).clamp(-LIMIT, LIMIT)

    with deterministic():
        parallel_map(fill, range(len(codes)))
    return grids


def _search_spaces(grids: np.ndarray) -> tuple[PcaGrid, PcaGrid]:
    with deterministic():
        few, many = (search_space(grids, length) for length in (FEW, MANY))
    return few, many
