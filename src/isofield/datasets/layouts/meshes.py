"""A folder of meshes and clouds at any depth, as D-FAUST, ABC, Thingi10K and most private collections have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layout import CLOUDS, MESHES, Entry, Layout, files
from isofield.io.formats.numpy_files import may_be_points
from isofield.points import FEWEST


def find(folder: Path) -> Iterator[Entry]:
    """Every file that may be a shape; files of the same name keep their extensions.

    The class is the first folder of the path, unless that is named like its only shape, as in a chunk of ABC.
    """
    paths = [path for path in files(folder, MESHES + CLOUDS) if _is_shape(path)]
    count = Counter(path.with_suffix("") for path in paths) + Counter(
        paths
    )  # "x.xyz.npy" without its suffix is "x.xyz"
    tops = [parts[0] if len(parts := path.relative_to(folder).parts) > 1 else "" for path in paths]
    shapes_in = Counter(tops)
    for path, top in zip(paths, tops, strict=True):
        bare = path.with_suffix("")
        within = (path if count[bare] > 1 else bare).relative_to(folder)
        single = shapes_in[top] == 1 and path.name.startswith(f"{top}_")
        yield Entry(within.as_posix(), "" if single else top, path)


def _is_shape(path: Path) -> bool:
    """Whether a file may be a shape, which an array of another form is not."""
    return path.suffix.lower() not in (".npy", ".npz") or may_be_points(path, FEWEST)


LAYOUT = Layout(find, "the folder that holds them", general=True)
