"""The exact signed distance to the faces of a mesh: Baerentzen and Aanaes, "Signed distance computation using the angle
weighted pseudonormal", 2005; where that is not certain, the generalized winding number (Jacobson et al. 2013).

    f(x) = s(x) |x - c(x)|,   c(x) the point of the faces closest to x, s(x) = -1 inside

Nothing is descended on: the code is the field. Holes of solid parts get membranes. Walls between parts that overlap,
and within parts that cross themselves, are removed by an exact union (manifold3d), or by cutting the faces
(`solids.arrangement`), where all parts are closed; otherwise they count as surfaces. An open mesh keeps its faces as
they are: sheets have outside on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isofield import configs
from isofield.fields.array_triangles import ArrayTriangles
from isofield.solids.borders import capped
from isofield.solids.solid_parts import Solids, sort, volume
from isofield.solids.union import outer, uncrossed
from isofield.types import FitProgress, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TrianglesMethod:
    """The faces of one shape; the code is the field."""

    config: configs.Triangles

    def field(self, code: ArrayTriangles) -> nn.Module:
        """The field as a module."""
        from isofield.fields.triangles import Triangles

        return Triangles.of(code)

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[ArrayTriangles]]:
        """Sorts the faces into solid parts and sheets."""
        observed = shapes[0].observed
        if observed.triangles is None:
            raise ValueError("no triangles: the field is made of the faces of a mesh")
        corners = observed.triangles.reshape(-1, 3)
        yield FitProgress("sorting the faces", 0.0)
        solids = sort(corners, np.arange(len(corners)).reshape(-1, 3))
        solids = solids if observed.open else union(capped(solids))
        thickness = self.config.thickness * float(np.linalg.norm(np.ptp(corners, axis=0)))
        yield FitProgress("sorting the faces", 1.0, field_of(solids, thickness, observed.open), noise=0.0)


def union(solids: Solids) -> Solids:
    """The solids without walls between parts that overlap; those with walls of cavities are joined only where parts
    cross."""
    count = int(solids.part.max(initial=-1)) + 1
    if count > 1 and all(volume(solids.vertices, solids.solid[solids.part == k]) > 0 for k in range(count)):
        solids = capped(outer(solids, 0.0)[0])
    return uncrossed(solids)


def field_of(solids: Solids, thickness: float, sheets: bool = False) -> ArrayTriangles:
    """The field of solid parts and of sheets with a thickness (0 leaves them out, unless `sheets` are to stay as they
    are), over the vertices that they use."""
    sheet = solids.sheet if thickness > 0 or sheets else solids.sheet[:0]
    used, faces = np.unique(np.concatenate([solids.solid, sheet]), return_inverse=True)
    faces = faces.reshape(-1, 3)
    count = len(solids.solid)
    return ArrayTriangles(solids.vertices[used], faces[:count], solids.part, faces[count:], thickness)
