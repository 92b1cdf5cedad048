"""What visitors send: a file of any name and content."""

from __future__ import annotations

import numpy as np
import pytest

import toys
from isofield import io
from isofield.errors import InputError
from isofield.types import Cloud
from isofield.viewer import uploads


def bytes_of_cloud(points: np.ndarray, folder) -> bytes:
    io.write_cloud(Cloud(points), folder / "cloud.ply")
    return (folder / "cloud.ply").read_bytes()


@pytest.mark.parametrize("name", ["scan.ply", "../../etc/scan.ply", "C:\\scans\\my scan.ply", "/a/b.ply", ".a.ply"])
def test_a_name_is_no_path(name, table, tmp_path):
    read = uploads.read_upload(name, bytes_of_cloud(table, tmp_path))
    assert np.allclose(read.points, table, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("scan.ply", b"hello", "scan.ply is not a PLY file"),
        ("scan.exe", b"MZ", "scan.exe cannot be read"),
        ("scan.ply", b"", "scan.ply is empty"),
        ("", b"x", "scan"),
        ("few.xyz", b"0 0 0\n1 1 1\n", "few.xyz"),
    ],
)
def test_a_bad_file_is_a_sentence_without_our_paths(name, content, sentence):
    with pytest.raises(InputError) as error:
        uploads.read_upload(name, content)
    assert sentence in str(error.value) and "/tmp" not in str(error.value)


def test_a_part_of_a_shape_is_completed(toy_space):
    mesh = toys.toy(40)
    points = np.asarray(mesh.sample(4000, return_index=False))
    part = Cloud(points[points[:, 0] > -0.05])
    assert uploads.frames_of(toy_space)[0] == uploads.NORMALISED
    result = uploads.completed(toy_space, part, "part.ply", uploads.NORMALISED)
    hidden = mesh.sample(2000)
    hidden = hidden[hidden[:, 0] < -0.1]
    assert result.id == "part" and result.explained > 0.9
    assert np.abs(result.sdf(hidden)).mean() < 0.05
    assert uploads.summary(result).startswith(f"{100 * result.explained:.0f} % of the observed surface")
