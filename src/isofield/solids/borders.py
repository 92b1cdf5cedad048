"""Borders of faces: holes that membranes close, and seams between patches that were not joined."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import igl
import numpy as np

from isofield.solids.solid_parts import Solids
from isofield.topology import components, edges_of

SEAM, SEAM_OF_EDGE = 1e-3, 0.25
"""A border lies on another face if that is nearer than this fraction of the diagonal, and of its own edge."""
BORDERS = 300
"""Random points of borders at which seams are looked for."""


def capped(solids: Solids, largest: float = np.inf) -> Solids:
    """The solids with a membrane over each hole of a solid part: one triangle, or a fan from the centre of its border;
    a missing triangle is restored exactly.

    Borders that meet in a vertex are several loops. Edges along which more faces run one way than the other are
    borders; with a `largest`, only those of an odd number of faces. Parts whose border is not made of loops keep it,
    and so do holes with a box whose longest side is above `largest`.
    """
    edges = edges_of(solids.solid)
    net = edges.balance()
    open_ = (net != 0) & ((edges.count % 2 == 1) | np.isinf(largest))
    odd = np.repeat(np.flatnonzero(open_), np.abs(net[open_]))
    if not len(odd):
        return solids
    face = edges.order[edges.start[odd]] // 3
    ends = np.where(net[odd, None] > 0, edges.ends[odd, ::-1], edges.ends[odd])  # of the membrane
    loop, following = _loops(ends)
    number = np.bincount(loop)
    closed = np.bincount(loop, following < 0) == 0
    if np.isfinite(largest):
        place = solids.vertices[ends[:, 0]]
        low, high = np.full((len(number), 3), np.inf), np.full((len(number), 3), -np.inf)
        np.minimum.at(low, loop, place)
        np.maximum.at(high, loop, place)
        closed &= (high - low).max(1) <= largest
    middle = np.stack([np.bincount(loop, solids.vertices[ends[:, 0], k]) for k in range(3)], 1) / number[:, None]
    three = number[loop] == 3
    tip = np.where(three, ends[following, 1], len(solids.vertices) + loop)
    chosen = closed[loop] & (~three | (ends[:, 0] < np.minimum(ends[:, 1], tip)))
    made = np.column_stack([ends, tip])[chosen]
    return replace(
        solids, vertices=np.concatenate([solids.vertices, middle]), solid=np.concatenate([solids.solid, made]),
        part=np.concatenate([solids.part, solids.part[face[chosen]]]),
    )  # fmt: skip


def _loops(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Simple loops of directed edges (e, 2): the loop of each, and the edge that follows it, -1 for edges of components
    that are not made of loops."""
    used, local = np.unique(ends, return_inverse=True)
    local = local.reshape(-1, 2)
    loop = components(len(used), *local.T)[local[:, 0]]
    out, back = (np.bincount(local[:, k], minlength=len(used)) for k in (0, 1))
    wrong = np.bincount(loop, (out != back)[local[:, 0]] | (out != back)[local[:, 1]]) > 0
    following = np.full(len(ends), -1)
    leaving: dict[int, list[int]] = defaultdict(list)
    for edge in np.flatnonzero(~wrong[loop]).tolist():
        leaving[int(local[edge, 0])].append(edge)
    count = len(wrong)
    fresh = np.ones(count, bool)
    for start in list(leaving):
        path: list[int] = []
        place = {start: 0}
        vertex = start
        while path or leaving[vertex]:
            path.append(leaving[vertex].pop())
            vertex = int(local[path[-1], 1])
            if vertex not in place:
                place[vertex] = len(path)
                continue
            cycle, path = path[place[vertex] :], path[: place[vertex]]
            following[cycle] = cycle[1:] + cycle[:1]
            for edge in cycle[1:]:
                del place[int(local[edge, 0])]
            if fresh[loop[cycle[0]]]:
                fresh[loop[cycle[0]]] = False
            else:
                loop[cycle] = count
                count += 1
    return loop, following


def closed_holes(vertices: np.ndarray, faces: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces (m, 3) of a mesh with membranes over its holes up to the size `largest`; see `capped`."""
    part = np.zeros(len(faces), np.int64)
    closed = capped(Solids(vertices, faces, faces[:0], part, 1, 0, 0, 0.0), largest)
    used, renumbered = np.unique(closed.solid, return_inverse=True)
    return closed.vertices[used], renumbered.reshape(-1, 3)


def seams(vertices: np.ndarray, faces: np.ndarray) -> float:
    """The fraction of the borders of faces (m, 3) that lies on other faces, which share no vertex with the edge there:
    between patches that belong together and were not joined. 0 without borders."""
    edges = edges_of(faces)
    ends = edges.ends[edges.count == 1]
    if not len(ends):
        return 0.0
    length = np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1)
    chosen = np.random.default_rng(0).choice(len(ends), BORDERS, p=length / length.sum())
    low, high = vertices[faces].min(1), vertices[faces].max(1)
    seam = SEAM * float(np.linalg.norm(high.max(0) - low.min(0)))
    found = 0
    for row in chosen:
        middle, reach = vertices[ends[row]].mean(0), min(seam, SEAM_OF_EDGE * length[row])
        near = faces[((low <= middle + reach) & (high >= middle - reach)).all(1)]
        near = np.ascontiguousarray(near[~np.isin(near, ends[row]).any(1)])
        if len(near):
            square = igl.point_mesh_squared_distance(np.ascontiguousarray(middle[None]), vertices, near)[0]
            found += float(np.ravel(square)[0]) < reach**2
    return found / len(chosen)
