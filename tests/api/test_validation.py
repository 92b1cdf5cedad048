"""The quick evaluation of a space: fields against occupancy samples, for each snapshot."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import balls
import isofield
from isofield.api import infer_all
from isofield.api.loading import load_run
from isofield.api.observations import observed_in
from isofield.api.validation import checkpoints, means, scores, truth_kind, validate
from isofield.cli.evaluate import evaluate
from isofield.cli.evaluate_runs import is_run
from isofield.configs import Linear, Occupancy, PrepareConfig, Schedule, Training
from isofield.datasets import Prepared
from isofield.errors import InputError
from isofield.training import curves, read_log

SMALL = Occupancy(
    length=4, dims=(32, 32), width=16, points=64, samples=128, inside=True,
    training=Training(steps=150, batch=6, keep=50, snapshots=(2,), network_rate=Schedule(5e-3, "cosine", final=1e-4)),
)  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Balls with occupancy and surface samples in one data set, and a run with a snapshot after two steps."""
    folder = tmp_path_factory.mktemp("work")
    rows, surface = {}, {}
    for number, radius in enumerate(balls.RADII):
        random = np.random.default_rng(number)
        x, n = random.uniform(-1.1, 1.1, (3000, 3)), random.normal(size=(3000, 3))
        n /= np.linalg.norm(n, axis=1, keepdims=True)
        rows[f"ball_{number}"] = np.column_stack([x, np.linalg.norm(x, axis=1) < radius]).astype(np.float32)
        surface[f"ball_{number}"] = np.concatenate([radius * n, n], 1).astype(np.float32)
    data = balls.prepared(folder / "data", rows, "occupancy")
    for id_, some in surface.items():
        np.save(data / "shapes" / id_ / "surface.npy", some)
    for name in ("settings.json", "manifest.json"):
        table = json.loads((data / name).read_text())
        (table if name == "settings.json" else table["settings"])["samples"] = ["occupancy", "surface"]
        (data / name).write_text(json.dumps(table))
    isofield.train("occupancy", data, folder / "run", SMALL)
    return folder


def test_every_checkpoint_has_its_iou_and_the_last_is_better(work):
    assert checkpoints(work / "run") == ["2", "latest"]
    rows = validate(work / "run", work / "data")
    assert [row["id"] for row in rows] == 2 * [f"ball_{k}" for k in range(6)]
    first, last = means(rows)
    assert last["checkpoint"] == "latest" and last["iou"] > first["iou"] + 0.2 and last["wrong"] < first["wrong"]
    space, ball = isofield.load(work / "run"), Prepared(work / "data", "occupancy").rows(3)
    found, inside = space.sdf(space.codes[3])(ball[:, :3]) < 0, ball[:, 3] > 0.5
    assert rows[-3]["iou"] == pytest.approx((found & inside).sum() / (found | inside).sum())
    assert rows[-3]["wrong"] == pytest.approx((found != inside).mean())


def test_the_command_names_the_best(work, capsys):
    out = work / "fast.csv"
    assert evaluate(work / "run", work / "data", csv=out, json=True) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["best"] == "latest" and len(figures["each"]) == 12
    assert out.read_text().splitlines()[0] == "checkpoint,id,class,iou,wrong"
    assert evaluate(work / "run", work / "data") == 0
    assert "isofield infer" in capsys.readouterr().err
    assert evaluate(work / "run", work / "data", fast=True, json=True) == 0
    assert json.loads(capsys.readouterr().out) == figures
    with pytest.raises(InputError, match="is not a run of `isofield train`: --fast compares"):
        evaluate(work, work, fast=True)


