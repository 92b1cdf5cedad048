"""Completion error against depth noise: the study of DeepSDF (Park et al. 2019, section 6.3 and figure 9).

    .venv/bin/python benchmarks/deepsdf_noise.py RUN DATA TRUTH SPLIT.json [--count 10]

Arguments, cameras and Chamfer distance are those of benchmarks/complete.py. Every depth is multiplied by a normal
deviate of mean 1 whose standard deviation is sigma in normalised units at the median depth. The Chamfer distance of
the observed points to the truth is mostly the unobserved part; `one-sided` is their error alone: the mean squared
distance to the truth, x 1000.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from space_data import Data, add_arguments, chamfer, depth_image, drawn, number

from isofield import api, io
from isofield.errors import InputError
from isofield.evaluate.distances import match
from isofield.types import IDENTITY, View

SIGMAS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)


def noisy(view: View, sigma: float, seed: int) -> View:
    """A depth image with noise of this standard deviation at the median depth."""
    middle = float(np.median(view.depth[view.depth > 0]))
    deviate = np.random.default_rng(seed).normal(size=view.depth.shape)
    return replace(view, depth=view.depth * np.maximum(1 + sigma / middle * deviate, 0))


def main() -> None:
    """Print medians over the shapes, one line a sigma."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    add_arguments(parser)
    parser.add_argument("--count", type=int, default=10, help="the first N test shapes")
    args = parser.parse_args()
    space, data = api.load_run(args.run), Data(args.data, args.truth, args.split)
    meshes = {id_: data.mesh(id_) for id_ in data.test[: args.count]}
    print("| sigma | completion | input, one-sided | input | completed |\n| --- | --- | --- | --- | --- |")
    for sigma in SIGMAS:
        rows = []
        for id_, mesh in meshes.items():
            view = noisy(depth_image(mesh, number(id_)), sigma, number(id_))
            truth = drawn(mesh, 1000 + number(id_))
            try:
                whole = api.complete(space, view, frame=IDENTITY, eta=max(0.005, sigma), name=id_)[0].sdf.mesh()
            except InputError:
                continue
            part = drawn(io.cloud_of([view]), 1)
            one_sided = 1000 * float(np.square(match(part, truth).forward).mean())
            rows.append((chamfer(drawn(whole, 1), truth), one_sided, chamfer(part, truth)))
        medians = " | ".join(f"{value:.3f}" for value in np.median(np.array(rows), axis=0)) if rows else "- | - | -"
        print(f"| {sigma:g} | {medians} | {len(rows)} of {len(meshes)} |", flush=True)


if __name__ == "__main__":
    main()
