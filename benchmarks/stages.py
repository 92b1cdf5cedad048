"""Where the time of `isofield fit` goes, stage by stage, beside the floor, and how it grows with the points.

    .venv/bin/python benchmarks/stages.py [POINTS ...] [--quality balanced] [--mesh FILE] [--against SRC]

Points with 0.2 % noise are drawn from a mesh (the package's `sculpture`, or FILE) and fitted by the command line, in a
process of its own on `--threads` threads. CPU seconds are those of the stages in its `--json`; "start" is Python and
the command line before the first stage. The floor is what the arithmetic of a stage alone takes on this machine:
imports: torch, SciPy, trimesh and libigl; neighbours: 25 neighbours of each point, once; a level: its steps of
conjugate gradients as bare products with a sparse matrix of its size. The exponent is the slope of the logarithms from
one number of points to the next. --against fits with the sources in SRC, too, in turns: "before".
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

SIZES = (3_000, 30_000, 300_000)
NOISE = 0.002
"""Standard deviation of the points, as a fraction of the diagonal."""
IMPORTS = "import scipy.spatial, scipy.sparse, trimesh, igl"
ENTRIES = 25
"""Entries of the normal equations of a level, a node."""


def main() -> None:
    """Fit, and print a table a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", nargs="*", type=int, metavar="POINTS", help=f"default: {SIZES}")
    parser.add_argument("--quality", choices=("fast", "balanced", "best"), default="balanced")
    parser.add_argument("--mesh", type=Path, metavar="FILE", help="drawn from this mesh")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--against", type=Path, metavar="SRC", help="a folder that holds another version of isofield")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    here = Path(__file__).resolve().parents[1] / "src"
    versions = {"before": options.against.resolve()} if options.against else {}
    versions["now"] = here
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in versions}
    print(f"{platform.processor() or platform.machine()}, {options.threads} thread(s), quality {options.quality}")
    with tempfile.TemporaryDirectory() as folder:
        for count in options.points or SIZES:
            np.save(f"{folder}/{count}.npy", drawn(count, options.mesh))
            floor = floors(f"{folder}/{count}.npy", options.threads)
            for name, source in versions.items():
                row = fitted(Path(f"{folder}/{count}.npy"), source, options.quality, options.threads)
                rows[name].append(row)
                show(name, row, floor)
    for name, of_sizes in rows.items():
        growth(name, of_sizes)
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1))


def drawn(count: int, path: Path | None) -> np.ndarray:
    """Noisy points (count, 3) of the mesh."""
    import trimesh

    from isofield import families, read

    mesh = families.sculpture() if path is None else read(path)
    assert isinstance(mesh, trimesh.Trimesh)
    points = np.asarray(trimesh.sample.sample_surface(mesh, count, seed=0)[0])
    return points + np.random.default_rng(0).normal(0, NOISE * float(np.linalg.norm(mesh.extents)), points.shape)


def environment(source: Path, threads: int) -> dict[str, str]:
    """Variables of a process that imports isofield from `source`."""
    return dict(os.environ, PYTHONPATH=str(source), OMP_NUM_THREADS=str(threads))


def fitted(points: Path, source: Path, quality: str, threads: int) -> dict[str, Any]:
    """The figures of a fit, with the CPU seconds and the peak memory in GiB of its process."""
    mesh = points.with_name("mesh.ply")
    folder = points.with_name("field")
    command = [sys.executable, "-m", "isofield", "fit", str(points), "-o", str(mesh), "--json", "--no-progress"]
    command += ["--field", str(folder)]
    code = (
        "import json, resource, subprocess, sys, time\n"
        "begun = time.perf_counter()\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "spent = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "assert done.returncode == 0, done.stderr\n"
        "print(json.dumps({**json.loads(done.stdout), 'process_seconds': time.perf_counter() - begun,\n"
        "                  'cpu': spent.ru_utime + spent.ru_stime, 'gib': spent.ru_maxrss / 2**20}))\n"
    )
    command = [sys.executable, "-c", code, *command, "--quality", quality]
    done = subprocess.run(command, env=environment(source, threads), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    levels = [stage for stage in figures.get("stages", {}) if stage.startswith("level")]
    steps = json.loads((folder / "config.json").read_text())["provenance"]["settings"]["iterations"]
    with safe_open(folder / "field.safetensors", "np") as file:
        nodes = [file.get_slice(key).get_shape()[0] for key in sorted(file.keys()) if "values_" in key]
    steps += steps[-1:] * len(levels)
    figures["work"] = {name: n * step for name, n, step in zip(levels, nodes, steps, strict=False)}
    return figures


def floors(points: str, threads: int) -> dict[str, float]:
    """CPU seconds of the arithmetic alone: imports, neighbours, and a node of a product with a matrix."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    from scipy.sparse import csr_matrix
    from scipy.spatial import cKDTree

    x = np.load(points)
    x = x[np.lexsort(np.floor((x - x.min(0)) / np.ptp(x, axis=0).max() * 64).astype(int).T)]
    begun = time.process_time()
    cKDTree(x).query(x, k=25)
    neighbours = time.process_time() - begun
    n = 40_000
    columns = (np.arange(n)[:, None] + np.arange(-12, 13) * 37).clip(0, n - 1).astype(np.int32)
    start = np.arange(n + 1, dtype=np.int32) * ENTRIES
    matrix = csr_matrix((np.ones(columns.size), columns.ravel(), start), shape=(n, n))
    u = np.ones(n, np.float32)
    begun = time.process_time()
    for _ in range(20):
        matrix @ u
    product = (time.process_time() - begun) / 20 / n
    imports = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"imports": imports, "neighbours": neighbours, "product": product}


def show(name: str, row: dict[str, Any], floor: dict[str, float]) -> None:
    """One fit as a table: stages, their CPU seconds and share, and the floor where there is one."""
    spent = f"{row['cpu']:.1f} CPU s, {row['process_seconds']:.1f} s, {row['gib']:.2f} GiB"
    print(f"\n{row['points']} points, {name}: {spent}")
    stages = {stage: each["cpu_seconds"] for stage, each in row.get("stages", {}).items()}
    if not stages:
        return
    stages = {"start": row["cpu"] - sum(stages.values()), **stages}
    print("\n| stage | CPU s | share | floor |\n| --- | --- | --- | --- |")
    for stage, cpu in stages.items():
        least = floor["product"] * row["work"][stage] if stage in row["work"] else floor.get(stage)
        print(f"| {stage} | {cpu:.2f} | {cpu / row['cpu']:.0%} | {'' if least is None else f'{least:.2f}'} |")


def growth(name: str, rows: list[dict[str, Any]]) -> None:
    """CPU seconds and memory against the number of points, and the exponent of the former."""
    print(f"\n{name}\n\n| points | CPU s | s | GiB | exponent |\n| --- | --- | --- | --- | --- |")
    for before, row in zip([None, *rows], rows, strict=False):
        slope = ""
        if before is not None:
            slope = f"{math.log(row['cpu'] / before['cpu']) / math.log(row['points'] / before['points']):.2f}"
        print(f"| {row['points']} | {row['cpu']:.1f} | {row['process_seconds']:.1f} | {row['gib']:.2f} | {slope} |")


if __name__ == "__main__":
    main()
