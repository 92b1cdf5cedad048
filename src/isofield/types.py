"""The data that travel between the rooms, what a method is, and the one place for space and sign.

Conventions that hold everywhere:

* distances are negative inside and positive outside;
* learning happens in a *normalised space*: centred, radius `RADIUS`; a `Similarity` leads back to the user's units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8

from isofield.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from isofield.points.openness import Surroundings

RADIUS = 1 / 1.03
"""Radius of a normalised shape (DeepSDF, Park et al. 2019: the unit sphere with a margin of 3 %)."""

FreeSpace = Callable[[np.ndarray, float], np.ndarray]
"""Points (n, 3) and a margin to (n,) bool: whether they were observed to be in empty space."""
Distance = Callable[[np.ndarray], np.ndarray]
"""A field as a plain function: (n, 3) float64 points to (n,) signed distances."""

CORNERS = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)], np.int64)
"""(8, 3): the corners of a unit cell; corner 4 i + 2 j + k lies at (i, j, k)."""

LOGGED = "logged/"
"""Terms of an objective with this prefix are only logged."""
DIVERGED = f"{LOGGED}diverged"
"""The fraction of shapes whose inner steps diverged, by name among the terms."""
ProgressCallback = Callable[[str, float], None]
"""Called with what is being done, and the share of it that is done."""


def triple(values: Iterable[float]) -> tuple[float, float, float]:
    """Three numbers as a tuple of floats. Raises ValueError for another count."""
    x, y, z = (float(value) for value in values)
    return x, y, z


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points, and what was measured at them, in the units of the file they come from.

    points: (n, 3) float64. normals: (n, 3) float64 of unit length or None; their orientation may be wrong.
    colors: (n, 4) uint8 or None. attributes: other numbers (n,) float32 at the points, by name. sensors: (n, 3)
    float64, position of the sensor that measured each point, NaN where unknown, or None; a sensor far above stands for
    one in an aeroplane. pixels: (m,) bool of a file whose points are the pixels of an image, in its order: which of
    them measured a point, and are here; None for other files, and for points that were chosen among them.
    """

    points: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"] | None = None
    colors: UInt8[np.ndarray, "n 4"] | None = None
    attributes: Mapping[str, Float[np.ndarray, " n"]] = field(default_factory=dict)
    sensors: Float[np.ndarray, "n 3"] | None = None
    pixels: Bool[np.ndarray, " m"] | None = None


@dataclass(frozen=True, eq=False)
class View:
    """A depth image with its pinhole camera.

    depth: (h, w) float64 along the optical axis, in the world's unit; 0 where nothing was measured. intrinsics: (3, 3)
    in pixels, pixel centres at whole numbers. pose: (4, 4) rigid, from the camera's axes (OpenCV's: x right, y down, z
    forward) to the world's.
    """

    depth: Float[np.ndarray, "h w"]
    intrinsics: Float[np.ndarray, "3 3"]
    pose: Float[np.ndarray, "4 4"]


@dataclass(frozen=True)
class Similarity:
    """The map from the user's space into the normalised one: x -> (x - center) * scale.

    center: (3,) in the user's units; scale: normalised units per user's unit, > 0.
    """

    center: tuple[float, float, float]
    scale: float

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) in the user's units to (..., 3) normalised, float64."""
        return (np.asarray(points, np.float64) - np.asarray(self.center)) * self.scale

    def invert(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) normalised to (..., 3) in the user's units, float64."""
        return np.asarray(points, np.float64) / self.scale + np.asarray(self.center)


IDENTITY = Similarity((0.0, 0.0, 0.0), 1.0)
"""The similarity that changes nothing."""


