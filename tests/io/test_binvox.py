"""Voxels of binvox: the volume and the position of their boundary, and files that are no such ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from isofield import io
from isofield.errors import InputError
from isofield.io.info import inspect


def binvox(occupied: np.ndarray, translate=(0.0, 0.0, 0.0), scale: float = 1.0) -> bytes:
    """The file of voxels (x, y, z): runs along y, then z, then x."""
    flat = occupied.transpose(0, 2, 1).ravel().astype(np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [len(flat)]])
    runs = bytearray()
    for first, last in pairwise(starts):
        for at in range(first, last, 255):
            runs += bytes([flat[first], min(255, last - at)])
    dims = " ".join(map(str, occupied.shape))
    head = f"#binvox 1\ndim {dims}\ntranslate {' '.join(map(str, translate))}\nscale {scale}\ndata\n"
    return head.encode() + bytes(runs)


def test_a_block_has_its_volume_and_its_place(tmp_path):
    """Voxels 1 to 2 of 8 along x, 2 to 4 along y, 3 to 6 along z, each of side 4 / 8."""
    occupied = np.zeros((8, 8, 8), bool)
    occupied[1:3, 2:5, 3:7] = True
    (tmp_path / "block.binvox").write_bytes(binvox(occupied, (10, 20, 30), 4.0))
    mesh = io.read(tmp_path / "block.binvox")
    assert mesh.is_watertight and mesh.volume == pytest.approx(2 * 3 * 4 / 8)
    assert np.allclose(mesh.bounds, [[10.5, 21, 31.5], [11.5, 22.5, 33.5]])
    assert len(mesh.faces) == 2 * 2 * (2 * 3 + 3 * 4 + 2 * 4)


def test_random_voxels_have_their_volume_also_at_the_border(tmp_path):
    occupied = np.random.default_rng(0).random((5, 6, 7)) < 0.4
    (tmp_path / "some.binvox").write_bytes(binvox(occupied))
    mesh = io.read(tmp_path / "some.binvox")
    assert mesh.volume == pytest.approx(occupied.sum() / 7**3)
    assert inspect(mesh, "some").kind != "cloud"


WHOLE = binvox(np.ones((8, 8, 8), bool))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"hello\n" + WHOLE, "begin with #binvox"),
        (WHOLE[:20], "no line 'data'"),
        (WHOLE[:-2], "promises 512"),
        (WHOLE[:-1], "promises 512"),
        (WHOLE + b"\x01\x05", "promises 512"),
        (WHOLE.replace(b"dim 8 8 8", b"dim 8 8"), "makes no sense"),
        (WHOLE.replace(b"dim 8 8 8", b"dim 8 8 many"), "not complete"),
        (WHOLE.replace(b"dim 8 8 8", b"dim 8 -8 -8"), "makes no sense"),
        (WHOLE.replace(b"dim 8 8 8\n", b""), "not complete"),
        (WHOLE.replace(b"scale 1.0", b"scale nan"), "makes no sense"),
        (WHOLE.replace(b"dim 8 8 8", b"dim 500 500 500"), "cut short"),
        (WHOLE.replace(b"dim 8 8 8", b"dim 90000 90000 90000"), "more than 512 x 512 x 512"),
        (WHOLE.replace(b"\x01\xff", b"\x07\xff"), "neither 0 nor 1"),
        (binvox(np.zeros((4, 4, 4), bool)), "no occupied voxel"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path, data, says):
    path = tmp_path / "x.binvox"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        io.read(path)
    message = str(caught.value)
    assert str(path) in message and says in message and "\n" not in message and message.endswith(".")


def test_a_file_of_another_name_is_recognised(tmp_path):
    (tmp_path / "x.ply").write_bytes(WHOLE)
    with pytest.raises(InputError, match=r"rename it to \.binvox"):
        io.read(tmp_path / "x.ply")
