"""Membranes over holes."""

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from isofield.solids.borders import capped
from isofield.solids.solid_parts import Solids, volume
from isofield.topology import edges_of


def test_holes_that_share_an_edge_are_closed():
    """Two boxes without lids, the second turned about an edge of its hole: along it two faces run the same way."""
    tub = trimesh.creation.box((1, 1, 1)).apply_translation((0.5, 0, 0.5))
    tub.update_faces(tub.triangles_center[:, 2] > 1e-6)
    other = tub.copy()
    other.vertices = other.vertices @ Rotation.from_euler("y", 180, degrees=True).as_matrix().T
    both = trimesh.util.concatenate([tub, other])
    both.merge_vertices(digits_vertex=9)
    faces = np.asarray(both.faces)
    assert np.abs(edges_of(faces).balance()).max() == 2
    closed = capped(Solids(np.asarray(both.vertices), faces, faces[:0], np.zeros(len(faces), int), 1, 0, 0, 0.0))
    assert not edges_of(closed.solid).balance().any()
    assert abs(volume(closed.vertices, closed.solid) - 2) < 1e-9
