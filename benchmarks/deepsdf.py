"""Spaces of shapes on shapes that they have not seen, beside retrieval and the sampling floor.

    .venv/bin/python benchmarks/deepsdf.py DATA TRUTH RUN ... --split test.json [--refine] [--shapes N] [--known N]

DATA: what `isofield prepare` wrote; TRUTH: the folder of its shapes' true meshes (ID.ply, in the units of what was
prepared); RUN: spaces that `isofield train` learned of its training part. A row a space: Chamfer distances (sum of the
mean squared distances, x 1000, 10 000 points, unit sphere, of the mesh at 128 cells or the space's own), median, mean
and worst over the shapes; how many are better than retrieval (the best training shape by true Chamfer distance); mesh
accuracy (90th percentile of the distances from the mesh to the truth) and cosine of normals, medians; EMD of 500
points; bytes of the space without its training codes, and of a shape (a code, and the space divided by its training
shapes); evaluations that a mesh of 256 cells takes, as a part of the dense grid's. --known: so many training shapes
instead.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import trimesh

from isofield import api
from isofield.configs import LinearConfig
from isofield.evaluate import distances as measure
from isofield.evaluate.novelty import POINTS, chamfer, nearest
from isofield.evaluate.samples import Samples, draw
from isofield.types import Similarity


def normalised(mesh: trimesh.Trimesh, similarity: Similarity, seed: int) -> Samples:
    """Points of a mesh with normals, in the normalised space."""
    moved = trimesh.Trimesh(similarity.apply(mesh.vertices), mesh.faces, process=False)
    return draw(moved, POINTS, np.random.default_rng(seed), "shape")


def scores(pred: Samples, truth: Samples) -> tuple[float, float, float, float]:
    """Chamfer distance, mesh accuracy, cosine of normals, EMD."""
    matched = measure.match(pred, truth)
    cosine = float(np.mean([matched.forward_cosine.mean(), matched.backward_cosine.mean()]))
    emd = measure.earth_mover(pred.points[:500], truth.points[:500])
    return chamfer(pred.points, truth.points), measure.mesh_accuracy(matched), cosine, emd


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("truth", type=Path)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--split", required=True)
    parser.add_argument("--refine", action="store_true")
    parser.add_argument("--shapes", type=int, default=10_000)
    parser.add_argument("--known", type=int, default=0)
    asked = parser.parse_args()

    def true(name: str, similarity: Similarity, seed: int) -> Samples:
        return normalised(trimesh.load(asked.truth / f"{name}.ply", process=False), similarity, seed)

    spaces = [api.load_run(run) for run in asked.runs]
    training = [true(s.id, s.similarity, row).points for row, s in enumerate(spaces[0].shapes)]
    print(
        "| space | MB (a shape: kB) | s a shape | median | mean | worst | better than retrieval | accuracy | cosine | "
        "EMD | 256-cubed, of dense |\n" + "| --- " * 11 + "|"
    )
    others: list[tuple[float, float]] = []
    for run, space in zip(asked.runs, spaces, strict=True):
        if asked.known:
            some = space.ids[:: max(len(space.ids) // asked.known, 1)]
            found = ((id_, space.sdf(space.code(id_), space.shape(id_).similarity), 0.0) for id_ in some)
        else:
            _, shapes = api.observed_in([asked.data], space.prepare, asked.split)
            found = looked(space, shapes, asked.refine)
        rows, won, spent, cells = [], 0, [], []
        others = []
        for row, (name, sdf, seconds) in enumerate(found):
            if row == asked.shapes:
                break
            linear = isinstance(space.config, LinearConfig) or asked.refine
            mesh = sdf.mesh(None if linear else 128)
            truth = true(name, sdf.similarity, 10_000 + row)
            rows.append(scores(normalised(mesh, sdf.similarity, 20_000 + row), truth))
            best = nearest(truth.points, training)[1] if not asked.known else np.inf
            others.append((best, chamfer(true(name, sdf.similarity, 30_000 + row).points, truth.points)))
            won += rows[-1][0] < best
            spent.append(seconds)
            if row < 5:
                cells.append(sdf.extract(256).evaluations / 257**3)
        table = np.array(rows)
        size = (Path(run) / "space.safetensors").stat().st_size - space.codes.nbytes
        bytes_ = space.length * 4 + size / len(space.shapes)
        print(
            f"| {Path(run).name} | {size / 1e6:.1f} ({bytes_ / 1e3:.1f}) | {np.mean(spent):.2f} | "
            f"{np.median(table[:, 0]):.3f} | {table[:, 0].mean():.3f} | {table[:, 0].max():.2f} | "
            f"{f'{won} of {len(rows)}' if not asked.known else '-'} | {np.median(table[:, 1]):.4f} | "
            f"{np.median(table[:, 2]):.3f} | {np.median(table[:, 3]):.4f} | {np.mean(cells):.3f} |",
            flush=True,
        )  # fmt: skip
    table = np.array(others)
    if not asked.known:
        print(f"| retrieval | | | {np.median(table[:, 0]):.3f} | {table[:, 0].mean():.3f} | {table[:, 0].max():.2f} "
              "| | | | | |")  # fmt: skip
    print(f"| sampling floor | | | {np.median(table[:, 1]):.3f} | {table[:, 1].mean():.3f} | {table[:, 1].max():.2f} "
          "| | | | | |")  # fmt: skip


def looked(space: api.ShapeSpace, shapes, refine: bool):
    """Name, field and seconds of every shape."""
    for shape in shapes:
        began = time.perf_counter()
        one = next(api.infer_all(space, [shape], refine))
        yield shape.id, one.sdf, time.perf_counter() - began


if __name__ == "__main__":
    main()
