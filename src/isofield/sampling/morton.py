"""Queries in an order in which neighbours follow each other: trees then answer them several times faster."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BITS = 10
"""Of each axis."""


def morton_order(points: np.ndarray) -> np.ndarray:
    """The order (n,) of points (n, 3) along a Morton curve (Morton 1966) through their box, of 2^10 cells a side."""
    low, high = points.min(0), points.max(0)
    cell = ((points - low) * ((2**BITS - 1) / np.maximum(high - low, 1e-300))).astype(np.uint64)
    for shift, mask in ((16, 0x030000FF), (8, 0x0300F00F), (4, 0x030C30C3), (2, 0x09249249)):
        cell = (cell | (cell << np.uint64(shift))) & np.uint64(mask)  # two zeros between the bits
    return np.argsort(cell[:, 0] | (cell[:, 1] << np.uint64(1)) | (cell[:, 2] << np.uint64(2)), kind="stable")


def in_order(ask: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> np.ndarray:
    """`ask(points)`, asked in Morton order: points (n, 3) to rows (n, ...)."""
    if not len(points):
        return ask(points)
    order = morton_order(points)
    found = ask(np.ascontiguousarray(points[order]))
    rows = np.empty_like(found)
    rows[order] = found
    return rows
