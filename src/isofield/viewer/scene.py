"""What is drawn of a shape: the frame of the scene, colours."""

from __future__ import annotations

import numpy as np
import trimesh

from isofield import render
from isofield.errors import InputError
from isofield.io import vertices_of
from isofield.points import vertex_colors, vertex_scalars
from isofield.render import CLAY, SLATE
from isofield.render.camera import core
from isofield.render.colors import mixed, ramp
from isofield.rows import evenly
from isofield.surfaces import MOST_POINTS
from isofield.types import Cloud, Similarity, normalization

UNTRUSTED = (199, 82, 61)
"""Colour where nothing was observed nearby."""
RAYS = 500
"""Rays of a scan that are drawn, at most."""
PLAIN, OWN, HEIGHT, NORMALS = "plain", "own colours", "height", "normals"

Drawable = trimesh.Trimesh | Cloud


def frame_of(shape: Drawable) -> Similarity:
    """From the shape's units to the scene: centred, radius near 1; far outliers of a cloud do not count.

    Raises InputError where no point is finite.
    """
    every = _some(shape, MOST_POINTS)
    if not len(every):
        raise InputError("the shape has no finite point, so there is nothing to draw: give a shape that has some.")
    return normalization(core(every) if isinstance(shape, Cloud) else every)


def up_of(shape: Drawable, up: str | None = None) -> str:
    """The up axis: as given, else "z" where the shape clearly stands on its lower end along z, else "y"."""
    return up or render.up_axis(_some(shape, 20_000))


def _some(shape: Drawable, most: int) -> np.ndarray:
    """(n, 3): at most `most` of the finite points or vertices of a shape, evenly chosen."""
    every = vertices_of(shape)
    finite = np.flatnonzero(np.isfinite(every).all(1))
    return every[finite[:: len(finite) // most + 1]]


def described(shape: Drawable) -> str:
    """Counts and size of a shape, one line."""
    every = vertices_of(shape)
    finite = np.isfinite(every).all(1)
    size = np.ptp(every if finite.all() else every[finite], axis=0) if len(every) else np.zeros(3)
    counts = f"{len(every):,} points" if isinstance(shape, Cloud) else f"{len(shape.faces):,} faces"
    return f"{counts}, {' x '.join(f'{side:.4g}' for side in size)}".replace(",", " ", counts.count(","))


def colorings(shape: Drawable) -> list[str]:
    """The ways to colour a shape; the first one is the default."""
    named = list(shape.attributes if isinstance(shape, Cloud) else vertex_scalars(shape))
    own = [OWN] if (shape.colors if isinstance(shape, Cloud) else vertex_colors(shape)) is not None else []
    normals = [NORMALS] if isinstance(shape, Cloud) and shape.normals is not None else []
    return [*own, *([HEIGHT, PLAIN] if isinstance(shape, Cloud) else [PLAIN, HEIGHT]), *normals, *named]


def colors_of(shape: Drawable, name: str, up: str = "y") -> np.ndarray:
    """(n, 3) uint8 sRGB of the vertices or points, or (3,) for all of them, by one of `colorings`."""
    if name == PLAIN:
        return np.array(SLATE if isinstance(shape, Cloud) else CLAY, np.uint8)
    if name == OWN:
        own = shape.colors if isinstance(shape, Cloud) else vertex_colors(shape)
        assert own is not None
        return own[:, :3]
    if name == HEIGHT:
        return ramp(vertices_of(shape)[:, "xyz".index(up)])
    if name == NORMALS and isinstance(shape, Cloud) and shape.normals is not None:
        return np.rint(127.5 * (shape.normals + 1)).astype(np.uint8)
    scalars = shape.attributes if isinstance(shape, Cloud) else vertex_scalars(shape)
    return ramp(np.asarray(scalars[name], np.float64))


def of_confidence(confidence: np.ndarray) -> np.ndarray:
    """(n, 3) uint8: clay where the confidence (n,) is 1, red where it is 0."""
    return mixed(np.clip(confidence, 0, 1), np.array([UNTRUSTED, CLAY]))


def rays_of(cloud: Cloud, most: int = RAYS) -> np.ndarray:
    """(m, 2, 3): the sensor and the point of at most `most` measurements, evenly chosen; none where none is known."""
    if cloud.sensors is None:
        return np.zeros((0, 2, 3))
    known = np.flatnonzero(np.isfinite(cloud.sensors).all(1) & np.isfinite(cloud.points).all(1))
    some = known[evenly(len(known), most)]
    return np.stack([cloud.sensors[some], cloud.points[some]], 1)


def picture_plane(picture: np.ndarray) -> trimesh.Trimesh:
    """A picture (h, w, 3) uint8 as a plane at z = 0 with a coloured vertex at each pixel's centre, x to the right and
    y up; its longer side spans -1 to 1."""
    height, width = picture.shape[:2]
    rows, columns = (index.ravel() for index in np.indices((height, width)))
    side = max(height, width)
    places = np.stack([2 * columns + 1 - width, height - 1 - 2 * rows, np.zeros(len(rows))], 1) / side
    return trimesh.Trimesh(places, grid_faces(height, width), process=False, vertex_colors=picture.reshape(-1, 3))


def grid_faces(height: int, width: int) -> np.ndarray:
    """(f, 3) faces of a grid of vertices in rows of `width`."""
    index = np.arange(height * width).reshape(height, width)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
