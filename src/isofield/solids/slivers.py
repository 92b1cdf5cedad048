"""Removal of short edges and of faces without area from a mesh; a closed mesh stays closed."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from isofield.topology import degenerate

ROUNDS = 20
SHORT = 1e-12
"""Edges up to this fraction of the extent count as having no length."""
MOST = 0.5
"""At most this fraction of the faces of a mesh are slivers."""
CHUNK = 262_144


def collapsed(vertices: np.ndarray, faces: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Collapse edges shorter than `length` (units of the vertices) where the mesh stays manifold.

    vertices (v, 3), faces (f, 3); the vertex of an edge with the larger index moves onto the other. An edge is
    collapsed only if the common neighbours of its ends are exactly the two vertices opposite to it (the link condition,
    Dey et al. 1999), and only one edge of a neighbourhood at a time, so the surface keeps its topology. Unused vertices
    are dropped.
    """
    if not len(faces):
        return vertices, faces
    moved = False
    for _ in range(ROUNDS):
        edges = short_edges(vertices, faces, length)
        chosen = _safe(len(vertices), faces, edges)
        if not len(chosen):
            break
        target = np.arange(len(vertices))
        target[chosen[:, 1]] = chosen[:, 0]
        faces = target[faces]
        faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
        moved = True
    return compact(vertices, faces) if moved else (vertices, faces)


def without_slivers(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces (m, 3) of the same surface without faces of area zero, where it stays manifold: edges without
    length are collapsed, and the longest edges of faces without height are flipped, unless the new edge exists. Unused
    vertices may be dropped. A mesh with more such faces than `MOST` stays as it is."""
    flat = degenerate(vertices, faces)
    if not flat.any() or flat.mean() > MOST:
        return vertices, faces
    extent = float(np.ptp(vertices[faces].reshape(-1, 3), axis=0).max())
    vertices, faces = collapsed(vertices, faces, SHORT * extent)
    faces = faces.copy()
    for _ in range(ROUNDS):
        left = np.flatnonzero(degenerate(vertices, faces))
        if not len(left) or not _flip(vertices, faces, left):
            break
    return vertices, faces


def _flip(vertices: np.ndarray, faces: np.ndarray, flat: np.ndarray) -> int:
    """Flips the longest edges of the faces `flat` (k,), in place, each face at most once; returns how many."""
    beside = faces[np.isin(faces, faces[flat]).any(axis=1)]
    near = np.flatnonzero(np.isin(faces, beside).any(axis=1))
    around: dict[int, set[int]] = defaultdict(set)
    for face, ring in zip(near.tolist(), faces[near].tolist(), strict=True):
        for vertex in ring:
            around[vertex].add(face)
    changed: set[int] = set()
    for face in flat.tolist():
        corners = faces[face]
        lengths = np.linalg.norm(vertices[corners] - vertices[np.roll(corners, -1)], axis=1)
        a, b, apex = np.roll(corners, -int(lengths.argmax())).tolist()
        others = (around[a] & around[b]) - {face}
        if len(others) != 1 or others & changed or face in changed:
            continue
        other = others.pop()
        ring = faces[other].tolist()
        far = (set(ring) - {a, b}).pop()
        # The new edge must not exist yet, and the two faces must have the same winding.
        if any(far in faces[one] for one in around[apex]) or ring[(ring.index(a) + 1) % 3] == b:
            continue
        faces[face], faces[other] = (a, far, apex), (far, b, apex)
        around[b].discard(face)
        around[far].add(face)
        around[a].discard(other)
        around[apex].add(other)
        changed |= {face, other}
    return len(changed)


def compact(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop the vertices that no face uses; the others keep their order."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    return vertices[used], (np.cumsum(used) - 1)[faces]


def short_edges(vertices: np.ndarray, faces: np.ndarray, length: float) -> np.ndarray:
    """Edges (e, 2) of at most `length`, each once, smaller index first, sorted."""
    parts = [np.empty((0, 2), np.int64)]
    for start in range(0, len(faces), CHUNK):
        part = faces[start : start + CHUNK]
        for a, b in ((0, 1), (1, 2), (2, 0)):
            offset = vertices[part[:, a]] - vertices[part[:, b]]
            short = np.einsum("ij,ij->i", offset, offset) <= length * length
            parts.append(part[short][:, [a, b]])
    edges = np.concatenate(parts)
    return np.unique(np.sort(edges, axis=1), axis=0) if len(edges) else edges


def _safe(count: int, faces: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The edges (k, 2) that can be collapsed together: they meet the link condition and have no common neighbours."""
    if not len(edges):
        return edges
    involved = np.zeros(count, bool)
    involved[edges] = True
    near = faces[involved[faces].any(axis=1)]
    ring: dict[int, set[int]] = {int(v): set() for v in np.unique(edges)}
    for face in near.tolist():
        for corner in face:
            if corner in ring:
                ring[corner].update(face)
    taken: set[int] = set()
    chosen = []
    for a, b in edges.tolist():
        both = ring[a] | ring[b]
        # A tetrahedron meets the link condition, but would vanish.
        if len(ring[a] & ring[b]) == 4 and len(both) > 4 and taken.isdisjoint(both):
            chosen.append((a, b))
            taken |= both
    return np.array(chosen, np.int64).reshape(-1, 2)
