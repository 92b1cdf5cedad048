"""Where a shape stands: its rotation, shift and scale in the frame of a space, found together with its shape.

With x the shape's own points and s their distances, the pose (R, t, c) and the code a minimise

    sum_j rho(f(c R x_j + t; a) - c s_j)  +  ridge |a|^2

The search needs a space that holds the training shapes and little else (one with their mirror images holds a shape that
lies on its side, too): the mean and a few principal components of the training shapes' own grids, so that a is white
and f linear in it. From a net of rotations the best are refined by Gauss-Newton in (a, pose) at once, the pose by left
perturbations: y = c R x + t moves by w x y + v + q y, so that the residual f(y) - c s changes by

    w . (y x g) + v . g + q (y . g - c s),      g = df/dy

Nets of rotations are the super-Fibonacci spirals of Alexa 2022 ("Super-Fibonacci Spirals: Fast, Low-Discrepancy
Sampling of SO(3)", CVPR).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from isofield.adapt import deterministic, robust_least_squares
from isofield.configs import LinearConfig
from isofield.fields.pca_grid import PcaGrid
from isofield.methods.linear import components
from isofield.threads import parallel_map
from isofield.types import RADIUS, Pose, SdfSamples

NET = 360
"""Rotations that cover all of them, about 30 degrees apart."""
CELLS = 32
"""Of the grid of the search."""
FEW, MANY = 24, 48
"""Components while starts are told apart, and at the end."""
LIMIT = 0.3
"""Distances beyond it count as this."""
STAGES = ((512, 3, 1e-3), (1024, 6, 3e-4), (4096, 12, 1e-5))
"""Samples, steps and ridge: for every start, for those that are best, and for the best of these."""
KEPT = (12, 3)
"""Starts that are kept after the first two stages."""
ROUNDS = 3
"""Of robust weights in a step."""
FARTHEST = 0.5
"""A step turns by no more than this (radians), shifts by no more than half of it, and scales by a quarter."""
SURFACE = 0.005
"""A sample that is so near to the surface counts as on it where its box is taken."""
LEVER = 0.3
"""How much a change of pose counts beside one of the code where the ridge decides."""


@dataclass(frozen=True)
class Posed:
    """A pose, the code (k,) of the search's space there, and the loss."""

    pose: Pose
    code: Tensor
    loss: float


def search_space(grids: np.ndarray, length: int) -> PcaGrid:
    """The mean and `length` principal components of the training shapes' grids (n, side, side, side) alone."""
    return components(grids, (), LinearConfig(cells=grids.shape[1] - 1, length=length, megabytes=1e3))


def starts(turned: float) -> list[np.ndarray]:
    """Rotations (3, 3) to begin at, the identity first: a net of all that turn by at most `turned` degrees."""
    index = np.arange(NET) + 0.5
    inner, outer = np.sqrt(index / NET), np.sqrt(1 - index / NET)
    alpha, beta = 2 * np.pi * index / np.sqrt(2), 2 * np.pi * index / 1.533751168755204288118041
    turns = Rotation.from_quat(
        np.column_stack([inner * np.sin(alpha), inner * np.cos(alpha), outer * np.sin(beta), outer * np.cos(beta)])
    )
    near = np.degrees(turns.magnitude()) <= turned
    return [np.eye(3), *turns[near].as_matrix()]


def find(few: PcaGrid, many: PcaGrid, known: SdfSamples, turned: float, similar: bool, whole: bool) -> Posed:
    """The pose of a shape of which this is known.

    few, many: spaces of the search. turned: degrees by which it may be turned. similar: whether its scale is open, too.
    whole: all of its surface was seen, so that its box tells shift and scale, as it did for the shapes of the space.
    """
    surface = known.points[np.abs(known.distance) < SURFACE].astype(np.float64) if whole else np.zeros((0, 3))
    first = [Posed(Pose(rotation), torch.zeros(few.length), np.inf) for rotation in starts(turned)]
    for (count, steps, ridge), kept in zip(STAGES[:2], KEPT, strict=True):
        some = known.part(0, count)
        begun = first

        def fitted(one: Posed, some: SdfSamples = some, steps: int = steps, ridge: float = ridge) -> Posed:
            return descended(few, some, one, steps, ridge, similar, surface)

        first = sorted(parallel_map(fitted, begun), key=lambda one: one.loss)[:kept]
    count, steps, ridge = STAGES[2]
    ends = [replace(one, code=torch.zeros(many.length)) for one in first]
    last = parallel_map(lambda one: descended(many, known.part(0, count), one, steps, ridge, similar, surface), ends)
    return min(last, key=lambda one: one.loss)


