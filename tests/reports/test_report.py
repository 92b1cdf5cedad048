"""Pages about spaces, data, results and scores: what is on them, in which order, and what is kept off them."""

from __future__ import annotations

import base64
import csv
import json
import re
import shutil
from dataclasses import asdict
from html import unescape
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

import balls
import isofield
import toys
from isofield import io, reports
from isofield.api.observations import ShapeSamples
from isofield.cli.evaluate import evaluate
from isofield.cli.space_output import copy_input
from isofield.configs import PrepareConfig
from isofield.datasets.manifest import MANIFEST, SETTINGS, SHAPES, Record, settings_of, write
from isofield.errors import InputError
from isofield.folder_format import INPUTS
from isofield.types import Cloud, Similarity

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
EVIL = "<script>alert(1)</script>"


def page_of(*what, out, **options) -> str:
    return reports.report(what, out / "page.html", **options).read_text(encoding="utf-8")


def scenes(page: str) -> list[list[dict]]:
    """The panels of every shape of the galleries."""
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(text)["panels"] for text in found]


def captions(page: str) -> list[list[str]]:
    return [[panel["caption"] for panel in panels] for panels in scenes(page)]


def titles(page: str) -> list[str]:
    """The names of the shapes of the galleries, in order."""
    return [unescape(name).strip() for name in re.findall(r"<h4>(.*?)<small>", page)]


def text_of(page: str) -> str:
    """What can be read on a page."""
    body = re.sub(r"<(script|style|svg).*?</\1>", "", page.split("<body>")[1], flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def row_of(page: str, name: str) -> list[str]:
    """The cells of the row of a table that begins with a name."""
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page, re.DOTALL):
        cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)]
        if cells and cells[0] == name:
            return cells
    raise AssertionError(f"no row {name}")


def colors(panel: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(panel["colors"]), np.uint8).reshape(-1, 3).astype(int)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A folder with balls that are too large by 1, 2 and 3 %, one that cannot be read, and their scores."""
    folder, ball = tmp_path_factory.mktemp("compared"), trimesh.creation.icosphere(3)
    for name, scale in (("a", 1.02), ("b", 1.03), ("c", 1.01), ("d", 1.0)):
        io.write_mesh(ball, folder / "truth" / f"{name}.ply")
        io.write_mesh(ball.copy().apply_scale(scale), folder / "pred" / f"{name}.ply")
        io.write_cloud(Cloud(np.asarray(ball.vertices)), folder / "scans" / f"{name}.ply")
    (folder / "pred" / "d.ply").write_bytes(b"ply\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert evaluate(Path("pred"), Path("truth"), samples=2000, csv=Path("scores.csv")) == 1
    return folder


@pytest.fixture
def scored(compared, tmp_path, monkeypatch):
    """The same in the current folder."""
    shutil.copytree(compared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_evaluation_begins_with_the_worst(scored):
    page = page_of("scores.csv", out=scored, inputs="scans")
    assert titles(page) == ["d", "b", "a", "c"]
    assert captions(page) == [["input", "result", "truth"]] * 4
    assert "is cut short" in scenes(page)[0][1]["note"]
    assert float(row_of(page, "b")[1]) > float(row_of(page, "a")[1]) > float(row_of(page, "c")[1])
    means = row_of(page, "volumetric IoU")
    assert float(means[1]) == pytest.approx(np.mean([1.01**-3, 1.02**-3, 1.03**-3]), abs=1e-3)
    assert float(means[3]) == pytest.approx(1.03**-3, abs=1e-3) and means[4] == "1"
    # 1 % of the diagonal of the truth, 0.035, is the end of the scale: errors of 0.01 are blue, of 0.03 orange.
    good, bad = (colors(scenes(page)[k][1]).mean(0) for k in (3, 1))
    assert good[2] > good[0] + 50 and bad[0] > bad[2] + 100


def test_json_gives_the_same_page_as_csv(scored, capsys):
    capsys.readouterr()
    evaluate(Path("pred"), Path("truth"), samples=2000, json=True)
    (scored / "scores.json").write_text(capsys.readouterr().out)
    one, two = (page_of(f"scores.{kind}", out=scored) for kind in ("csv", "json"))
    assert scenes(one) == scenes(two) and row_of(one, "b") == row_of(two, "b")


@pytest.mark.parametrize("json_", [False, True])
def test_a_protocol_has_the_numbers_that_evaluate_prints(tmp_path, monkeypatch, capsys, ball, json_):
    """Of two shapes of the class 003 one has no prediction, which counts."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        io.write_mesh(ball, tmp_path / "truth" / "003" / f"{name}.ply")
    io.write_mesh(ball, tmp_path / "pred" / "003" / "a.ply")
    evaluate(Path("pred"), Path("truth"), samples=2000, protocol="occupancy-networks", json=json_, csv=Path("sc.csv"))
    printed = capsys.readouterr().out
    if json_:
        Path("sc.json").write_text(printed)
    page = page_of("sc.json" if json_ else "sc.csv", out=tmp_path)
    means = next(csv.DictReader(Path("sc-classes.csv").read_text().splitlines()))
    assert means["class"] == "003" == row_of(page, "003")[0]
    for label, key in (("IoU", "iou"), ("Chamfer-L1", "chamfer_l1"), ("F-score at 1 %", "f_score")):
        assert row_of(page, label)[1] == f"{float(means[key]):.4g}" in row_of(page, "003")
    assert row_of(page, "Chamfer-L1")[5] == "longest side / 10" and float(means["iou"]) < 0.51
    assert titles(page)[0] == "003/b" and "diagonal" not in " ".join(row_of(page, "Chamfer-L1"))


