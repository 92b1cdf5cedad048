"""The topology of a mesh: components, genus, whether it is watertight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from isofield.topology import distinct, edges_of, parts, proper


@dataclass(frozen=True)
class Topology:
    """A mesh with identical vertices merged, and its topology.

    vertices: (n, 3), faces: (m, 3): that mesh, without collapsed faces. components: number of connected parts.
    watertight: every edge belongs to exactly two faces. oriented: watertight, and the two faces run through each edge
    in opposite directions. genus: the handles of all components together, C - (V - E + F) / 2; None for a mesh that is
    not oriented, or whose components touch in single vertices so that the formula does not hold.
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
    # The two neighbours of a face that has a vertex twice share its remaining edge.
    vertices, faces = np.asarray(mesh.vertices, np.float64)[first], proper(inverse[np.asarray(mesh.faces)])
    edges = edges_of(faces)
    count = int(parts(faces).max(initial=-1)) + 1
    watertight = len(faces) > 0 and bool((edges.count == 2).all())
    oriented = watertight and not edges.balance().any()
    genus = None
    if oriented:
        twice = 2 * count - len(np.unique(faces)) + len(edges.ends) - len(faces)
        genus = twice // 2 if twice >= 0 and twice % 2 == 0 else None
    return Topology(vertices, faces, count, watertight, oriented, genus)
