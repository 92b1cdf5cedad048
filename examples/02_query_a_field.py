"""Ask a field: distances, gradients, inside or outside; as NumPy, or differentiable in torch.

    python examples/02_query_a_field.py [FIELD]

Without FIELD, that of a small torus of points is fitted first.
"""

import sys

import numpy as np
import torch

import isofield


def torus(count: int) -> np.ndarray:
    """Points (count, 3) on a torus of radii 1 and 0.4."""
    u, v = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, count))
    ring = 1 + 0.4 * np.cos(v)
    return np.stack([ring * np.cos(u), ring * np.sin(u), 0.4 * np.sin(v)], axis=1)


def main() -> None:
    """A field answers in the units of what it was fitted to; negative inside."""
    sdf = isofield.load(sys.argv[1]) if len(sys.argv) > 1 else isofield.fit(torus(5000), quality="fast")

    low, high = sdf.points.min(axis=0), sdf.points.max(axis=0)
    points = np.random.default_rng(0).uniform(low, high, (5, 3))
    distances, normals, inside = sdf(points), sdf.normals(points), sdf.contains(points)
    for point, distance, normal, within in zip(points, distances, normals, inside, strict=True):
        side = "inside" if within else "outside"
        print(f"{point.round(3)}: {distance:+.4f}, {side}; outward is {normal.round(3)}")

    feet = sdf.project(points)
    print(f"the nearest places on the surface are at most {np.abs(sdf(feet)).max():.2g} off it")

    # torch in, torch out: the field is a term of somebody else's loss.
    x = torch.tensor(points, requires_grad=True)
    sdf(x).abs().sum().backward()
    print(f"gradient of the summed distances with respect to the points: {tuple(x.grad.shape)}, float64")


if __name__ == "__main__":
    main()