def test_files_that_a_table_names_elsewhere_are_not_opened(scored, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    text = (scored / "scores.csv").read_text().replace("pred/a.ply", str(scored / "pred" / "a.ply"))
    (elsewhere / "scores.csv").write_text(text.replace("pred/b.ply", "../pred/b.ply"))
    monkeypatch.chdir(elsewhere)
    page = page_of("scores.csv", out=elsewhere)
    assert scenes(page) == []
    monkeypatch.chdir(scored)
    page = page_of(elsewhere / "scores.csv", out=elsewhere)
    notes = {name: panels[0]["note"] for name, panels in zip(titles(page), scenes(page), strict=True)}
    assert "lies outside" in notes["b"] and "outside" not in notes["a"]


def test_novelty_shows_the_nearest_training_shape(scored, toy_run):
    rows = [
        {"name": name, "score": 1.0, "retrieval": 3.0 - k, "best": "toy/001", "to_training": 2.5, "nearest": "toy/003"}
        for k, name in enumerate("abc")
    ]
    table = {"shapes": 3, "better_than_retrieval": 2, "among_training": 4.0, "each": rows}
    (scored / "novelty.json").write_text(json.dumps(table))
    page = page_of("scores.csv", "novelty.json", toy_run, out=scored, shapes=2)
    assert captions(page)[1] == ["result", "truth", "nearest training shape"]
    assert scenes(page)[1][2]["note"].startswith("toy/003, at a distance of 2.5.")
    assert row_of(page, "b")[-3:-1] == ["toy/003", "2.5"]
    assert "better than retrieval 2 of 3" in text_of(page) and "among training shapes 4" in text_of(page)


def test_a_run_begins_with_the_shapes_that_it_holds_worst(tmp_path, toy_space):
    folder, rows = tmp_path / "run", {}
    toy_space.save(folder)
    for number in range(4):
        samples = toys.samples_of(number)
        rows[f"toy/{number:03d}"] = np.column_stack([samples.points, samples.distance]).astype(np.float32)
    rows["toy/002"][:, 3] += 0.05  # other samples than it was trained with
    data = balls.prepared(tmp_path / "data", rows)
    rates = {"network_rate": 1e-3, "code_rate": 1e-3, "code_norm": 1.0, "norms": {}}
    steps = [{"step": k, "epoch": 0, "seconds": 0.3 * k, "loss": 1 / k, "l1": 1 / k, **rates} for k in (100, 200)]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in steps))
    page = page_of(folder, data, out=tmp_path, shapes=3)
    assert titles(page)[0] == "toy/002"
    assert captions(page)[0] == ["samples on its surface", "surface of its code", "nearest other training shape"]
    losses = [float(row_of(page, name)[2]) for name in titles(page)[:2]]
    assert losses[0] == pytest.approx(0.05, abs=0.01) and losses[0] > 3 * losses[1] > 0
    id_, distance = toy_space.nearest(toy_space.code("toy/002"), 2)[1]
    assert row_of(page, "toy/002")[-2:] == [id_, f"{distance:.4g}"]
    assert page.count("<circle") == toys.COUNT and "<title>toy/007</title>" in page
    assert page.count("<svg") > 4  # the curves, and the map
    assert "minutes of training 1 " in text_of(page) and "milliseconds a step 300" in text_of(page)
    assert "training loss 0.005" in text_of(page)
    assert "cells 24" in text_of(page)  # a setting of the method


