"""Unseen shapes in a space: their codes, and their fields."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from isofield import folder_format
from isofield.api.observations import ShapeSamples, Source, in_own_box, observe
from isofield.api.pictures import PictureResult
from isofield.api.sdf import SDF
from isofield.api.space import ShapeSpace, checked_space
from isofield.datasets.normalization import PICTURED, fixed
from isofield.errors import InputError, with_article
from isofield.methods.pose_estimation import poser, scan_poser
from isofield.rows import evenly
from isofield.sampling.unsigned_rows import posed, unsigned_distances
from isofield.types import Pose, SdfSamples, Shape

AT_ONCE = 16
"""Shapes that are inferred at once."""
HELD_OUT = 4096
"""Samples of the loss: the last ones, which are held out where there are enough."""
MOST = 400
"""Training shapes that the space of the pose search is made of."""
FAR = 2.5
"""A code is far where it is this many times farther from the training codes than these typically are from each other.
Unseen bodies and assemblies stay below 1.8; bodies turned by 20 degrees begin at 2.5, by a right angle at 3.8."""
CLAMP = 0.1
"""Distances beyond it count as this in the loss, as in DeepSDF's."""
EXPLAINED = 0.02
"""An observed surface point is explained by a field whose surface is this near, normalised."""
LEAST_EXPLAINED, MOST_LOSS = 0.75, 5.0
"""A fit is poor where it explains a smaller fraction, or where its loss is this many times the 95th percentile of the
training shapes' losses."""


@dataclass(frozen=True, eq=False, repr=False)
class InferenceResult:
    """An unseen shape in a space.

    observed: what it was inferred from. code: (l,). sdf: its field, in the shape's own units. loss: mean |f - s| over
    held-out samples, both clamped at 0.1, normalised; None where it was inferred from pictures. explained: the fraction
    of the observed surface that the field's surface is near. nearest, distance: the training shape with the nearest
    code, and its distance; neighbour_distance: the median of that distance between training shapes. expected: the 95th
    percentile of the training shapes' losses, where the space has it. pose: from the shape's normalised space to the
    frame of the space, where it was searched. seconds: of its code, the mean of those inferred at once, or None.
    note: what makes its code doubtful, "" for nothing; None where the method does not look.
    """

    observed: ShapeSamples
    code: np.ndarray
    sdf: SDF
    loss: float | None
    explained: float
    nearest: str
    distance: float
    neighbour_distance: float
    expected: float | None = None
    pose: Pose | None = None
    seconds: float | None = None
    note: str | None = None

    def __repr__(self) -> str:
        figures = {"loss": self.loss, "explained": self.explained, "distance": self.distance}
        said = ", ".join(f"{name}={value:.4g}" for name, value in figures.items() if value is not None)
        return f"InferenceResult(id={self.id!r}, {said}, nearest={self.nearest!r})"

    @property
    def id(self) -> str:
        """The shape's name."""
        return self.observed.id

    @property
    def far(self) -> bool:
        """Whether its code is so far from those of the training shapes that the space may not represent such a shape;
        False where its field agrees with the input as well as theirs do."""
        agrees = self.expected is not None and self.loss is not None and self.loss <= self.expected
        return not agrees and self.distance > FAR * self.neighbour_distance > 0

    @property
    def poor(self) -> bool:
        """Whether its field agrees much less with the input than those of the training shapes do with theirs."""
        return self.explained < LEAST_EXPLAINED or (self.loss or 0.0) > MOST_LOSS * (self.expected or np.inf)


@dataclass(frozen=True)
class PoseSearch:
    """A search for the pose of shapes that are not oriented as those of the space are.

    scale: whether to search the scale, too, beside rotation and shift. max_rotation: degrees from the given
    orientation; small ones need fewer starts.
    """

    scale: bool = False
    max_rotation: float = 180.0

    def __post_init__(self) -> None:
        if not 0 <= self.max_rotation <= 180:
            raise InputError(f"the maximal rotation must be 0 to 180 degrees, not {self.max_rotation:g}.")


