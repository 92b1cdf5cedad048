"""Points2Surf (Erler et al. 2020): 03_meshes/name.ply and 04_pts/name.xyz.npy, of one data set or of several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layouts.entry import MESHES, Entry

MESH_FOLDERS, POINTS = ("03_meshes", "00_base_meshes"), "04_pts"


def find(source: Path) -> Iterator[Entry]:
    """Every mesh of 03_meshes (or, where that lacks, of 00_base_meshes), and every cloud of 04_pts that has no mesh.

    Of a folder of several data sets, the data set is the class and begins the id.
    """
    for folder in (source, *sorted(path for path in source.iterdir() if path.is_dir())):
        meshes = next((folder / name for name in MESH_FOLDERS if (folder / name).is_dir()), None)
        if meshes is None and not (folder / POINTS).is_dir():
            continue
        clouds = {_name(path): path for path in (folder / POINTS).glob("*.npy")}
        whole = {p.stem: p for p in sorted(meshes.iterdir()) if p.suffix.lower() in MESHES} if meshes else {}
        label = "" if folder == source else folder.name
        for name, path in (clouds | whole).items():
            yield Entry(f"{label}/{name}" if label else name, label, path)


def _name(path: Path) -> str:
    """name.xyz.npy, name.ply.npy or name.npy to name."""
    name = path.name.removesuffix(".npy")
    return name.removesuffix(".xyz").removesuffix(".ply")
