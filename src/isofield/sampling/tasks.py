"""Samples that a network adapts to, its context, and others that tell how well it did, the query."""

from __future__ import annotations

import numpy as np

from isofield.sampling.balanced import balanced
from isofield.types import Shape


def observed(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """The samples of a shape: points (n, d) and signed distances (n,), or colours (n, c)."""
    if shape.samples is not None:
        return shape.samples.points, shape.samples.distance
    if "plane" in shape.rows:
        return shape.rows["plane"][:, :2], shape.rows["plane"][:, 2]
    return shape.rows["image"][:, :2], shape.rows["image"][:, 2:]


def drawn(shape: Shape, context: int, query: int, inside: bool, random: np.random.Generator) -> dict[str, np.ndarray]:
    """ "context" (context, d) with "context_value" (context,) or (context, c), and likewise "query" where that is not 0;
    they share no rows. inside: half of the samples are inside. Rows repeat where a shape has too few."""
    count = context + query
    points, value = observed(shape)
    if inside and shape.samples is not None and 0 < np.mean(value[:count] < 0) < 1:
        some = balanced(shape.samples, count, random)
        order = random.permutation(count)
        points, value = some["points"][order], some["distance"][order]
    else:
        start = int(random.integers(max(len(points) - count, 0) + 1))
        taken = np.resize(np.arange(start, min(start + count, len(points))), count)
        points, value = (np.asarray(some[taken], np.float32) for some in (points, value))
    parts = {"context": points[:context], "context_value": value[:context]}
    return parts | ({"query": points[context:], "query_value": value[context:]} if query else {})
