"""Properties of a mesh or a cloud: the content of `isofield info`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import trimesh

from isofield.errors import InputError
from isofield.io.reading import METADATA, shape_of
from isofield.points import vertex_colors
from isofield.points.validation import check_cloud, check_faces
from isofield.topology import Edges, components, degenerate, distinct, edges_of, parts, proper
from isofield.types import Cloud

MANIFOLD = 0.001
"""Up to this fraction of edges with three faces, or two of opposite orientation, a surface is not a soup."""
OPEN = 0.01
"""Up to this fraction of border edges, a surface is a mesh with holes."""
SCANNED = (5000, 4.0)
"""Open surfaces are a scan if they have at least this many points and a uniform density: 95 % of the edges are at most
this many times as long as their median. Modelled surfaces have long edges where they are flat."""

NEIGHBOURHOOD = 32
"""The noise of fewer points is not estimated."""

Kind = Literal["mesh", "soup", "scan", "cloud"]


@dataclass(frozen=True)
class Info:
    """Properties of a shape. Lengths are in its own units; None: not defined for a cloud.

    kind: 'mesh' (a surface, closed or with holes), 'scan' (open surfaces, as scanners give them), 'soup' (triangles
    that do not make a surface) or 'cloud'. points: vertices or points. bounds: lowest and highest corner of the finite
    points, and diagonal: the distance between them. holes: loops of border edges. components: connected parts.
    repeated_points: points equal to an earlier one. spacing: median distance of different points to their nearest
    neighbour, where several returns of one laser pulse count as one. noise: estimated standard deviation of points off
    their surface, for clouds and scans. method: suggested for `fit`, and reason: why.
    """

    name: str
    kind: Kind
    points: int
    faces: int
    normals: bool
    colors: bool
    sensors: bool
    bounds: tuple[tuple[float, float, float], tuple[float, float, float]] | None
    diagonal: float | None
    watertight: bool | None
    consistent: bool | None
    holes: int | None
    components: int | None
    nonmanifold_edges: int | None
    duplicate_faces: int | None
    degenerate_faces: int | None
    repeated_points: int
    unused_points: int
    nonfinite_points: int
    spacing: float | None
    noise: float | None
    method: str
    reason: str


def inspect(source: Any, name: str | None = None) -> Info:
    """The properties of a file, a mesh, a cloud or an array of points (n, 3); name: of the shape, for messages.

    Takes seconds for a million points or faces: spacing and noise are estimated from 20 000 points. Raises InputError
    for anything else.
    """
    given, shape = shape_of(source)
    name, cloud = name or given, isinstance(shape, Cloud)
    points = np.asarray(shape.points if isinstance(shape, Cloud) else shape.vertices, np.float64)
    finite = np.isfinite(points).all(axis=1)
    first, _ = distinct(points[finite])
    different = points[finite][first]
    changed = {} if isinstance(shape, Cloud) else shape.metadata.get(METADATA, {})
    bounds, diagonal = None, None
    if len(different):
        low, high = different.min(axis=0), different.max(axis=0)
        bounds = (_corner(low), _corner(high))
        diagonal = float(np.linalg.norm(high / 2 - low / 2) * 2)
    faces = np.empty((0, 3), np.int64) if isinstance(shape, Cloud) else np.asarray(shape.faces, np.int64)
    met = edges_of(faces)
    kind = "cloud" if cloud or not len(faces) else _kind(met, points, faces)
    alone = _without_twins(different) if kind == "cloud" else different
    normals = isinstance(shape, Cloud) and shape.normals is not None
    problem = _unfit(shape, name)
    method, reason = ("none", problem) if problem else _method(kind, met, normals)
    colors = shape.colors is not None if isinstance(shape, Cloud) else vertex_colors(shape) is not None
    surface = kind != "cloud"
    return Info(
        name=name,
        kind=kind,
        points=len(points),
        faces=len(faces),
        normals=normals,
        colors=colors,
        sensors=isinstance(shape, Cloud) and shape.sensors is not None,
        bounds=bounds,
        diagonal=diagonal,
        watertight=bool((met.count == 2).all()) if surface else None,
        consistent=not (_inconsistent(met).any() or (met.count > 2).any()) if surface else None,
        holes=_loops(met) if surface else None,
        components=_parts(faces) if surface else None,
        nonmanifold_edges=int(np.count_nonzero(met.count > 2)) if surface else None,
        duplicate_faces=_duplicates(faces) if surface else None,
        degenerate_faces=int(np.count_nonzero(degenerate(points, faces))) if surface else None,
        repeated_points=int(np.count_nonzero(finite)) - len(first) + changed.get("merged", 0),
        unused_points=changed.get("unused", 0),
        nonfinite_points=int(np.count_nonzero(~finite)),
        spacing=_spacing(alone),
        noise=_noise(alone) if kind in ("cloud", "scan") else None,
        method=method,
        reason=reason,
    )


def describe(info: Info) -> list[tuple[str, str]]:
    """`Info` as lines for people: pairs of a label and a text, without what is None."""
    lines = [("kind", info.kind), ("points", f"{info.points}{_with(info)}")]
    if info.faces:
        lines.append(("faces", str(info.faces)))
    if info.bounds is not None and info.diagonal is not None:
        low, high = (" ".join(f"{x:.6g}" for x in corner) for corner in info.bounds)
        lines += [("bounds", f"{low} to {high}"), ("diagonal", f"{info.diagonal:.6g}")]
    if info.kind != "cloud":
        lines += [
            ("watertight", "yes" if info.watertight else "no"),
            ("consistently wound", "yes" if info.consistent else "no"),
            ("holes", str(info.holes)),
            ("components", str(info.components)),
            ("edges of 3 or more faces", str(info.nonmanifold_edges)),
            ("duplicate faces", str(info.duplicate_faces)),
            ("degenerate faces", str(info.degenerate_faces)),
        ]
    lines.append(("repeated points", str(info.repeated_points)))
    if info.unused_points:
        lines.append(("unused points", str(info.unused_points)))
    lines.append(("non-finite points", str(info.nonfinite_points)))
    for label, length in (("spacing", info.spacing), ("noise (estimated)", info.noise)):
        if length is not None:
            part = f" ({100 * length / info.diagonal:.2g} % of the diagonal)" if info.diagonal else ""
            lines.append((label, f"{length:.3g}{part}"))
    return [*lines, ("suggested method", f"{info.method}: {info.reason}")]


def _with(info: Info) -> str:
    named = (("normals", info.normals), ("colours", info.colors), ("positions of the sensors", info.sensors))
    parts = [word for word, there in named if there]
    return f" with {' and '.join(filter(None, [', '.join(parts[:-1]), parts[-1]]))}" if parts else ""


def _corner(point: np.ndarray) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])


def _kind(met: Edges, points: np.ndarray, faces: np.ndarray) -> Kind:
    """The kind of a mesh by its edges: those of a soup are non-manifold, or its parts are not connected."""
    total = max(len(met.count), 1)
    if np.count_nonzero(met.count > 2) > MANIFOLD * total or np.count_nonzero(_inconsistent(met)) > MANIFOLD * total:
        return "soup"
    border = np.count_nonzero(met.count == 1) / total
    if border <= OPEN:
        return "mesh"
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.linalg.norm(points[met.ends[:, 0]] - points[met.ends[:, 1]], axis=1)
    even = np.nanquantile(length, 0.95) <= SCANNED[1] * np.nanmedian(length)
    if len(points) >= SCANNED[0] and even and border < 0.5:
        return "scan"
    return "mesh" if _parts(faces) == 1 else "soup"


def _parts(faces: np.ndarray) -> int:
    """Connected parts of a mesh."""
    return int(parts(proper(faces)).max(initial=-1)) + 1


def _loops(met: Edges) -> int:
    """Loops of border edges."""
    used, ends = np.unique(met.ends[met.count == 1], return_inverse=True)
    return int(components(len(used), *ends.reshape(-1, 2).T).max(initial=-1)) + 1


def _inconsistent(met: Edges) -> np.ndarray:
    """(e,) bool: edges of two faces of opposite orientation."""
    return (met.count == 2) & (met.balance() != 0)


def _duplicates(faces: np.ndarray) -> int:
    """Number of faces that have the corners of an earlier face, in any order."""
    return len(faces) - len(distinct(np.sort(faces, axis=1).astype(np.float64))[0])


def _without_twins(points: np.ndarray) -> np.ndarray:
    """The points with the means of several returns of one pulse, as `fit` takes them."""
    from isofield.points import merge_twins

    if len(points) < NEIGHBOURHOOD:
        return points
    low, scale = points.min(axis=0), float(np.ptp(points, axis=0).max())
    return merge_twins(Cloud((points - low) / scale)).points * scale + low


def _spacing(points: np.ndarray) -> float | None:
    """Median distance of different points to their nearest neighbour."""
    if len(points) < 2:
        return None
    from isofield.points import spacing

    points, scale = _unit(points)
    return spacing(points) * scale


def _noise(points: np.ndarray) -> float | None:
    """Standard deviation of the points off their surface, in their units."""
    if len(points) < NEIGHBOURHOOD:
        return None
    from isofield.points import noise_level

    points, scale = _unit(points)
    return float(noise_level(points)) * scale


def _unit(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Points relative to the centre of their box, in units of its longest side, and that side: squares stay finite."""
    low, high = points.min(axis=0), points.max(axis=0)
    points = points - (low / 2 + high / 2)
    scale = float(np.abs(points).max()) * 2
    return (points / scale, scale) if scale > 0 else (points, 1.0)


def _unfit(shape: trimesh.Trimesh | Cloud, name: str) -> str:
    """The error of `fit` for a shape that cannot be fitted, or nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_cloud(shape, name) if isinstance(shape, Cloud) else check_faces(shape, name)
    except InputError as error:
        return str(error)
    return ""


def _method(kind: Kind, met: Edges, normals: bool) -> tuple[str, str]:
    """The suggested method, and why."""
    if kind == "cloud":
        return "auto", "it checks the orientation of the normals first" if normals else "it orients the points first"
    if kind == "mesh" and (met.count == 2).all():
        return "auto", "the surface is closed: its faces are taken as they are"
    if kind == "mesh":
        return "auto", "it closes the holes of a solid, and leaves a sheet open"
    if kind == "scan":
        return "auto", "it fuses the layers and closes the gaps"
    return "auto", "the triangles are sampled, in any orientation"
