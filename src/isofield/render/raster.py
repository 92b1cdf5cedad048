"""Rasterisation: a z-buffer by scanlines, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from isofield.render.camera import Camera, Orthographic

CHUNK = 2_000_000
"""Pixels (and rows of triangles) that are processed at once: about 200 MB."""


@dataclass(frozen=True)
class Buffers:
    """The visible triangles of a mesh.

    face: (height, width) index of the nearest triangle at the pixel's centre, or -1. depth: (height, width) there,
    along the camera's axis, or infinite.
    """

    face: Int[np.ndarray, "h w"]
    depth: Float[np.ndarray, "h w"]


def rasterize(vertices: np.ndarray, faces: np.ndarray, camera: Camera | Orthographic) -> Buffers:
    """The nearest triangle at every pixel's centre; triangles are visible from both sides.

    vertices: (v, 3). faces: (f, 3). Neighbours meet without gap or overlap (half-open spans from one formula for both).
    A triangle that reaches behind the camera is left out.
    """
    width, height = camera.width, camera.height
    pixels, depth = camera.project(vertices)
    faces = np.asarray(faces)
    front = depth > 0
    keep = np.flatnonzero(front[faces[:, 0]] & front[faces[:, 1]] & front[faces[:, 2]])
    best = np.full(height * width, -1, np.int64)
    if len(keep) == 0:
        return Buffers(best.reshape(height, width), np.full((height, width), np.inf))
    corners = np.ascontiguousarray(faces[keep].T)
    x, y = pixels[:, 0][corners], pixels[:, 1][corners]  # (3, t)
    value = camera.nearness(depth[corners])
    low, high = value.min(), value.max()
    quantum = (high - low) / (2**31 - 2) or 1.0
    first = np.clip(np.ceil(y.min(axis=0) - 0.5), 0, height).astype(np.int64)
    rows = np.maximum(np.clip(np.ceil(y.max(axis=0) - 0.5), 0, height).astype(np.int64) - first, 0)
    rows[(x.max(axis=0) < 0) | (x.min(axis=0) > width)] = 0
    drawn = np.flatnonzero(rows)  # small triangles often cover no pixel's centre
    keep, first, rows = keep[drawn], first[drawn], rows[drawn]
    x, y, value = x[:, drawn], y[:, drawn], value[:, drawn]
    plane = _plane(x, y, value)
    edges = [_edge(x, y, i, j) for i, j in ((0, 1), (1, 2), (2, 0))]
    for part in _chunks(rows):
        triangle, step = _expand(rows[part])
        triangle += part.start
        row = first[triangle] + step
        left, right = _spans(edges, triangle, row + 0.5)
        start = np.clip(np.ceil(left - 0.5), 0, width).astype(np.int64)
        count = np.maximum(np.clip(np.ceil(right - 0.5), 0, width).astype(np.int64) - start, 0)
        for piece in _chunks(count):
            span, offset = _expand(count[piece])
            span += piece.start
            t, r = triangle[span], row[span]
            c = start[span] + offset
            near = _nearness(plane, t, r, c)
            # The maximum is the nearest: high bits hold the quantised nearness, low bits the index, first of equals.
            key = (((near - low) / quantum).astype(np.int64) << 32) | (2**32 - 1 - t)
            np.maximum.at(best, r * width + c, key)

    seen = np.flatnonzero(best >= 0)
    t = 2**32 - 1 - (best[seen] & (2**32 - 1))
    face = np.full(height * width, -1, np.int64)
    face[seen] = keep[t]
    z = np.full(height * width, np.inf)
    z[seen] = camera.nearness(_nearness(plane, t, seen // width, seen % width))
    return Buffers(face.reshape(height, width), z.reshape(height, width))


def barycentric(vertices: np.ndarray, faces: np.ndarray, face: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Barycentric weights (n, 3) of points (n, 3) on the triangles face (n,); none negative, their sum 1."""
    a, b, c = (vertices[faces[face, k]] for k in range(3))
    u, v, p = b - a, c - a, points - a
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    pu, pv = (p * u).sum(1), (p * v).sum(1)
    area = np.maximum(uu * vv - uv * uv, 1e-300)
    second, third = (vv * pu - uv * pv) / area, (uu * pv - uv * pu) / area
    weights = np.clip(np.stack([1 - second - third, second, third], axis=1), 0, 1)
    return weights / weights.sum(axis=1, keepdims=True)


def _plane(x: np.ndarray, y: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, ...]:
    """Corner values (3, t) as planes over the picture: constant, change to the right, change down, minimum, maximum.

    Each is (t,). A triangle that is seen edge-on gets no slope.
    """
    x1, x2, y1, y2 = x[1] - x[0], x[2] - x[0], y[1] - y[0], y[2] - y[0]
    v1, v2 = value[1] - value[0], value[2] - value[0]
    area = x1 * y2 - x2 * y1
    scale = np.where(np.abs(area) > 1e-12, 1 / np.where(area == 0, 1, area), 0)
    right, down = (v1 * y2 - v2 * y1) * scale, (v2 * x1 - v1 * x2) * scale
    return value[0] - right * x[0] - down * y[0], right, down, value.min(axis=0), value.max(axis=0)


def _nearness(plane: tuple[np.ndarray, ...], t: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Nearness (n,) of triangles t (n,) at the centres of pixels, clipped to the triangle's range."""
    constant, right, down, least, most = plane
    value = constant[t] + right[t] * (column + 0.5) + down[t] * (row + 0.5)
    return np.minimum(np.maximum(value, least[t]), most[t])


def _edge(x: np.ndarray, y: np.ndarray, i: int, j: int) -> tuple[np.ndarray, ...]:
    """The y of both ends, x at y = 0, and x per y, of the edges (t,) between corners i and j.

    Computed from the upper end, so that both neighbours of an edge get the same numbers.
    """
    down = (y[i] < y[j]) | ((y[i] == y[j]) & (x[i] <= x[j]))
    xa, xb = np.where(down, x[i], x[j]), np.where(down, x[j], x[i])
    ya, yb = np.where(down, y[i], y[j]), np.where(down, y[j], y[i])
    slope = (xb - xa) / np.where(yb > ya, yb - ya, 1)
    return ya, yb, xa - ya * slope, slope


def _spans(edges: list[tuple[np.ndarray, ...]], t: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The left and right ends, in pixels, of triangles t (n,) on the horizontal lines `level` (n,)."""
    left, right = np.full(len(t), np.inf), np.full(len(t), -np.inf)
    for upper, lower, constant, slope in edges:
        crosses = (upper[t] <= level) & (level < lower[t])
        at = constant[t] + slope[t] * level
        np.minimum(left, at, out=left, where=crosses)
        np.maximum(right, at, out=right, where=crosses)
    none = left > right
    left[none], right[none] = 0, 0
    return left, right


def _expand(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of the sum(counts) items: the index of its owner, and its index within the owner."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]


def _chunks(counts: np.ndarray) -> Iterator[slice]:
    """Slices of `counts` (n,) with about CHUNK items each."""
    total = np.cumsum(counts)
    if len(total) == 0 or total[-1] == 0:
        return
    cuts = np.searchsorted(total, np.arange(CHUNK, total[-1], CHUNK), side="right")
    cuts = np.unique(np.concatenate([[0], cuts, [len(counts)]]))
    for start, stop in pairwise(cuts):
        yield slice(int(start), int(stop))