def infer(
    space: ShapeSpace, source: Source, refine: bool = False, pose: PoseSearch | None = None, device: str = "cpu",
    by: str | None = None,
) -> InferenceResult:  # fmt: skip
    """One shape in a space: a mesh, a cloud, or a file of one of them or of samples.

    refine: the field is also corrected towards what the code cannot represent. pose: the shape's pose is searched, too.
    device: where codes are inferred. by: the setting `infer_by` of the space's method, its own by default. Warns of a
    doubtful code. Raises InputError as `observe` and `infer_all` do.
    """
    space = checked_space(space)
    shape = observe(source, space.prepare, kinds=space.kinds, anywhere=pose is not None)
    result = next(infer_all(space, [shape], refine, pose, device, by))
    if result.note:
        warnings.warn(f"{result.id}: {result.note}.", stacklevel=2)
    return result


def infer_all(
    space: ShapeSpace, shapes: Iterable[ShapeSamples], refine: bool = False, pose: PoseSearch | None = None,
    device: str = "cpu", by: str | None = None,
) -> Iterator[InferenceResult]:  # fmt: skip
    """Shapes in a space, several at a time. Raises InputError for a search for poses in a space that reads no
    distances, for a space of pictures, and where the method has no such setting `by`."""
    space = checked_space(space)
    waiting, method = iter(shapes), space.inferring(by, device)
    if pose is not None and not {"signed", "unsigned", "cloud"} & {*space.kinds}:
        raise InputError(f"{with_article(space.method)} space reads no distances to search poses by: leave --pose out.")
    if refine and not {*space.kinds} - {*PICTURED}:
        raise InputError(
            f"{with_article(space.method)} space reads pictures, which no field can be refined by: leave --refine out."
        )
    pose_of = None if pose is None else _whole_poses(space, pose)
    while some := list(islice(waiting, AT_ONCE if pose is None else 1)):
        if pose is not None and "signed" not in space.kinds:
            some = [in_own_box(one, space.prepare) for one in some]
        poses = [None if pose_of is None else pose_of(one) for one in some]
        framed = [shape_in_frame(one, found) for one, found in zip(some, poses, strict=True)]
        begun = time.perf_counter()
        *_, last = method.infer(framed, 0, method.table.device.type)
        seconds = (time.perf_counter() - begun) / len(some)
        assert last.code is not None
        notes: Sequence[str | None] = last.notes or [None] * len(some)
        for one, code, found, note in zip(some, last.code.cpu().numpy(), poses, notes, strict=True):
            yield replace(result_of(space, one, code, refine, found), seconds=seconds, note=note)


def _whole_poses(space: ShapeSpace, search: PoseSearch) -> Callable[[ShapeSamples], Pose]:
    """The search for poses of whole shapes, by the samples that the space reads."""
    if "signed" in space.kinds:
        found = pose_finder(space, search)
        return lambda observed: found(observed.shape.sdf)
    find = scan_poser(space.module, _some_codes(space), search.max_rotation, search.scale)
    common = fixed(space.prepare)

    def pose(observed: ShapeSamples) -> Pose:
        unsigned = unsigned_distances(observed.shape)
        assert unsigned is not None
        return find(SdfSamples(*unsigned), 1.0 if common is None else common.scale / observed.similarity.scale)

    return pose


def pose_finder(
    space: ShapeSpace, search: PoseSearch, scales: tuple[float, float] | None = None
) -> Callable[[SdfSamples], Pose]:
    """The search for poses in a space; scales: the least and the greatest, for shapes that were observed in part."""
    return poser(space.module, _some_codes(space), search.max_rotation, search.scale, scales)


def _some_codes(space: ShapeSpace) -> torch.Tensor:
    """Training codes (n, l) that the search's space is made of."""
    rows = evenly(len(space.codes), MOST)
    return torch.from_numpy(space.codes[rows])


def in_frame(samples: SdfSamples, pose: Pose | None) -> SdfSamples:
    """The samples of a shape in the frame of the space."""
    if pose is None:
        return samples
    points = pose.apply(samples.points).astype(np.float32)
    return SdfSamples(points, np.asarray(samples.distance * pose.scale, np.float32), samples.free)