def test_a_run_finds_its_data_below_the_current_folder_alone(tmp_path, toy_space, monkeypatch):
    samples = toys.samples_of(0)
    balls.prepared(tmp_path / "data", {"toy/000": np.column_stack([samples.points, samples.distance])})
    toy_space.provenance["data"] = str(tmp_path / "data")
    try:
        toy_space.save(tmp_path / "below" / "run")
    finally:
        del toy_space.provenance["data"]
    monkeypatch.chdir(tmp_path / "below")
    assert captions(page_of("run", out=tmp_path, shapes=1))[0][0] == "surface of its code"
    monkeypatch.chdir(tmp_path)
    assert captions(page_of("below/run", out=tmp_path, shapes=1))[0][0] == "samples on its surface"


def test_a_data_set_gives_its_rejects_with_their_reasons(tmp_path):
    evil = EVIL.replace("/", "_")
    data = balls.prepared(tmp_path / "data", {"ball": balls.rows_of(0.5, 400), evil: balls.rows_of(0.6, 400)})
    rejected = Record("open", "cup", "cup.ply", "reject", "it is open", {"sheets": 0.5}, notes=("two faces left out",))
    table = json.loads((data / MANIFEST).read_text())
    write(data / MANIFEST, {**table, "shapes": [*table["shapes"], asdict(rejected)]})
    Image.new("RGB", (8, 4), "red").save((data / SHAPES / "ball") / "picture.png")
    page = page_of(data, out=tmp_path)
    assert row_of(page, "open") == ["open", "cup", "reject", "it is open; two faces left out"]
    assert "accepted 2 repaired 0 rejected 1" in text_of(page)
    assert row_of(page, "sheets") == ["sheets", "0.5", "0.5", "0.5", "1"]
    assert evil not in page and {*titles(page)} == {"ball", evil}
    assert page.count("data:image/png") == 1
    inside = colors(scenes(page)[1][0])[balls.rows_of(0.5, 400)[:, 3] < 0]
    assert (inside[:, 2] >= inside[:, 0]).all() and len(inside) > 50  # blue


def test_names_out_of_files_are_text(scored, tmp_path):
    text = (scored / "scores.csv").read_text().replace("\nb,", f"\n{EVIL},")
    (scored / "scores.csv").write_text(text)
    page = page_of("scores.csv", out=scored)
    assert EVIL not in page and titles(page)[1] == EVIL
    assert page.count("<script") == page.count("</script>") == len(scenes(page)) + 2


def test_a_page_loads_nothing(scored):
    page = page_of("scores.csv", "pred/a.ply", out=scored)
    links = {link for link in re.findall(r'(?:src|href)="([^"]*)"', page) if not link.startswith(("#", "data:"))}
    assert not links and "default-src 'none'" in page


