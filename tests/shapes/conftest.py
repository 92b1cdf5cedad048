from __future__ import annotations

import numpy as np
import pytest
import trimesh


@pytest.fixture(scope="session")
def ball() -> trimesh.Trimesh:
    """A closed mesh of 162 vertices and 320 faces whose coordinates all fit into 32 bits."""
    mesh = trimesh.creation.icosphere(2)
    return trimesh.Trimesh(mesh.vertices.astype(np.float32), mesh.faces, process=False)


@pytest.fixture(scope="session")
def table() -> np.ndarray:
    """(200, 3) points on a unit sphere, float64."""
    points = np.random.default_rng(0).normal(size=(200, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)