def shape_in_frame(observed: ShapeSamples, pose: Pose | None) -> Shape:
    """An observed shape in the frame of the space."""
    if pose is None:
        return observed.shape
    if observed.samples is None:
        return Shape(rows=posed(observed.rows, pose))
    return Shape(samples=in_frame(observed.samples, pose))


def result_of(
    space: ShapeSpace, observed: ShapeSamples, code: np.ndarray, refine: bool, pose: Pose | None = None,
    more: SdfSamples | None = None,
) -> InferenceResult:  # fmt: skip
    """A shape with its code; more: further samples for a refined field, in the frame of the space."""
    z, shape = torch.from_numpy(code), shape_in_frame(observed, pose)
    if more is not None:
        shape = Shape(samples=joined(shape.sdf, more))
    module = space.space.refine(z, shape) if refine else space.space.field(z)
    sdf = space.field_of_shape(observed, module, refine, pose)
    (nearest, distance), *_ = space.nearest(code, 1)
    return InferenceResult(
        observed, code, sdf, loss(sdf, observed.shape), explained(sdf, observed), nearest, distance,
        space.neighbour_distance, space.provenance.get("loss_p95"), pose,
    )  # fmt: skip


def joined(first: SdfSamples, second: SdfSamples) -> SdfSamples:
    """Both, in random order."""
    order = np.random.default_rng(0).permutation(len(first.points) + len(second.points))
    free = [np.zeros(len(one.points), bool) if one.free is None else one.free for one in (first, second)]
    return SdfSamples(
        np.concatenate([first.points, second.points])[order], np.concatenate([first.distance, second.distance])[order],
        np.concatenate(free)[order],
    )  # fmt: skip


def held_out(shape: Shape) -> tuple[SdfSamples, bool]:
    """The last samples of a shape, and whether their distances have signs."""
    samples = shape.samples
    if samples is None:
        unsigned = unsigned_distances(shape)
        assert unsigned is not None
        samples = SdfSamples(*unsigned)
    return samples.part(max(len(samples.points) - HELD_OUT, 0), len(samples.points)), shape.samples is not None


def loss(sdf: SDF, shape: Shape) -> float | None:
    """mean |clamp(f) - clamp(s)| of a field over the last samples of a shape; of |f|, where they have no signs; None
    for a shape in pictures."""
    if shape.samples is None and not {*shape.rows} - {*PICTURED}:
        return None
    last, signed = held_out(shape)
    value = np.asarray(sdf(sdf.similarity.invert(last.points))) * sdf.similarity.scale
    error = np.abs((value if signed else np.abs(value)).clip(-CLAMP, CLAMP) - last.distance.clip(-CLAMP, CLAMP))
    return float((error if last.free is None else error[~last.free]).mean())


def explained(sdf: SDF, observed: ShapeSamples) -> float:
    """The fraction of the observed surface that the field's surface is near; 1 where no surface was observed."""
    points = observed.surface[:HELD_OUT]
    if not len(points):
        return 1.0
    x = sdf.similarity.invert(points)
    value, steep = np.abs(np.asarray(sdf(x))), np.linalg.norm(np.asarray(sdf.gradient(x)), axis=1)
    return float((value * sdf.similarity.scale < EXPLAINED * steep).mean())  # the surface is |f| / |grad f| away


def write_codes(results: Sequence[InferenceResult | PictureResult], path: Path) -> None:
    """Writes ids (n,) of shapes or pictures, codes (n, l), the similarities from their units to the normalised space as
    center (n, 3) and scale (n,), and where poses were searched, pose (n, 4, 4), from there to the frame of the space: a
    .npz.
    """
    ways = [one.observed.similarity for one in results]
    poses = [one.pose.matrix for one in results if isinstance(one, InferenceResult) and one.pose is not None]
    more = {"center": np.array([way.center for way in ways]), "scale": np.array([way.scale for way in ways])}
    if poses:
        more["pose"] = np.stack(poses)
    folder_format.write_codes(path, [one.id for one in results], np.stack([one.code for one in results]), **more)
