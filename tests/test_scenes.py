"""The scenes of benchmarks/scenes.py: what is measured lies on the visible truth, and the score tells good from bad."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.evaluate.rays import rays_met
from isofield.solids.triangles import distance_to

PATH = Path(__file__).resolve().parents[1] / "benchmarks" / "scenes.py"


@pytest.fixture(scope="module")
def scenes():
    spec = importlib.util.spec_from_file_location("scenes", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["scenes"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["scenes"]


NOISE = {"room": 0.002, "made-terrain": 0.03, "table": 0.001}


@pytest.mark.parametrize("name", NOISE)
def test_points_lie_on_the_truth_and_their_sensors_see_them(scenes, name):
    scene = scenes.SCENES[name]()
    cloud = scene.measured()
    some = np.random.default_rng(0).permutation(len(cloud.points))[:5000]
    points, sensors = cloud.points[some], np.asarray(cloud.sensors)[some]
    distance = distance_to(scene.truth.vertices, scene.truth.faces)(points)
    assert len(cloud.points) > 100_000
    assert distance.max() < 6 * NOISE[name]
    assert np.median(distance) > 0.2 * NOISE[name]
    assert rays_met(scene.truth, points, sensors).met > 0.995


def test_the_score_of_a_room_counts_hidden_and_missing_surface(scenes):
    scene = scenes.SCENES["room"]()
    whole = scenes.score(scene, scene.truth, samples=20_000)
    assert whole.recall == 1
    assert 0.8 < whole.precision < 0.95  # table tops have undersides that no sensor sees
    shell = scenes.score(scene, trimesh.creation.box(bounds=[(0, 0, 0), (6, 5, 2.7)]), samples=20_000)
    assert shell.precision > 0.9
    assert 0.85 < shell.recall < 0.95  # without the furniture
    beside = scene.truth.copy().apply_translation((0, 0, 20 * 0.005 * scene.scale))
    assert scenes.score(scene, beside, samples=20_000).f < 0.85


def test_only_the_front_of_the_table_is_visible(scenes):
    scene = scenes.SCENES["table"]()
    points, normals = scenes.visible_samples(scene, 20_000)
    eye = np.asarray(scene.scans[0].sensors)[0]
    assert (np.einsum("ij,ij->i", eye - points, normals) > 0).all()
    assert 1000 < len(points) < 10_000


def test_thin_shapes_are_closed_and_as_thick_as_they_say(scenes):
    leaf, bowl, plate = (scenes.SCENES[name]() for name in ("leaf", "bowl", "plate"))
    assert leaf.truth.is_volume
    assert 2 * leaf.truth.volume / leaf.truth.area == pytest.approx(0.5, rel=0.05)
    assert bowl.truth.is_volume
    assert 2 * bowl.truth.volume / bowl.truth.area == pytest.approx(3, rel=0.1)
    assert plate.truth.is_volume
    assert plate.truth.volume == pytest.approx((200 * 150 - 12 * np.pi * 100) * 4, rel=2e-3)
    assert len(leaf.measured().points) == 30_000


def test_the_same_seed_gives_the_same_points(scenes):
    first, second = (scenes.SCENES["made-terrain"]().measured().points for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.filterwarnings("ignore:.*pixels measured nothing")
def test_files_hold_what_was_measured(scenes, tmp_path):
    table, plate = scenes.SCENES["table"](), scenes.SCENES["plate"]()
    path = scenes.write("table", table, tmp_path)
    assert b"VIEWPOINT 0.15 -1.1 1.45 1 0 0 0" in path.read_bytes()[:300]
    assert io.read(path).points == pytest.approx(table.measured().points, abs=1e-5)
    assert io.read(scenes.write("plate", plate, tmp_path)).volume == pytest.approx(plate.truth.volume, rel=1e-4)


def test_scanner_files_keep_poses_and_coordinates(scenes, tmp_path):
    pytest.importorskip("laspy")
    pye57 = pytest.importorskip("pye57")
    terrain, room = scenes.SCENES["made-terrain"](), scenes.SCENES["room"]()
    points = io.read(scenes.write("terrain", terrain, tmp_path)).points
    assert points == pytest.approx(terrain.measured().points, abs=6e-4)
    file = pye57.E57(str(scenes.write("room", room, tmp_path)))
    assert [file.get_header(k).translation for k in range(2)] == [pytest.approx(s.sensors[0]) for s in room.scans]
    file.close()
    assert io.read(tmp_path / "room.e57").points == pytest.approx(room.measured().points, abs=1e-5)
