"""Query a field: distances, normals, containment and projections, in NumPy or differentiable in torch.

    python examples/02_query_a_field.py [FIELD]

Without FIELD, it first fits points of a torus.
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
    """Distances are in the units of the input, and negative inside."""
    sdf = isofield.load(sys.argv[1]) if len(sys.argv) > 1 else isofield.fit(torus(5000), quality="fast")

    low, high = sdf.points.min(axis=0), sdf.points.max(axis=0)
    points = np.random.default_rng(0).uniform(low, high, (5, 3))
    distances, normals, inside = sdf(points), sdf.normals(points), sdf.contains(points)
    for point, distance, normal, is_inside in zip(points, distances, normals, inside, strict=True):
        where = "inside" if is_inside else "outside"
        print(f"{point.round(3)}: {distance:+.4f}, {where}; outward normal {normal.round(3)}")

    projections = sdf.project(points)
    print(f"the projections onto the surface are at most {np.abs(sdf(projections)).max():.2g} away from it")

    # torch in, torch out: the field can be a term of any loss.
    x = torch.tensor(points, requires_grad=True)
    (slope,) = torch.autograd.grad(sdf(x).abs().sum(), x)
    print(f"gradient of the summed distances by the points: {tuple(slope.shape)}, {slope.dtype}")


if __name__ == "__main__":
    main()
