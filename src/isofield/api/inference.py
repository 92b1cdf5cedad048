"""Shapes that a space was not trained with: their codes, and their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isofield.api.observations import ShapeSamples, Source, observe
from isofield.api.sdf import SDF
from isofield.api.space import ShapeSpace
from isofield.errors import InputError
from isofield.files import atomic_write
from isofield.methods import spaces
from isofield.types import Pose, SdfSamples

TOGETHER = 16
"""Shapes whose codes are looked for at once."""
HELD_OUT = 4096
"""Samples that a code is judged by: the last ones, which it was not found from where there are enough."""
MOST = 400
"""Training shapes of which the space is made in which poses are looked for."""
FAR = 2.5
"""A code so many times farther from the training codes than is usual among those is far. Unseen bodies and assemblies
stay below 1.8; bodies that are turned by 20 degrees begin at 2.5, by a right angle at 3.8."""
LIMIT = 0.1
"""Distances beyond it count as this, as in DeepSDF's loss."""


@dataclass(frozen=True)
class InferenceResult:
    """A shape in a space.

    observed: what it was found from. code: (l,). sdf: its field, in the shape's own units. loss: mean |f - s| over
    samples that were held out, both clamped at 0.1, normalised. nearest, distance: the training shape with the nearest
    code, and how far that is; usual: the same from training shape to training shape, in the median. pose: from the
    shape's normalised space to the frame of the space, where it was looked for.
    """

    observed: ShapeSamples
    code: np.ndarray
    sdf: SDF
    loss: float
    nearest: str
    distance: float
    usual: float
    pose: Pose | None = None

    @property
    def id(self) -> str:
        """The shape's name."""
        return self.observed.id

    @property
    def far(self) -> bool:
        """Whether its code is so far from those of the training shapes that the space may not hold such a shape."""
        return self.distance > FAR * self.usual > 0


@dataclass(frozen=True)
class PoseSearch:
    """That shapes do not stand as those of the space do, and how far off they may be.

    scale: whether their size is open, too, beside rotation and shift. turned: degrees by which they may be turned; few
    need fewer starts.
    """

    scale: bool = False
    turned: float = 180.0


def infer(space: ShapeSpace, source: Source, refine: bool = False, posing: PoseSearch | None = None) -> InferenceResult:
    """One shape in a space: a mesh, a cloud, or a file of them or of samples.

    refine: the field is also adapted to what the code cannot hold. posing: the shape's pose is looked for, too. Raises
    InputError as `observe` does.
    """
    return next(infer_all(space, [observe(source, space.prepare)], refine, posing))


def infer_all(
    space: ShapeSpace, shapes: Iterable[ShapeSamples], refine: bool = False, posing: PoseSearch | None = None
) -> Iterator[InferenceResult]:
    """Shapes in a space, several at a time."""
    finding, usual = iter(shapes), median_neighbour_distance(space.codes)
    pose_of = None if posing is None else poser(space, posing)
    while some := list(islice(finding, TOGETHER if posing is None else 1)):
        poses = [None if pose_of is None else pose_of(one.evidence) for one in some]
        known = [in_frame(one.evidence, pose) for one, pose in zip(some, poses, strict=True)]
        codes = spaces.infer(space.module, known, torch.from_numpy(space.codes), space.config).numpy()
        for one, code, pose in zip(some, codes, poses, strict=True):
            yield found(space, one, code, refine, usual, pose)


def poser(space: ShapeSpace, posing: PoseSearch, whole: bool = True) -> Callable[[SdfSamples], Pose]:
    """What finds poses in a space; whole: of shapes that were seen from all sides.

    Raises InputError for an angle that is none.
    """
    if not 0 <= posing.turned <= 180:
        raise InputError(f"a turn of {posing.turned:g} degrees is none: give 0 to 180.")
    codes = torch.from_numpy(space.codes[np.linspace(0, len(space.codes) - 1, min(len(space.codes), MOST)).astype(int)])
    return spaces.poser(space.module, codes, posing.turned, posing.scale, whole)


def in_frame(known: SdfSamples, pose: Pose | None) -> SdfSamples:
    """What is known of a shape, in the frame of the space."""
    if pose is None:
        return known
    points = pose.apply(known.points).astype(np.float32)
    return SdfSamples(points, np.asarray(known.distance * pose.scale, np.float32), known.free)


def found(
    space: ShapeSpace,
    observed: ShapeSamples,
    code: np.ndarray,
    refine: bool,
    usual: float,
    pose: Pose | None = None,
    more: SdfSamples | None = None,
) -> InferenceResult:
    """A shape with its code; more: what else a refined field has to agree with, in the frame of the space."""
    z, known = torch.from_numpy(code), in_frame(observed.evidence, pose)
    if more is not None:
        known = joined(known, more)
    field = spaces.refine(space.module, known, z, space.config) if refine else spaces.field(space.module, z)
    told = {"input": observed.id, "refined": refine}
    sdf = space.field_of(field, observed.similarity, observed.surface, told, pose)
    (nearest, distance), *_ = space.nearest(code, 1)
    return InferenceResult(observed, code, sdf, loss(sdf, observed.evidence), nearest, distance, usual, pose)


def joined(first: SdfSamples, second: SdfSamples) -> SdfSamples:
    """Both, in random order."""
    order = np.random.default_rng(0).permutation(len(first.points) + len(second.points))
    free = [np.zeros(len(one.points), bool) if one.free is None else one.free for one in (first, second)]
    return SdfSamples(
        np.concatenate([first.points, second.points])[order], np.concatenate([first.distance, second.distance])[order],
        np.concatenate(free)[order],
    )  # fmt: skip


def loss(sdf: SDF, known: SdfSamples) -> float:
    """mean |clamp(f) - clamp(s)| of a field over the last samples of a shape."""
    last = known.part(max(len(known.points) - HELD_OUT, 0), len(known.points))
    value = np.asarray(sdf(sdf.similarity.invert(last.points))) * sdf.similarity.scale
    error = np.abs(value.clip(-LIMIT, LIMIT) - last.distance.clip(-LIMIT, LIMIT))
    return float((error if last.free is None else error[~last.free]).mean())


def median_neighbour_distance(codes: np.ndarray) -> float:
    """Median distance (codes: (n, l)) from a training code to the nearest other one."""
    if len(codes) < 2:
        return 0.0
    z = torch.from_numpy(codes)
    apart = torch.cdist(z, z)
    return float(apart.fill_diagonal_(float("inf")).min(1).values.median())


def write_codes(results: Sequence[InferenceResult], path: Path) -> None:
    """Writes ids (n,) of shapes, codes (n, l), and the way from their units to the normalised space, center (n, 3) and
    scale (n,), as a .npz; and pose (n, 4, 4), the way from there to the frame of the space, where that was found."""
    ways = [one.observed.similarity for one in results]
    poses = [one.pose.matrix for one in results if one.pose is not None]
    with atomic_write(path) as beside:
        held: dict[str, Any] = {
            "ids": np.array([one.id for one in results]), "codes": np.stack([one.code for one in results]),
            "center": np.array([way.center for way in ways]), "scale": np.array([way.scale for way in ways]),
            **({"pose": np.stack(poses)} if poses else {}),
        }  # fmt: skip
        np.savez(beside, **held)
