"""Fewer faces and points for display."""

from __future__ import annotations

import numpy as np
import trimesh

from isofield.points import vertex_colors, vertex_scalars
from isofield.surfaces import reduced
from isofield.types import Cloud


def test_a_large_mesh_is_decimated_with_its_colours_and_says_so():
    mesh = trimesh.creation.icosphere(5)
    colors = np.rint(127.5 * (mesh.vertices + 1)).astype(np.uint8)
    mesh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False, vertex_colors=colors)
    mesh.vertex_attributes["height"] = np.asarray(mesh.vertices[:, 1], np.float32)
    fewer, note = reduced(mesh, faces=2000)
    assert note == "2 000 of 20 480 faces are shown." and fewer.is_watertight
    expected = 127.5 * (fewer.vertices + 1)
    assert np.abs(vertex_colors(fewer)[:, :3].astype(float) - expected).max() < 15
    assert np.abs(vertex_scalars(fewer)["height"] - fewer.vertices[:, 1]).max() < 0.1
    assert reduced(mesh) == (mesh, "")


def test_a_large_cloud_is_thinned_and_points_that_are_not_finite_are_left_out(table):
    cloud = Cloud(np.concatenate([table, [[np.inf, 0, 0]]]), attributes={"time": np.arange(201, dtype=np.float32)})
    fewer, note = reduced(cloud, points=50)
    assert len(fewer.points) == 50 and note == "50 of 201 points are shown."
    assert np.array_equal(fewer.points, cloud.points[fewer.attributes["time"].astype(int)])
    assert len(reduced(cloud)[0].points) == 200
