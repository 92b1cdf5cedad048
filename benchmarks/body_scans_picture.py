"""Scans of bodies beside their reconstructions and registrations, in one picture.

    python benchmarks/body_scans_picture.py OUT.png NAME=FOLDER ... [--ids subject_10/twist/00000 ...]

One row for each id, one column for each folder of meshes, all from one camera. The first column shows the scan, the
last one the registration (scans/bodies and scans/bodies_registrations of the folder that ISOFIELD_DATA names).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import trimesh
from reconstruct_shapes import data

from isofield import io, render

IDS = ("subject_10/twist/00000", "subject_10/squat/00000", "subject_11/walk/00000", "subject_12/arms_up/00000")


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("columns", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--ids", nargs="+", default=IDS)
    args = parser.parse_args()
    named = [column.partition("=")[::2] for column in args.columns]
    scans = data() / "scans"
    columns = [("scan", scans / "bodies"), *named, ("registration", scans / "bodies_registrations")]
    shapes = {id_: [io.read(Path(folder) / f"{id_}.ply") for _, folder in columns] for id_ in args.ids}
    all_ = trimesh.util.concatenate([row[-1] for row in shapes.values()])
    panels = [
        render.Panel(one, name, id_) for id_, row in shapes.items() for one, (name, _) in zip(row, columns, strict=True)
    ]
    view = render.camera_for(all_, size=(260, 260), view=(25, 10))
    render.sheet(panels, args.out, view=view, columns=len(columns))


if __name__ == "__main__":
    main()
