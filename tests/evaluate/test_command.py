"""`isofield evaluate` on files and folders."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import trimesh

from isofield.cli.evaluate import evaluate
from isofield.errors import InputError
from isofield.evaluate import Results, compare_pair, metrics, pairs
from isofield.evaluate.folders import Pair, Result


@pytest.fixture
def folders(tmp_path):
    """Two partners of different extensions, one file alone on each side, one prediction that cannot be read."""
    pred, truth = tmp_path / "pred", tmp_path / "truth"
    (pred / "below").mkdir(parents=True)
    (truth / "below").mkdir(parents=True)
    sphere = trimesh.creation.icosphere(2)
    for name in ("a", "below/b", "only-truth", "broken"):
        sphere.export(truth / f"{name}.off")
    for name, scale in (("a", 1.1), ("below/b", 1.2), ("only-pred", 1.0)):
        sphere.copy().apply_scale(scale).export(pred / f"{name}.ply")
    (pred / "broken.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 5\n")
    (pred / "notes.md").write_text("not a shape")
    return pred, truth


def test_folders_are_matched_by_name(folders):
    found, missing = pairs(*folders)
    assert [pair.name for pair in found] == ["a", "below/b", "broken"]
    assert len(missing) == 2
    assert "only-pred.ply has no partner" in missing[0] and "only-truth.off has no partner" in missing[1]


def test_means_leave_out_what_failed(folders):
    every, missing = pairs(*folders)
    results = Results([compare_pair(pair, samples=500) for pair in every], missing)
    assert [pair.name for pair, _ in results.scored] == ["a", "below/b"]
    assert [result.pair.name for result in results.failed] == ["broken"]
    mean = results.mean()
    expected = (1 / 1.1**3 + 1 / 1.2**3) / 2
    assert mean["iou"] == pytest.approx(expected, rel=1e-6)  # the .ply that trimesh writes holds single precision
    assert mean["watertight"] == 1
    assert "iou_method" not in mean


def test_the_median_is_that_of_the_numbers_and_yes_or_no_has_none():
    rows = [{"chamfer_l1": value, "watertight": True, "iou_method": "exact"} for value in (1.0, 2.0, 9.0)]
    pair = Pair("a", Path("a.ply"), Path("a.ply"))
    results = Results([Result(pair, row) for row in rows])
    assert results.median() == {"chamfer_l1": 2.0, "watertight": None}
    assert results.mean() == {"chamfer_l1": 4.0, "watertight": 1.0}


def test_missing_and_failed_make_the_status_1(folders, capsys, tmp_path):
    assert evaluate(*folders, samples=500, csv=tmp_path / "out.csv") == 1
    out, err = capsys.readouterr()
    assert "mean of 2" in out and "median of 2" in out and "1 failed, 2 without a partner" in out
    assert err.count("has no partner") == 2 and "broken.ply" in err
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["a", "below/b", "broken", "", ""]
    assert all("has no partner" in row["problem"] for row in rows[3:])
    assert float(rows[0]["iou"]) == pytest.approx(1 / 1.1**3, rel=1e-6)
    assert rows[2]["iou"] == "" and "broken.ply" in rows[2]["problem"]

    assert evaluate(*folders, samples=500, json=True) == 1
    content = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in content["pairs"]] == ["a", "below/b"]
    assert len(content["missing"]) == 2 and len(content["failed"]) == 1
    assert content["median"]["chamfer_l1"] == pytest.approx(content["mean"]["chamfer_l1"])  # of two

    for name in ("only-truth.off", "broken.off"):
        (folders[1] / name).unlink()
    for name in ("only-pred.ply", "broken.ply"):
        (folders[0] / name).unlink()
    assert evaluate(*folders, samples=500) == 0


def test_one_pair(folders, capsys, tmp_path):
    pred, truth = folders[0] / "a.ply", folders[1] / "a.off"
    heat = tmp_path / "heat.ply"
    assert evaluate(pred, truth, samples=500, thresholds=(0.03,), heatmap=heat) == 0
    out, err = capsys.readouterr()
    assert not err
    for metric in metrics((0.03,)):
        assert metric.label in out
        assert metric.formula in out
    assert "F-score at 3 %" in out and "F-score at 1 %" not in out
    assert "volumes of the IoU: exact" in out and "#a50026" in out
    assert heat.is_file()

    assert evaluate(pred, truth, samples=500, json=True) == 0
    first = capsys.readouterr().out
    assert json.loads(first)["iou"] == pytest.approx(1 / 1.1**3, rel=1e-6)
    assert evaluate(pred, truth, samples=500, json=True) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("pred", "truth", "options", "words"),
    [
        ("pred", "truth/a.off", {}, "is a folder"),
        ("pred/a.ply", "truth", {}, "is a folder"),
        ("pred/none.ply", "truth/a.off", {}, "none.ply"),
        ("pred/broken.ply", "truth/a.off", {}, "broken.ply"),
        ("pred", "empty", {}, "is without shapes"),
        ("pred", "nowhere", {}, "There is no folder .*nowhere: check the spelling"),
        ("pred", "truth", {"heatmap": "heat.ply"}, "--heatmap"),
        ("pred/a.ply", "truth/a.off", {"heatmap": "heat.png"}, ".ply"),
        ("pred/a.ply", "truth/a.off", {"csv": "pred/a.ply/out.csv"}, "is a file, not a folder"),
        ("pred/a.ply", "truth/a.off", {"csv": "out.xlsx"}, ".csv"),
    ],
)
def test_one_sentence_about_what_cannot_be(folders, tmp_path, capsys, pred, truth, options, words):
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=words):
        evaluate(tmp_path / pred, tmp_path / truth, samples=500, **{k: tmp_path / v for k, v in options.items()})
    assert sorted(tmp_path.rglob("*")) == before
    assert capsys.readouterr().out == ""


def test_a_scale_without_a_heatmap_is_refused(folders):
    with pytest.raises(InputError, match=r"give --heatmap FILE\.ply"):
        evaluate(*folders, heatmap_top=0.1)


def test_two_files_of_one_name_are_refused(folders):
    (folders[0] / "a.obj").write_text("v 0 0 0\n")
    with pytest.raises(InputError, match="same name"):
        pairs(*folders)
