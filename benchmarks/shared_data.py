"""Writes the data of the tables in docs/spaces.md: samples, true meshes and split of the assemblies or the bodies.

    .venv/bin/python benchmarks/shared_data.py objects|bodies WORK

The shapes are those of the folder that ISOFIELD_DATA names. WORK gets data/ (150 000 signed samples a shape, objects
with --outer), split.json and, for bodies, truth/; the true meshes of the objects are in objects_truth/ beside them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import reconstruct_shapes as shared
import trimesh

import isofield
from isofield import io
from isofield.configs import PrepareConfig


def bodies(folder: Path) -> None:
    """Write the bodies' meshes."""
    with np.load(shared.data() / "bodies" / "bodies.npz") as file:
        archive = dict(file)
    for row, name in enumerate(archive["names"]):
        vertices = archive["offset"][row] + archive["scale"][row] * archive["vertices"][row].astype(np.float64)
        io.write_mesh(trimesh.Trimesh(vertices, archive["faces"], process=False), folder / f"{name}.ply")


def main() -> None:
    """Write, and print the three paths."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("objects", "bodies"))
    parser.add_argument("work", type=Path, metavar="WORK")
    args = parser.parse_args()
    data, split, truth = args.work / "data", args.work / "split.json", args.work / "truth"
    if args.kind == "bodies":
        bodies(truth)
    source, truth = (
        (truth, truth) if args.kind == "bodies" else (shared.data() / "objects", shared.data() / "objects_truth")
    )
    isofield.prepare(source, data, PrepareConfig(count=150_000, outer=args.kind == "objects"))
    parts = {}
    for part in ("train", "test"):
        table = json.loads((shared.data() / args.kind / f"{part}.json").read_text())
        parts[part] = {label: ids for classes in table.values() for label, ids in classes.items()}
    split.write_text(json.dumps(parts))
    print(data, truth, split)


if __name__ == "__main__":
    main()
