"""Spaces of shapes on unseen shapes, beside retrieval and the sampling floor; and on training shapes.

    .venv/bin/python benchmarks/deepsdf.py DATA TRUTH SPLIT.json WORK [METHOD,METHOD,...] [--seeds K] [--most N]

Does what `isofield benchmark` does: trains every method (linear,pca-mlp) on the part "train" of the split into the
folder WORK, unless it is there, and scores it on the part "test" against the true meshes. A second table has, for
each space: the scores of 20 training shapes; the fraction of a dense 256-cubed grid that the extraction of a code's
mesh evaluates; and the size of a shape as its code and its share of the space, as a mesh (12 bytes a vertex and a
face), as 32-cubed voxels of one byte, and as the code of as many principal components of 32-cubed grids.

benchmarks/shared_data.py writes the data of the tables in docs/spaces.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from space_data import Data, add_arguments

from isofield import api
from isofield.api.benchmark import FIGURES, benchmark, score
from isofield.cli.benchmark import candidate, cell
from isofield.cli.progress import shown
from isofield.evaluate.retrieval import POINTS
from isofield.evaluate.surface_samples import SurfaceSamples, sample_surface


def points(mesh: trimesh.Trimesh, seed: int) -> SurfaceSamples:
    """Points of a normalised surface."""
    return sample_surface(mesh, POINTS, np.random.default_rng(seed), "shape")


def training_shapes(run: Path, data: Data) -> str:
    """A line of the second table."""
    space = api.load_run(run)
    scores, evaluations, meshes = [], [], []
    for id_ in space.ids[:: max(len(space.ids) // 20, 1)][:20]:
        similarity, truth = data.similarity[id_], data.mesh(id_)
        sdf = space.sdf(space.code(id_), similarity)
        mesh = sdf.mesh(None if sdf.kind == "grid" else 128)
        normalised = trimesh.Trimesh(similarity.apply(mesh.vertices), mesh.faces, process=False)
        scores.append(score(points(normalised, 1), points(truth, 2))[0])
        meshes.append(12 * (len(truth.vertices) + len(truth.faces)))
        if len(evaluations) < 5:
            evaluations.append(sdf.extract(256).evaluations / 257**3)
    size = (run / "space.safetensors").stat().st_size - space.codes.nbytes
    own = 4 * space.length + size / len(space.ids)
    grids = 4 * space.length + 4 * 33**3 * space.length / len(space.ids)
    return (
        f"| {run.name} | {np.median(scores):.3f} | {np.mean(scores):.3f} | {np.mean(evaluations):.3f} | "
        f"{own / 1e3:.1f} | {np.mean(meshes) / 1e3:.0f} | {32**3 / 1e3:.1f} | {grids / 1e3:.0f} |"
    )


def line(row: Mapping[str, Any]) -> str:
    """A line of the first table."""
    return f"| {row['name']} | " + " | ".join(cell(row, figure, "±") for figure in FIGURES) + " |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("methods", nargs="?", default="linear,pca-mlp", metavar="METHOD,METHOD,...")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--most", type=int, help="the first N test shapes (default: all)")
    args = parser.parse_args()
    candidates = dict(candidate(name) for name in args.methods.split(","))
    with shown("spaces", True) as report:
        rows = benchmark(
            candidates, args.data, args.truth, args.work, args.split, seeds=args.seeds, most=args.most, progress=report
        )  # fmt: skip
    print("| | " + " | ".join(figure.replace("_", " ") for figure in FIGURES) + " |\n" + "| --- " * 12 + "|")
    print("\n".join(map(line, rows)))
    print("\n| training shapes | median | mean | 256-cubed, of dense | kB a shape | as a mesh | voxels |", end="")
    print(" 32-cubed components |\n" + "| --- " * 8 + "|")
    data = Data(args.data, args.truth, args.split)
    for name in candidates:
        print(training_shapes(args.work / name, data))


if __name__ == "__main__":
    main()
