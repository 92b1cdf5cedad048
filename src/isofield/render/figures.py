"""Several shapes in one picture, for example a scan beside its mesh."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.files import atomic_write
from isofield.render.camera import Camera
from isofield.render.pictures import camera_for, picture
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

INK, PALE = (52, 58, 66), (128, 134, 142)


def side_by_side(
    points: Cloud | np.ndarray | trimesh.Trimesh,
    mesh: trimesh.Trimesh,
    path: str | os.PathLike[str],
    *,
    captions: tuple[str, str] = ("scan", "isofield"),
    size: tuple[int, int] = (800, 800),
    view: tuple[float, float] | Camera | None = None,
) -> np.ndarray:
    """Write a picture of a scan and, to its right, a mesh from the same camera; returns it, (h, w, 3) uint8.

    points: a cloud, an array (n, 3) or a mesh, in the units of `mesh`, which alone decides the frame. captions: a line
    below each half, above the counts. size: of each half without captions. view: as in `picture`. Raises InputError for
    an unknown format, OutputError where the system refuses.
    """
    if not isinstance(view, Camera):
        view = camera_for(mesh if len(mesh.faces) else points, size=size, view=view)
    notes = [f"{_count(points):,} points".replace(",", " "), f"{len(mesh.faces):,} triangles".replace(",", " ")]
    panels = [Panel(shape, *words) for shape, *words in zip((points, mesh), captions, notes, strict=True)]
    return sheet(panels, path, view=view, columns=2)


@dataclass(frozen=True)
class Panel:
    """A shape with a caption and a smaller note below it."""

    shape: Cloud | np.ndarray | trimesh.Trimesh
    caption: str
    note: str = ""


def sheet(
    panels: Sequence[Panel], path: str | os.PathLike[str], *, view: Camera, columns: int, up: str = "y"
) -> np.ndarray:
    """Write a picture of shapes in rows of `columns`, all from one camera; returns it, (h, w, 3) uint8.

    Raises InputError for an unknown format, OutputError where the system refuses.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height = view.width, view.height
    foot, rows = max(24, height // 10), -(-len(panels) // columns)
    pictures = [picture(panel.shape, view=view, up=up) for panel in panels]
    image = Image.new("RGB", (columns * width, rows * (height + foot)), tuple(int(c) for c in pictures[0][-1, 0]))
    draw = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(size=max(10, 0.36 * foot)), ImageFont.load_default(size=max(8, 0.25 * foot))
    for k, (panel, one) in enumerate(zip(panels, pictures, strict=True)):
        left, top = k % columns * width, k // columns * (height + foot)
        image.paste(Image.fromarray(one), (left, top))
        middle = left + 0.5 * width
        draw.text((middle, top + height + 0.22 * foot), plain(panel.caption), fill=INK, font=large, anchor="mm")
        draw.text((middle, top + height + 0.64 * foot), plain(panel.note), fill=PALE, font=small, anchor="mm")
    save(drawn := np.asarray(image), path)
    return drawn


def plain(text: str) -> str:
    """Text in the letters of Pillow's own font, which are those of ASCII: names keep their letters without accents, and
    other signs become question marks."""
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(c for c in letters if not unicodedata.combining(c)).encode("ascii", "replace").decode()


def save(image: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write a picture (h, w, 3) uint8 in the format of the name's extension. Raises InputError for an unknown one."""
    from PIL import Image

    kind = Image.registered_extensions().get(Path(path).suffix.lower())
    if kind is None:
        raise InputError(f"the picture {path} cannot be written in this format: end its name in .png.")
    with atomic_write(path) as beside:
        Image.fromarray(image).save(beside, kind)


def _count(points: Cloud | np.ndarray | trimesh.Trimesh) -> int:
    if isinstance(points, Cloud):
        return len(points.points)
    return len(points) if isinstance(points, np.ndarray) else len(points.vertices)
