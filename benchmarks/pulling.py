"""What the terms of `isofield fit --method neural-pull` give on noisy and on sparse clouds.

    .venv/bin/python benchmarks/pulling.py --out pulling.json          # runs; again: only what is not there yet
    .venv/bin/python benchmarks/pulling.py --out pulling.json --table  # the table, in Markdown
    .venv/bin/python benchmarks/pulling.py --out pulling.json --picture OUT.png  # of the first shape

noise 0.5 %, noise 1 %: 20 000 points of a mesh, uniform by area, with normal noise of that deviation (of the
diagonal); sparse: 500 points without noise. Every row is one fit with the same seed on one thread; seconds are those
of the processor. published is `--init paper` with the 70 steps of `--quality fast`, not the paper's 40 000; the rows
below it change what they name and have its network, its queries and its number of steps. oriented is the default start,
and the presets have its number of steps. smooth is that start with `--network.w0 12`; the rows below it have as many
steps as take the same seconds.

Chamfer-L1 is in thousandths of the diagonal, from 100 000 points of each mesh, less that of the truth against itself.
The meshes are written into a folder beside the results.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import reconstruct
import reconstruct_shapes as data
import torch
import trimesh

import isofield
from isofield import io, render
from isofield.configs import Network, NeuralPull
from isofield.configs.methods import choose, read_config

INPUTS = {"noise 0.5 %": (20_000, 0.005), "noise 1 %": (20_000, 0.01), "sparse": (500, 0.0)}
SHAPES = ("spot", "rocker-arm", "fandisk")
TERMS: dict[str, dict[str, Any]] = {
    "published": {},
    "+ consistency": {"consistency": 0.1},
    "+ noise to noise": {"pull": 0.0, "drawn": 1.0, "patch": 24, "within": 0.1},
    "+ tangent planes": {"tangent": 1.0},
}
"""Settings of rows that differ from `--init paper` in these alone."""
SMOOTH = {
    "smooth": ("published", 1.0), "smooth + consistency": ("+ consistency", 0.6),
    "smooth + noise to noise": ("+ noise to noise", 1.0), "smooth + tangent planes": ("+ tangent planes", 0.8),
}  # fmt: skip
"""Rows of the smooth network: the terms, and the fraction of the steps of the descent."""
PRESETS = ("neural-pull-noisy", "neural-pull-sparse")
SHOWN = {"published": "--init paper, 70 steps", "oriented": "default"}
"""Rows whose names on the picture say more: 70 steps are those of --quality fast."""
METHODS = (*TERMS, *PRESETS, "oriented", *SMOOTH, "auto")


def cloud(mesh: trimesh.Trimesh, name: str, kind: str) -> np.ndarray:
    """Points (n, 3) of an input."""
    count, noise = INPUTS[kind]
    random = np.random.default_rng(zlib.crc32(f"{name} {kind}".encode()))
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=int(random.integers(2**31)))
    return points + noise * np.linalg.norm(mesh.extents) * random.standard_normal((count, 3))


def settings(method: str, quality: Any) -> Any:
    """The settings of a row."""
    if method == "auto":
        return choose("auto", quality)
    if method == "oriented":
        return choose("neural-pull", quality)
    if method in SMOOTH:
        (terms, share), plain = SMOOTH[method], choose("neural-pull", quality)
        optim = replace(plain.optim, steps=round(share * plain.optim.steps))
        return replace(plain, network=Network(w0=12.0), optim=optim, **TERMS[terms])
    if method in PRESETS:
        config: NeuralPull = read_config("neural-pull", method)
        budget = choose("neural-pull", quality)
        return replace(config, optim=budget.optim, warm_start=budget.warm_start)
    return replace(choose("neural-pull", quality, "paper"), **TERMS[method])


def place(out: Path, *names: str) -> Path:
    """The file of a row's mesh."""
    return out.with_suffix("") / ("_".join(names).replace(" ", "-").replace("%", "") + ".ply")