def normalization(points: np.ndarray) -> Similarity:
    """The similarity that maps points (n, 3) into the ball of radius `RADIUS` around the origin.

    The centre of the bounding box maps to the origin and the point farthest from it to `RADIUS` (DeepSDF, Park et al.
    2019, with a margin of 3 %). Non-finite points are ignored. Raises `InputError` if no two finite points differ, or
    if the extent exceeds 64-bit numbers.
    """
    points = np.asarray(points, np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise InputError("there are no finite points to normalise: give at least two different ones.")
    center = points.min(axis=0) / 2 + points.max(axis=0) / 2
    offset = points - center
    largest = float(np.abs(offset).max())
    if largest == 0:
        raise InputError("All points are equal: give at least two different ones.")
    farthest = float(np.sqrt(np.square(offset / largest).sum(axis=1).max()))  # without overflow or underflow of squares
    scale = RADIUS / farthest / largest
    if not np.isfinite(scale) or scale == 0 or not np.isfinite(largest * farthest):
        raise InputError(f"The extent of the points ({largest:.3g}) exceeds 64-bit numbers: change their unit.")
    return Similarity((float(center[0]), float(center[1]), float(center[2])), scale)


@dataclass(frozen=True, eq=False)
class Pose:
    """How a shape is turned into the frame of a space: x -> scale R x + shift, in normalised lengths.

    rotation: (3, 3). shift: (3,).
    """

    rotation: Float[np.ndarray, "3 3"]
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) of the shape to (n, 3) in the frame of the space, float64."""
        return self.scale * (np.asarray(points, np.float64) @ self.rotation.T) + np.asarray(self.shift)

    def invert(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) in the frame of the space to (n, 3) of the shape, float64."""
        return (np.asarray(points, np.float64) - np.asarray(self.shift)) @ self.rotation / self.scale

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4): scale R and the shift."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.scale * self.rotation, self.shift
        return matrix

    @property
    def angle(self) -> float:
        """Degrees by which it turns."""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.rotation) - 1) / 2, -1, 1))))


@dataclass(frozen=True)
class Observation:
    """What was observed of one shape, in normalised space.

    points: (n, 3) float64 on or near the surface. normals: (n, 3) float64 or None, as the input gave them (their
    orientation may be wrong). noise: standard deviation of the points off the surface, normalised, or None where it is
    to be estimated. triangles: (m, 3, 3) float64 corners of the faces that the points were drawn from, or None for a
    cloud. free: whether points (k, 3) were observed to be empty, at least a margin before a surface, or None. sensors:
    (n, 3) float64, position of the sensor that measured each point, NaN where unknown, or None. oriented: whether the
    orientation of the normals is right. open: whether the surface ends where the points end. seen: the neighbours
    of the points, and what they tell, or None.
    """

    points: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"] | None = None
    noise: float | None = None
    triangles: Float[np.ndarray, "m 3 3"] | None = None
    free: FreeSpace | None = None
    sensors: Float[np.ndarray, "n 3"] | None = None
    oriented: bool = False
    open: bool = False
    seen: Surroundings | None = None


@dataclass(frozen=True)
class SdfSamples:
    """Samples of the signed distance of one shape, in normalised space.

    points: (n, 3) of any precision, in random order, so that the first of them are a fair sample. distance: (n,),
    negative inside. free: (n,) bool, where the distance is only a lower bound, or None. inside: about the fraction of
    the points that is inside, or None where it was not counted.
    """

    points: Float[np.ndarray, "n 3"]
    distance: Float[np.ndarray, " n"]
    free: Bool[np.ndarray, " n"] | None = None
    inside: float | None = None

    def part(self, start: int, stop: int) -> SdfSamples:
        """The rows from `start` to before `stop`."""
        free = None if self.free is None else self.free[start:stop]
        return SdfSamples(self.points[start:stop], self.distance[start:stop], free)


@dataclass(frozen=True, eq=False)
class Shape:
    """One shape as a method sees it: what was observed of its surface, samples of its distance, or both.

    rows: (n, k) prepared samples of other kinds that a space reads, by kind (`sampling.training_samples`).
    """

    observation: Observation | None = None
    samples: SdfSamples | None = None
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def observed(self) -> Observation:
        """What was observed of its surface. Raises ValueError where that is nothing."""
        if self.observation is None:
            raise ValueError("the shape has no observed points")
        return self.observation

    @property
    def sdf(self) -> SdfSamples:
        """The samples of its distance. Raises ValueError where there are none."""
        if self.samples is None:
            raise ValueError("the shape has no samples of its signed distance")
        return self.samples


