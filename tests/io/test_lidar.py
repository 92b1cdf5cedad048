"""Files of laser scanners, written by the packages that read them."""

import sys

import numpy as np
import pytest

from isofield import io
from isofield.errors import InputError

POINTS = np.random.default_rng(0).uniform(-5, 5, (300, 3)) + [1e5, 2e5, 50]
COLORS = np.random.default_rng(1).integers(0, 256, (300, 3))


def write_las(path, shift: int) -> None:
    laspy = pytest.importorskip("laspy")
    header = laspy.LasHeader(point_format=2, version="1.2")
    header.scales, header.offsets = [1e-4] * 3, POINTS.min(0)
    cloud = laspy.LasData(header)
    cloud.xyz = POINTS
    cloud.red, cloud.green, cloud.blue = (COLORS << shift).T.astype(np.uint16)
    cloud.intensity = np.arange(300, dtype=np.uint16)
    cloud.write(path)


@pytest.mark.parametrize("name", ["a.las", "a.laz"])
@pytest.mark.parametrize("shift", [0, 8])
def test_las(tmp_path, name, shift):
    write_las(tmp_path / name, shift)
    cloud = io.read(tmp_path / name)
    assert np.abs(cloud.points - POINTS).max() < 1e-4
    assert np.array_equal(cloud.colors[:, :3], COLORS)
    assert np.array_equal(cloud.attributes["intensity"], np.arange(300))


def test_black_colours_of_las_are_none(tmp_path):
    write_las(tmp_path / "a.las", 16)
    assert io.read(tmp_path / "a.las").colors is None


def test_e57_places_every_scan(tmp_path):
    pye57 = pytest.importorskip("pye57")
    file = pye57.E57(str(tmp_path / "a.e57"), mode="w")
    points = POINTS - [1e5, 2e5, 50]  # pye57 writes 32 bits
    data = {f"cartesian{axis}": points[:, i] for i, axis in enumerate("XYZ")}
    data |= {f"color{name}": COLORS[:, i].astype(np.uint8) for i, name in enumerate(("Red", "Green", "Blue"))}
    file.write_scan_raw(data)
    file.write_scan_raw(data, translation=np.array([100.0, 0, 0]))
    file.close()
    cloud = io.read(tmp_path / "a.e57")
    assert np.abs(cloud.points - np.concatenate([points, points + [100, 0, 0]])).max() < 1e-5
    assert np.array_equal(cloud.colors[:, :3], np.concatenate([COLORS, COLORS]))


def test_a_scan_of_an_e57_without_a_pose_is_warned_of(tmp_path, monkeypatch):
    pye57 = pytest.importorskip("pye57")
    node, points = pye57.libe57.StructureNode, POINTS - [1e5, 2e5, 50]
    write = node.set  # pye57 always writes a pose: that of the second scan is left out
    file = pye57.E57(str(tmp_path / "a.e57"), mode="w")
    data = {f"cartesian{axis}": points[:, i] for i, axis in enumerate("XYZ")}
    file.write_scan_raw(data, translation=np.array([1.0, 2, 3]))
    monkeypatch.setattr(node, "set", lambda self, name, value: None if name == "pose" else write(self, name, value))
    file.write_scan_raw(data)
    file.close()
    with pytest.warns(UserWarning, match=r"scan 2 of 2 has no pose.*--viewpoint"):
        cloud = io.read(tmp_path / "a.e57")
    assert (cloud.sensors[:300] == [1, 2, 3]).all() and np.isnan(cloud.sensors[300:]).all()
    assert np.abs(cloud.points[300:] - points).max() < 1e-5


@pytest.mark.parametrize("name", ["a.las", "a.laz", "a.e57"])
def test_what_is_no_such_file_is_told(tmp_path, name):
    pytest.importorskip("laspy")
    pytest.importorskip("pye57")
    (tmp_path / name).write_bytes(b"LASF" + b"\1" * 50 if name != "a.e57" else b"ASTM-E57" + b"\1" * 50)
    with pytest.raises(InputError, match=name) as caught:
        io.read(tmp_path / name)
    assert "****" not in str(caught.value)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    write_las(tmp_path / "a.las", 8)
    monkeypatch.setitem(sys.modules, "laspy", None)
    with pytest.raises(InputError, match="pip install laspy"):
        io.read(tmp_path / "a.las")


def test_a_las_file_with_another_name_is_told(tmp_path):
    write_las(tmp_path / "a.las", 8)
    (tmp_path / "a.las").rename(tmp_path / "a.xyz")
    with pytest.raises(InputError, match=r"rename it to \.las"):
        io.read(tmp_path / "a.xyz")


def test_sensors_of_scans_and_aeroplanes(tmp_path):
    pye57 = pytest.importorskip("pye57")
    file = pye57.E57(str(tmp_path / "a.e57"), mode="w")
    data = {f"cartesian{axis}": (POINTS - [1e5, 2e5, 50])[:, i] for i, axis in enumerate("XYZ")}
    for x in (1.0, 100.0):
        file.write_scan_raw(data, translation=np.array([x, 2, 3]))
    file.close()
    sensors = io.read(tmp_path / "a.e57").sensors
    assert (sensors[:300] == [1, 2, 3]).all()
    assert (sensors[300:] == [100, 2, 3]).all()
    write_las(tmp_path / "cube.las", 8)
    assert io.read(tmp_path / "cube.las").sensors is None  # as tall as wide
    laspy = pytest.importorskip("laspy")
    x, y = np.random.default_rng(2).uniform(-5, 5, (2, 3000))
    hills = np.stack([x, y, 0.3 * np.sin(x) * np.cos(y)], 1)
    under = hills[::10] * [0.5, 0.5, 1] - [0, 0, 1.5]  # what the pulses met behind leaves
    flat = laspy.LasData(laspy.LasHeader(point_format=0, version="1.2"))
    flat.xyz = np.concatenate([hills, under])
    flat.return_number = np.repeat([1, 2], [len(hills), len(under)])
    flat.write(tmp_path / "flat.las")
    above = io.read(tmp_path / "flat.las")
    up = above.sensors[: len(hills)] - hills
    assert (up[:, 2] / np.linalg.norm(up, axis=1) > 0.999).all()
    assert np.isnan(above.sensors[len(hills) :]).all() and io.hidden_fraction(above) < 0.01
    ball = np.random.default_rng(3).normal(size=(10_000, 3))
    flat = laspy.LasData(laspy.LasHeader(point_format=0, version="1.2"))
    flat.xyz = ball / np.linalg.norm(ball, axis=1, keepdims=True) * [5, 5, 2]
    flat.write(tmp_path / "flat.las")
    assert io.read(tmp_path / "flat.las").sensors is None  # its far side cannot be seen from above