def descended(
    space: PcaGrid, known: SdfSamples, begun: Posed, steps: int, ridge: float, similar: bool, surface: np.ndarray
) -> Posed:
    """Gauss-Newton in pose and code together; surface: (m, 3) points whose box tells shift and scale, or none."""
    distance = torch.tensor(known.distance, dtype=torch.float64)
    free = None if known.free is None else torch.from_numpy(np.asarray(known.free))
    pose, code, best = _centred(begun.pose, surface, similar), begun.code, begun
    for step in range(steps + 1):
        y = torch.from_numpy(pose.apply(known.points)).float()
        target = (pose.scale * distance).float()
        value = target.clamp(-LIMIT, LIMIT)
        features = space.features(y)
        if step == 0 and not bool(code.any()):
            code, _ = robust_least_squares(features[:, 1:], value - features[:, 0], ridge, rounds=ROUNDS, free=free)
        loss = _loss(features, code, value, free, ridge)
        if loss < best.loss:
            best = Posed(pose, code, loss)
        if step == steps:
            break
        g = _slopes(space, y, code)
        grown = ((y * g).sum(1) - target * (target.abs() < LIMIT))[:, None]
        moved = [torch.linalg.cross(y, g)]
        if len(surface):
            shift, growth = (torch.from_numpy(rates).float() for rates in _followed(pose.apply(surface)))
            moved[0] = moved[0] + g @ shift + grown * growth * similar
        else:
            moved += [g, grown] if similar else [g]
        columns = torch.cat([features[:, 1:], torch.cat(moved, 1) / LEVER], 1)
        start = torch.cat([code, torch.zeros(columns.shape[1] - len(code))])
        found, _ = robust_least_squares(columns, value - features[:, 0], ridge, start=start, rounds=ROUNDS, free=free)
        code, change = found[: len(code)], np.zeros(7)
        change[: columns.shape[1] - len(code)] = (found[len(code) :] / LEVER).double().numpy()
        pose = _centred(_changed(pose, change[:3], change[3:6], float(change[6])), surface, similar)
    return best


def _centred(pose: Pose, surface: np.ndarray, similar: bool) -> Pose:
    """The pose that centres the box of the surface's points (m, 3) at 0 and, where it may scale, puts the farthest of
    them at RADIUS, as shapes are normalised."""
    if not len(surface):
        return pose
    y = pose.scale * surface @ pose.rotation.T
    center = (y.min(0) + y.max(0)) / 2
    factor = RADIUS / float(np.linalg.norm(y - center, axis=1).max()) if similar else 1.0
    a, b, c = (-factor * center).tolist()
    return Pose(pose.rotation, (a, b, c), factor * pose.scale)


def _followed(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How shift (3, 3) and growth (3,) follow a turn w of centred points y (m, 3), so that they stay normalised."""
    ends = [(y[y[:, axis].argmax()], y[y[:, axis].argmin()]) for axis in range(3)]
    middle = [np.cross(high + low, unit) / 2 for (high, low), unit in zip(ends, np.eye(3), strict=True)]
    shift = -np.stack(middle)
    far = y[np.square(y).sum(1).argmax()]
    return shift, -(far @ shift) / max(float(far @ far), 1e-12)


def _changed(pose: Pose, turn: np.ndarray, shift: np.ndarray, growth: float) -> Pose:
    """A pose after a left perturbation: a rotation vector (3,), a shift (3,) and the logarithm of a factor."""
    largest = max(float(np.linalg.norm(turn)), 2 * float(np.linalg.norm(shift)), 4 * abs(growth))
    part = min(1.0, FARTHEST / max(largest, 1e-12))
    rotation, factor = Rotation.from_rotvec(part * turn).as_matrix(), float(np.exp(part * growth))
    x, y, z = (factor * rotation @ np.asarray(pose.shift) + part * shift).tolist()
    return Pose(rotation @ pose.rotation, (x, y, z), factor * pose.scale)


def _slopes(space: PcaGrid, y: Tensor, code: Tensor) -> Tensor:
    """Gradients (n, 3) of the field of a code at y (n, 3)."""
    with torch.enable_grad():
        place = y.clone().requires_grad_(True)
        return torch.autograd.grad(space(place[None], code[None]).sum(), place)[0]


def _loss(features: Tensor, code: Tensor, value: Tensor, free: Tensor | None, ridge: float) -> float:
    error = features[:, 0] + features[:, 1:] @ code - value
    if free is not None:
        error = torch.where(free, error.clamp(max=0), error)
    return float(error.abs().mean() + ridge * code.square().sum())


def poser(grids: np.ndarray, turned: float, similar: bool, whole: bool) -> Callable[[SdfSamples], Pose]:
    """What finds the poses of shapes; grids: (n, side, side, side) of the training shapes, cut off at +-LIMIT."""
    with deterministic():
        few, many = (search_space(grids, length) for length in (FEW, MANY))

    def pose(known: SdfSamples) -> Pose:
        with deterministic():
            return find(few, many, known, turned, similar, whole).pose

    return pose
