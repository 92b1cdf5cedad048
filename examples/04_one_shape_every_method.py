"""All methods on one scan: the accuracy and the time of each.

    python examples/04_one_shape_every_method.py [METHOD ...]

All of them take some minutes at `quality="fast"`.
"""

import sys
import time

import isofield
from isofield import families, render
from isofield.configs.methods import find_method, method_names


def main() -> None:
    """A method is chosen by its name."""
    truth = families.knot()
    scan = render.scan(truth, 10_000, noise=0.002, seed=0)
    for method in sys.argv[1:] or method_names():
        began = time.perf_counter()
        source = truth if find_method(method).reads in ("mesh", "closed mesh") else scan.points
        mesh = isofield.fit(source, method=method, quality="fast").mesh()
        scores = isofield.compare(mesh, truth, samples=100_000)
        print(f"{method:12} F at 1 %: {scores['f_score_1']:.4f}, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
