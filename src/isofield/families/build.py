"""What the families share: tubes along curves, and the way from manifold3d's solids to meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError

if TYPE_CHECKING:
    import trimesh
    from manifold3d import Manifold


def to_mesh(solid: Manifold) -> trimesh.Trimesh:
    """The surface of a solid that was built with z up, turned so that y is up; float64 vertices, outward faces.

    Raises InputError where the parameters left no solid.
    """
    import trimesh

    if solid.is_empty() or solid.status().name != "NoError":
        raise InputError("These parameters of the family leave no solid: go back toward the defaults.")
    arrays = solid.to_mesh64()
    x, y, z = np.array(arrays.vert_properties[:, :3], np.float64).T
    return trimesh.Trimesh(np.stack([x, z, -y], axis=1), np.array(arrays.tri_verts, np.int64), process=False)


def facing(solid: Manifold) -> Manifold:
    """A solid whose front is at +x and which has z up, turned so that `to_mesh` has its front at -z, as ShapeNet's."""
    return solid.rotate((0, 0, 90))


def positive(**sizes: float) -> None:
    """Raises InputError where a parameter of a family, given by its name, is not above 0."""
    for name, size in sizes.items():
        if not size > 0:
            raise InputError(f"The family's parameter {name} is {size}: it has to be above 0.")


def largest(solid: Manifold) -> Manifold:
    """The component with the most volume: booleans of curved sheets leave crumbs."""
    return max(solid.decompose(), key=lambda piece: piece.volume(), default=solid)


def union(parts: list[Manifold]) -> Manifold:
    """One solid out of overlapping ones."""
    from manifold3d import Manifold, OpType

    return Manifold.batch_boolean(parts, OpType.Add)


def tube(path: np.ndarray, radius: float, *, closed: bool = False, sides: int = 32) -> Manifold:
    """A round tube along a polyline (n, 3), with flat ends unless `closed`; the curve's own radius exceeds the tube's.

    The ring of points is carried along without twist (Wang et al. 2008, Computation of rotation minimizing frames); on
    a closed path what is left at the end is spread over the whole.
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
