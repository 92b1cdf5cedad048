"""`isofield benchmark`, and a compact space through the real command line."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import trimesh

import balls
import isofield
import toys
from isofield import io
from isofield.cli.main import main
from refusing import refused

NAMES = [f"toy_{number:03d}" for number in range(14)]
TINY = """linear: {cells: 12, iterations: 8, samples: 3000}
dims: [16, 16]
training: {batch: 4, steps: 12}
samples: 128
infer_steps: 5
infer_samples: 256
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """Prepared toys, their true meshes, a split, and settings."""
    folder = tmp_path_factory.mktemp("benchmark")
    held = {name: toys.samples_of(number) for number, name in enumerate(NAMES)}
    balls.prepared(folder / "data", {n: np.column_stack([e.points, e.distance]) for n, e in held.items()})
    for number, name in enumerate(NAMES):
        io.write_mesh(toys.toy(number), folder / "truth" / f"{name}.ply")
    parts = {"train": {"toy": NAMES[:11]}, "test": {"toy": NAMES[11:]}}
    (folder / "split.json").write_text(json.dumps(parts))
    (folder / "same.json").write_text(json.dumps(NAMES))
    (folder / "tiny.yaml").write_text(TINY)
    (folder / "coarse.yaml").write_text("linear: {sells: 3}\n")
    return folder


