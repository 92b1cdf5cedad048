"""The protocol of SAL and SALD: hand-computed distances, failures that count, tables and pages."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
import trimesh

from isofield.cli.evaluate import evaluate
from isofield.errors import InputError
from isofield.evaluate import dfaust, percentiles, scan_pages
from isofield.types import Cloud

SALD_COLUMNS = ("reg_to_gen_chamfer", "gen_to_reg_chamfer", "scan_to_gen_chamfer", "gen_to_scan_chamfer")


def square(z: float = 0.0, width: float = 1.0) -> trimesh.Trimesh:
    """A rectangle of this width and of height 1 (y) at z."""
    corners = [(0, 0, z), (width, 0, z), (width, 1, z), (0, 1, z)]
    return trimesh.Trimesh(corners, [(0, 1, 2), (0, 2, 3)], process=False)


def test_parallel_squares():
    scores = dfaust.compare(square(0.1), square(), square(0.3), height=2.0, samples=20_000)
    # A sample's nearest neighbour lies 0.5 / sqrt(density) aside in the mean: 0.0035, which adds 6e-5 to 0.1.
    for key in ("reg_to_gen_chamfer", "gen_to_reg_chamfer", "reg_chamfer"):
        assert scores[key] == pytest.approx(0.1, abs=2e-4), key
    for key in ("scan_to_gen_chamfer", "gen_to_scan_chamfer", "scan_chamfer"):
        assert scores[key] == pytest.approx(0.2, abs=2e-4), key
    assert scores["reg_chamfer_height"] == pytest.approx(5, abs=0.01)
    assert scores["sal_reg_chamfer"] == pytest.approx(0.02, rel=0.01)
    assert scores["sal_scan_chamfer"] == pytest.approx(0.04, rel=0.01)
    assert scores["normal_consistency"] == pytest.approx(1)
    assert scores["reg_to_surface"] == pytest.approx(5, rel=1e-9)
    assert scores["reg_within"] == 0
    assert scores["components"] == 1 and scores["watertight"] is False
    assert scores["floor_reg_chamfer"] == pytest.approx(0.5 / math.sqrt(20_000), rel=0.05)
    assert scores["floor_scan_chamfer"] == pytest.approx(0.3, abs=2e-4)
    assert scores["floor_reg_to_surface"] == pytest.approx(0, abs=1e-9)


def test_directions_are_not_mixed_up():
    """The result is the left half of the registration; half of its points lie at 0 to 0.5, 0.125 in the mean of all."""
    scores = dfaust.compare(square(width=0.5), square(), square(width=0.25), height=1.0, samples=20_000)
    assert scores["reg_to_gen_chamfer"] == pytest.approx(0.125, abs=0.006)
    assert scores["gen_to_reg_chamfer"] < 0.006
    assert scores["scan_to_gen_chamfer"] < 0.006
    assert scores["gen_to_scan_chamfer"] == pytest.approx(0.0625, abs=0.006)
    assert scores["reg_to_surface"] == pytest.approx(12.5, abs=0.3)
    assert scores["reg_within"] == pytest.approx(0.51, abs=0.02)
    assert scores["sal_reg_chamfer"] == pytest.approx(1 / 24, rel=0.05)


def test_shifted_spheres():
    """Over a sphere of radius 1 and one of 1.1 around it, all distances are 0.1."""
    scores = dfaust.compare(
        trimesh.creation.icosphere(4, 1.1), trimesh.creation.icosphere(4), None, height=2.0, samples=20_000, floor=False
    )
    assert scores["reg_to_surface"] == pytest.approx(5, abs=0.1)
    assert scores["reg_chamfer"] == pytest.approx(0.1, abs=0.003)
    assert scores["scan_chamfer"] is None and scores["sal_scan_chamfer"] is None
    assert scores["watertight"] is True and scores["normal_consistency"] > 0.99


def test_a_scan_of_points_serves_too():
    points = np.random.default_rng(0).random((5000, 3)) * (1, 1, 0)
    scores = dfaust.compare(square(0.2), square(), Cloud(points), height=1.0, samples=5000)
    assert scores["scan_to_gen_chamfer"] == pytest.approx(0.2, abs=1e-3)


@pytest.fixture
def bodies(tmp_path):
    """Registrations of two subjects, all of one file name; a scan for each but one; one reconstruction is missing, one
    has no faces, and one has no registration."""
    pred, truth, scans = tmp_path / "pred", tmp_path / "truth", tmp_path / "scans"
    for row, name in enumerate(("a/bow", "a/run", "a/walk", "b/run", "b/walk")):
        for folder in (pred, truth, scans):
            (folder / name).mkdir(parents=True)
        tall = trimesh.creation.box(extents=(1, 1 + 0.1 * row, 1))
        tall.export(truth / name / "00000.ply")
        if name != "a/bow":
            tall.copy().apply_translation((0, 0, 0.02)).export(scans / name / "00000.ply")
        if name != "a/run":
            tall.copy().apply_scale(1.02).export(pred / name / "00000.ply")
    (pred / "b/walk/00000.ply").write_bytes(trimesh.PointCloud([(0, 0, 0), (1, 1, 1)]).export(file_type="ply"))
    (pred / "c/run").mkdir(parents=True)
    square().export(pred / "c/run/00000.ply")
    return pred, truth, scans


def test_what_has_no_surface_is_counted(bodies):
    every, missing = dfaust.triples(*bodies)
    results = dfaust.evaluate(every, samples=500, missing=missing)
    assert [result.pair.name for result in results.results] == [t.name for t in every] == [
        "a/bow/00000", "a/run/00000", "a/walk/00000", "b/run/00000", "b/walk/00000",
    ]  # fmt: skip
    assert [result.pair.name for result in results.failed] == ["a/run/00000", "b/walk/00000"]
    assert "has no reconstruction" in results.failed[0].problem and "has no faces" in results.failed[1].problem
    assert len(missing) == 2 and "c/run/00000.ply has no partner" in missing[0] and "has no scan" in missing[1]
    assert not results.complete
    first = dict((metric.key, percentiles.percentiles(results, metric)) for metric in dfaust.METRICS)
    assert first["reg_chamfer"]["95"] == first["reg_chamfer"]["worst"] == math.inf
    assert 0 < first["reg_chamfer"]["50"] < 0.1
    assert first["normal_consistency"]["5"] == -math.inf and first["normal_consistency"]["95"] > 0.9
    assert first["components"]["worst"] == 1


def test_the_height_is_the_median_of_the_subject(bodies):
    heights = dfaust.standing_heights(dfaust.triples(*bodies)[0])
    assert heights == pytest.approx({"a": 1.1, "b": 1.35})


def test_percentiles():
    assert percentiles.percentile([4, 1, 2, 3], 50) == 2.5
    assert percentiles.percentile([1, 2, math.inf], 50) == 2
    assert percentiles.percentile([1, 2, math.inf], 95) == math.inf
    assert percentiles.percentile([-math.inf, 1, 2], 5) == -math.inf


def test_the_command(bodies, tmp_path, capsys):
    pred, truth, scans = bodies
    table = tmp_path / "scores.csv"
    assert evaluate(pred, truth, scans=scans, protocol="dfaust", samples=500, csv=table) == 1
    out, err = capsys.readouterr()
    assert "95 %" in out and "failed" in out and "2 without a result" in out
    assert "a/run/00000 has no reconstruction" in err
    rows = {row["name"]: row for row in csv.DictReader(table.open())}
    assert len(rows) == 6  # the two sentences without a name share a key
    assert float(rows["a/bow/00000"]["reg_to_gen_chamfer"]) > 0 and rows["a/bow/00000"]["scan_to_gen_chamfer"] == ""
    assert all(float(rows["a/walk/00000"][key]) > 0 for key in SALD_COLUMNS)
    assert "has no reconstruction" in rows["a/run/00000"]["problem"] and rows["a/run/00000"]["reg_chamfer"] == ""

    assert evaluate(pred, truth, protocol="dfaust", samples=500, json=True) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["percentiles"]["reg_chamfer"]["95"] is None and printed["percentiles"]["reg_chamfer"]["50"] > 0
    assert [row["name"] for row in printed["failed"]] == ["a/run/00000", "b/walk/00000"]
    assert "(SALD)" in printed["legend"]["reg_to_gen_chamfer"]


def test_a_split_chooses(bodies, tmp_path, capsys):
    pred, truth, scans = bodies
    (tmp_path / "test.json").write_text('{"a": {"walk": ["00000"]}, "b": {"run": ["00000"]}}')
    chosen = {"split": tmp_path / "test.json", "samples": 500}
    assert evaluate(pred, truth, scans=scans, protocol="dfaust", **chosen) == 0
    assert "mean of 2" in capsys.readouterr().out
    assert evaluate(pred, truth, **chosen) == 0
    assert "mean of 2" in capsys.readouterr().out


def test_two_files(bodies, capsys):
    files = [folder / "a/walk/00000.ply" for folder in bodies]
    assert evaluate(*files[:2], scans=files[2], samples=500) == 0
    assert "scan to result" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scans": "scans", "protocol": "occupancy-networks"}, "leave them out with occupancy-networks"),
        ({"pages": "pages", "novelty": "scans"}, "do not go with --protocol"),
        ({"protocol": "dfaust", "novelty": "scans"}, "do not go with --protocol"),
        ({"protocol": "dfaust", "samples": 0}, "samples must be at least 1"),
        ({"protocol": "dfaust", "seed": -1}, "seed must be at least 0"),
    ],
)
def test_options_that_do_not_fit(bodies, tmp_path, options, sentence):
    paths = {k: tmp_path / v if k in ("scans", "pages", "novelty") else v for k, v in options.items()}
    with pytest.raises(InputError, match=sentence):
        evaluate(*bodies[:2], **paths)


def test_a_split_of_one_file_is_refused(bodies, tmp_path):
    (tmp_path / "test.json").write_text("[]")
    files = [folder / "a/walk/00000.ply" for folder in bodies]
    with pytest.raises(InputError, match="is a file: leave it out"):
        evaluate(*files[:2], split=tmp_path / "test.json")


def test_pages_need_nothing_else(bodies, tmp_path, capsys):
    pred, truth, scans = bodies
    pages = tmp_path / "pages"
    assert evaluate(pred, truth, scans=scans, protocol="dfaust", samples=500, pages=pages) == 1
    assert "index.html" in capsys.readouterr().err
    written = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.html"))
    assert written == [
        "a/bow/00000.html", "a/run/00000.html", "a/walk/00000.html", "b/run/00000.html", "b/walk/00000.html",
        "index.html",
    ]  # fmt: skip
    for path in pages.rglob("*.html"):
        text = path.read_text()
        assert not any(word in text for word in ("http", "src=", "@import", "url(")), path
    index = (pages / "index.html").read_text()
    assert index.index("a/run/00000") < index.index("a/walk/00000")  # failures come first
    assert 'href="a/run/00000.html"' in index and "has no reconstruction" in index
    page = (pages / "a/walk/00000.html").read_text()
    assert 'href="../../index.html"' in page and 'href="../../b/run/00000.html"' in page
    assert "no result" in (pages / "a/run/00000.html").read_text()


def test_a_page_of_large_meshes_stays_small(tmp_path, monkeypatch):
    """At a twentieth of the faces, a twentieth of 2 megabytes, and the 12 kilobytes of an empty page."""
    monkeypatch.setattr(scan_pages, "FACES", scan_pages.FACES // 20)
    fine = trimesh.creation.icosphere(4)  # 5120 triangles
    for name in ("pred", "truth"):
        fine.export(tmp_path / f"{name}.ply")
    every, _ = dfaust.triples(*[tmp_path / f"{name}.ply" for name in ("pred", "truth", "pred")])
    results = dfaust.evaluate(every, samples=500)
    page = scan_pages.write(tmp_path / "pages", every, results)[0]
    assert page.stat().st_size < 2e6 / 20 + 12_000
    assert "drawn with" in page.read_text()
