"""Every method of `isofield fit` on the same shapes, on one machine.

    make bench
    .venv/bin/python benchmarks/methods.py --out methods.json          # runs; again: only what is not there yet
    .venv/bin/python benchmarks/methods.py --out methods.json --table  # the table, in Markdown

The inputs, of three shapes with known truth (spot, rocker-arm, fandisk), and a body:

* mesh: the closed mesh itself; soup: its triangles without common vertices, a third of them flipped, 2 % missing;
* plain, noisy, sparse: 30 000 points with noise of 0.2 %, the same with 0.5 %, 3000 points;
* scan: the noisy scans of the shared data; body: a raw body scan, open below and where no scanner observed it; the
  truth is its registration.

Every fit runs in its own process on two threads without a GPU. NAME-paper-start is `--init paper`: the start of the
method's paper with a short schedule of about a minute, not the published number of steps. Poisson is Open3D's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import reconstruct
import reconstruct_shapes as data
import trimesh

from isofield import io
from isofield.render import scan

SHAPES = ("spot", "rocker-arm", "fandisk")
BODIES = ("subject_00/walk", "subject_01/reach", "subject_10/reach")
LEARNED = ("neural-pull", "sald", "sal", "igr", "siren", "sdf-regression")
"""The methods that learn a network."""
METHODS = ("auto", "ssd-siren", *LEARNED, *(f"{method}-paper-start" for method in LEARNED), "poisson")
NOISE = {"plain": (30_000, 0.002), "noisy": (30_000, 0.005), "sparse": (3000, 0.002)}
INPUTS = ("mesh", "soup", "scan", "plain", "noisy", "sparse", "body")
Made = tuple[Any, trimesh.Trimesh]
"""What is fitted (a path, or points), and the truth."""


def truth(name: str) -> trimesh.Trimesh:
    return io.read(data.data() / "meshes" / f"{name}.obj")


def soup(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The triangles of a mesh without common vertices, a third flipped, 2 % missing."""
    random = np.random.default_rng(0)
    triangles = np.asarray(mesh.triangles)[random.random(len(mesh.faces)) > 0.02]
    flipped = random.random(len(triangles)) < 1 / 3
    triangles[flipped] = triangles[flipped][:, ::-1]
    faces = np.arange(3 * len(triangles)).reshape(-1, 3)
    return trimesh.Trimesh(triangles.reshape(-1, 3), faces, process=False)


def made(kind: str, name: str, folder: Path) -> Made:
    """One input with its truth."""
    if kind == "body":
        subject = data.data() / "scans"
        registration = subject / "bodies_registrations" / name / "00000.ply"
        return subject / "bodies" / name / "00000.ply", io.read(registration)
    mesh = truth(name)
    if kind == "mesh":
        return data.data() / "meshes" / f"{name}.obj", mesh
    if kind == "soup":
        path = folder / f"{name}.stl"
        soup(mesh).export(path)
        return path, mesh
    if kind == "scan":
        return data.data() / "scans" / "noisy" / f"{name}.scan.ply", mesh
    count, noise = NOISE[kind]
    return scan(mesh, count, noise, seed=0).points, mesh


def applies(method: str, kind: str) -> bool:
    """Whether a method accepts an input: sdf-regression needs a closed mesh, Poisson points."""
    if method.startswith("sdf-regression"):
        return kind == "mesh"
    return not (method == "poisson" and kind in ("mesh", "soup", "body"))


def run(args: argparse.Namespace, rows: dict[str, dict[str, Any]], write: Callable[[], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for kind in args.inputs:
            for name in BODIES[: args.bodies] if kind == "body" else args.shapes:
                wanted = [m for m in args.methods if applies(m, kind) and f"{kind} {name} {m}" not in rows]
                if not wanted:
                    continue
                source, truth_mesh = made(kind, name, Path(folder))
                points = source if isinstance(source, np.ndarray) else None
                if points is None and "poisson" in wanted:
                    points = io.vertices_of(io.read(source))
                for method in wanted:
                    job = {
                        "method": method, "quality": args.quality, "points": points, "normals": None,
                        "source": None if isinstance(source, np.ndarray) else str(source),
                        "truth": reconstruct.arrays(truth_mesh), "published": None,
                    }  # fmt: skip
                    row = {"input": kind, "shape": name, "method": method, **reconstruct.child(job, args.threads)}
                    said = row.get("error") or f"F@1 % {row['f1']:.4f}, {row['seconds']:.1f} s"
                    print(f"{kind:7}{name:18}{method:24}{said}", file=sys.stderr, flush=True)
                    if "error" not in row:
                        rows[f"{kind} {name} {method}"] = row
                        write()


def table(header: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """F at 1 % / at 0.5 % of the diagonal, means over the shapes of each input, by method; the mean seconds last."""
    inputs = [kind for kind in INPUTS if any(row["input"] == kind for row in rows)]
    versions = ", ".join(f"{name} {version}" for name, version in header["versions"].items())
    lines = [
        f"{header['machine']}, {header['threads']} threads a fit, no GPU; {header['date']}; {versions}.", "",
        "F at 1 % / at 0.5 % of the diagonal, mean over the shapes, and how many, where it is not all three.", "",
        f"| method | {' | '.join(inputs)} | worst at 1 % | closed | seconds |", "| --- " * (len(inputs) + 4) + "|",
    ]  # fmt: skip
    for method in METHODS:
        mine = [row for row in rows if row["method"] == method]
        if not mine:
            continue
        cells = []
        for kind in inputs:
            rows_of = [row for row in mine if row["input"] == kind]
            scores = [f"{np.mean([row[name] for row in rows_of]):.3f}" for name in ("f1", "f05")] if rows_of else []
            number = f" ({len(rows_of)})" if 0 < len(rows_of) < 3 else ""
            cells.append(" / ".join(scores) + number)
        closed = sum(row["watertight"] and row["manifold"] for row in mine)
        seconds, worst = np.mean([row["seconds"] for row in mine]), min(row["f1"] for row in mine)
        lines.append(f"| {method} | {' | '.join(cells)} | {worst:.3f} | {closed}/{len(mine)} | {seconds:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Run, or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="read, continued and written")
    parser.add_argument("--inputs", nargs="+", choices=INPUTS, default=list(INPUTS))
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--quality", choices=("fast", "balanced", "best"), default="balanced")
    parser.add_argument("--bodies", type=int, default=1, help="how many body scans, up to three")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="run nothing: print the table")
    args = parser.parse_args()
    results = json.loads(args.out.read_text()) if args.out.is_file() else {"header": {}, "rows": {}}
    if args.table:
        print(table(results["header"], list(results["rows"].values())))
        return
    results["header"] = reconstruct.header(args.threads)
    run(args, results["rows"], lambda: reconstruct.write(results, args.out))


if __name__ == "__main__":
    main()
