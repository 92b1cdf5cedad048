"""Topology of a mesh: components, genus, watertight or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from isofield.topology import distinct, edges, parts


@dataclass(frozen=True)
class Topology:
    """A mesh with identical vertices merged, and its topology.

    vertices: (n, 3), faces: (m, 3): that mesh, without collapsed faces. components: its connected parts. watertight:
    every edge belongs to exactly two faces. oriented: watertight, and the two faces run through each edge in opposite
    directions. genus: the handles of all components together, C - (V - E + F) / 2; None where the mesh is not
    oriented, or where components touch in single vertices and the formula does not hold.
    """

    vertices: np.ndarray
    faces: np.ndarray
    components: int
    watertight: bool
    oriented: bool
    genus: int | None


def topology(mesh: trimesh.Trimesh) -> Topology:
    """The topology of a mesh."""
    first, inverse = distinct(mesh.vertices)
    vertices, faces = np.asarray(mesh.vertices, np.float64)[first], inverse[np.asarray(mesh.faces)]
    # A face that has a vertex twice has no area, and its two neighbours share the remaining edge.
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    found = edges(faces, len(vertices))
    components = parts(found.ends, len(vertices))
    watertight = len(faces) > 0 and bool((found.faces == 2).all())
    oriented = watertight and bool((found.turns == 0).all())
    genus = None
    if oriented:
        twice = 2 * components - len(np.unique(faces)) + len(found.ends) - len(faces)
        genus = twice // 2 if twice >= 0 and twice % 2 == 0 else None
    return Topology(vertices, faces, components, watertight, oriented, genus)
