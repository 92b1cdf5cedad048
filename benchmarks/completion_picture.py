"""Bodies of which one depth image was taken, completed, in one picture.

    .venv/bin/python benchmarks/completion_picture.py RUN OUT.png [BODY ...]

RUN and views as in benchmarks/complete.py. A row a body: what was seen, the completion, two others of the posterior of
its code, and the truth. Under each: Chamfer distance to the truth (x 1000, unit sphere, 10 000 points).
"""

from __future__ import annotations

import sys

import complete as one_view
import numpy as np

from isofield import api, io, render

BODIES = ("body_014", "body_044", "body_109", "body_169")


def main() -> None:
    """Complete, score, draw."""
    space, meshes, panels = api.load_run(sys.argv[1]), one_view.bodies(), []
    for name in sys.argv[3:] or BODIES:
        mesh, number = meshes[name], int(name[-3:])
        view, truth = one_view.seen(mesh, number), one_view.drawn(mesh, 1000 + number)
        panels.append(render.Panel(io.cloud_of([view]), "seen", name))
        first = api.complete(space, view, refine=True)[0]
        others = api.complete(space, view, samples=3)[1:]
        for label, one in zip(("completed", "another", "another"), (first, *others), strict=True):
            whole = one.sdf.mesh()
            score = one_view.chamfer(one_view.drawn(whole, 1), truth)
            panels.append(render.Panel(whole, label, f"Chamfer {score:.3f}"))
        panels.append(render.Panel(mesh, "truth"))
    everything = np.concatenate([np.asarray(meshes[name].vertices) for name in sys.argv[3:] or BODIES])
    camera = render.frame(everything, view=(30, 10), size=(300, 300))
    render.sheet(panels, sys.argv[2], view=camera, columns=5)


if __name__ == "__main__":
    main()
