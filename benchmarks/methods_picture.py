"""Every method on the same scan, in one picture.

    python benchmarks/methods_picture.py OUT.png [QUALITY]

The scan is that of the package's own sculpture: 20 000 points, noise of 0.2 % of the diagonal, no normals. sdf-
regression gets the sculpture's mesh. Under each are the start and F at 1 % of the diagonal.
"""

from __future__ import annotations

import argparse
import sys
import time

import isofield
from isofield import families, render
from methods import LEARNED


def main() -> None:
    """Fit, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT.png")
    parser.add_argument("quality", nargs="?", default="fast", choices=("fast", "balanced", "best"))
    args = parser.parse_args()
    truth = families.sculpture()
    cloud = render.scan(truth, 20_000, noise=0.002, seed=0)
    panels = [render.Panel(cloud.points, "scan", "20 000 points")]
    starts = [("auto", "oriented"), *((method, init) for init in ("oriented", "paper") for method in LEARNED)]
    for method, init in starts:
        began = time.perf_counter()
        source = truth if method == "sdf-regression" else cloud.points
        try:
            mesh = isofield.fit(source, method=method, init=init, quality=args.quality).mesh()
        except isofield.InputError as error:  # a field without a surface
            print(f"{method}, {init}: {error}", file=sys.stderr)
            continue
        score = isofield.compare(mesh, truth, samples=100_000)["f_score_1"]
        name = method if init == "oriented" else f"{method}, paper's start"
        note = f"F at 1 %: {score:.3f}"
        print(f"{name}: {note}, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        panels.append(render.Panel(mesh, name, note))
    render.sheet(panels, args.out, view=render.camera_for(truth, size=(360, 360)), columns=5)


if __name__ == "__main__":
    main()
