"""Points2Surf (Erler et al. 2020): 03_meshes/name.ply and 04_pts/name.xyz.npy, in one data set or in several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layout import MESHES, Entry, Layout

MESH_FOLDERS, POINTS = ("03_meshes", "00_base_meshes"), "04_pts"


def find(folder: Path) -> Iterator[Entry]:
    """Every mesh of 03_meshes (without it, of 00_base_meshes), and every cloud of 04_pts that has no mesh.

    In a folder of several data sets, the name of the data set is the class and the first part of the id.
    """
    for top in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        mesh_folder = next((top / name for name in MESH_FOLDERS if (top / name).is_dir()), None)
        if mesh_folder is None and not (top / POINTS).is_dir():
            continue
        shapes = {_name(path): path for path in (top / POINTS).glob("*.npy")}
        if mesh_folder is not None:
            shapes |= {path.stem: path for path in sorted(mesh_folder.iterdir()) if path.suffix.lower() in MESHES}
        label = "" if top == folder else top.name
        for name, path in shapes.items():
            yield Entry(f"{label}/{name}" if label else name, label, path)


def _name(path: Path) -> str:
    """name.xyz.npy, name.ply.npy or name.npy to name."""
    name = path.name.removesuffix(".npy")
    return name.removesuffix(".xyz").removesuffix(".ply")


LAYOUT = Layout(find, "the folder that holds 03_meshes")
