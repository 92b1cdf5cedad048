"""The published methods side by side on one scan: how far each is from the truth, and how long it took.

    python examples/04_one_shape_every_method.py [METHOD ...]

Takes some minutes for all; `quality="fast"` here, for a look.
"""

import sys
import time

import isofield
from isofield import families, render
from isofield.configs import LEARNED


def main() -> None:
    """Each method is a name; what it learns and where it starts are options."""
    truth = families.knot()
    scan = render.scan(truth, 10_000, noise=0.002, seed=0)
    for method in sys.argv[1:] or ["auto", *LEARNED]:
        began = time.perf_counter()
        source = truth if method == "deepsdf" else scan.points  # signed samples want a closed mesh
        mesh = isofield.fit(source, method=method, quality="fast").mesh()
        found = isofield.compare(mesh, truth, samples=100_000)
        print(f"{method:12} F at 1 %: {found['f_score_1']:.4f}, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
