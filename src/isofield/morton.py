"""Queries in Morton order: a spatial tree answers them several times faster."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BITS = 10
"""Bits per axis."""


def morton_order(points: np.ndarray) -> np.ndarray:
    """The order (n,) of points (n, 3) along a Morton curve (Morton 1966) through their box, of 2^10 cells a side."""
    axes = np.ascontiguousarray(points.T)  # (3, n): long rows are several times faster than short ones
    axes = axes - axes.min(1, keepdims=True)
    axes *= (2**BITS - 1) / np.maximum(axes.max(1, keepdims=True), 1e-300)
    cell = axes.astype(np.uint32)
    for shift, mask in ((16, 0x030000FF), (8, 0x0300F00F), (4, 0x030C30C3), (2, 0x09249249)):
        cell |= cell << np.uint32(shift)  # in the end two zeros between the bits
        cell &= np.uint32(mask)
    key = (cell[0] | (cell[1] << np.uint32(1)) | (cell[2] << np.uint32(2))).astype(np.uint64)
    bits = np.uint64(max(len(points) - 1, 1).bit_length())
    key <<= bits
    key |= np.arange(len(points), dtype=np.uint64)
    key.sort()  # sorting is several times faster than argsort
    return (key & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)


def in_order(query: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> np.ndarray:
    """`query(points)`, evaluated in Morton order: points (n, 3) to rows (n, ...)."""
    if not len(points):
        return query(points)
    order = morton_order(points)
    ordered = query(np.take(points, order, axis=0))
    rows = np.empty_like(ordered)
    rows[order] = ordered
    return rows
