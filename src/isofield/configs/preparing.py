"""The settings of `isofield prepare`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Samples = Literal["signed", "unsigned", "cloud", "levelset", "occupancy", "surface", "views"]
"""Kinds of training samples (`sampling.training_samples`, `datasets.views`)."""
SAMPLES = get_args(Samples)
Sign = Literal["winding", "visibility", "parity"]
"""How it is told what is inside of a mesh (`datasets.sign`)."""
SIGNS = get_args(Sign)
Normalize = Literal["shape", "dataset", "none"]
"""Which similarity maps shapes to the normalised space: one per shape, one for all, or none."""
NORMALIZE = get_args(Normalize)


@dataclass(frozen=True)
class PrepareConfig:
    """How `isofield prepare` makes training samples of many shapes. Lengths are normalised (radius 1/1.03).

    samples: kinds, each a file a shape. count: samples of each kind. seed: with a shape's id it gives the shape's own.
    variances, near: of signed samples: bands near the surface, in equal parts, and the share of all that is there.
    level_variances: of the free points of levelset samples, as `variances`.
    normalize: each shape to the radius by itself; the data set as one, so that shapes keep their place and size beside
    each other; or none, where units are lengths of the unit ball. similarity: centre x y z and scale of the data set,
    found from all of its shapes where it is None.
    neighbour, wide: of unsigned samples: half deviate as far as the neighbour of `points` surface points, half so far.
    pull: neighbour of the cloud's queries. padding: of occupancy samples, beyond the cube. points: surface points that
    are drawn first. sign: how the inside of a mesh is told: by the winding number of its solid parts; by what cameras
    see, as DeepSDF's own preprocessing does; or by how often rays cross it. both, bad: by visibility, a shape is
    rejected beyond this share of pixels that see the other side of a face, and of faces that are seen from both sides.
    thickness: of the walls that sheets become; 0 leaves sheets out, and rejects what is mostly sheet.
    outer: keep the outer hull of overlapping parts alone. sheets, turned: a shape is rejected beyond this share of
    sheets (at thickness 0), of surface whose sides come out the wrong way round, and of surface thinner than a
    thousandth. half: write float16. views, size: how many views, of so many pixels a side.
    """

    samples: tuple[Samples, ...] = ("signed",)
    count: int = 500_000
    seed: int = 0
    variances: tuple[float, ...] = (0.005, 0.0005)
    near: float = 47 / 50
    level_variances: tuple[float, ...] = (0.05, 0.0005)
    neighbour: int = 11
    wide: float = 0.3
    pull: int = 51
    padding: float = 0.1
    points: int = 250_000
    normalize: Normalize = "shape"
    similarity: tuple[float, float, float, float] | None = None
    sign: Sign = "winding"
    both: float = 0.02
    bad: float = 0.03
    thickness: float = 0.0175
    outer: bool = False
    sheets: float = 0.1
    turned: float = 0.02
    thin: float = 0.5
    half: bool = False
    views: int = 24
    size: int = 224
