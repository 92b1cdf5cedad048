"""Shapes with one depth image each, completed, in one picture.

    .venv/bin/python benchmarks/completion_picture.py RUN DATA TRUTH SPLIT.json OUT.png [--shapes ID ...]

Arguments and cameras are those of benchmarks/complete.py. Each row has the observed points, the completion, two other
completions from the posterior of the code, and the truth, with the Chamfer distance to the truth (x 1000, unit sphere,
10 000 points). docs/pictures/completion.png has body_014 body_044 body_109 body_169.
"""

from __future__ import annotations

import argparse

import numpy as np
from space_data import Data, add_arguments, chamfer, depth_image, drawn, number

from isofield import api, io, render
from isofield.types import IDENTITY


def main() -> None:
    """Complete, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    add_arguments(parser)
    parser.add_argument("out", metavar="OUT.png")
    parser.add_argument("--shapes", nargs="+", metavar="ID", help="default: the first four test shapes")
    args = parser.parse_args()
    space, data, panels = api.load_run(args.run), Data(args.data, args.truth, args.split), []
    meshes = {id_: data.mesh(id_) for id_ in args.shapes or data.test[:4]}
    for id_, mesh in meshes.items():
        view, truth = depth_image(mesh, number(id_)), drawn(mesh, 1000 + number(id_))
        panels.append(render.Panel(io.cloud_of([view]), "observed", id_))
        first = api.complete(space, view, frame=IDENTITY, refine=True)[0]
        others = api.complete(space, view, frame=IDENTITY, samples=3)[1:]
        for label, one in zip(("completed", "another", "another"), (first, *others), strict=True):
            whole = one.sdf.mesh()
            panels.append(render.Panel(whole, label, f"Chamfer {chamfer(drawn(whole, 1), truth):.3f}"))
        panels.append(render.Panel(mesh, "truth"))
    everything = np.concatenate([np.asarray(mesh.vertices) for mesh in meshes.values()])
    camera = render.frame(everything, view=(30, 10), size=(300, 300))
    render.sheet(panels, args.out, view=camera, columns=5)


if __name__ == "__main__":
    main()