def test_the_best_state_by_validation_is_kept(work, tmp_path):
    """At steps 60, 120 and 150; the snapshot has the highest IoU of them on the shapes of the part."""
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["ball_0", "ball_1", "ball_2", "ball_4"], "valid": ["ball_3"], "test": []}))
    config = replace(SMALL, training=replace(SMALL.training, validate=60, snapshots=(60, 120)))
    isofield.train("occupancy", work / "data", tmp_path / "run", config, split=split)
    only = tmp_path / "only.json"
    only.write_text('["ball_3"]')
    every = [row["iou"] for row in validate(tmp_path / "run", work / "data", only)]
    best = scores(load_run(tmp_path / "run", "best"), work / "data", only, "valid", "cpu")
    assert [row["id"] for row in best] == ["ball_3"] and best[0]["iou"] == max(every) > 0.5
    assert checkpoints(tmp_path / "run")[-2:] == ["best", "latest"]
    with pytest.raises(InputError, match=r"needs a split with the part 'valid'"):
        isofield.train("occupancy", work / "data", tmp_path / "other", config)
    logged = {line["step"]: line["iou_of_held_out"] for line in read_log(tmp_path / "run") if "iou_of_held_out" in line}
    assert [*logged] == [60, 120, 150] and logged[120] == pytest.approx(every[1])
    assert isofield.load(tmp_path / "run").provenance["best_iou"] == pytest.approx(max(every), abs=1e-4)
    (chart,) = (chart for chart in curves(read_log(tmp_path / "run")) if chart.title.startswith("IoU"))
    assert [*chart.x] == [60, 120, 150] and chart.curves == {"IoU": [*logged.values()]}


def test_a_training_says_how_the_held_out_shapes_are(work, tmp_path):
    split, said = tmp_path / "split.json", list[str]()
    split.write_text(json.dumps({"train": ["ball_0", "ball_2"], "valid": ["ball_1"], "test": []}))
    config = replace(SMALL, training=replace(SMALL.training, steps=20, validate=10, snapshots=()))
    isofield.train(
        "occupancy",
        work / "data",
        tmp_path / "run",
        config,
        split=split,
        progress=lambda stage, done: said.append(stage),
    )  # fmt: skip
    assert any(re.match(r"after 10 steps the held-out shapes have IoU 0\.\d{3}$", one) for one in said)
    assert re.search(r"learning: loss \S+, IoU 0\.\d{3}$", said[-2])


def test_signed_samples_tell_the_sides_where_there_are_no_others(tmp_path):
    data, split = balls.prepared(tmp_path / "data"), tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["ball_0", "ball_2", "ball_5"], "valid": ["ball_1"], "test": []}))
    assert truth_kind(data) == "signed"
    isofield.train("linear", data, tmp_path / "run", Linear(cells=16, length=2), split=split)
    (row,) = scores(isofield.load(tmp_path / "run"), data, split, "valid", "cpu")
    some = Prepared(data, "signed", ids=["ball_1"]).rows(0)
    (observed,) = (one() for _, one in observed_in([data], PrepareConfig(), split, ("signed",), "valid"))
    (result,) = infer_all(isofield.load(tmp_path / "run"), [observed])
    found, inside = np.asarray(result.sdf(some[:, :3])) < 0, some[:, 3] < 0
    assert row["iou"] == pytest.approx((found & inside).sum() / (found | inside).sum()) and row["iou"] > 0.8


def test_what_is_missing_is_named(work, tmp_path):
    with pytest.raises(InputError, match="is a run, without meshes"):
        evaluate(work / "run", work / "data", protocol="dfaust")
    bare = {"ball_0": np.zeros((10, 6), np.float32)}
    with pytest.raises(InputError, match=r"has no 'occupancy' samples, but cloud"):
        validate(work / "run", balls.prepared(tmp_path / "bare", bare, "cloud"))


@pytest.mark.parametrize(
    "mark", ["space.safetensors", "state.pt", "specs.json", "ModelParameters/x", "checkpoints/ModelParameters/x"]
)
def test_a_run_is_told_from_a_folder_of_meshes(tmp_path, mark):
    (tmp_path / "0.ply").touch()
    assert not is_run(tmp_path)
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).touch()
    assert is_run(tmp_path) and is_run(Path("aircraft"))
