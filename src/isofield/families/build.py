"""Functions shared by the families: tubes along curves, and meshes of manifold3d's solids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError

if TYPE_CHECKING:
    import trimesh
    from manifold3d import Manifold


def to_mesh(solid: Manifold) -> trimesh.Trimesh:
    """The surface of a solid with z up, rotated so that y is up; float64 vertices, outward faces.

    Raises InputError for an empty solid.
    """
    import trimesh

    if solid.is_empty() or solid.status().name != "NoError":
        raise InputError("These parameters of the family give an empty solid: choose values nearer to the defaults.")
    arrays = solid.to_mesh64()
    x, y, z = np.array(arrays.vert_properties[:, :3], np.float64).T
    return trimesh.Trimesh(np.stack([x, z, -y], axis=1), np.array(arrays.tri_verts, np.int64), process=False)


def facing(solid: Manifold) -> Manifold:
    """A solid with its front at +x and z up, rotated so that `to_mesh` puts the front at -z, as in ShapeNet."""
    return solid.rotate((0, 0, 90))


def positive(**sizes: float) -> None:
    """Raises InputError for a named parameter that is not above 0."""
    for name, size in sizes.items():
        if not size > 0:
            raise InputError(f"The family's parameter {name} must be above 0, not {size:g}.")


def largest(solid: Manifold) -> Manifold:
    """The component with the largest volume: booleans of curved sheets leave small fragments."""
    return max(solid.decompose(), key=lambda piece: piece.volume(), default=solid)


def union(parts: list[Manifold]) -> Manifold:
    """The union of solids."""
    from manifold3d import Manifold, OpType

    return Manifold.batch_boolean(parts, OpType.Add)


def tube(path: np.ndarray, radius: float, *, closed: bool = False, sides: int = 32) -> Manifold:
    """A round tube along a polyline (n, 3), with flat ends unless `closed`; its curvature radius must exceed `radius`.

    The ring of points moves along without twist (Wang et al. 2008, Computation of rotation minimizing frames); on a
    closed path, the remaining angle at the end is distributed evenly.
    """
    from manifold3d import Manifold, Mesh64

    path = np.asarray(path, np.float64)
    count = len(path)
    tangent = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0) if closed else np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.zeros_like(path)
    first = np.eye(3)[np.argmin(np.abs(tangent[0]))]
    normal[0] = _unit(first - tangent[0] * (first @ tangent[0]))
    for i in range(1, count):
        normal[i] = _unit(normal[i - 1] - tangent[i] * (normal[i - 1] @ tangent[i]))
    if closed:
        back = _unit(normal[-1] - tangent[0] * (normal[-1] @ tangent[0]))
        left = np.arctan2(np.cross(normal[0], back) @ tangent[0], normal[0] @ back)
        turn = -left * np.arange(count) / count
    else:
        turn = np.zeros(count)
    binormal = np.cross(tangent, normal)
    angle = turn[:, None] + 2 * np.pi * np.arange(sides) / sides
    ring = np.cos(angle)[..., None] * normal[:, None] + np.sin(angle)[..., None] * binormal[:, None]
    vertices = (path[:, None] + radius * ring).reshape(-1, 3)

    rows = np.arange(count if closed else count - 1)
    a = (rows[:, None] * sides + np.arange(sides)).ravel()
    b = (rows[:, None] * sides + (np.arange(sides) + 1) % sides).ravel()
    wrap = count * sides
    c, d = (a + sides) % wrap, (b + sides) % wrap
    faces = [np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)]
    if not closed:
        turn_around = np.stack([np.arange(sides), (np.arange(sides) + 1) % sides], axis=1)
        last = (count - 1) * sides
        faces.append(np.insert(turn_around[:, ::-1], 0, len(vertices), axis=1))
        faces.append(np.insert(turn_around + last, 0, len(vertices) + 1, axis=1))
        vertices = np.concatenate([vertices, path[[0, -1]]])
    return Manifold(Mesh64(vertices, np.concatenate(faces).astype(np.uint64)))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
