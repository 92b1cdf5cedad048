"""A scan beside its result, in one picture file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.render.camera import Camera
from isofield.render.pictures import camera_for, picture
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh
    from PIL import Image

INK, PALE = (52, 58, 66), (128, 134, 142)


def side_by_side(
    points: Cloud | np.ndarray | trimesh.Trimesh,
    mesh: trimesh.Trimesh,
    path: str | os.PathLike[str],
    *,
    captions: tuple[str, str] = ("scan", "isofield"),
    notes: tuple[str, str] | None = None,
    size: tuple[int, int] = (800, 800),
    view: tuple[float, float] | Camera | None = None,
    up: str = "y",
) -> np.ndarray:
    """Writes a PNG with the scan left and the result right, from one camera; gives it back, (h, w, 3) uint8.

    points: a cloud, an array (n, 3) or a mesh, in the units of `mesh`; the mesh sets the frame, so outliers do not.
    captions, notes: a line below each half, and a smaller one under it, by default the counts. size: of each half,
    without the captions. view, up: as in `picture`. Raises InputError where the file cannot be written.
    """
    from PIL import Image, ImageDraw, ImageFont

    path = Path(path)
    if not isinstance(view, Camera):
        view = camera_for(mesh if len(mesh.faces) else points, size=size, view=view, up=up)
    width, height = view.width, view.height
    if notes is None:
        left = f"{_count(points):,} points".replace(",", " ")
        notes = (left, f"{len(mesh.faces):,} triangles".replace(",", " "))
    halves = [picture(points, view=view, up=up), picture(mesh, view=view, up=up)]
    foot = max(24, height // 10)
    sheet = Image.new("RGB", (2 * width, height + foot), tuple(int(c) for c in halves[0][-1, 0]))
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(size=max(10, 0.36 * foot)), ImageFont.load_default(size=max(8, 0.25 * foot))
    for k, half in enumerate(halves):
        sheet.paste(Image.fromarray(half), (k * width, 0))
        middle = (k + 0.5) * width
        draw.text((middle, height + 0.22 * foot), captions[k], fill=INK, font=large, anchor="mm")
        draw.text((middle, height + 0.64 * foot), notes[k], fill=PALE, font=small, anchor="mm")
    _save(sheet, path)
    return np.asarray(sheet)


def save(image: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Writes a picture (h, w, 3) uint8 as PNG or whatever the name's extension says; InputError where it cannot be."""
    from PIL import Image

    _save(Image.fromarray(image), Path(path))


def _save(image: Image.Image, path: Path) -> None:
    """Beside its name first, then moved into place."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        image.save(partial)
        os.replace(partial, path)
    except (OSError, ValueError) as error:
        partial.unlink(missing_ok=True)
        raise InputError(
            f"The picture {path} cannot be written ({error}): give a name that ends in .png, in a folder of yours."
        ) from error


def _count(points: Cloud | np.ndarray | trimesh.Trimesh) -> int:
    if isinstance(points, Cloud):
        return len(points.points)
    return len(points) if isinstance(points, np.ndarray) else len(points.vertices)
