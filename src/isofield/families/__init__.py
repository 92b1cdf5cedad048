"""Closed shapes made by code, with parameters: for the demo, tests and benchmarks.

Every family is a function whose parameters have defaults. It returns a `trimesh.Trimesh` that is watertight, with
outward faces, y up, no inner walls, and a size of about 1 to 5 units; the same parameters give the same mesh.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from isofield.families.frames import chain, coil, gear, knot, lattice
from isofield.families.sculpted import sculpture
from isofield.families.shells import cup, gyroid, plate, propeller

if TYPE_CHECKING:
    import trimesh

FAMILIES: dict[str, Callable[..., trimesh.Trimesh]] = {
    family.__name__: family for family in (sculpture, plate, cup, propeller, gyroid, lattice, knot, chain, coil, gear)
}
"""Every family by its name."""

__all__ = [
    "FAMILIES",
    "chain",
    "coil",
    "cup",
    "gear",
    "gyroid",
    "knot",
    "lattice",
    "plate",
    "propeller",
    "sculpture",
]
