"""What a page is made of, without a word of HTML."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import trimesh

from isofield import io
from isofield.errors import InputError
from isofield.files import inside
from isofield.render import Panel, up_axis
from isofield.render.linked_views import data_of
from isofield.surfaces import reduced
from isofield.types import Cloud

FACES = 360_000
"""Faces and points of all shapes of a page, about: 5 megabytes at most."""
FEWEST, MOST = 3_000, 20_000
"""Faces or points of one shape on a page, at most, between these."""
PICTURES = 5
"""Pictures for each shape in 3D that a page shows, at most."""
WIDEST = 256
"""Pixels along the longer side of a picture that results were made of, at most."""
ROWS = 500
"""Rows of a table, at most."""


@dataclass(frozen=True)
class Options:
    """How much a page shows.

    shapes: in 3D in each section, at most. faces: of one shape, at most. inputs: files of what the results were made
    of, by name. report: called with what is being done, and the share of it that is done.
    """

    shapes: int
    faces: int
    inputs: Mapping[str, Path]
    report: Callable[[str, float], None]


@dataclass(frozen=True)
class Facts:
    """Names and their values. folded: shown after a click on the title."""

    title: str
    rows: Sequence[tuple[str, str]]
    folded: bool = False
    kind: str = "facts"


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns. marks: "bad", "doubtful" or "" for each row. note: a sentence below the title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    marks: Sequence[str] = ()
    note: str = ""
    folded: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class Curves:
    """Charts as <svg> elements."""

    title: str
    charts: Sequence[str]
    kind: str = "curves"


@dataclass(frozen=True)
class Dot:
    """A point of a map: its position from 0 to 1, from the left and from the top, what it is called, and its class."""

    x: float
    y: float
    name: str
    group: int


@dataclass(frozen=True)
class Map:
    """Dots in the plane. groups: names of their classes, in order."""

    title: str
    note: str
    dots: Sequence[Dot]
    groups: Sequence[str]
    kind: str = "map"


@dataclass(frozen=True)
class Views:
    """A shape in several states in linked cameras. data: of `render.linked_views.data_of`."""

    title: str
    note: str
    data: str
    mark: str = ""


@dataclass(frozen=True)
class Gallery:
    """Shapes, the worst first. scale: colours and distances of their legend, from the least to the largest."""

    title: str
    note: str
    rows: Sequence[Views]
    scale: Sequence[tuple[str, tuple[int, int, int]]] = ()
    kind: str = "gallery"


@dataclass(frozen=True)
class Picture:
    """A picture as a data: address, with words below it."""

    address: str
    caption: str
    note: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures in a grid."""

    title: str
    note: str
    rows: Sequence[Picture]
    kind: str = "pictures"


Part = Facts | Table | Curves | Map | Gallery | Pictures


@dataclass(frozen=True)
class Section:
    """What a page says of one thing. what: its kind, in words. lead: the most important figures."""

    title: str
    what: str
    lead: Sequence[tuple[str, str]]
    parts: Sequence[Part] = field(default_factory=tuple)


def text(value: object) -> str:
    """A value as a cell: numbers with four digits, yes or no, - for none."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ") if abs(value) >= 10_000 else str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(text, value))
    return str(value)


def flat(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Names and texts of settings; those of settings in settings have both names."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        label = prefix + name.replace("_", " ")
        rows += flat(value, f"{label}: ") if isinstance(value, Mapping) else [(label, text(value))]
    return rows


def percent(share: float) -> str:
    """0.123 as 12 %."""
    return f"{100 * share:.0f} %"


def counted(number: int, what: str) -> str:
    """3 shapes; 1 shape."""
    return f"{text(number)} {what}{'' if number == 1 else 's'}"


def cut(what: str, shown: int, count: int, where: str = "") -> str:
    """A sentence where not all are shown, else ""."""
    return f"{shown} of {count} {what} are shown{where}." if shown < count else ""


def panel(shape: trimesh.Trimesh | Cloud, caption: str, faces: int, note: str = "") -> Panel:
    """A shape with at most about `faces` faces or points, which its note says."""
    fewer, said = reduced(shape, faces, faces)
    if not said:
        said = counted(*(len(shape.points), "point") if isinstance(shape, Cloud) else (len(shape.faces), "face")) + "."
    return Panel(fewer, caption, f"{note} {said}".strip())


def missing(caption: str, reason: str) -> Panel:
    """The place of a shape that cannot be shown."""
    return Panel(Cloud(np.empty((0, 3))), caption, reason)


def views(title: str, panels: Sequence[Panel], note: str = "", mark: str = "") -> Views | None:
    """Panels in linked cameras, upright as the last of them stands; None where nothing can be drawn."""
    points = [_points(one.shape) for one in panels]
    some = [each for each in points if len(each)]
    if not some:
        return None
    return Views(title, note, data_of(panels, up_axis(some[-1])), mark)


def _points(shape: trimesh.Trimesh | Cloud | np.ndarray) -> np.ndarray:
    if isinstance(shape, np.ndarray):
        return shape
    every = np.asarray(shape.points if isinstance(shape, Cloud) else shape.vertices)
    return every[np.isfinite(every).all(1)]


def picture(image: np.ndarray) -> str:
    """A picture (h, w, 3) uint8 as a data: address."""
    from PIL import Image

    content = BytesIO()
    Image.fromarray(image).save(content, "PNG", optimize=True)
    return png(content.getvalue())


def picture_in(path: Path, caption: str, note: str = "") -> Picture:
    """The picture in a file, at most `WIDEST` pixels wide and high; its place with a sentence where it cannot be
    read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.draft("RGB", (WIDEST, WIDEST))
            image.thumbnail((WIDEST, WIDEST))
            shown = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        return Picture(picture(np.full((8, 8, 3), 255, np.uint8)), caption, f"it cannot be read: {error}", "bad")
    ground = Image.new("RGBA", shown.size, "white")
    ground.alpha_composite(shown)
    return Picture(picture(np.asarray(ground.convert("RGB"))), caption, note)


def png(content: bytes) -> str:
    """The bytes of a .png file as a data: address."""
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"


def named_file(name: str, beside: Path) -> Path:
    """The file of a name that comes out of the file `beside`: below the current folder, or below that of `beside`.

    Raises InputError for one that lies elsewhere, or does not exist.
    """
    try:
        return inside(Path.cwd(), name)
    except InputError:
        return inside(beside.parent, name)


def file_panel(find: Callable[[], Path], caption: str, faces: int) -> Panel:
    """The shape in a file, or why it cannot be shown."""
    try:
        return panel(io.read(find()), caption, faces)
    except InputError as error:
        return missing(caption, str(error))
