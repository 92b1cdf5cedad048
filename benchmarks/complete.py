"""Completion of unseen shapes from one depth image each, beside the best training shape.

    .venv/bin/python benchmarks/complete.py RUN DATA TRUTH SPLIT.json [--count N]

RUN is a space of `isofield train`, trained on the part "train" of SPLIT. For each shape of the part "test", a camera
at a random position around it takes a depth image of 200 x 200 pixels. The shape is completed by its code alone, and
refined. Chamfer is the sum of the mean squared distances, x 1000, with 10 000 points, in the unit sphere of the
truth. Beside it: retrieval (the training shape with the least true Chamfer distance), the observed points themselves,
and the floor (the truth against itself).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from space_data import Data, add_arguments, chamfer, depth_image, drawn, number

from isofield import api, io
from isofield.evaluate.surface_samples import SurfaceSamples
from isofield.types import IDENTITY, View


def completed(space: api.ShapeSpace, view: View, truth: SurfaceSamples, refine: bool) -> tuple[float, float]:
    """The Chamfer distance of a completion, and its seconds."""
    began = time.perf_counter()
    mesh = api.complete(space, view, frame=IDENTITY, refine=refine)[0].sdf.mesh()
    seconds = time.perf_counter() - began
    return chamfer(drawn(mesh, 1), truth), seconds


def main() -> None:
    """Print a table, one line a shape, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    add_arguments(parser)
    parser.add_argument("--count", type=int, help="the first N test shapes (default: all)")
    args = parser.parse_args()
    space, data = api.load_run(args.run), Data(args.data, args.truth, args.split)
    print(
        "| shape | completion | refined | retrieval | observed part | floor | s | refined, s |\n" + "| --- " * 8 + "|"
    )
    rows = []
    for id_ in data.test[: args.count]:
        mesh = data.mesh(id_)
        view, truth = depth_image(mesh, number(id_)), drawn(mesh, 1000 + number(id_))
        scores, seconds = zip(*(completed(space, view, truth, refine) for refine in (False, True)), strict=True)
        part, again = drawn(io.cloud_of([view]), 1), drawn(mesh, 2)
        rows.append((*scores, data.retrieval(truth), chamfer(part, truth), chamfer(again, truth), *seconds))
        print(f"| {id_} | " + " | ".join(f"{value:.3f}" for value in rows[-1]) + " |", flush=True)
    table = np.array(rows)
    for label, values in (("median", np.median(table, axis=0)), ("mean", table.mean(0)), ("worst", table.max(0))):
        print(f"| {label} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    better = (table[:, :2] < table[:, 2:3]).sum(0)
    print(f"\nbetter than retrieval: {better[0]} of {len(table)}, refined {better[1]}")


if __name__ == "__main__":
    main()
