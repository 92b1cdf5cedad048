"""Completion of bodies from one depth image each, beside the best training shape.

    .venv/bin/python benchmarks/complete.py RUN [COUNT]

RUN: a space that `isofield train` learned of the training bodies of the shared data. Of each of the first COUNT test
bodies (all 40) a camera at a random place around it, not far above or below, takes a depth image of 200 x 200 pixels.
Each is completed twice: by its code alone, and refined, with the field adapted to what was seen.
Chamfer: sum of mean squared distances, x 1000, 10 000 points, in the unit sphere of the truth. Beside it: retrieval,
the training shape with the least true Chamfer distance, which no method could pick without knowing the truth; the
surface that was seen, as it is; and the floor, the truth against itself.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import reconstruct_shapes as data
import trimesh

from isofield import api, io, render
from isofield.evaluate.distances import chamfer_l2, match
from isofield.evaluate.samples import Samples, draw
from isofield.points import normalization
from isofield.types import Cloud, View

POINTS = 10_000
FIRST, KEPT = 1500, 6
"""Points by which training shapes are looked through, and how many of them are compared in full."""
SIZE = (200, 200)


def bodies() -> dict[str, trimesh.Trimesh]:
    """All bodies, normalised."""
    held = np.load(data.data() / "bodies" / "bodies.npz")
    found = {}
    for row, name in enumerate(held["names"]):
        vertices = held["offset"][row] + held["scale"][row] * held["vertices"][row].astype(np.float64)
        found[str(name)] = trimesh.Trimesh(normalization(vertices).apply(vertices), held["faces"], process=False)
    return found


def ids(part: str) -> list[str]:
    """Names of a part of the split."""
    table = json.loads((data.data() / "bodies" / f"{part}.json").read_text())
    return [name for classes in table.values() for names in classes.values() for name in names]


def seen(mesh: trimesh.Trimesh, number: int) -> View:
    """A depth image of a mesh from the place that its number draws."""
    random = np.random.default_rng(number)
    place = float(random.uniform(0, 360)), float(random.uniform(-10, 40))
    return render.depth(mesh, render.frame(np.asarray(mesh.vertices), view=place, size=SIZE)).view()


def chamfer(pred: Samples, truth: Samples) -> float:
    """Sum of mean squared distances, x 1000."""
    return 2000 * chamfer_l2(match(pred, truth))


def drawn(mesh: trimesh.Trimesh | Cloud, seed: int) -> Samples:
    """Points of a shape."""
    return draw(mesh, POINTS, np.random.default_rng(seed), "shape")


def retrieval(truth: Samples, known: dict[str, Samples]) -> float:
    """The least Chamfer distance of training shapes to a truth."""
    rough = {name: chamfer(one.first(FIRST), truth.first(FIRST)) for name, one in known.items()}
    return min(chamfer(known[name], truth) for name in sorted(rough, key=lambda name: rough[name])[:KEPT])


def completed(space: api.ShapeSpace, view: View, truth: Samples, refine: bool) -> tuple[float, float]:
    """The Chamfer distance of a completion, and the seconds that it took."""
    begun = time.perf_counter()
    found = api.complete(space, view, refine=refine)[0].sdf.mesh()
    seconds = time.perf_counter() - begun
    return chamfer(drawn(found, 1), truth), seconds


def main() -> None:
    """The table, a line a body, and the medians."""
    space = api.load_run(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    meshes = bodies()
    known = {name: drawn(meshes[name], row) for row, name in enumerate(ids("train"))}
    print("| body | completion | refined | retrieval | seen part | floor | s | refined, s |\n" + "| --- " * 8 + "|")
    rows = []
    for name in ids("test")[:count]:
        mesh, number = meshes[name], int(name[-3:])
        view, truth = seen(mesh, number), drawn(mesh, 1000 + number)
        scores, seconds = zip(*(completed(space, view, truth, refine) for refine in (False, True)), strict=True)
        rows.append(
            (
                *scores, retrieval(truth, known), chamfer(drawn(io.cloud_of([view]), 1), truth),
                chamfer(drawn(mesh, 2), truth), *seconds,
            )
        )  # fmt: skip
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in rows[-1]) + " |", flush=True)
    table = np.array(rows)
    for label, values in (("median", np.median(table, axis=0)), ("mean", table.mean(0)), ("worst", table.max(0))):
        print(f"| {label} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    better = (table[:, :2] < table[:, 2:3]).sum(0)
    print(f"\nbetter than retrieval: {better[0]} of {len(table)}, refined {better[1]}")


if __name__ == "__main__":
    main()
