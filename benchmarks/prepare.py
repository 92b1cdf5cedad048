"""Cost of `isofield prepare`: time beside other tools, memory, and scaling with workers.

    .venv/bin/python benchmarks/prepare.py speed|cores|memory|scaling [COUNT]

speed: COUNT (500 000) signed samples of every mesh by isofield, by light re-implementations of DeepSDF (trimesh's
`proximity.signed_distance`, extrapolated from a part of the queries), and by mesh_to_sdf if it is installed (`pip
install mesh-to-sdf`); one process, one thread, the same queries, processor seconds. The meshes are assemblies and
single meshes of the shared data, subdivided ones, and the package's own. cores: meshes of about 75 000 to 100 000
faces, alone and one on every core, a process each (libigl's trees use one thread), wall-clock seconds. memory: peak
memory of a process for a mesh of two million faces. scaling: shapes a minute with one worker and with two.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("IGL_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import reconstruct_shapes as data
import trimesh

from isofield import families, io
from isofield.sampling import training_samples
from isofield.solids.signed_distance import signed_distance
from isofield.solids.solid_parts import Solids, sort
from isofield.types import normalization

try:
    import mesh_to_sdf
except ImportError:
    mesh_to_sdf = None

ASKED = 2000
"""Queries of trimesh: more would take minutes a mesh."""


def sampled(mesh: trimesh.Trimesh, count: int) -> tuple[Solids, np.ndarray]:
    """A mesh normalised and sorted, and its signed samples (count, 4)."""
    random = np.random.default_rng(0)
    solids = sort(normalization(mesh.vertices).apply(mesh.vertices), np.asarray(mesh.faces))
    points, _ = training_samples.surface(solids.vertices, solids.solid, 250_000, random)
    return solids, training_samples.signed(
        signed_distance(solids, 0.0), points, count, (0.005, 0.0005), 47 / 50, random
    )


def speed(count: int) -> None:
    """Time beside other tools."""
    meshes = {f"objects/{name}": io.read(data.data() / f"objects/{name}.ply") for name in ("000", "400", "700")}
    meshes |= {name: io.read(data.data() / f"meshes/{name}.obj") for name in ("spot", "fandisk", "rocker-arm")}
    meshes["rocker-arm, finer"] = meshes["rocker-arm"].subdivide()
    meshes["fandisk, finer"] = meshes["fandisk"].subdivide()
    meshes |= {name: families.FAMILIES[name]() for name in ("gyroid", "sculpture")}
    table(
        "mesh", "faces", "isofield, s a shape", "trimesh, s a shape (estimated)", "times", "other signs",
        "mesh_to_sdf, s a shape", "times", "other signs", "error, mean",
    )  # fmt: skip
    for name, mesh in meshes.items():
        begun = time.process_time()
        solids, rows = sampled(mesh, count)
        ours = time.process_time() - begun
        other = trimesh.Trimesh(solids.vertices, solids.solid, process=False)
        begun = time.process_time()
        theirs = -trimesh.proximity.signed_distance(other, rows[:ASKED, :3])
        seconds = (time.process_time() - begun) * count / ASKED
        differ = float(((theirs < 0) != (rows[:ASKED, 3] < 0)).mean())
        row(
            name, len(mesh.faces), f"{ours:.2f}", f"{seconds:.0f}", f"{seconds / ours:.0f}", f"{100 * differ:.1f} %",
            *_mesh_to_sdf(other, rows, ours),
        )  # fmt: skip


def _mesh_to_sdf(mesh: trimesh.Trimesh, rows: np.ndarray, ours: float) -> list[str]:
    """Cells of mesh_to_sdf without a screen: nearest of 10 million surface points, signs from their normals."""
    if mesh_to_sdf is None:
        return ["-"] * 4
    begun = time.process_time()
    found = mesh_to_sdf.mesh_to_sdf(mesh, rows[:, :3].copy(), surface_point_method="sample")
    seconds = time.process_time() - begun
    differ = float(((found < 0) != (rows[:, 3] < 0)).mean())
    error = float(np.abs(np.abs(found) - np.abs(rows[:, 3])).mean())
    return [f"{seconds:.0f}", f"{seconds / ours:.0f}", f"{100 * differ:.1f} %", f"{error:.1e}"]


def cores(count: int) -> None:
    """Larger meshes, one alone and one on every core."""
    mesh = io.read(data.data() / "meshes/rocker-arm.obj").subdivide()
    spot = io.read(data.data() / "meshes/spot.obj").subdivide().subdivide()
    whole = {"rocker-arm, finer": mesh, "gyroid": families.FAMILIES["gyroid"](), "spot, finer": spot}
    number = os.cpu_count() or 1
    table("mesh", "faces", "s, alone", f"s a shape, {number} at once")
    with ProcessPoolExecutor(number) as jobs:
        for name, one in whole.items():
            alone = jobs.submit(_timed, one, count).result()
            begun = time.perf_counter()
            list(jobs.map(_timed, [one] * 2 * number, [count] * 2 * number))
            row(name, len(one.faces), f"{alone:.2f}", f"{(time.perf_counter() - begun) / (2 * number):.2f}")


def _timed(mesh: trimesh.Trimesh, count: int) -> float:
    """Seconds for the samples of a mesh."""
    begun = time.perf_counter()
    sampled(mesh, count)
    return time.perf_counter() - begun


ALONE = """
import resource, sys, time
from pathlib import Path
from isofield.configs import PrepareConfig
from isofield.datasets.layouts import find
from isofield.datasets.prepare_shape import prepare_shape
_, (entry,) = find(Path(sys.argv[1]))
begun = time.perf_counter()
record = prepare_shape(entry, Path(sys.argv[2]), PrepareConfig(count=int(sys.argv[3]), sign=sys.argv[4]))
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(f"{sys.argv[4]} | {record.outcome} | {time.perf_counter() - begun:.0f} | {most:.2f}")
"""
"""The program of a process for one shape."""


def memory(count: int) -> None:
    """Peak memory of a process for one shape: four balls of two million faces together."""
    balls = [trimesh.creation.icosphere(k).apply_translation((2.5 * i, 0, 0)) for i, k in enumerate((8, 7, 7, 6))]
    both = trimesh.util.concatenate(balls)
    table("faces", "sign", "outcome", "s", "most memory, GB")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "in").mkdir()
        both.export(Path(name) / "in/large.ply")
        for sign in ("winding", "visibility"):
            command = [sys.executable, "-c", ALONE, f"{name}/in", f"{name}/{sign}", str(count), sign]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            row(len(both.faces), told)


def scaling(count: int) -> None:
    """Forty assemblies by the command line, with one worker and two."""
    table("workers", "s", "shapes a minute", "times")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "in").mkdir()
        for path in sorted((data.data() / "objects").glob("*.ply"))[:40]:
            (Path(name) / "in" / path.name).symlink_to(path)
        first = 0.0
        for workers in (1, 2):
            command = [sys.executable, "-m", "isofield", "prepare", f"{name}/in", f"{name}/{workers}"]
            begun = time.perf_counter()
            options = ["--workers", str(workers), "--count", str(count), "--no-progress"]
            subprocess.run([*command, *options], check=True, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - begun
            first = first or seconds
            row(workers, f"{seconds:.1f}", f"{40 * 60 / seconds:.0f}", f"{first / seconds:.2f}")


def table(*names: str) -> None:
    """Print the head of a table."""
    row(*names)
    print("| --- " * len(names) + "|", flush=True)


def row(*figures: object) -> None:
    """Print a line of a table."""
    print(f"| {' | '.join(map(str, figures))} |", flush=True)


def main() -> None:
    """Print one table."""
    tables = {"speed": speed, "cores": cores, "memory": memory, "scaling": scaling}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", choices=tables, default="speed")
    parser.add_argument("count", nargs="?", type=int, default=500_000, help="samples of a shape")
    args = parser.parse_args()
    tables[args.table](args.count)


if __name__ == "__main__":
    main()
