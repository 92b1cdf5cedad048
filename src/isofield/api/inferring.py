"""Shapes that a space was not trained with: their codes, and their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from isofield.api.observing import Observed, Source, observe
from isofield.api.sdf import SDF
from isofield.api.space import ShapeSpace
from isofield.methods import spaces
from isofield.shapes import replacing
from isofield.types import Evidence

TOGETHER = 16
"""Shapes whose codes are looked for at once."""
HELD_OUT = 4096
"""Samples that a code is judged by: the last ones, which it was not found from where there are enough."""
LIMIT = 0.1
"""Distances beyond it count as this, as in DeepSDF's loss."""


@dataclass(frozen=True)
class Found:
    """A shape in a space.

    observed: what it was found from. code: (l,). sdf: its field, in the shape's own units. loss: mean |f - s| over
    samples that were held out, both clamped at 0.1, normalised. nearest, distance: the training shape with the nearest
    code, and how far that is; usual: the same from training shape to training shape, in the median.
    """

    observed: Observed
    code: np.ndarray
    sdf: SDF
    loss: float
    nearest: str
    distance: float
    usual: float

    @property
    def id(self) -> str:
        """The shape's name."""
        return self.observed.id


def infer(space: ShapeSpace, source: Source, refine: bool = False) -> Found:
    """One shape in a space: a mesh, a cloud, or a file of them or of samples.

    refine: the field is also adapted to what the code cannot hold. Raises InputError as `observe` does.
    """
    return next(infer_all(space, [observe(source, space.prepare)], refine))


def infer_all(space: ShapeSpace, shapes: Iterable[Observed], refine: bool = False) -> Iterator[Found]:
    """Shapes in a space, several at a time."""
    finding, usual = iter(shapes), _usual(space.codes)
    while some := list(islice(finding, TOGETHER)):
        codes = spaces.infer(
            space.module, [one.evidence for one in some], torch.from_numpy(space.codes), space.config
        ).numpy()  # fmt: skip
        for one, code in zip(some, codes, strict=True):
            yield found(space, one, code, refine, usual)


def found(space: ShapeSpace, observed: Observed, code: np.ndarray, refine: bool, usual: float) -> Found:
    """A shape with its code."""
    z = torch.from_numpy(code)
    field = spaces.refine(space.module, observed.evidence, z, space.config) if refine else spaces.field(space.module, z)
    sdf = space.field_of(field, observed.similarity, observed.surface, {"input": observed.id, "refined": refine})
    (nearest, distance), *_ = space.nearest(code, 1)
    return Found(observed, code, sdf, loss(sdf, observed.evidence), nearest, distance, usual)


def loss(sdf: SDF, known: Evidence) -> float:
    """mean |clamp(f) - clamp(s)| of a field over the last samples of a shape."""
    last = known.part(max(len(known.points) - HELD_OUT, 0), len(known.points))
    value = np.asarray(sdf(sdf.similarity.invert(last.points))) * sdf.similarity.scale
    error = np.abs(value.clip(-LIMIT, LIMIT) - last.distance.clip(-LIMIT, LIMIT))
    return float((error if last.free is None else error[~last.free]).mean())


def _usual(codes: np.ndarray) -> float:
    """Median distance (codes: (n, l)) from a training code to the nearest other one."""
    if len(codes) < 2:
        return 0.0
    z = torch.from_numpy(codes)
    apart = torch.cdist(z, z)
    return float(apart.fill_diagonal_(float("inf")).min(1).values.median())


def write_codes(results: Sequence[Found], path: Path) -> None:
    """Writes ids (n,) of shapes, codes (n, l), and the way from their units to the normalised space, center (n, 3) and
    scale (n,), as a .npz."""
    ways = [one.observed.similarity for one in results]
    with replacing(path) as beside:
        np.savez(
            beside, ids=np.array([one.id for one in results]), codes=np.stack([one.code for one in results]),
            center=np.array([way.center for way in ways]), scale=np.array([way.scale for way in ways]),
        )  # fmt: skip
