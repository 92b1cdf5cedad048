"""What `isofield prepare` costs: samples beside trimesh's way, memory, and how it grows with workers.

    .venv/bin/python benchmarks/prepare.py speed|threads|memory|scaling [COUNT]

speed: COUNT (500 000) signed samples of every mesh, by isofield and by the way of light re-implementations of DeepSDF
(trimesh's `proximity.signed_distance`, which is asked a part of them, and its rate counts), one process and one thread,
the same queries. The meshes: assemblies and single meshes of the shared data, finer ones by subdivision, and the
package's own. threads: one mesh of 100 000 faces on all cores. memory: the most that a process holds for a mesh of two
million faces. scaling: shapes a minute by one worker and by two.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

if "threads" not in sys.argv:
    os.environ.setdefault("IGL_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import reconstruct_shapes as data
import trimesh

from isofield import families, shapes
from isofield.sampling import recipes
from isofield.sampling.solid import signed_distance
from isofield.shapes.solids import Solids, sort

ASKED = 2000
"""Queries of trimesh's way: more would take minutes a mesh."""
LARGE = 2_000_000
"""Faces of the mesh whose memory is measured."""


def sampled(mesh: trimesh.Trimesh, count: int) -> tuple[Solids, np.ndarray]:
    """A mesh normalised and sorted, and its signed samples (count, 4)."""
    random = np.random.default_rng(0)
    solids = sort(shapes.normalization(mesh.vertices).apply(mesh.vertices), np.asarray(mesh.faces))
    points, _ = recipes.surface(solids.vertices, solids.solid, 250_000, random)
    return solids, recipes.signed(signed_distance(solids, 0.0), points, count, (0.005, 0.0005), 47 / 50, random)


def speed(count: int) -> None:
    """The table of samples beside trimesh's way."""
    meshes = {f"objects/{name}": shapes.read(data.data() / f"objects/{name}.ply") for name in ("000", "400", "700")}
    meshes |= {name: shapes.read(data.data() / f"meshes/{name}.obj") for name in ("spot", "fandisk", "rocker-arm")}
    meshes["rocker-arm, finer"] = meshes["rocker-arm"].subdivide()
    meshes["fandisk, finer"] = meshes["fandisk"].subdivide()
    meshes |= {name: families.FAMILIES[name]() for name in ("gyroid", "sculpture")}
    table("mesh", "faces", "isofield, s a shape", "trimesh, s a shape (estimated)", "times", "other signs")
    for name, mesh in meshes.items():
        begun = time.perf_counter()
        solids, rows = sampled(mesh, count)
        ours = time.perf_counter() - begun
        other = trimesh.Trimesh(solids.vertices, solids.solid, process=False)
        begun = time.perf_counter()
        theirs = -trimesh.proximity.signed_distance(other, rows[:ASKED, :3])
        seconds = (time.perf_counter() - begun) * count / ASKED
        differ = float(((theirs < 0) != (rows[:ASKED, 3] < 0)).mean())
        row(name, len(mesh.faces), f"{ours:.2f}", f"{seconds:.0f}", f"{seconds / ours:.0f}", f"{100 * differ:.1f} %")


def threads(count: int) -> None:
    """One mesh of about 100 000 faces on all cores."""
    mesh = shapes.read(data.data() / "meshes/rocker-arm.obj").subdivide().simplify_quadric_decimation(face_count=80_000)
    mesh = mesh.subdivide()
    table("faces", "cores", "s")
    begun = time.perf_counter()
    sampled(mesh, count)
    row(len(mesh.faces), os.cpu_count(), f"{time.perf_counter() - begun:.2f}")


def memory(count: int) -> None:
    """The most that one worker holds: a ball of `LARGE` faces, prepared by the command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        ball = trimesh.creation.icosphere(8)
        faces = np.concatenate([ball.faces, ball.faces + len(ball.vertices)])
        both = trimesh.Trimesh(np.concatenate([ball.vertices, ball.vertices + [3, 0, 0]]), faces, process=False)
        both.update_faces(np.arange(len(faces)) < LARGE)
        both.export(folder / "in/large.ply")
        row("faces", len(both.faces))
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def table(*names: str) -> None:
    """A head."""
    row(*names)
    print("| --- " * len(names) + "|", flush=True)


def row(*figures: object) -> None:
    """A line."""
    print(f"| {' | '.join(map(str, figures))} |", flush=True)


def main() -> None:
    """What is asked."""
    what = sys.argv[1] if len(sys.argv) > 1 else "speed"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500_000
    {"speed": speed, "threads": threads, "memory": memory}[what](count)


if __name__ == "__main__":
    main()
