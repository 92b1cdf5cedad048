"""Checks of a mesh: closed, manifold, outward, without degenerate faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from isofield import topology
from isofield.stopwatch import stage


@dataclass(frozen=True)
class Check:
    """Counts of a mesh and its defects.

    components: connected by vertices. open_edges: with one face. crowded_edges: with more than two faces.
    pinched_vertices: shared by several fans of faces. unlike_edges: between faces of opposite winding.
    inward_components: that face inward and are not cavities. degenerate_faces: without area.
    """

    faces: int
    components: int
    open_edges: int
    crowded_edges: int
    pinched_vertices: int
    unlike_edges: int
    inward_components: int
    degenerate_faces: int

    @property
    def closed(self) -> bool:
        """Every edge has two faces."""
        return self.faces > 0 and self.open_edges == 0

    @property
    def flaws(self) -> list[str]:
        """One short string for each kind of defect that makes an open surface invalid, too."""
        return _texts(
            (self.faces == 0, "no faces"),
            (self.crowded_edges, f"{self.crowded_edges} edges have more than two faces"),
            (self.pinched_vertices, f"{self.pinched_vertices} vertices join several surfaces"),
            (self.unlike_edges, f"{self.unlike_edges} edges lie between faces of opposite winding"),
            (self.degenerate_faces, f"{self.degenerate_faces} faces have no area"),
        )

    @property
    def problems(self) -> list[str]:
        """One short string for each kind of defect; empty for a closed manifold."""
        return self.flaws + _texts(
            (self.open_edges, f"open: {self.open_edges} edges have one face only"),
            (self.inward_components, f"{self.inward_components} components face inward"),
        )


def _texts(*defects: tuple[int, str]) -> list[str]:
    """One short string for each of these defects whose count is not 0."""
    return [text for count, text in defects if count]


@stage("checking")
def check(mesh: trimesh.Trimesh) -> Check:
    """Count the defects of a mesh; a second or two for a million faces.

    Vertices at equal positions with different indices are different vertices.
    """
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    if not len(faces):
        return Check(0, 0, 0, 0, 0, 0, 0, 0)
    edges = topology.edges_of(faces)
    fan = topology.fans(faces, edges.pairs())
    owner = np.empty(fan.max() + 1, np.int64)
    owner[fan] = faces.ravel()
    part = topology.parts(faces)
    volume = topology.volumes(vertices, faces, part)
    return Check(
        faces=len(faces),
        components=int(part.max()) + 1,
        open_edges=int((edges.count % 2 == 1).sum()),
        crowded_edges=int((edges.count > 2).sum()),
        pinched_vertices=int((np.bincount(owner) > 1).sum()),
        unlike_edges=int(((edges.balance() != 0) & (edges.count % 2 == 0)).sum()),
        inward_components=int(topology.misplaced(volume, *topology.boxes(vertices, faces, part)).sum()),
        degenerate_faces=int(topology.degenerate(vertices, faces).sum()),
    )
