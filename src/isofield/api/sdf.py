"""The field of one shape: distances, gradients, containment and a mesh, in the user's units."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import trimesh

from isofield import surfaces
from isofield.api import csg, projection
from isofield.api.coverage import open_mesh, without_far_faces
from isofield.api.field import UNSIGNED, checked
from isofield.configs.common import RESOLUTIONS, check_resolution
from isofield.errors import InputError
from isofield.fields.array_field import ArrayField
from isofield.fields.array_grid import ArrayGrid
from isofield.fields.array_triangles import ArrayTriangles
from isofield.points import REACH, confidence, local_spacing, relative_gap, subsample
from isofield.types import Similarity

if TYPE_CHECKING:
    from torch import Tensor, nn

    from isofield.api.modules import Copies

RESOLUTION = 256
"""Default number of cells along the longest side of a mesh, for a field without a grid of its own."""

THIN, FINEST = 2.5, 640
"""Cells across the thin walls of an exact field, up to this number along the longest side."""
MOST_CELLS, FINE_SHARE = 3_000_000, 0.15
"""At a grid's own resolution the surface crosses about this many cells, at most, and at least this share of it lies in
cells as fine."""


@dataclass(frozen=True)
class Extraction:
    """A mesh and figures of its extraction.

    mesh: in the user's units. resolution: cells along the longest side of the box of level 0; None where the mesh has
    the faces of the field. evaluations: points at which the field was evaluated. dropped: components without observed
    points. fallback: the field was sampled densely. problems: what keeps the mesh from being a closed manifold, in
    words.
    """

    mesh: trimesh.Trimesh
    resolution: int | None
    evaluations: int
    seconds: float
    dropped: int
    fallback: bool
    problems: list[str]


@dataclass(frozen=True, repr=False)
class SDF:
    """A signed distance field in the user's units and axes: negative inside, positive outside.

    field: arrays, which need no torch, or a module, on normalised points (n, 3) -> (n,). similarity:
    from the user's space to the normalised one. points: (m, 3) float64, the observed points that were fitted (of very
    dense input the means of its cells), in the user's units. spacing: median distance of neighbouring points. lower,
    upper: corners of the normalised box that contains the surface. provenance: input, version and settings of the fit.
    interrupted: the fit was stopped before its end. colors: (m, 4) uint8 of the points, or None. attributes: other
    numbers (m,) float32 at the points, by name. sensors: (m, 3) float64, the positions of the points' sensors, NaN
    where unknown, or None; a folder does not keep them. open: the surface ends where the points end; a closed one
    closes what they leave open. reach: how far from the points the surface is trusted, in local spacings; see
    `confidence`. left_out: (k, 3) points that were taken for outliers, or None; a folder does not keep them.
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
    _copies: Copies = dataclasses.field(default_factory=dict, init=False, compare=False)

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

    def __call__(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
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
        distance = value(module, ((x.double() - center) * self.similarity.scale).float()) / self.similarity.scale
        return distance.to(x.dtype if x.is_floating_point() else torch.float32)

    def _distances(self, x: np.ndarray) -> np.ndarray:
        """Distances (n,) at points (n, 3), both normalised."""
        if isinstance(self.field, ArrayField):
            return self.field.distances(x)
        from isofield.api.modules import CPU, distances, on_device

        return distances(on_device(self.field, CPU, self._copies), x)

    def _slopes(self, x: np.ndarray) -> np.ndarray:
        """Gradients (n, 3) at normalised points (n, 3)."""
        return np.asarray(self.gradient(self.similarity.invert(x)))

    def _structure(self) -> tuple[ArrayGrid | None, ArrayTriangles | None]:
        """The grid whose cells the field has, and the faces to which it is the distance, where there are any."""
        if isinstance(self.field, ArrayField):
            exact = self.field if isinstance(self.field, ArrayTriangles) else None
            return self.field if isinstance(self.field, ArrayGrid) else None, exact
        from isofield.api.modules import grid_of

        return grid_of(self.field), None

    def gradient(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Gradients of the distance (n, 3) at points (n, 3); their length is near 1 near the surface.

        Where torch points require a gradient, the result is differentiable, too.
        """
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

    def normals(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Outward unit normals (n, 3) of the level sets through points (n, 3)."""
        gradient = self.gradient(points)
        if isinstance(gradient, np.ndarray):
            return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-30)
        return gradient / gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)

    def contains(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
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

    def project(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """The projections (n, 3) of points (n, 3) onto the surface; see `api.projection.project`."""
        return projection.project(self, points)

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
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
        """The surface where the distance is `level` (user's units); see `extract`."""
        return self.extract(resolution, level, keep_all, close_holes).mesh

    def extract(
        self,
        resolution: int | None = None,
        level: float = 0.0,
        keep_all: bool = False,
        close_holes: float | None = None,
    ) -> Extraction:
        """The surface where the distance is `level` (user's units), with figures of its extraction.

        resolution: cells along the longest side of the box, by default the grid's own, 256 for a network; an exact
        field has its own faces by default, or more cells where they cross each other and walls are thin. keep_all: keep
        components that no observed point is near. A level above 0 gets more cells of the same size. close_holes: size
        up to which holes of an open field stay closed (user's units), by default 5 local spacings. The mesh is closed,
        unless the field is open: then it ends 0.6 local spacings from the observed points. An open mesh that was taken
        at its word keeps its faces at any resolution, and its holes by default. Raises InputError where there is no
        such surface.
        """
        if not isinstance(level, (int, float)) or not np.isfinite(level):
            raise InputError(f"level {level!r} is not a distance: give a number, 0 for the surface itself.")
        check_resolution(resolution)
        _, faces = self._structure()
        if faces is not None and level == 0 and (self.open or resolution is None):
            extraction = self._as_it_is(faces, close_holes)
            if extraction is not None:
                return extraction
        lower, upper, cells = self._cells(resolution)
        base, offset = cells, level * self.similarity.scale
        if level > 0:  # an offset surface leaves the box: add whole cells all around
            cell = float((upper - lower).max()) / cells
            more = int(min(np.ceil(offset / cell), 1024))
            lower, upper, cells = lower - more * cell, upper + more * cell, cells + 2 * more
        if cells > 2 * RESOLUTIONS[1]:
            raise InputError(
                f"the surface at level {level:g} is too far out for {base} cells along the shape's longest side: "
                "give a smaller level, or a lower resolution."
            )
        exact = faces.closest if faces is not None and level == 0 else None
        if self.kind == UNSIGNED and level == 0:
            sampled = surfaces.extract_unsigned(self._distances, self._slopes, lower, upper, cells)
        else:
            sampled = surfaces.extract(self._distances, lower, upper, cells, offset, closest=exact)
        if len(sampled.mesh.faces) == 0:
            finer = "" if resolution is None else "more cells, as walls thinner than a cell are lost, or "
            raise InputError(
                f"the field has no surface at level {level:g} on {cells} cells: give {finer}a level between its least "
                "and greatest distance, near 0 for the surface itself."
            )
        mesh, dropped = sampled.mesh, 0
        if not keep_all and faces is None:
            points, spacing = subsample(self.points, self.spacing)
            spacing *= self.similarity.scale
            mesh, dropped = surfaces.keep_observed(mesh, self.similarity.apply(points), spacing, room=self.open)
        ends = self.open and faces is None
        if ends:
            mesh = without_far_faces(self, mesh, close_holes, level)
        mesh, problems = self._repaired(mesh)
        if ends:
            mesh = open_mesh(self, mesh, close_holes, level)
            problems = surfaces.check(mesh).flaws
        return Extraction(mesh, base, sampled.evaluations, sampled.seconds, dropped, sampled.fallback, problems)

    def _as_it_is(self, held: ArrayTriangles, close_holes: float | None) -> Extraction | None:
        """The faces themselves, in an open mesh with its holes up to a size closed; None where some do not belong to
        the surface."""
        vertices, faces = held.vertices, held.own(self.open)
        if faces is None:
            return None
        if self.open and close_holes:
            from isofield.solids.borders import closed_holes  # loads what fits of points do not need

            vertices, faces = closed_holes(vertices, faces, close_holes * self.similarity.scale)
        if self.open:
            mesh = trimesh.Trimesh(self.similarity.invert(vertices), faces, process=False)
            return Extraction(mesh, None, 0, 0.0, 0, False, surfaces.check(mesh).flaws)
        mesh, problems = self._repaired(trimesh.Trimesh(vertices, faces, process=False))
        return None if problems else Extraction(mesh, None, 0, 0.0, 0, False, [])

    def _cells(self, resolution: int | None) -> tuple[np.ndarray, np.ndarray, int]:
        """The box (3,), (3,) of a mesh, normalised, and its number of cells along the longest side."""
        lower, upper = np.asarray(self.lower), np.asarray(self.upper)
        if resolution is not None:
            return lower, upper, resolution
        grid, faces = self._structure()
        if grid is not None:
            lower = grid.origin.astype(np.float64)
            upper = lower + np.array(grid.shape) * grid.side
            return lower, upper, min(max(grid.shape) * 2 ** grid.resolved(MOST_CELLS, FINE_SHARE), 2 * RESOLUTIONS[1])
        if faces is not None:
            return lower, upper, int(np.clip(THIN * (upper - lower).max() / faces.thinnest, RESOLUTION, FINEST))
        return lower, upper, RESOLUTION

    def _repaired(self, mesh: trimesh.Trimesh) -> tuple[trimesh.Trimesh, list[str]]:
        """A normalised mesh in the user's units, repaired where it has defects; and those that it still has."""
        mesh = trimesh.Trimesh(self.similarity.invert(mesh.vertices), mesh.faces, process=False)
        found = surfaces.check(mesh)
        if not (found.flaws if self.open else found.problems):  # the walls of a room face inward
            return mesh, []
        mesh = surfaces.repair(mesh)
        return mesh, list(surfaces.check(mesh).problems)
