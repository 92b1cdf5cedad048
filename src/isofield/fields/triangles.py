"""The exact signed distance to the triangles of a mesh."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn

from isofield.solids.signed_distance import closest_surface, wall_thickness
from isofield.solids.solid_parts import Solids


@final
class Triangles(nn.Module):
    """The signed distance of the union of solid parts and of sheets that are thickened; see `solids.signed_distance`.

        f(x) = min(s(x) d_solid(x), d_sheet(x) - thickness / 2),   grad f(x) = (x - closest(x)) / f(x)

    vertices: (n, 3) float64, normalised. solid: (m, 3) faces wound outward, part: (m,) the part of each. sheet: (k, 3).
    Distances are computed in float64 on the CPU, by a tree of boxes. The second derivative counts as zero, as it is
    beside a flat face. Raises ValueError where nothing encloses a volume, and for faces that name no vertex.
    """

    kind: ClassVar[str] = "triangles"
    cube_only: ClassVar[bool] = False
    vertices: Tensor
    solid: Tensor
    part: Tensor
    sheet: Tensor

    def __init__(
        self, vertices: np.ndarray, solid: np.ndarray, part: np.ndarray, sheet: np.ndarray, thickness: float = 0.0
    ) -> None:
        super().__init__()
        if not len(solid) and not (len(sheet) and thickness > 0):
            raise ValueError("nothing encloses a volume")
        faces = np.concatenate([solid, sheet])
        if len(part) != len(solid) or faces.min() < 0 or faces.max() >= len(vertices):
            raise ValueError("the faces do not match the vertices")
        self.thickness = float(thickness)
        self.register_buffer("vertices", torch.tensor(np.asarray(vertices), dtype=torch.float64))
        for name, values in (("solid", solid), ("part", part), ("sheet", sheet)):
            self.register_buffer(name, torch.tensor(np.asarray(values), dtype=torch.int64))
        self._built: Callable[[np.ndarray], np.ndarray] | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Without the tree, which a copy builds again."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_built", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._built, self._lock = None, threading.Lock()

    def config(self) -> dict[str, Any]:
        """The thickness of sheets; vertices and faces are tensors."""
        return {"thickness": self.thickness}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Triangles:
        """The field of `config()` and its tensors; see `fields.serialization.Storable`."""
        vertices, solid, part, sheet = (state[name].numpy() for name in ("vertices", "solid", "part", "sheet"))
        return cls(vertices, solid, part, sheet, float(config["thickness"]))

    def closest(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Signed distances (n,) at x (n, 3), the closest points of the surface (n, 3), and its normals there (n, 3);
        all float64."""
        with self._lock:
            if self._built is None:
                held = (self.vertices, self.solid, self.sheet, self.part)
                vertices, solid, sheet, part = (one.cpu().numpy() for one in held)
                self._built = closest_surface(Solids(vertices, solid, sheet, part, 0, 0, 0, 0.0), self.thickness)
            rows = self._built(x)
        return rows[:, 0], rows[:, 1:4], rows[:, 4:]

    @property
    def thinnest(self) -> float:
        """The thickness of its thin walls; see `solids.signed_distance.wall_thickness`. Slabs count, too."""
        solid = wall_thickness(self.vertices.cpu().numpy(), self.solid.cpu().numpy()) if len(self.solid) else np.inf
        return min(solid, self.thickness) if len(self.sheet) else solid

    def value_and_slope(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distances (n,) at x (n, 3), and their gradients (n, 3): on the surface its normals."""
        value, point, normal = self.closest(x)
        away = np.abs(value)[:, None]
        return value, np.where(away > 1e-12, (x - point) / np.where(value == 0, 1, value)[:, None], normal)

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3), differentiable in x."""
        value, slope = (torch.from_numpy(one).to(x) for one in self.value_and_slope(x.detach().double().cpu().numpy()))
        return value + ((x - x.detach()) * slope).sum(1) if x.requires_grad else value
