"""The field of one shape: distances, gradients, containment and a mesh, in the user's units."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import trimesh

from isofield.api import csg, extraction, projection
from isofield.api.extraction import Extraction
from isofield.api.field import checked
from isofield.api.transfer import with_attributes
from isofield.fields.array_field import ArrayField
from isofield.points import REACH, confidence, local_spacing, relative_gap
from isofield.types import Similarity

if TYPE_CHECKING:
    from torch import Tensor, nn

    from isofield.api.modules import Copies

Array = TypeVar("Array", np.ndarray, "Tensor")
"""NumPy in, NumPy out; torch in, torch out."""


@dataclass(frozen=True, eq=False, repr=False)
class SDF:
    """A signed distance field in the user's units and axes: negative inside, positive outside.

    field: arrays, which need no torch, or a module, on normalised points (n, 3) -> (n,). similarity: from the user's
    space to the normalised one. points: (m, 3) float64, the observed points that were fitted (of very dense input the
    means of its cells), in the user's units. spacing: median distance of neighbouring points. lower, upper: corners of
    the normalised box that contains the surface. provenance: input, version and settings of the fit. interrupted: the
    fit was stopped before its end. colors: (m, 4) uint8 of the points, or None. attributes: other numbers (m,) float32
    at the points, by name. sensors: (m, 3) float64, the positions of the points' sensors, NaN where unknown, or None; a
    folder does not keep them. open: the surface ends where the points end; a closed one closes what they leave open.
    reach: how far from the points the surface is trusted, in local spacings; see `confidence`. left_out: (k, 3) points
    that were taken for outliers, or None; a folder does not keep them.
    """

    field: nn.Module | ArrayField
    similarity: Similarity
    points: np.ndarray
    spacing: float
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)
    interrupted: bool = False
    colors: np.ndarray | None = None
    attributes: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    sensors: np.ndarray | None = None
    open: bool = False
    reach: float = REACH
    left_out: np.ndarray | None = None
    _copies: Copies = dataclasses.field(default_factory=dict, init=False)

    def __repr__(self) -> str:
        names = [name for name in ("input", "method", "bounds") if name in self.provenance]
        return f"SDF({', '.join([f'kind={self.kind!r}', *(f'{name}={self.provenance[name]!r}' for name in names)])})"

    def _repr_html_(self) -> str:
        """Its surface in a notebook, to turn and to zoom."""
        from isofield.api import notebook

        names = (self.kind, self.provenance.get("method"), self.provenance.get("input"))
        return notebook.view_of_field(
            self.mesh, f"SDF: {', '.join(dict.fromkeys(str(name) for name in names if name))}"
        )

    @cached_property
    def module(self) -> nn.Module:
        """The field as a module; it stays on its device, other devices get a copy."""
        if not isinstance(self.field, ArrayField):
            return self.field
        from isofield.fields.serialization import of_arrays

        return of_arrays(self.field)

    @property
    def kind(self) -> str:
        """The kind of the field's class: "grid", "network", "refined grid", "composite", or "custom"."""
        return str(getattr(self.field, "kind", "custom"))

    def __call__(self, points: Array) -> Array:
        """Signed distances (n,) at points (n, 3).

        NumPy in, NumPy out; torch in, torch out, differentiable, on the device of the points. Raises InputError for
        points of another shape.
        """
        x = checked(points)
        if isinstance(x, np.ndarray):
            return self._distances(self.similarity.apply(x)) / self.similarity.scale
        import torch

        from isofield.api.modules import on_device
        from isofield.fields.evaluation import value

        center = torch.tensor(self.similarity.center, dtype=torch.float64, device=x.device)
        module = on_device(self.module, x.device, self._copies)
        distance: Any = value(module, ((x.double() - center) * self.similarity.scale).float()) / self.similarity.scale
        return distance.to(x.dtype if x.is_floating_point() else torch.float32)

    def _distances(self, x: np.ndarray) -> Any:
        """Distances (n,) at points (n, 3), both normalised."""
        if isinstance(self.field, ArrayField):
            return self.field.distances(x)
        from isofield.api.modules import CPU, distances, on_device

        return distances(on_device(self.field, CPU, self._copies), x)

    def gradient(self, points: Array) -> Array:
        """Gradients of the distance (n, 3) at points (n, 3); their length is near 1 near the surface.

        Where torch points require a gradient, the result is differentiable, too.
        """
        return self._gradient(points)

    def _gradient(self, points: Any) -> Any:
        import torch

        from isofield.api.modules import CPU, gradients, on_device

        x = checked(points)
        if isinstance(x, torch.Tensor):
            dtype = x.dtype if x.is_floating_point() else torch.float32
            if x.requires_grad and torch.is_grad_enabled():
                return torch.autograd.grad(self(x).sum(), x, create_graph=True)[0]
            if x.device != CPU:
                with torch.enable_grad():
                    x = x.detach().double().requires_grad_()
                    return torch.autograd.grad(self(x).sum(), x)[0].to(dtype)
            return torch.as_tensor(self.gradient(x.detach().numpy())).to(dtype)
        return gradients(on_device(self.module, CPU, self._copies), self.similarity.apply(x))

    def normals(self, points: Array) -> Array:
        """Outward unit normals (n, 3) of the level sets through points (n, 3)."""
        gradient = self._gradient(points)
        if isinstance(gradient, np.ndarray):
            return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-30)
        return gradient / gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)

    def contains(self, points: Array) -> Array:
        """Whether points (n, 3) are inside: (n,) bool."""
        return self(points) < 0

    @cached_property
    def local_spacing(self) -> np.ndarray:
        """(m,) spacing around each observed point, in the user's units: the distance to its 8th neighbour, smoothed."""
        return local_spacing(self.points)

    def confidence(self, points: np.ndarray | Tensor) -> np.ndarray:
        """How far the field is trusted at points (n, 3): (n,) in [0, 1].

        1 up to half the reach from an observed point, falling linearly to 0 at the reach, `sdf.reach` local spacings of
        that point: the density of the points may change from place to place. It says how near something was measured,
        not how right the distance is. Everywhere 0 for a field without observed points. Raises InputError for points of
        another shape.
        """
        x = checked(points)
        x = x if isinstance(x, np.ndarray) else x.detach().cpu().numpy()
        return confidence(
            relative_gap(np.asarray(x, np.float64), self.points, self.local_spacing, self.reach)[0], self.reach
        )

    def project(self, points: Array) -> Array:
        """The projections (n, 3) of points (n, 3) onto the surface; see `api.projection.project`."""
        return projection.project(self, points)

    def cast(self, origins: Array, directions: Array) -> Array:
        """Lengths (n,) of rays (n, 3), (n, 3) to the surface, inf for a miss; see `api.projection.cast`."""
        return projection.cast(self, origins, directions)

    def grid(self, resolution: int = 128) -> projection.Samples:
        """The field on a regular grid, `resolution` cells along the longest side; see `api.projection.grid`."""
        return projection.grid(self, resolution)

    def __or__(self, other: SDF) -> SDF:
        """The union of two shapes."""
        return csg.combined("union", self, other)

    def __and__(self, other: SDF) -> SDF:
        """The intersection of two shapes."""
        return csg.combined("intersection", self, other)

    def __sub__(self, other: SDF) -> SDF:
        """This shape without the other."""
        return csg.combined("difference", self, other)

    def offset(self, distance: float) -> SDF:
        """The shape grown by a distance (user's units), or shrunk by a negative one."""
        return csg.offset(self, distance)

    def shell(self, thickness: float) -> SDF:
        """A wall of this thickness (user's units) centred on the shape's surface."""
        return csg.shell(self, thickness)

    def moved(self, matrix: np.ndarray) -> SDF:
        """The shape after a rigid motion (4, 4). Raises InputError for another matrix."""
        return csg.moved(self, matrix)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the field folder; `isofield.load` reads it. Raises InputError where that fails."""
        from isofield.api.folder import save_field

        return save_field(self, Path(folder))

    def mesh(
        self,
        resolution: int | None = None,
        level: float = 0.0,
        keep_all: bool = False,
        close_holes: float | None = None,
    ) -> trimesh.Trimesh:
        """The surface where the distance is `level` (user's units), with the colours and attributes of the points; see
        `extract`, whose mesh has none."""
        return with_attributes(self, self.extract(resolution, level, keep_all, close_holes).mesh)

    def extract(
        self,
        resolution: int | None = None,
        level: float = 0.0,
        keep_all: bool = False,
        close_holes: float | None = None,
    ) -> Extraction:
        """The surface where the distance is `level` (user's units), with figures of its extraction.

        resolution: cells along the longest side of the box, by default the grid's own, 256 for a network; an exact
        field has its own faces by default, or more cells where parts are not closed and walls are thin. keep_all: keep
        components that no observed point is near. A level above 0 gets more cells of the same size. close_holes: size
        up to which holes of an open field stay closed (user's units), by default 5 local spacings. The mesh is closed,
        unless the field is open: then it ends 0.6 local spacings from the observed points. An open mesh that was taken
        at its word keeps its faces at any resolution, and its holes by default. Raises InputError where there is no
        such surface.
        """
        return extraction.extract(self, self._distances, resolution, level, keep_all, close_holes)
