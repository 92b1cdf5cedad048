"""Signed samples: isofield beside trimesh, the way of light re-implementations of DeepSDF, one process and one thread.

    .venv/bin/python benchmarks/prepare.py [COUNT]

Every mesh gives COUNT (500 000) samples by isofield; trimesh's `proximity.signed_distance` is asked a part of them, and
its rate counts. Both have the same queries. The meshes: assemblies and single meshes of the shared data, and the
package's own sculpture at 150 000 faces.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("IGL_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import reconstruct_shapes as data
import trimesh

from isofield import families, shapes
from isofield.sampling import recipes
from isofield.sampling.solid import signed_distance
from isofield.shapes.solids import sort

ASKED = 2000
"""Queries of trimesh's way: more would take minutes a mesh."""


def main() -> None:
    """Measure and print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    objects = sorted((data.data() / "objects").glob("*.ply"))[:3]
    meshes = {f"objects/{path.stem}": shapes.read(path) for path in objects}
    meshes |= {name: shapes.read(data.data() / "meshes" / f"{name}.obj") for name in ("fandisk", "rocker-arm")}
    meshes["sculpture"] = families.sculpture()
    print(
        "| mesh | faces | isofield, s a shape | trimesh, s a shape (estimated) | times | other signs |\n"
        + "| --- " * 6
        + "|"
    )
    for name, mesh in meshes.items():
        random = np.random.default_rng(0)
        begun = time.perf_counter()
        similarity = shapes.normalization(mesh.vertices)
        solids = sort(similarity.apply(mesh.vertices), np.asarray(mesh.faces))
        points, _ = recipes.surface(solids.vertices, solids.solid, 250_000, random)
        rows = recipes.signed(signed_distance(solids, 0.0), points, count, (0.005, 0.0005), 47 / 50, random)
        ours = time.perf_counter() - begun
        other = trimesh.Trimesh(solids.vertices, solids.solid, process=False)
        begun = time.perf_counter()
        theirs = -trimesh.proximity.signed_distance(other, rows[:ASKED, :3])
        seconds = (time.perf_counter() - begun) * count / ASKED
        differ = float(((theirs < 0) != (rows[:ASKED, 3] < 0)).mean())
        figures = [
            name,
            len(mesh.faces),
            f"{ours:.2f}",
            f"{seconds:.0f}",
            f"{seconds / ours:.0f}",
            f"{100 * differ:.1f} %",
        ]
        print(f"| {' | '.join(map(str, figures))} |", flush=True)


if __name__ == "__main__":
    main()