def row(shape: str, kind: str, method: str, quality: Any, out: Path) -> dict[str, Any]:
    """One fit, scored, its mesh written."""
    truth = io.read(data.data() / "meshes" / f"{shape}.obj")
    points, config = cloud(truth, shape, kind), settings(method, quality)
    begun = time.process_time()
    sdf = isofield.fit(points, config=config, quality=quality, surface="closed")
    seconds = time.process_time() - begun
    mesh = sdf.mesh(resolution=128)
    file = place(out, shape, kind, method)
    file.parent.mkdir(parents=True, exist_ok=True)
    io.write_mesh(mesh, file)
    scores = isofield.compare(mesh, truth)
    return {
        "shape": shape, "input": kind, "method": method, "quality": quality, "seconds": seconds,
        "chamfer": 1e3 * (scores["chamfer_l1"] - scores["floor_chamfer_l1"]), "floor": 1e3 * scores["floor_chamfer_l1"],
        "normals": scores["normal_consistency"], "components": scores["components"],
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """By method and input: the mean over the shapes, and how much of published's that is."""
    inputs = [kind for kind in INPUTS if any(one["input"] == kind for one in rows)]
    lines = [f"| | {' | '.join(inputs)} | seconds |", "| --- " * (len(inputs) + 2) + "|"]
    for method in METHODS:
        cells, seconds = [], []
        for kind in inputs:
            mine = {one["shape"]: one for one in rows if (one["method"], one["input"]) == (method, kind)}
            first = {one["shape"]: one for one in rows if (one["method"], one["input"]) == ("published", kind)}
            seconds += [one["seconds"] for one in mine.values()]
            both = sorted(mine.keys() & first.keys())
            if not both:
                cells.append("")
                continue
            mean, before = (np.mean([part[shape]["chamfer"] for shape in both]) for part in (mine, first))
            cells.append(f"{mean:.2f} ({100 * (mean / before - 1):+.0f} %)" if method != "published" else f"{mean:.2f}")
        if seconds:
            lines.append(f"| {method} | {' | '.join(cells)} | {np.mean(seconds):.0f} |")
    return "\n".join(lines)


def picture(rows: list[dict[str, Any]], shape: str, out: Path, path: Path) -> None:
    """A line for each input of a shape that was run: the cloud, published, oriented, the input's preset, auto."""
    truth, panels = io.read(data.data() / "meshes" / f"{shape}.obj"), []
    for kind, (count, _) in INPUTS.items():
        if not any((one["shape"], one["input"]) == (shape, kind) for one in rows):
            continue
        panels.append(render.Panel(cloud(truth, shape, kind), kind, f"{count} points"))
        preset = PRESETS[kind == "sparse"]
        for method in ("published", "oriented", preset, "auto"):
            (one,) = (one for one in rows if (one["shape"], one["input"], one["method"]) == (shape, kind, method))
            label = SHOWN.get(method, method)
            panels.append(render.Panel(io.read(place(out, shape, kind, method)), label, f"{one['chamfer']:.2f}"))
    render.sheet(panels, str(path), view=render.camera_for(truth, size=(360, 360)), columns=5)


def main() -> None:
    """Run, print or draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="read, continued and written")
    parser.add_argument("--inputs", nargs="+", choices=INPUTS, default=list(INPUTS))
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--quality", choices=("fast", "balanced", "best"), default="fast")
    parser.add_argument("--table", action="store_true", help="run nothing: print the table")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="run nothing: draw the first of --shapes")
    args = parser.parse_args()
    results = json.loads(args.out.read_text()) if args.out.is_file() else {"header": {}, "rows": []}
    if args.table:
        print(table(results["rows"]))
        return
    if args.picture:
        picture(results["rows"], args.shapes[0], args.out, args.picture)
        return
    torch.set_num_threads(1)
    results["header"] = reconstruct.header(1)
    there = {(one["shape"], one["input"], one["method"], one["quality"]) for one in results["rows"]}
    for kind in args.inputs:
        for shape in args.shapes:
            for method in args.methods:
                if (shape, kind, method, args.quality) in there:
                    continue
                made = row(shape, kind, method, args.quality, args.out)
                print({name: round(v, 3) if isinstance(v, float) else v for name, v in made.items()}, file=sys.stderr)
                results["rows"].append(made)
                reconstruct.write(results, args.out)


if __name__ == "__main__":
    main()
