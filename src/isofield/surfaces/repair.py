"""Repair of a mesh: degenerate and duplicate faces are removed, non-manifold edges and vertices are split."""

from __future__ import annotations

import igl
import numpy as np
import trimesh

from isofield import topology
from isofield.solids.slivers import compact, without_slivers

APART = 2e-5
"""Copies of a split vertex move this fraction of the way to the mean of their neighbours."""
ROUNDS = 10


def repair(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """A new mesh with at most two faces at each edge and one fan of faces around each vertex.

    Faces that use a vertex twice are removed, edges of length zero collapsed, faces of height zero flipped away where
    the surface stays manifold; of equal faces one is kept, opposite ones cancel. Where more than two faces share an
    edge, those around the same wedge of solid stay connected, and vertices are duplicated until each has a single fan
    (Gueziec et al., Cutting and stitching, 2001); the copies move apart by 2e-5 of an edge, so that readers that merge
    equal vertices keep them. A closed mesh stays closed; holes stay open. Inconsistent faces are reversed, and
    closed parts that face inward.
    """
    vertices, faces = np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int64)
    faces = topology.cancelled(topology.proper(faces))
    vertices, faces = without_slivers(vertices, faces)
    for _ in range(ROUNDS):
        if not len(faces):
            break
        edges = topology.edges_of(faces)
        pairs = _paired(vertices, faces, edges)
        vertices, faces = _split(vertices, faces, topology.fans(faces, pairs))
        if (topology.edges_of(faces).count <= 2).all():
            break
        vertices, faces = _halved(vertices, faces)
    vertices, faces = compact(vertices, faces)
    return trimesh.Trimesh(vertices, _outward(vertices, faces), process=False)


def _paired(vertices: np.ndarray, faces: np.ndarray, edges: topology.Edges) -> np.ndarray:
    """Half-edges (p, 2) that stay connected; at an edge with more faces, the two sides of each wedge of solid."""
    pairs = [edges.pairs()]
    for edge in np.flatnonzero(edges.count > 2):
        part = slice(edges.start[edge], edges.start[edge] + edges.count[edge])
        half, forward = edges.order[part], edges.forward[part]
        face, corner = half // 3, half % 3
        tail, head = faces[face, corner], faces[face, (corner + 1) % 3]
        axis = vertices[max(tail[0], head[0])] - vertices[min(tail[0], head[0])]
        spoke = vertices[faces[face, (corner + 2) % 3]] - vertices[min(tail[0], head[0])]
        spoke = spoke - np.outer(spoke @ axis, axis) / max(float(axis @ axis), 1e-300)
        across = np.cross(axis, spoke[0])
        angle = np.arctan2(spoke @ across / max(float(np.linalg.norm(axis)), 1e-300), spoke @ spoke[0])
        turn = np.argsort(angle, kind="stable")
        # With growing angle, a forward half-edge ends a wedge of solid, a backward one begins it.
        stack: list[int] = []
        loose: list[int] = []
        for one in turn.tolist():
            if not forward[one]:
                stack.append(one)
            elif stack:
                pairs.append(half[[stack.pop(), one]][None])
            else:
                loose.append(one)
        for one, two in zip(reversed(stack), loose, strict=False):
            pairs.append(half[[one, two]][None])
    return np.concatenate(pairs)


def _split(vertices: np.ndarray, faces: np.ndarray, fan: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One vertex for each fan; vertices with a single fan come first and keep their order."""
    corner = faces.ravel()
    count = int(fan.max()) + 1
    owner = np.empty(count, np.int64)
    owner[fan] = corner
    several = np.bincount(owner, minlength=len(vertices)) > 1
    if not several.any():
        return vertices, faces
    torn = np.flatnonzero(several[owner])
    index = owner.copy()
    index[torn] = len(vertices) + np.arange(len(torn))
    neighbours = vertices[np.roll(faces, -1, axis=1).ravel()] + vertices[np.roll(faces, -2, axis=1).ravel()]
    total = np.stack([np.bincount(fan, neighbours[:, axis], count) for axis in range(3)], axis=1)
    mean = total / (2.0 * np.bincount(fan, minlength=count)[:, None])
    home = vertices[owner[torn]]
    return compact(np.concatenate([vertices, home + APART * (mean[torn] - home)]), index[fan].reshape(-1, 3))


def _halved(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split each pair of faces at an edge with more than two faces at a midpoint of their own."""
    edges = topology.edges_of(faces)
    new_vertices: list[np.ndarray] = []
    new_faces: list[tuple[int, int, int]] = []
    busy: set[int] = set()
    for one, two in _paired(vertices, faces, edges)[int((edges.count == 2).sum()) :].tolist():
        if {one // 3, two // 3} & busy or one // 3 == two // 3:
            continue
        busy |= {one // 3, two // 3}
        rings = [np.roll(faces[half // 3], -(half % 3)) for half in (one, two)]  # tail, head, tip
        middle = vertices[rings[0][:2]].mean(axis=0)
        middle += APART * (vertices[[ring[2] for ring in rings]].mean(axis=0) - middle)
        name = len(vertices) + len(new_vertices)
        new_vertices.append(middle)
        for tail, head, tip in rings:
            new_faces += [(tail, name, tip), (name, head, tip)]
    keep = np.ones(len(faces), bool)
    keep[list(busy)] = False
    return np.concatenate([vertices, new_vertices]), np.concatenate([faces[keep], np.array(new_faces, np.int64)])


def _outward(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Reverse faces so that neighbours agree, then closed components that face inward and are not cavities."""
    if not len(faces):
        return faces
    edges = topology.edges_of(faces)
    if (edges.count <= 2).all() and edges.balance()[edges.count == 2].any():
        faces = np.asarray(igl.bfs_orient(faces)[0], np.int64)
    part = topology.parts(faces)
    volume = topology.volumes(vertices, faces, part)
    wrong = topology.misplaced(volume, *topology.boxes(vertices, faces, part))
    wrong[part[edges.order[edges.start[edges.count == 1]] // 3]] = False
    wrong = wrong[part]
    return np.where(wrong[:, None], faces[:, ::-1], faces) if wrong.any() else faces
