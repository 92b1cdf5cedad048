"""The protocol of Occupancy Networks: numbers worked out by hand, failures that count, means by class."""

from __future__ import annotations

import csv
import io as text_io
import json
import math

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.cli.evaluate import evaluate
from isofield.errors import InputError
from isofield.evaluate import occupancy_networks as onet

METRICS = [metric.key for metric in onet.METRICS]


def box(lower=(0.0, 0.0, 0.0), upper=(1.0, 1.0, 1.0)) -> trimesh.Trimesh:
    return trimesh.creation.box(bounds=[lower, upper])


def test_two_boxes_that_overlap_by_half():
    """The prediction is moved by half of the side along x: intersection 1/2, union 3/2. In whatever unit."""
    for unit in (1.0, 40.0):
        truth, pred = (box((x * unit, 0, 0), ((x + 1) * unit, unit, unit)) for x in (0, 0.5))
        scores = onet.compare(pred, truth, samples=2000)
        # the cube of side 1.1 cuts the prediction off at 1.05: 0.5 / (1 + 0.05)
        assert scores["iou"] == pytest.approx(0.5 / 1.05, abs=0.01)
    assert onet.compare(box((0, 0, 0), (0.5, 1, 1)), box(), samples=2000)["iou"] == pytest.approx(0.5, abs=0.01)


def test_two_spheres_in_tenths_of_the_box():
    """A sphere of diameter 0.8 in one of 1, the truth: 0.1 apart everywhere, which is one tenth of the longest side."""
    truth, pred = (trimesh.creation.icosphere(subdivisions=5, radius=r) for r in (5.0, 4.0))
    scores = onet.compare(pred, truth, samples=20_000)
    for key in ("chamfer_l1", "accuracy", "completeness", "chamfer_l2"):
        assert scores[key] == pytest.approx(1.0, abs=0.02), key
    assert scores["iou"] == pytest.approx(0.8**3, abs=0.01)
    assert scores["normal_consistency"] > 0.999 and scores["f_score"] == 0
    # The truth against itself: 20 000 / pi samples per unit of area, of which none is within r with exp(-20 000 r^2).
    itself = onet.compare(truth, truth, samples=20_000)
    assert itself["iou"] == 1 and itself["chamfer_l1"] == pytest.approx(
        10 * 0.5 / math.sqrt(20_000 / math.pi), rel=0.02
    )
    assert itself["f_score"] == pytest.approx(1 - math.exp(-2), abs=0.01)


def test_normals_are_the_absolute_cosine_of_their_angle():
    """A plate tilted by 30 degrees: |n.n| = cos 30 on its two faces, whose sign does not matter."""
    plate = box((-1, -1, -0.001), (1, 1, 0.001))
    tilted = plate.copy()
    tilted.apply_transform(trimesh.transformations.rotation_matrix(math.pi / 6, (1, 0, 0)))
    tilted.invert()
    assert onet.compare(tilted, plate, samples=5000)["normal_consistency"] == pytest.approx(
        math.cos(math.pi / 6), abs=0.01
    )


def test_an_open_truth_has_no_volume():
    half = box()
    half.update_faces(half.triangles_center[:, 2] < 0.9)
    scores = onet.compare(box(), half, samples=1000)
    assert scores["iou"] is None and scores["chamfer_l1"] > 0


@pytest.fixture
def folders(tmp_path):
    """Two classes: chairs a (exact), b (missing), c (a file that is none); tables d (half of it)."""
    for name in ("chair/a", "chair/b", "chair/c", "table/d"):
        io.write_mesh(box(), tmp_path / "truth" / f"{name}.ply")
    io.write_mesh(box(), tmp_path / "pred" / "chair" / "a.ply")
    (tmp_path / "pred" / "chair" / "c.ply").write_text("nothing")
    io.write_mesh(box((0, 0, 0), (0.5, 1, 1)), tmp_path / "pred" / "table" / "d.ply")
    return tmp_path


def test_missing_and_damaged_predictions_count_and_classes_have_means(folders, capsys):
    out = folders / "scores.csv"
    assert evaluate(folders / "pred", folders / "truth", protocol="occupancy-networks", samples=2000, csv=out) == 1
    shown = capsys.readouterr()
    assert "chair/b has no prediction" in shown.err and "c.ply" in shown.err
    rows = {row["name"]: row for row in csv.DictReader(text_io.StringIO(out.read_text()))}
    assert [row["class"] for row in rows.values()] == ["chair", "chair", "chair", "table"]
    for name in ("chair/b", "chair/c"):
        assert float(rows[name]["iou"]) == 0 and float(rows[name]["f_score"]) == 0
        assert float(rows[name]["chamfer_l1"]) == pytest.approx(10 * math.sqrt(3)) and rows[name]["problem"]
        assert rows[name]["missing"] == "True"
    means = {
        row["class"]: row for row in csv.DictReader(text_io.StringIO((folders / "scores-classes.csv").read_text()))
    }
    assert list(means) == ["chair", "table", "mean over classes", "mean over shapes"]
    assert float(means["chair"]["iou"]) == pytest.approx(1 / 3) and means["chair"]["missing"] == "2"
    half = float(rows["table/d"]["iou"])
    assert half == pytest.approx(0.5, abs=0.01)
    assert float(means["mean over classes"]["iou"]) == pytest.approx((1 / 3 + half) / 2)
    assert float(means["mean over shapes"]["iou"]) == pytest.approx((1 + half) / 4)
    assert means["mean over shapes"]["shapes"] == "4"


def test_a_folder_without_shapes_is_a_mistake_and_other_names_are_missing(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="without shapes"):
        evaluate(tmp_path / "empty", folders / "truth", protocol="occupancy-networks", samples=500)
    io.write_mesh(box(), tmp_path / "other" / "x.ply")
    results = onet.evaluate(tmp_path / "other", folders / "truth", samples=500)
    total = onet.classes([scores for _, scores in results.scored])[-1]
    assert (total["shapes"], total["missing"], total["iou"]) == (4, 4, 0)


def test_pandas_reads_the_tables(folders):
    pandas = pytest.importorskip("pandas")
    out = folders / "scores.csv"
    evaluate(folders / "pred", folders / "truth", protocol="occupancy-networks", samples=500, csv=out)
    table = pandas.read_csv(out)
    assert table.groupby("class")[METRICS].mean().loc["chair", "iou"] == pytest.approx(1 / 3)
    assert pandas.read_csv(folders / "scores-classes.csv")["iou"].notna().all()


def test_json_has_the_classes_and_a_split_chooses(folders, capsys):
    (folders / "split.json").write_text(json.dumps({"test": {"chair": ["a"], "table": ["d"]}}))
    assert evaluate(
        folders / "pred", folders / "truth", protocol="occupancy-networks", samples=500, json=True,
        split=folders / "split.json",
    ) == 0  # fmt: skip
    table = json.loads(capsys.readouterr().out)
    assert [row["class"] for row in table["classes"]] == ["chair", "table", "mean over classes", "mean over shapes"]
    assert not table["failed"] and not table["missing"]


def test_options_that_do_not_fit(folders):
    with pytest.raises(InputError, match="samples must be at least 1"):
        onet.evaluate(folders / "pred", folders / "truth", samples=0)
    with pytest.raises(InputError, match="protocol dfaust"):
        evaluate(folders / "pred", folders / "truth", protocol="occupancy-networks", scans=folders / "truth")
    with pytest.raises(InputError, match="no shape could be scored"):
        (folders / "x.ply").write_text("nothing")
        evaluate(folders / "x.ply", folders / "x.ply", protocol="occupancy-networks")
    assert np.isfinite(onet.WORST)