@dataclass(frozen=True, eq=False)
class Batch:
    """Tensors of equal length that one step learns from, by name.

    epoch: passes through all shapes, from 1; for one shape the step. random: for dropout, reparameterization and so on.
    """

    tensors: Mapping[str, Tensor]
    epoch: int = 1
    random: torch.Generator | None = None

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))


C = TypeVar("C")
"""What identifies one shape to a method: a latent code, weights, the values of a grid."""


@dataclass(frozen=True, eq=False)
class FitProgress(Generic[C]):
    """How far an inference is: the stage, the fraction that is done (0 to 1), and the best code so far, if any.

    noise: the points' standard deviation off the surface, normalised, once the method knows it. turned: fraction of the
    normals that came with the points whose sign was changed, or None without any. losses: the terms of the objective,
    by name, where there are any. notes: of each shape what makes its code doubtful, "" for nothing; none where the
    method does not look.
    """

    stage: str
    fraction: float
    code: C | None = None
    noise: float | None = None
    turned: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Method(Protocol[C]):
    """A method: start from a code, adapt it to samples by descending an objective.

    One shape is a batch of one, and its code the weights of a network or the values of a grid.
    """

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[C]]:
        """Adapts a code to unseen shapes: by descent from `init`, or by solving, encoding, unrolling. The last
        progress holds the result; earlier codes may still change in place."""

    def field(self, code: C) -> nn.Module:
        """The field of the code of one shape: normalised points (n, 3) to signed distances (n,)."""


@runtime_checkable
class Space(Method["Tensor"], Protocol):
    """A method of many shapes: one field f(x; z), and a code z for each shape. `Method.infer` finds the codes (b, l) of
    unseen shapes, `Method.field` takes the code (l,) of one.

    It is a frozen dataclass with the fields `config`, `module` and `table`, and begins with its settings alone: `start`
    gives it a module and a table. Where its settings have `training`, it is trained after `start`, and is a
    `TrainedSpace`; otherwise `start` solves for everything (`configs.training.training_of`).
    """

    @property
    def config(self) -> Any:
        """Its settings."""

    @property
    def module(self) -> nn.Module:
        """All that the shapes share, f(x (b, n, 3), z (b, l)) -> (b, n); its parameters are trained and stored."""

    @property
    def table(self) -> Tensor:
        """The codes (n, l) of the training shapes; (n, 0) where an encoder makes them, until they are stored."""

    @property
    def posterior(self) -> bool:
        """Whether `complete` can draw several codes."""

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> Space:
        """The space of these training shapes before any descent. Raises InputError for settings that do not fit."""

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The codes (n, l) of the training shapes as the space is now, for its folder: the table, or an encoder's; of
        the first ones alone, where all would need too much memory."""

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """Codes (count, l) of a partly observed shape: the most probable one, then draws of the posterior. count is 1
        where there is no `posterior`."""

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field of the code (l,) of one shape, corrected towards its samples."""


@runtime_checkable
class TrainedSpace(Space, Protocol):
    """A space whose module, table or both are trained by descent (`training.trainer`)."""

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """What one step learns from a training shape: arrays by name, of the same sizes for every shape."""

    def init(self, batch: Batch) -> Any:
        """The codes (b, l) of a batch, whose "row" says which training shapes it has: rows of the table, or an
        encoder's output, with all that `losses` needs of it (a VAE's mean and deviation). Gradients flow through it."""

    def losses(self, code: Any, batch: Batch) -> dict[str, Tensor]:
        """The terms of the objective of the codes that `init` gave, scalars by name, summed over the shapes: a shape's
        share must not depend on the others. Terms with the prefix `LOGGED` have no gradient, and are only logged."""


def lacking(method: object, contract: type) -> list[str]:
    """Names of a contract (a Protocol) that an object lacks, sorted."""
    names = {name for one in contract.__mro__ for name in vars(one) if not name.startswith("_")}
    return sorted(name for name in names if not hasattr(method, name))


S = TypeVar("S", bound=Space)


def with_parts(space: S, module: nn.Module, table: Tensor) -> S:
    """The space with another module and table."""
    return replace(space, module=module, table=table)  # type: ignore[type-var]
