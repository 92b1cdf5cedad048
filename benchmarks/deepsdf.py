"""Spaces of shapes on shapes that they have not seen, beside retrieval and the sampling floor.

    .venv/bin/python benchmarks/deepsdf.py objects|bodies WORK [METHOD,METHOD,...] [--seeds K] [--most N]

Prepares the shared data (150 000 signed samples a shape, objects with --outer) into the folder WORK, unless they are
there, and then does what `isofield compare` does: trains every method (linear,deepsdf-small) on the training part and
scores it on the test part, against the true meshes (of objects: objects_truth). Beside that table, for each space: the
same scores of 20 training shapes; the part of a dense 256-cubed grid that the mesh of a code takes; and what a shape
takes as its code and its share of the space, as a mesh (12 bytes a vertex and a face), as 32-cubed voxels of one byte,
and as the code of as many principal components of 32-cubed grids.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import reconstruct_shapes as data
import trimesh

import isofield
from isofield import api, io
from isofield.api.benchmark import FIGURES, compare_methods, score
from isofield.cli.compare import cell, settings_of
from isofield.cli.progress import shown
from isofield.configs import LinearConfig, PrepareConfig
from isofield.evaluate.retrieval import POINTS
from isofield.evaluate.samples import Samples, draw
from isofield.types import Similarity


def truth_of(kind: str, work: Path) -> Path:
    """The folder of the true meshes."""
    if kind == "objects":
        return data.data() / "objects_truth"
    folder = work / "meshes"
    held = np.load(data.data() / "bodies" / "bodies.npz")
    for row, name in enumerate(held["names"]):
        if not (folder / f"{name}.ply").exists():
            vertices = held["offset"][row] + held["scale"][row] * held["vertices"][row].astype(np.float64)
            io.write_mesh(trimesh.Trimesh(vertices, held["faces"], process=False), folder / f"{name}.ply")
    return folder


def prepared(kind: str, work: Path) -> tuple[Path, Path, Path]:
    """Samples, true meshes, split."""
    truth, samples, split = truth_of(kind, work), work / "data", work / "split.json"
    source = data.data() / "objects" if kind == "objects" else truth
    isofield.prepare(source, samples, PrepareConfig(count=150_000, outer=kind == "objects"))
    parts = {}
    for part in ("train", "test"):
        table = json.loads((data.data() / kind / f"{part}.json").read_text())
        parts[part] = {label: ids for classes in table.values() for label, ids in classes.items()}
    split.write_text(json.dumps(parts))
    return samples, truth, split


def points(mesh: trimesh.Trimesh, similarity: Similarity, seed: int) -> Samples:
    """Of a surface, normalised."""
    moved = trimesh.Trimesh(similarity.apply(mesh.vertices), mesh.faces, process=False)
    return draw(moved, POINTS, np.random.default_rng(seed), "shape")


def beside(run: Path, truth: Path) -> str:
    """Known shapes, evaluations and bytes of a space, in a line of a table."""
    space = api.load_run(run)
    known, spent, meshes = [], [], []
    for id_ in space.ids[:: max(len(space.ids) // 20, 1)][:20]:
        way = space.shape(id_).similarity
        true = trimesh.load(truth / f"{id_}.ply", process=False)
        sdf = space.sdf(space.code(id_), way)
        mesh = sdf.mesh(None if isinstance(space.config, LinearConfig) else 128)
        known.append(score(points(mesh, way, 1), points(true, way, 2))[0])
        meshes.append(12 * (len(true.vertices) + len(true.faces)))
        if len(spent) < 5:
            spent.append(sdf.extract(256).evaluations / 257**3)
    size = (run / "space.safetensors").stat().st_size - space.codes.nbytes
    own = 4 * space.length + size / len(space.ids)
    grids = 4 * space.length + 4 * 33**3 * space.length / len(space.ids)
    return (
        f"| {run.name} | {np.median(known):.3f} | {np.mean(known):.3f} | {np.mean(spent):.3f} | {own / 1e3:.1f} | "
        f"{np.mean(meshes) / 1e3:.0f} | {32**3 / 1e3:.1f} | {grids / 1e3:.0f} |"
    )


def line(row: Mapping[str, Any]) -> str:
    """Of the table."""
    return f"| {row['name']} | " + " | ".join(cell(row, figure, "±") for figure in FIGURES) + " |"


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("objects", "bodies"))
    parser.add_argument("work", type=Path)
    parser.add_argument("methods", nargs="?", default="linear,deepsdf-small")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--most", type=int)
    asked = parser.parse_args()
    samples, truth, split = prepared(asked.kind, asked.work)
    settings = {Path(name).stem: settings_of(name) for name in asked.methods.split(",")}
    with shown("spaces", True) as report:
        rows = compare_methods(
            settings, samples, truth, asked.work, split, seeds=asked.seeds, most=asked.most, progress=report
        )  # fmt: skip
    print("| | " + " | ".join(figure.replace("_", " ") for figure in FIGURES) + " |\n" + "| --- " * 12 + "|")
    print("\n".join(map(line, rows)))
    print("\n| known | median | mean | 256-cubed, of dense | kB a shape | as a mesh | voxels | 32-cubed components |")
    print("| --- " * 8 + "|")
    for name in settings:
        print(beside(asked.work / name, truth))


if __name__ == "__main__":
    main()
