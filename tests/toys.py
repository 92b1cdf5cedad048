"""A small family of shapes for tests of spaces: a body, a head above it, and a nose to +z and +x, so that no turn and
no mirror image looks alike."""

from __future__ import annotations

import igl
import numpy as np
import trimesh
from manifold3d import Manifold

from isofield.api.space import ShapeSpace, TrainingShape
from isofield.configs import Linear, PrepareConfig
from isofield.types import SdfSamples, Shape, Similarity, normalization
from trained import started

COUNT = 30
"""Training shapes."""


def toy(number: int) -> trimesh.Trimesh:
    """One of them, normalised."""
    random = np.random.default_rng([5, number])
    a, b, c = random.uniform([0.3, 0.5, 0.3], [0.5, 0.7, 0.5])
    head, nose = random.uniform(0.2, 0.35), random.uniform(0.12, 0.2)
    ball = Manifold.sphere(1.0, 32)
    whole = ball.scale((a, b, c)) + ball.scale((head,) * 3).translate((0.1, b + 0.5 * head, 0))
    whole = whole + ball.scale((nose, nose, 2 * nose)).translate((0.6 * a, 0.1, 0.9 * c))
    held = whole.to_mesh()
    vertices = np.asarray(held.vert_properties[:, :3], np.float64)
    vertices = normalization(vertices).apply(vertices)
    return trimesh.Trimesh(vertices, np.asarray(held.tri_verts), process=False)


def distance(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    """Exact signed distances (n,) of a closed mesh at points (n, 3)."""
    kind = igl.SIGNED_DISTANCE_TYPE_PSEUDONORMAL
    faces = np.asarray(mesh.faces, np.int64)
    return np.asarray(igl.signed_distance(np.asarray(points, np.float64), mesh.vertices, faces, sign_type=kind)[0])


def samples_of(number: int, count: int = 6000) -> SdfSamples:
    """Samples of a toy, most of them near its surface."""
    mesh, random = toy(number), np.random.default_rng([6, number])
    on = trimesh.sample.sample_surface(mesh, count, seed=number)[0]
    points = on + random.choice([0.07, 0.02], (count, 1)) * random.normal(size=(count, 3))
    points[: count // 8] = random.uniform(-1, 1, (count // 8, 3))
    points = random.permutation(points).astype(np.float32)
    return SdfSamples(points, distance(mesh, points).astype(np.float32))


def space() -> ShapeSpace:
    """The linear space of the first `COUNT` toys."""
    config = Linear(cells=24, iterations=8)
    learned = started(config, [Shape(samples=samples_of(number)) for number in range(COUNT)])
    named = [TrainingShape(f"toy/{number:03d}", "toy", Similarity((0.0, 0.0, 0.0), 1.0)) for number in range(COUNT)]
    return ShapeSpace(learned.module.eval(), learned.table.numpy(), named, "linear", config, PrepareConfig())
