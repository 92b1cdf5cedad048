"""Every method on the same scan, in one picture.

    python benchmarks/methods_picture.py OUT.png [QUALITY]

The scan is that of the package's own sculpture: 20 000 points, noise of 0.2 % of the diagonal, no normals. deepsdf has
the sculpture's mesh. Under each: the start, F at 1 % of the diagonal, and seconds.
"""

from __future__ import annotations

import sys
import time

import isofield
from isofield import families, render
from isofield.configs import LEARNED


def main() -> None:
    """Fit, score, draw."""
    out, quality = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "fast"
    truth = families.sculpture()
    cloud = render.scan(truth, 20_000, noise=0.002, seed=0)
    panels = [render.Panel(cloud.points, "scan", "20 000 points")]
    for method, start in [("auto", "sides"), *((m, "sides") for m in LEARNED), *((m, "published") for m in LEARNED)]:
        began = time.perf_counter()
        source = truth if method == "deepsdf" else cloud.points
        try:
            mesh = isofield.fit(source, method=method, start=start, quality=quality).mesh()
        except isofield.InputError as error:  # a field without a surface
            print(f"{method}, {start}: {error}", file=sys.stderr)
            continue
        score = isofield.compare(mesh, truth, samples=100_000)["f_score_1"]
        name = method if start == "sides" else f"{method}, published"
        note = f"F at 1 %: {score:.3f}, {time.perf_counter() - began:.0f} s"
        print(f"{name}: {note}", file=sys.stderr, flush=True)
        panels.append(render.Panel(mesh, name, note))
    render.sheet(panels, out, view=render.camera_for(truth, size=(360, 360)), columns=5)


if __name__ == "__main__":
    main()
