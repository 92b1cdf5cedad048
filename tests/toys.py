"""A small family of shapes for tests of spaces: a body, a head above it, and a nose to +z and +x, so that no turn and no
mirror image looks alike."""

from __future__ import annotations

import numpy as np
import trimesh
from manifold3d import Manifold

from isofield import shapes

COUNT = 40
"""Training shapes."""


def toy(number: int) -> trimesh.Trimesh:
    """One of them, normalised."""
    random = np.random.default_rng([5, number])
    a, b, c = random.uniform([0.3, 0.5, 0.3], [0.5, 0.7, 0.5])
    head, nose = random.uniform(0.2, 0.35), random.uniform(0.12, 0.2)
    ball = Manifold.sphere(1.0, 64)
    whole = ball.scale((a, b, c)) + ball.scale((head,) * 3).translate((0.1, b + 0.5 * head, 0))
    whole = whole + ball.scale((nose, nose, 2 * nose)).translate((0.6 * a, 0.1, 0.9 * c))
    held = whole.to_mesh()
    vertices = np.asarray(held.vert_properties[:, :3], np.float64)
    vertices = shapes.normalization(vertices).apply(vertices)
    return trimesh.Trimesh(vertices, np.asarray(held.tri_verts), process=False)
