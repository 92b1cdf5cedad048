"""The study of noise of DeepSDF (Park et al. 2019, section 6.3 and figure 9) on bodies: error against depth noise.

    .venv/bin/python benchmarks/deepsdf_noise.py RUN [COUNT]

RUN, cameras and Chamfer distance as in benchmarks/complete.py, over the first COUNT test bodies (10). Every depth is
multiplied by a normal deviate of mean 1 and a deviation of sigma (in normalised units at the distance of the shape);
what is told of the input is the Chamfer distance of its points to the truth, of which the part that nobody saw is most.
Its error alone, without that part, is the mean squared distance to the truth, x 1000.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import complete as one_view
import numpy as np

from isofield import api, io
from isofield.errors import InputError
from isofield.evaluate.distances import match
from isofield.types import View

SIGMAS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)


def noisy(view: View, sigma: float, seed: int) -> View:
    """A depth image with noise of this deviation, in its units at the middle depth."""
    middle = float(np.median(view.depth[view.depth > 0]))
    deviate = np.random.default_rng(seed).normal(size=view.depth.shape)
    return replace(view, depth=view.depth * np.maximum(1 + sigma / middle * deviate, 0))


def main() -> None:
    """A line a sigma: medians over the bodies."""
    space = api.load_run(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    meshes = one_view.bodies()
    names = one_view.ids("test")[:count]
    print("| sigma | completion | input, one-sided | input | completed |\n| --- | --- | --- | --- | --- |")
    for sigma in SIGMAS:
        rows = []
        for name in names:
            number = int(name[-3:])
            view = noisy(one_view.seen(meshes[name], number), sigma, number)
            truth = one_view.drawn(meshes[name], 1000 + number)
            try:
                found = api.complete(space, view, eta=max(0.005, sigma), name=name)[0].sdf.mesh()
            except InputError:
                continue
            part = one_view.drawn(io.cloud_of([view]), 1)
            one_sided = 1000 * float(np.square(match(part, truth).forward).mean())
            completed = one_view.chamfer(one_view.drawn(found, 1), truth)
            rows.append((completed, one_sided, one_view.chamfer(part, truth)))
        middle = np.median(np.array(rows), axis=0)
        figures = " | ".join(f"{value:.3f}" for value in middle)
        print(f"| {sigma:g} | {figures} | {len(rows)} of {count} |", flush=True)


if __name__ == "__main__":
    main()
