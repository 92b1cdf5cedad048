"""The quick evaluation of a space: fields against occupancy samples, for each snapshot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import balls
import isofield
from isofield.api.loading import load_run
from isofield.api.validation import checkpoints, means, scores, validate
from isofield.cli.evaluate import evaluate
from isofield.cli.evaluate_runs import is_run
from isofield.configs import Occupancy, Schedule, Training
from isofield.datasets import Prepared
from isofield.errors import InputError

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


def test_what_is_missing_is_named(work, tmp_path):
    with pytest.raises(InputError, match="is a run, without meshes"):
        evaluate(work / "run", work / "data", protocol="dfaust")
    with pytest.raises(InputError, match="occupancy"):
        validate(work / "run", balls.prepared(tmp_path / "signed"))


@pytest.mark.parametrize(
    "mark", ["space.safetensors", "state.pt", "specs.json", "ModelParameters/x", "checkpoints/ModelParameters/x"]
)
def test_a_run_is_told_from_a_folder_of_meshes(tmp_path, mark):
    (tmp_path / "0.ply").touch()
    assert not is_run(tmp_path)
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).touch()
    assert is_run(tmp_path) and is_run(Path("aircraft"))
