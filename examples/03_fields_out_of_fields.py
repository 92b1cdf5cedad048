"""Combine fields: a bore, a shell, a copy beside it; then rays against the result.

    python examples/03_fields_out_of_fields.py [FIELD]

Without FIELD, that of a small ball of points is fitted first.
"""

import sys

import numpy as np

import isofield


def ball(count: int, radius: float) -> np.ndarray:
    """Points (count, 3) on a sphere."""
    x = np.random.default_rng(0).normal(size=(count, 3))
    return radius * x / np.linalg.norm(x, axis=1, keepdims=True)


def main() -> None:
    """Every result is a field again: to query, to mesh, to save."""
    shape = isofield.load(sys.argv[1]) if len(sys.argv) > 1 else isofield.fit(ball(3000, 1.0), quality="fast")
    low, high = shape.points.min(axis=0), shape.points.max(axis=0)
    size = float((high - low).max())

    aside = np.eye(4)
    aside[0, 3] = 0.4 * size
    pair = shape | shape.moved(aside)  # union; & and - are intersection and difference
    bitten = shape - shape.moved(aside)
    wall = shape.shell(0.05 * size)
    for name, field in {"pair": pair, "bitten": bitten, "wall": wall, "grown": shape.offset(0.1 * size)}.items():
        mesh = field.mesh(96)
        print(f"{name:7} {len(mesh.faces)} faces, watertight: {mesh.is_watertight}, volume {mesh.volume:.4g}")

    # Rays from the left: how far they go until they meet the bitten shape.
    origins = np.stack([np.full(5, low[0] - size), np.linspace(low[1], high[1], 5), np.full(5, (low + high)[2] / 2)], 1)
    print("rays:", bitten.cast(origins, np.tile([1.0, 0, 0], (5, 1))).round(3))
    isofield.write_mesh(bitten.mesh(128), "bitten.ply")
    bitten.save("bitten_field")


if __name__ == "__main__":
    main()
