"""What a Python caller gives as a shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from isofield import InputError, io
from isofield.io import shape_of
from isofield.types import Cloud


def test_files_meshes_clouds_and_arrays(tmp_path):
    box = trimesh.creation.box()
    io.write_mesh(box, tmp_path / "box.ply")
    name, mesh = shape_of(tmp_path / "box.ply")
    assert name.endswith("box.ply") and len(mesh.faces) == 12
    assert shape_of(box) == ("Trimesh", box)
    points = np.arange(12).reshape(2, 6)
    _, cloud = shape_of(points)
    assert isinstance(cloud, Cloud) and cloud.points.dtype == np.float64
    np.testing.assert_allclose(cloud.normals, points[:, 3:] / np.linalg.norm(points[:, 3:], axis=1, keepdims=True))
    _, cloud = shape_of(torch.ones(4, 3, requires_grad=True))
    np.testing.assert_array_equal(cloud.points, np.ones((4, 3)))
    assert shape_of([[0, 0, 1]])[1].normals is None


@pytest.mark.parametrize("made", [lambda table: table, lambda table: Cloud(table[:, :3], table[:, 3:])])
def test_normals_that_are_partly_zero_are_left_out(made):
    table = np.tile([0, 0, 0, 0, 0, 2.0], (5, 1))
    assert (shape_of(made(table))[1].normals == [0, 0, 1]).all()
    table[1, 5] = 0
    with pytest.warns(UserWarning, match="1 of 5 normals are zero or not finite"):
        assert shape_of(made(table))[1].normals is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "None is not a shape: give a file, a Trimesh, a Cloud or an array."),
        (3, "an int is not a shape"),
        (np.zeros((4, 4)), "the array has the shape (4, 4): give points (n, 3)"),
        ([[1, 2, 3], [1, 2]], "the rows of the array have several lengths"),
        (np.array([["1", "2", "3"]]), "the array has values of type <U1: give real numbers."),
        (np.zeros((4, 3), complex), "the array has values of type complex128: give real numbers."),
    ],
)
def test_what_is_no_shape(given, says):
    with pytest.raises(InputError) as error:
        shape_of(given)
    assert says in str(error.value)
