"""What is served for a path, and without one."""

from __future__ import annotations

import pytest

import balls
import toys
from isofield.errors import InputError
from isofield.viewer import open_viewer
from isofield.viewer.opening import offered


def test_without_a_path_the_demo_and_the_spaces_that_ship_are_offered(tmp_path):
    assert list(offered(tmp_path)) == ["aircraft", "aircraft-mlp"]
    (tmp_path / "isofield-demo").mkdir()
    (tmp_path / "isofield-demo" / "scan.ply").touch()
    first = next(iter(offered(tmp_path)))
    assert first == str(tmp_path / "isofield-demo" / "scan.ply")


def test_a_prepared_data_set_is_served(tmp_path):
    data = balls.prepared(tmp_path / "data", {"ball": balls.rows_of(0.5, 400)})
    viewer = open_viewer(data, port=0)
    assert viewer.links[0].startswith("http://127.0.0.1:") and not viewer.workers
    viewer.stop()


def test_a_port_that_is_taken_gives_the_next_one(toy_run):
    first = open_viewer(toy_run, port=0, resolution=32)
    taken = int(first.links[0].rsplit(":", 1)[1])
    second = open_viewer(toy_run, port=taken, resolution=32)
    assert int(second.links[0].rsplit(":", 1)[1]) > taken
    first.stop()
    second.stop()


def test_a_broken_mesh_is_a_sentence(tmp_path):
    (tmp_path / "bad.ply").write_bytes(b"hello")
    with pytest.raises(InputError, match="is not a PLY file"):
        open_viewer(tmp_path / "bad.ply")
    with pytest.raises(InputError, match="resolution"):
        open_viewer(toys.__file__, resolution=4)
