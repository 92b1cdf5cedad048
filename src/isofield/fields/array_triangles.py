"""The exact signed distance to the triangles of a mesh, as arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from isofield.topology import edges_of


@dataclass(frozen=True, eq=False)
class ArrayTriangles:
    """The signed distance of the union of solid parts and of sheets; see `solids.signed_distance`.

        f(x) = min(s(x) d_solid(x), d_sheet(x) - thickness / 2),   grad f(x) = (x - closest(x)) / f(x)

    vertices: (n, 3) float64, normalised. solid: (m, 3) faces wound outward, part: (m,) the part of each. sheet: (k, 3).
    Distances are computed in float64 by a tree of boxes. `fields.triangles.Triangles` is the same field for torch.
    Raises ValueError where there are no faces, and for faces that name no vertex.
    """

    kind: ClassVar[str] = "triangles"
    stored_as: ClassVar[str] = "Triangles"
    vertices: np.ndarray
    solid: np.ndarray
    part: np.ndarray
    sheet: np.ndarray
    thickness: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.solid) and not len(self.sheet):
            raise ValueError("there are no faces")
        faces = np.concatenate([self.solid, self.sheet])
        if len(self.part) != len(self.solid) or faces.min() < 0 or faces.max() >= len(self.vertices):
            raise ValueError("the faces do not match the vertices")

    def __getstate__(self) -> dict[str, Any]:
        """Without the tree, which a copy builds again."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_tree", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    @classmethod
    def stored(cls, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> ArrayTriangles:
        """The field of `config()` and `named_arrays()`. Raises KeyError or ValueError where they do not match."""
        solid, part, sheet = (np.asarray(arrays[name], np.int64) for name in ("solid", "part", "sheet"))
        return cls(np.asarray(arrays["vertices"], np.float64), solid, part, sheet, float(config["thickness"]))

    def config(self) -> dict[str, Any]:
        """The thickness of sheets."""
        return {"thickness": self.thickness}

    def named_arrays(self) -> dict[str, np.ndarray]:
        """Vertices and faces by name."""
        return {"vertices": self.vertices, "solid": self.solid, "part": self.part, "sheet": self.sheet}

    @cached_property
    def _tree(self) -> Callable[[np.ndarray], np.ndarray]:
        from isofield.solids.signed_distance import closest_surface  # loads what fits of points do not need
        from isofield.solids.solid_parts import Solids

        return closest_surface(Solids(self.vertices, self.solid, self.sheet, self.part, 0, 0, 0, 0.0), self.thickness)

    def closest(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Signed distances (n,) at x (n, 3), the closest points of the surface (n, 3), and its normals there (n, 3);
        all float64."""
        with self._lock:
            rows = self._tree(x)
        return rows[:, 0], rows[:, 1:4], rows[:, 4:]

    def own(self, open_: bool) -> np.ndarray | None:
        """The faces (m, 3) as they are, where they are the whole surface: of an open mesh (`open_`), or of closed solid
        parts, whose sides are right even where some of their faces cross; None otherwise."""
        faces = np.concatenate([self.solid, self.sheet])
        if open_:
            return faces
        if (self.thickness > 0 and len(self.sheet)) or (edges_of(faces).count % 2).any():
            return None
        from isofield.solids.arrangement import overlapping

        return None if overlapping(self.vertices, self.solid) else faces

    def distances(self, x: np.ndarray) -> np.ndarray:
        """Signed distances (n,) float64 at x (n, 3)."""
        return self.closest(x)[0]

    @property
    def thinnest(self) -> float:
        """The thickness of its thin walls; see `solids.signed_distance.wall_thickness`. Slabs count, too."""
        from isofield.solids.signed_distance import wall_thickness

        solid = wall_thickness(self.vertices, self.solid) if len(self.solid) else np.inf
        return min(solid, self.thickness) if len(self.sheet) and self.thickness > 0 else solid

    def value_and_slope(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distances (n,) at x (n, 3), and their gradients (n, 3): on the surface its normals."""
        value, point, normal = self.closest(x)
        away = np.abs(value)[:, None]
        return value, np.where(away > 1e-12, (x - point) / np.where(value == 0, 1, value)[:, None], normal)
