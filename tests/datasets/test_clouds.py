"""Points without faces through `isofield prepare`: what they can teach, and what is said of what they cannot."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from isofield.cli.main import main
from isofield.configs import PrepareConfig
from isofield.datasets import Prepared, prepare
from isofield.sampling.training_samples import cloud

DIRECTIONS = np.random.default_rng(0).normal(size=(3000, 3))
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)
PLACE, RADIUS = np.array([5.0, -2.0, 1.0]), 3.0
"""Balls of points lie there."""


def table(out):
    with (out / "report.csv").open() as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A ball in text, with normals in an array, and with a fiftieth of its points lost."""
    folder = tmp_path_factory.mktemp("clouds")
    points = PLACE + RADIUS * DIRECTIONS
    np.savetxt(folder / "plain.xyz", points)
    np.save(folder / "normals.npy", np.concatenate([points, DIRECTIONS], axis=1))
    broken = points.copy()
    broken[::50] = np.nan
    np.save(folder / "broken.npy", broken)
    return folder


@pytest.fixture(scope="module")
def ready(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("ready") / "out"
    line = ["prepare", str(source), str(out), "--samples", "unsigned", "cloud", "--count", "2000", "--no-progress"]
    assert main(line) == 0
    return out


def test_clouds_go_through_with_their_figures(ready):
    rows = table(ready)
    assert {id_: (row["outcome"], row["reason"]) for id_, row in rows.items()} == {
        "broken": ("repair", "60 points that are not finite are left out"), "normals": ("accept", ""),
        "plain": ("accept", ""),
    }  # fmt: skip
    assert [rows[id_]["points"] for id_ in ("broken", "plain")] == ["3000", "3000"]
    assert (ready / "report.html").read_text().count("data:image/png;base64") == 3


def test_samples_of_clouds_know_the_nearest_point(source, ready):
    """Against every point of the file, which the record's similarity leads into the normalised space."""
    data = Prepared(ready, "unsigned", count=2000)
    record = next(r for r in data.records if r.id == "plain")
    points = (np.loadtxt(source / "plain.xyz") - record.center) * record.scale
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(1 / 1.03)
    tree = cKDTree(points)
    rows = data.slice(data.records.index(record), 0).astype(np.float64)
    distance, index = tree.query(rows[:, :3])
    assert np.abs(rows[:, 3] - distance).max() < 1e-6
    assert np.abs(rows[:, :3] - rows[:, 3:4] * rows[:, 4:] - points[index]).max() < 1e-6
    assert 0.4 < (distance > 0.1).mean() < 0.6  # half of them deviate by 0.3
    rows = Prepared(ready, "cloud", count=2000).slice(data.records.index(record), 0).astype(np.float64)
    assert np.abs(points[tree.query(rows[:, :3])[1]] - rows[:, 3:]).max() < 1e-6


def test_queries_deviate_as_in_the_paper_and_as_released(source, tmp_path):
    """By the distance to a neighbour, or 25 of 40 by twice as much; a tenth by 0.3; around as many points as chosen."""
    points = np.random.default_rng(0).normal(size=(4000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    deviation = np.median(cKDTree(points).query(points, k=12)[0][:, -1])
    for queries in ("paper", "released", "mixed"):
        rows = cloud(points, 40_000, 51, queries, np.random.default_rng(1))
        off = np.linalg.norm(rows[:, :3], axis=1) - 1
        shares = [(np.abs(off) < width * deviation).mean() for width in (1, 2)]
        expected = {"paper": (0.68, 0.95), "released": (0.50, 0.785), "mixed": (0.64, 0.91)}[queries]
        assert np.allclose(shares, expected, atol=0.02), (queries, shares)
    prepare(source, tmp_path / "few", PrepareConfig(("cloud",), 3000, cloud_points=100), workers=1)
    assert len(np.unique(Prepared(tmp_path / "few", "cloud", count=3000)[0][:, 3:], axis=0)) <= 100


def test_the_picture_shows_points_and_how_near_they_are(ready):
    """The plane through a ball: dark on the circle, light in its middle and in the corners."""
    plane = np.asarray(Image.open(ready / "shapes/plain/picture.png"))[:, 160:, 0].astype(float)
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    circle = np.abs(np.hypot(x, y) - 0.97) < 0.01
    assert plane[circle].mean() < 180 < 225 < plane[np.hypot(x, y) < 0.6].min()


def test_surface_samples_have_the_normals_of_the_points(source, tmp_path, capsys):
    line = ["prepare", str(source), str(tmp_path / "out"), "--samples", "surface", "--count", "1000", "--no-progress"]
    assert main([*line, "--strict"]) == 0
    rows = table(tmp_path / "out")
    assert rows["plain"]["reason"] == "points without normals: those of the surface samples are 0"
    assert not np.load(tmp_path / "out/shapes/plain/surface.npy")[:, 3:].any()
    assert rows["normals"]["outcome"] == "accept"
    found = np.load(tmp_path / "out/shapes/normals/surface.npy")
    assert found.shape == (1000, 6)
    assert np.abs(found[:, :3] * 1.03 - found[:, 3:]).max() < 0.01  # a ball's normals are its directions
    assert len(np.unique(found, axis=0)) == 1000


@pytest.mark.parametrize("kind", ["signed", "occupancy", "levelset", "views"])
def test_what_needs_an_inside_is_rejected_with_the_way_out(source, tmp_path, capsys, kind):
    line = ["prepare", str(source), str(tmp_path / "out"), "--samples", "unsigned", kind, "--count", "100"]
    assert main([*line, "--no-progress"]) == 1  # nothing is left
    (reason,) = {row["reason"] for id_, row in table(tmp_path / "out").items() if id_ != "normals"}
    assert reason == (
        f"points without faces have no {kind} samples: use --samples unsigned cloud surface, or fit scans first: --fit"
    )


def test_half_is_known_of_the_rounded_places(source, tmp_path):
    (tmp_path / "one.json").write_text('["plain"]')
    config = PrepareConfig(("unsigned",), 500, half=True)
    (record,) = prepare(source, tmp_path / "out", config, split=tmp_path / "one.json")
    points = (np.loadtxt(source / "plain.xyz") - record.center) * record.scale
    rows = np.load(tmp_path / "out/shapes/plain/unsigned.npy")
    assert rows.dtype == np.float16
    distance = cKDTree(points).query(rows[:, :3].astype(np.float64))[0]
    assert np.abs(rows[:, 3] - distance).max() < 5e-4


def test_seed_and_order_of_the_file_decide_alone(source, ready, tmp_path):
    config = PrepareConfig(("unsigned", "cloud"), 2000)
    again = prepare(source, tmp_path / "out", config, workers=2)
    before = json.loads((ready / "manifest.json").read_text())["shapes"]
    assert [record.files for record in again] == [row["files"] for row in before]


def test_a_cloud_that_is_a_speck_beside_a_far_point_is_rejected(tmp_path):
    (tmp_path / "in").mkdir()
    points = DIRECTIONS.copy()
    points[0] = [1000, 0, 0]
    np.save(tmp_path / "in/far.npy", points)
    np.save(tmp_path / "in/few.npy", points[1:150] * 0 + 1)
    far, few = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig(("cloud",), 100))
    assert far.reason.startswith("far: 99 % of the points lie within 0.")
    assert "149 points, all of them equal" in few.reason


def test_real_scans(data, tmp_path):
    records = prepare(data / "scans/noisy", tmp_path / "noisy", PrepareConfig(("unsigned", "cloud"), 2000))
    assert [record.outcome for record in records] == ["accept"] * 4
    records = prepare(data / "scans/abc", tmp_path / "abc", PrepareConfig(("unsigned",), 2000))  # a mesh and its scan
    assert {record.id.rpartition(".")[2]: record.outcome for record in records} == {"gt": "accept", "scan": "accept"}
