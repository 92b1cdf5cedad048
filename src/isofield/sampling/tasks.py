"""Samples that a network adapts to, its context, and others that its result is judged on, the query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isofield.configs import Tasks
from isofield.sampling.balanced import balanced
from isofield.sampling.unsigned_rows import window
from isofield.types import SdfSamples, Shape

NEAR = 0.005
"""A sample this near to the surface counts as a point of it."""
KEPT = 2**25
"""Most numbers in the codes that a space keeps."""


def observed(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """The samples of a shape: points (n, d) and signed distances (n,), or colours (n, c)."""
    if shape.samples is not None:
        return shape.samples.points, shape.samples.distance
    if "plane" in shape.rows:
        return shape.rows["plane"][:, :2], shape.rows["plane"][:, 2]
    return shape.rows["image"][:, :2], shape.rows["image"][:, 2:]


def surface_points(shape: Shape) -> np.ndarray:
    """Points (n, d) on the surface of a shape: samples of it, or those of its distances that are near 0."""
    for kind in ("surface", "contour"):
        if kind in shape.rows:
            return shape.rows[kind][:, : 2 if kind == "contour" else 3]
    points, value = observed(shape)
    return points[np.abs(value) < NEAR]


def drawn(
    shape: Shape, context: int, query: int, random: np.random.Generator, *, surface: bool = False, inside: bool = False
) -> dict[str, np.ndarray]:
    """A context: "context" (context, d) with "context_value" (context,) or (context, c), and likewise a "query" where
    that is not 0. Where a shape has too few rows for both, they share these out. Rows repeat within each where it has
    too few, as often as each other or once more: the mean of a loss is that over the rows, as a mask would give it, but
    for the remainder.

    surface: the context are points on the surface, with values of 0. inside: half of the samples are inside.
    """
    if not surface:
        if query and len(observed(shape)[0]) < context + query:
            (x, s), (y, t) = (
                _samples(part, count, inside, random)
                for part, count in zip(_shared_out(shape, context, query, random), (context, query), strict=True)
            )
            return {"context": x, "context_value": s, "query": y, "query_value": t}
        points, value = _samples(shape, context + query, inside, random)
        parts = {"context": points[:context], "context_value": value[:context]}
        return parts | ({"query": points[context:], "query_value": value[context:]} if query else {})
    points = window(surface_points(shape), context, random)
    parts = {"context": points, "context_value": np.zeros(len(points), np.float32)}
    return parts | (
        dict(zip(("query", "query_value"), _samples(shape, query, inside, random), strict=True)) if query else {}
    )


def anywhere(context: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As many points as a context (n, d) has, uniform in the cube from -1 to 1."""
    return random.uniform(-1, 1, context.shape).astype(np.float32)


def note_of(shape: Shape, tasks: Tasks) -> str:
    """What to say where a shape has fewer samples than a code was learned to be inferred from; "" where it has not."""
    few = len(surface_points(shape) if tasks.context_from == "surface" else observed(shape)[0]) < tasks.context
    said = f"fewer samples than the {tasks.context} that the space learned to infer a code from"
    return f"{said}: that its field agrees with them says little" if few else ""


def _shared_out(shape: Shape, context: int, query: int, random: np.random.Generator) -> tuple[Shape, Shape]:
    """Two shapes that share the samples of one out, as the counts of a context and a query are to each other; each gets
    one at least, where there are two."""
    points, value = observed(shape)
    order, number = random.permutation(len(points)), round(len(points) * context / (context + query))
    number = min(max(number, 1), max(len(points) - 1, 1))
    rows = order[:number], order[number:] if len(order) > 1 else order
    if shape.samples is not None:
        first, last = (Shape(samples=SdfSamples(points[some], value[some])) for some in rows)
    else:
        kind = "plane" if "plane" in shape.rows else "image"
        first, last = (Shape(rows={kind: shape.rows[kind][some]}) for some in rows)
    return first, last


def _samples(shape: Shape, count: int, inside: bool, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """`count` samples in random order."""
    points, value = observed(shape)
    if inside and shape.samples is not None and 0 < np.mean(value[:count] < 0) < 1:
        some, order = balanced(shape.samples, count, random), random.permutation(count)
        return some["points"][order], some["distance"][order]
    taken = window(np.arange(len(points)), count, random).astype(int)
    return np.asarray(points[taken], np.float32), np.asarray(value[taken], np.float32)


def with_kept_codes(shapes: Sequence[Shape], length: int) -> Sequence[Shape]:
    """The training shapes whose codes a space keeps: the first ones, as many as have codes of this length in `KEPT`
    numbers, at least one."""
    return shapes[: max(KEPT // length, 1)]
