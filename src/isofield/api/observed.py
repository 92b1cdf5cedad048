"""What a method gets to know of the one shape that is fitted, in its normalised space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import trimesh

from isofield import io
from isofield.api.inputs import cleaned, on_surfaces
from isofield.configs.common import Quality, Surface
from isofield.points import Openness, openness, spacing
from isofield.solids.triangles import indexed
from isofield.topology import areas
from isofield.types import Cloud, Observation, Similarity, View, normalization

MARGIN, EXACT_MARGIN = 0.1, 0.03
"""Room around the surface, as a fraction of its longest side: of a field that was fitted, and of an exact one."""


@dataclass(frozen=True, eq=False)
class Observed:
    """An observation, and what is stored of it beside the field.

    similarity: from the user's units to the normalised space. cloud: whose colours and attributes belong to the points
    of the observation. outliers: (k, 3) points that were left out, in the user's units. surface: open or closed, and
    why. spacing: of the points. lower, upper: (3,) box of the surface. margin: room around it. All lengths but those of
    the outliers are normalised.
    """

    observation: Observation
    similarity: Similarity
    cloud: Cloud
    outliers: np.ndarray
    surface: Openness
    spacing: float
    lower: np.ndarray
    upper: np.ndarray
    margin: float


def of_faces(triangles: np.ndarray, similarity: Similarity, cloud: Cloud, surface: Openness) -> Observed:
    """Faces, (m, 3, 3) normalised, points on them in the user's units, and whether they enclose a volume."""
    observation = Observation(
        similarity.apply(cloud.points), cloud.normals, 0.0, triangles, oriented=True, open=surface.open
    )
    corners = triangles.reshape(-1, 3)
    low, high = corners.min(0), corners.max(0)
    apart = float(np.sqrt(areas(*indexed(triangles)).sum() / len(cloud.points)))
    return Observed(
        observation, similarity, cloud, np.empty((0, 3)), surface, apart, low, high,
        EXACT_MARGIN * float((high - low).max()),
    )  # fmt: skip


def of_points(
    cloud: Cloud, name: str, quality: Quality, *, mesh: trimesh.Trimesh | None, views: Sequence[View],
    noise: float | None, surface: Surface, trusted: bool,
) -> Observed:  # fmt: skip
    """Points in the user's units, cleaned and normalised; warns as `cleaned` does.

    mesh: whose faces they were drawn from, or None. views: the depth images that they come from, if any. noise: as a
    fraction of the diagonal, None to estimate it. trusted: the orientation of the normals that came is right.
    """
    # Whatever the unit, distances are taken where they neither overflow nor vanish; outliers do not set the scale.
    first = normalization(cloud.points)
    mapped = _mapped(cloud, first)
    clean, outliers = cleaned(mapped, name, quality)
    similarity, points, sensors = _normalised(clean, first)
    shown = Openness(surface == "open", "as asked")
    if surface == "auto":
        scanned = mapped.points if len(points) + len(outliers) < len(mapped.points) else None
        shown = openness(points, sensors, scanned=scanned)
        if shown.scattered:
            clean, loose = on_surfaces(clean, name)
            outliers = np.concatenate([outliers, loose])
            similarity, points, sensors = _normalised(clean, first)
            shown = openness(points, sensors, scanned=scanned)
    measured = views or io.rays_of(cloud)
    free = io.free_of(measured, similarity) if measured else None
    faces = None if mesh is None else similarity.apply(np.asarray(mesh.triangles))
    low, high = points.min(0), points.max(0)
    deviation = None if noise is None else noise * float(np.linalg.norm(high - low))
    kept = trusted and clean.normals is not None
    observation = Observation(points, clean.normals, deviation, faces, free, sensors, kept, shown.open, shown.seen)
    return Observed(
        observation, similarity, clean, first.invert(outliers), shown, spacing(points), low, high,
        MARGIN * float((high - low).max()),
    )  # fmt: skip


def _mapped(cloud: Cloud, similarity: Similarity) -> Cloud:
    """The cloud in the space that the similarity leads to."""
    sensors = None if cloud.sensors is None else similarity.apply(cloud.sensors)
    return replace(cloud, points=similarity.apply(cloud.points), sensors=sensors)


def _normalised(cloud: Cloud, first: Similarity) -> tuple[Similarity, np.ndarray, np.ndarray | None]:
    """The similarity from the user's units to the normalised space of a cloud, which `first` has mapped, and in that
    space the points (n, 3) and sensors (n, 3)."""
    similarity = _after(first, normalization(cloud.points))
    sensors = None if cloud.sensors is None else similarity.apply(first.invert(cloud.sensors))
    return similarity, similarity.apply(first.invert(cloud.points)), sensors


def _after(first: Similarity, second: Similarity) -> Similarity:
    """The similarity that applies `first`, then `second`."""
    x, y, z = (np.asarray(first.center) + np.asarray(second.center) / first.scale).tolist()
    return Similarity((x, y, z), first.scale * second.scale)