@pytest.mark.slow
def test_two_methods_in_one_table(work, monkeypatch, capsys):
    monkeypatch.chdir(work)
    line = ["benchmark", "linear,pca-mlp=tiny.yaml", "data", "--truth", "truth", "--split", "split.json", "-o", "out"]
    line += ["--json"]
    assert main([*line, "--most", "1", "--seeds", "2", "--no-progress"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == ["linear", "linear, refined", "tiny", "tiny, refined", "retrieval", "floor"]
    assert rows["linear"]["median"] < rows["retrieval"]["median"]
    assert rows["linear, refined"]["median"] < rows["linear"]["median"]
    assert rows["floor"]["median"] < rows["linear, refined"]["median"] < 2 * rows["floor"]["median"]
    assert rows["linear"]["better_than_retrieval"] == rows["linear"]["shapes"] == 1
    assert (rows["linear"]["seeds"], rows["tiny"]["seeds"]) == (1, 2)  # what is solved for has no seed
    assert not Path("out/linear-seed1").exists()
    assert rows["tiny"]["deviation"]["mean"] > 0 and rows["tiny"]["training_seconds"] > 0
    with open("out/table.csv") as file:
        table = list(csv.DictReader(file))
    assert [row["name"] for row in table] == list(rows)
    assert float(table[0]["median"]) == pytest.approx(rows["linear"]["median"])
    text = Path("out/table.tex").read_text()
    assert text.startswith("\\begin{tabular}{lrrr") and text.count("\\\\\n") == 7 and "$\\pm$" in text
    before = Path("out/tiny/space.safetensors").stat().st_mtime_ns
    assert main([*line, "--most", "1", "--no-refine", "--no-progress"]) == 0
    assert Path("out/tiny/space.safetensors").stat().st_mtime_ns == before
    space = isofield.load("out/tiny")
    assert (space.method, space.config.dims, len(space.ids)) == ("pca-mlp", (16, 16), 11)


def test_retrieval_in_the_frame_that_all_shapes_share(tmp_path, monkeypatch, capsys):
    """The shape that was not learned is a copy of a small one that was."""
    monkeypatch.chdir(tmp_path)
    for number, size in enumerate((1.0, 0.5, 0.8, 0.4, 0.7, 0.5)):
        io.write_mesh(trimesh.creation.box((size, size / 2, size / 3)), Path(f"shapes/{number}.ply"))
    assert main(["prepare", "shapes", "data", "--normalize", "dataset", "--count", "4000", "--no-progress"]) == 0
    Path("split.json").write_text(json.dumps({"train": list("01234"), "test": ["5"]}))
    Path("small.yaml").write_text("cells: 12\niterations: 8\nsamples: 3000\n")
    capsys.readouterr()
    line = ["benchmark", "linear=small.yaml", "data", "--truth", "shapes", "--split", "split.json", "-o", "out"]
    assert main([*line, "--no-refine", "--json", "--no-progress"]) == 0
    rows = {row["name"]: row["median"] for row in json.loads(capsys.readouterr().out)}
    assert rows["retrieval"] == pytest.approx(rows["floor"], rel=0.2)


def test_a_compact_space_is_trained_and_resumed(work, monkeypatch, capsys):
    monkeypatch.chdir(work)
    line = ["train", "pca-mlp", "data", "--split", "split.json", "--config", "tiny.yaml", "--no-progress"]
    assert main([*line, "-o", "whole", "--training.keep", "4"]) == 0
    assert main([*line, "-o", "again", "--training.keep", "4", "--training.snapshots", "8"]) == 0
    whole = Path("whole/space.safetensors").read_bytes()
    assert whole == Path("again/space.safetensors").read_bytes()
    assert whole != Path("again/snapshots/8/space.safetensors").read_bytes()
    capsys.readouterr()
    assert main(["info", "whole"]) == 0
    assert "code length" in capsys.readouterr().out
    assert main([*line, "-o", "whole", "--training.keep", "4", "--resume"]) == 0
    assert Path("whole/space.safetensors").read_bytes() == whole
    assert main(["plot", "whole"]) == 0


@pytest.mark.slow
def test_novelty_of_copies_and_of_others(work, toy_run, tmp_path, capsys):
    for name, number in (("copy", 9), ("other", toys.COUNT + 2)):
        io.write_mesh(toys.toy(number), tmp_path / "pred" / f"{name}.ply")
        io.write_mesh(toys.toy(toys.COUNT + 2), tmp_path / "truth" / f"{name}.ply")
    line = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "truth"), "--novelty"]
    assert main([*line, str(toy_run), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    copy, other = found["each"]
    assert (copy["name"], copy["nearest"]) == ("copy", "toy/009")
    assert copy["to_training"] < 0.5 * found["among_training"] < other["to_training"] * 2
    assert other["score"] < other["retrieval"] < copy["score"]
    assert found["better_than_retrieval"] == 1
    few = tmp_path / "few"
    few.mkdir()
    for name in NAMES[:5]:
        shutil.copy(work / "truth" / f"{name}.ply", few)
    assert main([*line, str(few), "--csv", str(tmp_path / "n.csv")]) == 0
    assert "better than retrieval: 1 of 2" in capsys.readouterr().out
    assert (tmp_path / "n.csv").read_text().startswith("name,score,retrieval")
    (tmp_path / "truth" / "parameters.csv").write_text("id,size\ncopy,1\n")  # as `isofield make` writes it
    assert main([*line, str(tmp_path / "truth"), "--json"]) == 0
    told = capsys.readouterr()
    assert {one["best"] for one in json.loads(told.out)["each"]} == {"copy"}
    assert "no partner" not in told.err


LINE = "data --truth truth --split split.json -o new"
BROKEN = {
    f"benchmark linar {LINE}": "there is no method 'linar', perhaps you meant 'linear'",
    f"benchmark pca-mlp=coarse.yaml {LINE}": "pca-mlp has no setting 'linear.sells', perhaps you meant 'cells'",
    f"benchmark linear {LINE} --seeds 0": "there are no 0 seeds",
    "benchmark linear data --truth truth --split same.json -o new": "has no test shapes that are not trained with",
    "benchmark linear data --truth data --split split.json -o new": "has no true meshes of 3 shapes (toy_011",
    "benchmark linear data --truth truth --split none.json -o new": "none.json",
    "train pca-mlp data -o new --training.batch 0": "batch 0 is out of range: give at least 1",
    "train deepsdf data -o new --config deepsdf-pape": "perhaps you meant 'deepsdf-paper'",
    "train linear data -o new --config deepsdf-paper": "'deepsdf-paper' here, but for `isofield train deepsdf`",
    "evaluate truth truth --novelty split.json": "is neither a run of `isofield train` nor a folder of shapes",
}


@pytest.mark.parametrize("line", BROKEN)
def test_broken_input_is_one_sentence_and_nothing_is_written(work, line, capsys, monkeypatch):
    monkeypatch.chdir(work)
    refused(line.split(), work, BROKEN[line], capsys)
