"""Meshes of unsigned distances: open, of one side, and in sheets that meet."""

from __future__ import annotations

import igl
import numpy as np
import pytest
import trimesh

from isofield.surfaces import check, extract_unsigned

CELLS = 48
CELL = 2.6 / CELLS


def extracted(sheet: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh of the distance to the faces of a sheet."""
    vertices, faces = np.asarray(sheet.vertices, np.float64), np.asarray(sheet.faces, np.int64)

    def offset(x: np.ndarray) -> np.ndarray:
        return x - igl.point_mesh_squared_distance(x, vertices, faces)[2]

    return extract_unsigned(
        lambda x: np.linalg.norm(offset(x), axis=1), offset, np.array([-1.3, -1.31, -1.29]), np.full(3, 1.3), CELLS
    ).mesh


def strip(turn: float, width: float = 0.4) -> trimesh.Trimesh:
    """A band around a circle, turned by an angle on its way."""
    u, v = (one.ravel() for one in np.meshgrid(np.linspace(0, 2 * np.pi, 241), np.linspace(-width, width, 17)))
    radius = 0.8 + v * np.cos(turn * u / (2 * np.pi))
    points = np.stack([radius * np.cos(u), radius * np.sin(u), v * np.sin(turn * u / (2 * np.pi))], 1)
    low = (np.arange(240)[None] + 241 * np.arange(16)[:, None]).ravel()
    faces = np.concatenate([
        np.stack([low, low + 1, low + 241], 1), np.stack([low + 1, low + 242, low + 241], 1)
    ])  # fmt: skip
    return trimesh.Trimesh(points, faces, process=False)


def farthest(mesh: trimesh.Trimesh, from_: trimesh.Trimesh) -> float:
    """The largest distance of points of one mesh from the other."""
    points = trimesh.sample.sample_surface(mesh, 4000, seed=0)[0]
    found = igl.point_mesh_squared_distance(points, np.asarray(from_.vertices), np.asarray(from_.faces, np.int64))[0]
    return float(np.sqrt(found.max()))


@pytest.mark.parametrize("turn", [0.0, np.pi], ids=["ring", "moebius"])
def test_a_band_ends_where_its_surface_ends(turn):
    """A ring has two borders, the band of Moebius one, and no two sides; signs could not tell."""
    sheet = strip(turn)
    mesh = extracted(sheet)
    assert farthest(mesh, sheet) < 0.8 * CELL
    assert farthest(sheet, mesh) < 0.4 * CELL
    found = check(mesh)
    assert not found.crowded_edges and not found.degenerate_faces and found.pinched_vertices == 0
    assert bool(found.unlike_edges) == (turn > 0)
    assert 0.95 < mesh.area / sheet.area < 1.06


def test_no_surface_where_the_distance_has_a_ridge():
    """Between two sheets the gradients are opposite as well, and point at each other."""
    ring = strip(0.0)
    pair = trimesh.util.concatenate([ring.copy().apply_translation([0, 0, h]) for h in (-0.05, 0.05)])
    mesh = extracted(pair)
    assert farthest(mesh, pair) < 0.8 * CELL
    assert not check(mesh).crowded_edges


def test_nothing_of_a_distance_that_is_nowhere_small():
    mesh = extract_unsigned(
        lambda x: np.linalg.norm(x, axis=1) + 1, lambda x: x, np.full(3, -1.0), np.full(3, 1.0), 16
    ).mesh
    assert len(mesh.faces) == 0