def test_results_of_a_space(tmp_path, toy_run, ball):
    folder = tmp_path / "results"
    rows = [
        {"id": name, "error": error, "loss": loss, "explained": 0.9, "poor": poor, "nearest": "toy/004",
         "distance": 2.0, "far": False, "mesh": "/etc/passwd"}
        for name, error, loss, poor in (("fine", "", 0.001, False), ("worse", "", 0.002, False),
                                        ("poor", "", 0.0015, True), ("none", "no surface", 0.1, False))
    ]  # fmt: skip
    for name in ("fine", "worse", "poor"):
        io.write_mesh(ball, folder / f"{name}.ply")
    with (folder / "report.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, [*rows[0]])
        table.writeheader()
        table.writerows(rows)
    np.savez(folder / "codes.npz", ids=["fine"], codes=np.zeros((1, 2)), center=[(5.0, 0, 0)], scale=[0.5])
    page = page_of(folder, toy_run, out=tmp_path, shapes=3)
    assert titles(page)[:3] == ["poor", "worse", "fine"] and "/etc/passwd" not in page
    assert captions(page)[2] == ["result", "nearest training shape"]
    assert "poor 1 far 0" in text_of(page) and row_of(page, "none")[1] == "no surface"
    near = scenes(page)[2][1]  # twice as large, around (5, 0, 0)
    ids = np.frombuffer(base64.b64decode(near["points"]), "<u2").reshape(-1, 3)
    size = np.ptp(near["step"] * ids.astype(float), axis=0).max()
    other = scenes(page)[2][0]
    ball_size = other["step"] * 65_535
    assert 1.5 < size / ball_size < 2.0


def test_results_show_the_pictures_that_inference_copied(tmp_path, ball):
    io.write_mesh(ball, tmp_path / "results" / "one.ply")
    (tmp_path / "results" / "report.csv").write_text("id,error,distance\none,,3\n")
    copied = ShapeSamples("one", None, Similarity((0.0, 0.0, 0.0), 1.0), {"views": np.zeros((2, 3, 32, 32), np.uint8)})
    copy_input(copied, tmp_path / "results" / INPUTS)
    assert Image.open(tmp_path / "results/inputs/one.png").size == (64, 32)  # two pictures side by side
    assert "Input pictures" in page_of(tmp_path / "results", out=tmp_path)


def test_results_from_photos_show_them(tmp_path, ball):
    """A file by its name, a folder of several by its own; one that is no picture is marked."""
    for name, color in (("one.png", "red"), ("two/a.jpg", "lime"), ("two/b.jpg", "blue")):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (400, 300), color).save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "bad.png").write_text("nothing")
    for name in ("one", "two", "bad"):
        io.write_mesh(ball, tmp_path / "results" / f"{name}.ply")
    (tmp_path / "results" / "report.csv").write_text("id,error,distance\none,,3\ntwo,,2\nbad,,1\n")
    page = page_of(tmp_path / "results", out=tmp_path, inputs=tmp_path / "photos")
    assert captions(page) == [["result"]] * 3 and "Input pictures" in page and "it cannot be read" in page
    shown = [
        np.asarray(Image.open(BytesIO(base64.b64decode(found))).convert("RGB"))
        for found in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    ]
    sizes = {tuple(one[0, 0] > 200): one.shape for one in shown}
    assert sizes[True, False, False] == sizes[False, True, False] == (192, 256, 3)
    assert (False, False, True) not in sizes


def test_a_field_with_slices(tmp_path, ball):
    isofield.fit(ball, quality="fast").save(tmp_path / "field")
    page = page_of(tmp_path / "field", out=tmp_path)
    assert captions(page) == [["input", "surface"]]
    assert page.count("data:image/png") == 3 and "z = 0" in text_of(page)


def test_fits_and_benchmarks(scored):
    fit = {"input": "scans/a.ply", "files": ["pred/a.ply"], "median": 0.1, "p95": 0.2, "seconds": 12.5, "method": "ssd"}
    (scored / "fit.json").write_text(json.dumps(fit))
    page = page_of("fit.json", out=scored)
    assert captions(page) == [["input", "mesh"]] and "seconds 12.5" in text_of(page)
    (scored / "fits.json").write_text(json.dumps([fit, {"input": "b.xyz", "error": "is empty"}]))
    assert row_of(page_of("fits.json", out=scored), "b.xyz")[1] == "is empty"
    (scored / "table.csv").write_text("name,shapes,seeds,training_seconds\nlinear,8,1,45.5\n")
    assert row_of(page_of("table.csv", out=scored), "linear") == ["linear", "8", "1", "45.5"]


def test_large_meshes_are_decimated_and_the_page_says_so(tmp_path):
    io.write_mesh(trimesh.creation.icosphere(7), tmp_path / "ball.ply")  # 327 680 faces
    page = page_of(tmp_path / "ball.ply", out=tmp_path)
    assert len(page) < 1_000_000
    assert "of 327 680 faces are shown." in scenes(page)[0][0]["note"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"a": 1}', "is not a table that a page can show"),
        ("{", "cannot be read"),
        ('[{"name": "a", "to_training": "x", "nearest": "b"}]', "is not a table that a page can show"),
        ('{"input": "a", "files": 5, "median": 1, "p95": 1}', "is damaged"),
    ],
)
def test_other_tables_are_refused(tmp_path, content, sentence):
    (tmp_path / "table.json").write_text(content)
    with pytest.raises(InputError, match=sentence):
        page_of(tmp_path / "table.json", out=tmp_path)
    assert not (tmp_path / "page.html").exists()


def test_an_unfinished_data_set_and_other_folders_are_refused(tmp_path):
    write(tmp_path / "data" / SETTINGS, settings_of(PrepareConfig(), "meshes"))
    with pytest.raises(InputError, match="run the same `isofield prepare` again"):
        page_of(tmp_path / "data", out=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"is neither a field nor a space .*: give files of shapes, or a folder"):
        page_of(tmp_path / "empty", out=tmp_path)
    with pytest.raises(InputError, match="1 to 100 shapes"):
        page_of(tmp_path / "data", out=tmp_path, shapes=0)
