"""The floor below a scan, left out of its samples."""

import json

import numpy as np
import trimesh

from isofield.cli.main import main


def _standing(folder) -> None:
    """A ball over a floor with gaps, and the same without the floor; both open, wound outward."""
    ball = trimesh.creation.icosphere(4, 0.5)
    ball.apply_translation([0, 0.6, 0])
    ball.update_faces(ball.triangles_center[:, 1] < 0.95)
    grid = np.stack(np.meshgrid(np.linspace(-0.6, 0.6, 31), [0.0], np.linspace(-0.6, 0.6, 31), indexing="ij"), -1)
    corner = np.arange(31 * 31).reshape(31, 31)
    quads = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], -1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 3, 1]], quads[:, [1, 3, 2]]])
    plate = trimesh.Trimesh(grid.reshape(-1, 3), faces, process=False)
    assert plate.face_normals[0, 1] > 0.9
    folder.mkdir()
    trimesh.util.concatenate([ball, plate]).export(folder / "standing.ply")
    ball.export(folder / "alone.ply")
    box = trimesh.creation.box((1, 1, 1)).subdivide().subdivide().subdivide()
    box.export(folder / "box.ply")


def test_a_floor_is_left_out_and_the_bottom_of_a_solid_is_not(tmp_path, capsys):
    _standing(tmp_path / "scans")
    line = ["prepare", f"{tmp_path}/scans", f"{tmp_path}/out", "--samples", "unsigned", "surface", "--count", "2000"]
    assert main([*line, "--points", "3000", "--drop-floor", "--no-progress"]) == 0
    records = {name: json.loads((tmp_path / f"out/shapes/{name}/record.json").read_text()) for name in
               ("standing", "alone", "box")}  # fmt: skip
    assert records["standing"]["reason"].startswith("a floor (")
    assert (records["alone"]["reason"], records["box"]["reason"]) == ("", "")
    assert 0.2 < records["standing"]["figures"]["floor"] < 0.5
    on = np.load(tmp_path / "out/shapes/standing/surface.npy")[:, :3] / records["standing"]["scale"]
    on = on + records["standing"]["center"]
    assert np.abs(np.linalg.norm(on - [0, 0.6, 0], axis=1) - 0.5).max() < 0.01  # on the ball alone
