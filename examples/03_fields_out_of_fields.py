"""Combine fields by union, difference, shell and offset, and cast rays against the result.

    python examples/03_fields_out_of_fields.py [FIELD]

Without FIELD, it first fits points of a sphere.
"""

import sys

import numpy as np

import isofield


def ball(count: int, radius: float) -> np.ndarray:
    """Points (count, 3) on a sphere."""
    x = np.random.default_rng(0).normal(size=(count, 3))
    return radius * x / np.linalg.norm(x, axis=1, keepdims=True)


def main() -> None:
    """Every result is a field, which can be queried, meshed and saved."""
    shape = isofield.load(sys.argv[1]) if len(sys.argv) > 1 else isofield.fit(ball(3000, 1.0), quality="fast")
    low, high = shape.points.min(axis=0), shape.points.max(axis=0)
    size = float((high - low).max())

    shift = np.eye(4)
    shift[0, 3] = 0.4 * size
    pair = shape | shape.moved(shift)  # union; & and - are intersection and difference
    difference = shape - shape.moved(shift)
    wall = shape.shell(0.05 * size)
    for name, field in {
        "pair": pair,
        "difference": difference,
        "wall": wall,
        "grown": shape.offset(0.1 * size),
    }.items():
        mesh = field.mesh(96)
        print(f"{name:7} {len(mesh.faces)} faces, watertight: {mesh.is_watertight}, volume {mesh.volume:.4g}")

    # Lengths of rays from the left to the surface of the difference.
    y, z = np.linspace(low[1], high[1], 5), np.full(5, (low + high)[2] / 2)
    origins = np.stack([np.full(5, low[0] - size), y, z], axis=1)
    print("rays:", difference.cast(origins, np.tile([1.0, 0, 0], (5, 1))).round(3))
    isofield.write_mesh(difference.mesh(128), "difference.ply")
    difference.save("difference_field")


if __name__ == "__main__":
    main()
