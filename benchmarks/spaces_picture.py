"""Unseen shapes in several spaces, beside their truths, in one picture.

    python benchmarks/spaces_picture.py OUT.png DATA TRUTH SPLIT RUN ... [--shapes 4]

One row for each shape of the part "test" of SPLIT: the truth, the mesh of each run's code, and that of the first run
with its residual. Under each is the Chamfer distance (x 1000, unit sphere, 10 000 points).
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import trimesh

from isofield import api, render
from isofield.evaluate.retrieval import POINTS, chamfer
from isofield.evaluate.surface_samples import sample_surface


def points(mesh: trimesh.Trimesh) -> np.ndarray:
    """Points of a surface."""
    return sample_surface(mesh, POINTS, np.random.default_rng(0), "shape").points


def main() -> None:
    """Infer, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("data")
    parser.add_argument("truth", type=Path)
    parser.add_argument("split")
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--shapes", type=int, default=4)
    args = parser.parse_args()
    spaces = [(Path(run).name, api.load_run(run)) for run in args.runs]
    shapes = (read() for _, read in api.observed_in([args.data], spaces[0][1].prepare, args.split))
    panels = []
    for shape in islice(shapes, 1, 40, max(38 // args.shapes, 1)):
        truth = trimesh.load(args.truth / f"{shape.id}.ply", process=False)
        truth.vertices = shape.similarity.apply(truth.vertices)
        panels.append(render.Panel(truth, "truth", shape.id))
        columns = [(name, space, False) for name, space in spaces] + [(f"{spaces[0][0]}, refined", spaces[0][1], True)]
        for name, space, refine in columns:
            mesh = next(api.infer_all(space, [shape], refine)).sdf.mesh()
            mesh.vertices = shape.similarity.apply(mesh.vertices)
            panels.append(render.Panel(mesh, name, f"Chamfer {chamfer(points(mesh), points(truth)):.3f}"))
        if len(panels) >= args.shapes * (len(columns) + 1):
            break
    view = render.camera_for(panels[0].shape, size=(300, 300))
    render.sheet(panels, args.out, view=view, columns=len(spaces) + 2)


if __name__ == "__main__":
    main()
