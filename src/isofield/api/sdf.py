"""The field of one shape, as a thing to use: distances, gradients, inside or outside, and its mesh."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
import trimesh
from torch import Tensor, nn

from isofield import surfaces
from isofield.configs.limits import RESOLUTIONS
from isofield.errors import InputError
from isofield.fields.extrapolation import NETWORKS, value
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.points.local_pca import subsample
from isofield.threads import parallel_map, ranges, single_threaded
from isofield.types import Similarity

if TYPE_CHECKING:
    from isofield.api.projection import Samples

BATCH = 4096
"""Points that one thread evaluates at a time."""
RESOLUTION = 256
"""Cells along the longest side of a mesh, where neither the caller nor a grid says otherwise."""


Points = TypeVar("Points", np.ndarray, Tensor)


@dataclass(frozen=True)
class Extraction:
    """A mesh and how it came about.

    mesh: in the user's units. resolution: cells along the longest side of the box of level 0. evaluations: of the
    field. dropped: components without points. problems: what the mesh could not be given, in words; empty for a closed
    manifold.
    """

    mesh: trimesh.Trimesh
    resolution: int
    evaluations: int
    seconds: float
    dropped: int
    fallback: bool
    problems: list[str]


@dataclass(frozen=True, repr=False)
class SDF:
    """A signed distance field in the user's units and axes: negative inside, positive outside.

    field: module on normalised points (n, 3) -> (n,). similarity: from the user's space to the normalised one. points:
    (m, 3) float64, the observed points that were fitted (of very dense input the means of its cells), in the user's
    units. spacing: median
    distance of neighbouring points there. lower, upper: the box, normalised, in which the surface lies. provenance:
    what was fitted, by which version, with which settings. interrupted: the fit was stopped before its end. colors:
    (m, 4) uint8 of the points, or None. attributes: other numbers (m,) float32 at the points, by name.
    """

    field: nn.Module
    similarity: Similarity
    points: np.ndarray
    spacing: float
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]
    provenance: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    colors: np.ndarray | None = None
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __repr__(self) -> str:
        known = [
            f"{name}={self.provenance[name]!r}" for name in ("input", "method", "bounds") if name in self.provenance
        ]
        return f"SDF({', '.join([f'kind={self.kind!r}', *known])})"

    @property
    def kind(self) -> str:
        """What the field is: a "grid", a "network", "both" (a refined grid), or "combined" out of other fields."""
        if isinstance(self.field, SparseGrid):
            return "grid"
        if isinstance(self.field, GridResidual):
            return "both"
        return "network" if isinstance(self.field, NETWORKS) else "combined"

    def __call__(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Signed distances (n,) at points (n, 3): NumPy gives NumPy, torch gives torch, differentiable, on its
        device."""
        if isinstance(points, Tensor):
            x = _checked(points)
            center = torch.tensor(self.similarity.center, dtype=torch.float64, device=x.device)
            local = ((x.double() - center) * self.similarity.scale).float()
            module = self.field.to(x.device)
            dtype = x.dtype if x.is_floating_point() else torch.float32
            return (value(module, local) / self.similarity.scale).to(dtype)
        return self._normalised(self.similarity.apply(_checked(np.asarray(points)))) / self.similarity.scale

    def gradient(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Gradient of the distance (n, 3) at points (n, 3); its length is near 1 near the surface.

        Where torch points require a gradient, the answer is differentiable, too.
        """
        if isinstance(points, Tensor) and points.requires_grad and torch.is_grad_enabled():
            return torch.autograd.grad(self(points).sum(), points, create_graph=True)[0]
        given = points if isinstance(points, Tensor) else np.asarray(points)
        local = self.similarity.apply(_checked(given.detach().cpu().numpy() if isinstance(given, Tensor) else given))

        def slope(chunk: slice) -> np.ndarray:
            with torch.enable_grad():
                x = torch.tensor(local[chunk], dtype=torch.float32, requires_grad=True)
                return torch.autograd.grad(value(self.field, x).sum(), x)[0].double().numpy()

        self.field.cpu()
        with single_threaded():
            parts = parallel_map(slope, ranges(len(local), BATCH))
        result = np.concatenate(parts) if parts else np.zeros((0, 3))
        if not isinstance(points, Tensor):
            return result
        return torch.as_tensor(result).to(points.device, points.dtype if points.is_floating_point() else torch.float32)

    def normals(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Outward unit normals (n, 3) of the level set through each of points (n, 3)."""
        gradient = self.gradient(points)
        if isinstance(gradient, Tensor):
            return nn.functional.normalize(gradient, dim=-1)
        return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-30)

    def contains(self, points: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Whether each of points (n, 3) is inside: (n,) bool."""
        return self(points) < 0

    def project(self, points: np.ndarray) -> np.ndarray:
        """The feet (n, 3) of points (n, 3) on the surface, by Newton's steps along the gradient."""
        from isofield.api.projection import project

        return project(self, _checked(np.asarray(points)))

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """How far (n,) rays from origins (n, 3) along directions (n, 3) go to the surface, inf where they miss it.

        Sphere tracing (Hart 1996), in the user's units. Raises InputError for a direction without length.
        """
        from isofield.api.projection import cast

        return cast(self, origins, directions)

    def grid(self, resolution: int = 128) -> Samples:
        """The field on a regular grid over its box, `resolution` cells along the longest side; see `Samples`."""
        from isofield.api.projection import grid

        return grid(self, resolution)

    def __or__(self, other: SDF) -> SDF:
        """The union of two shapes."""
        from isofield.api.csg import combined

        return combined("union", self, other)

    def __and__(self, other: SDF) -> SDF:
        """The intersection of two shapes."""
        from isofield.api.csg import combined

        return combined("intersection", self, other)

    def __sub__(self, other: SDF) -> SDF:
        """This shape without the other."""
        from isofield.api.csg import combined

        return combined("difference", self, other)

    def offset(self, distance: float) -> SDF:
        """The shape grown by a distance in the user's units; shrunk, where that is negative."""
        from isofield.api.csg import offset

        return offset(self, distance)

    def shell(self, thickness: float) -> SDF:
        """A wall of this thickness (user's units) with the shape's surface in its middle."""
        from isofield.api.csg import shell

        return shell(self, thickness)

    def moved(self, matrix: np.ndarray) -> SDF:
        """The shape after a rigid motion (4, 4). Raises InputError for another matrix."""
        from isofield.api.csg import moved

        return moved(self, matrix)

    def mesh(self, resolution: int | None = None, level: float = 0.0, keep_all: bool = False) -> trimesh.Trimesh:
        """The closed surface where the distance is `level` (user's units); see `extract`."""
        return self.extract(resolution, level, keep_all).mesh

    def extract(self, resolution: int | None = None, level: float = 0.0, keep_all: bool = False) -> Extraction:
        """The closed surface where the distance is `level` (user's units), with figures.

        resolution: cells along the longest side of the box, by default the grid's own, or 256 for a network. keep_all:
        also components that no observed point is near. A level above 0 gets more cells of the same size. Raises
        InputError where there is no such surface.
        """
        if not isinstance(level, (int, float)) or not np.isfinite(level):
            raise InputError(f"level {level!r} is no distance: give a number, 0 for the surface itself.")
        least, most = RESOLUTIONS
        if resolution is not None and (
            not isinstance(resolution, (int, np.integer)) or not least <= resolution <= most
        ):
            raise InputError(
                f"resolution {resolution} is out of range: give {least} to {most} cells along the longest side."
            )
        lower, upper, cells = np.asarray(self.lower), np.asarray(self.upper), resolution or RESOLUTION
        grid = self.field.grid if isinstance(self.field, GridResidual) else self.field
        if resolution is None and isinstance(grid, SparseGrid):
            lower = grid.origin.double().cpu().numpy()
            upper = lower + np.array(grid.shape) * grid.side
            cells = max(grid.shape) * 2 ** (grid.levels - 1)
        asked = cells
        if level > 0:  # an offset surface leaves the box: add whole cells on every side
            cell = float((upper - lower).max()) / cells
            more = int(min(np.ceil(level * self.similarity.scale / cell), 1024))
            lower, upper, cells = lower - more * cell, upper + more * cell, cells + 2 * more
        if cells > 2 * most:  # the box of an offset surface has some more
            raise InputError(
                f"the surface at level {level:g} is too far out for {asked} cells along the shape's longest side: "
                "give a smaller level, or a lower resolution."
            )
        found = surfaces.extract(self._normalised, lower, upper, cells, level * self.similarity.scale)
        if len(found.mesh.faces) == 0:
            raise InputError(
                f"the field has no surface at level {level:g}: give a level between its least and greatest distance, "
                "near 0 for the surface itself."
            )
        mesh, dropped = found.mesh, 0
        if not keep_all:
            points, spacing = subsample(self.points, self.spacing)
            mesh, dropped = surfaces.keep_observed(mesh, self.similarity.apply(points), spacing * self.similarity.scale)
        mesh = trimesh.Trimesh(self.similarity.invert(mesh.vertices), mesh.faces, process=False)
        problems = list(surfaces.check(mesh).problems)
        if problems:
            mesh = surfaces.repair(mesh)
            problems = list(surfaces.check(mesh).problems)
        return Extraction(mesh, asked, found.evaluations, found.seconds, dropped, found.fallback, problems)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the field folder; `isofield.load` reads it. Raises InputError where it cannot be written."""
        from isofield.api.folder import save

        return save(self, Path(folder))

    def _normalised(self, points: np.ndarray) -> np.ndarray:
        """Distances (n,) float64 at normalised points (n, 3)."""
        self.field.cpu()

        def values(chunk: slice) -> np.ndarray:
            with torch.no_grad():
                x = torch.as_tensor(points[chunk], dtype=torch.float32)
                return value(self.field, x).double().numpy()

        with single_threaded():
            parts = parallel_map(values, ranges(len(points), BATCH))
        return np.concatenate(parts) if parts else np.zeros(0)


def _checked(points: Points) -> Points:
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"points have shape {tuple(points.shape)}, not (n, 3): give one row of x, y, z a point.")
    return points
