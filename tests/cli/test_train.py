"""`isofield train` by its command line: stopped, killed and resumed, its settings, and broken input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file

import balls
import isofield
from isofield.cli import train
from isofield.cli.main import main
from isofield.cli.train import observed
from isofield.configs import Schedule
from isofield.configs.methods import SPACES, find_method

LAST = ("--training.steps", "160", "--training.keep", "10", "--training.snapshots", "40", "120")
SMALL = (
    "--length", "4", "--dims", "24", "24", "24", "--latent-in", "2", "--training.batch", "4", "--samples", "32",
    "--training.log-every", "5",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return balls.prepared(tmp_path_factory.mktemp("data") / "balls")


def command(data: Path, run: Path, *more: str) -> list[str]:
    return ["train", "deepsdf", str(data), "-o", str(run), "--no-progress", *SMALL, *more]


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> Path:
    """A run of 160 steps that nobody stopped."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert main(command(data, run, *LAST)) == 0
    return run


def stopped(data: Path, run: Path, kind: int, after: int) -> subprocess.Popen:
    """The same run, to which a signal was sent once so many steps are kept."""
    options = command(data, run, *LAST)
    process = subprocess.Popen([sys.executable, "-m", "isofield", *options], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (log := run / "log.jsonl").is_file():
        time.sleep(0.002)
    while process.poll() is None and f'"step": {after},' not in log.read_text():
        time.sleep(0.002)
    process.send_signal(kind)
    return process


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(data, whole, tmp_path):
    run = tmp_path / "run"
    process = stopped(data, run, signal.SIGKILL, 30)
    assert process.wait() == -signal.SIGKILL
    assert not (run / "config.json").exists()
    assert main(["infer", str(run), str(data), "-o", str(tmp_path / "out")]) == 2
    assert main(command(data, run, *LAST, "--resume")) == 0
    for name in ("space.safetensors", "snapshots/40/space.safetensors", "snapshots/120/space.safetensors"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    told = [[json.loads(line)["step"] for line in (one / "log.jsonl").read_text().splitlines()] for one in (run, whole)]
    assert told[0] == told[1] == list(range(5, 161, 5))


def test_a_run_stopped_by_ctrl_c_is_kept_and_goes_on_to_the_same_bytes(data, whole, tmp_path, capsys):
    run = tmp_path / "run"
    process = stopped(data, run, signal.SIGINT, 30)
    message = process.communicate()[1]
    assert process.returncode == 130 and "--resume resumes it" in message and "Traceback" not in message
    assert isofield.load(run).length == 4  # the space so far
    assert main(["info", str(run)]) == 0
    done = re.search(r"steps +(\d+) of 160\n", capsys.readouterr().out)
    assert done and 30 <= int(done[1]) < 160
    assert main(command(data, run, *LAST, "--resume")) == 0
    assert (run / "space.safetensors").read_bytes() == (whole / "space.safetensors").read_bytes()
    capsys.readouterr()
    assert main(command(data, run, *LAST, "--resume")) == 0
    assert "has all of its 160 steps already" in capsys.readouterr().err
    assert (run / "space.safetensors").read_bytes() == (whole / "space.safetensors").read_bytes()


def test_a_finished_run_is_read_plotted_and_asked_at_a_snapshot(data, whole, tmp_path, capsys):
    space = isofield.load(whole)
    assert space.ids == [f"ball_{k}" for k in range(6)] and space.codes.shape == (6, 4)
    assert main(["plot", str(whole), "-o", str(tmp_path / "curves.png")]) == 0
    assert Image.open(tmp_path / "curves.png").size[0] >= 1000
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]
    assert {"distance", "prior", "network_rate", "code_rate", "code_norm", "norms", "seconds"} <= lines[0].keys()
    assert main(["info", str(whole)]) == 0
    assert "space of shapes" in capsys.readouterr().out
    first = load_file(whole / "snapshots" / "40" / "space.safetensors")["codes"]
    assert not np.array_equal(first, space.codes)
    (tmp_path / "one.json").write_text(json.dumps(["ball_2"]))
    options = ["infer", str(whole), str(data), "--split", str(tmp_path / "one.json"), "--no-progress"]
    assert main([*options, "-o", str(tmp_path / "out"), "--checkpoint", "40", "--resolution", "24"]) == 0
    assert (tmp_path / "out" / "ball_2.ply").is_file()
    assert main([*options, "-o", str(tmp_path / "no"), "--checkpoint", "123"]) == 2
    assert "it has 40, 120 and latest" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_a_file_gives_the_defaults_and_flags_have_the_last_word(data, tmp_path):
    rate = {"kind": "constant", "initial": "2e-3"}
    training = {"steps": 3, "batch": 3, "code_rate": rate}
    settings = {"length": 5, "dims": [16, 16], "latent_in": [], "samples": 8, "training": training}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(settings))
    options = ["train", "deepsdf", str(data), "-o", str(tmp_path / "run"), "--no-progress"]
    flags = ["--training.batch", "2", "--training.code-rate.factor", "0.3"]
    assert main([*options, "--config", str(tmp_path / "small.yaml"), *flags]) == 0
    config = isofield.load(tmp_path / "run").config
    assert (config.length, config.dims, config.training.batch, config.samples) == (5, (16, 16), 2, 8)
    rate = config.training.code_rate
    assert (rate.initial, rate.kind, rate.factor) == (2e-3, "constant", 0.3)


def test_specs_of_the_released_code_are_settings(data, tmp_path, capsys):
    specs = {
        "Description": ["a", "b"], "NetworkArch": "deep_sdf_decoder", "CodeLength": 3, "NumEpochs": 2,
        "NetworkSpecs": {"dims": [16, 16], "dropout": [0], "dropout_prob": 0.1, "norm_layers": [0], "latent_in": [],
                         "weight_norm": True},
        "SnapshotFrequency": 1, "AdditionalSnapshots": [], "SamplesPerScene": 8, "ScenesPerBatch": 3,
        "ClampingDistance": 0.2, "CodeRegularization": True, "CodeRegularizationLambda": 1e-3, "CodeBound": 1.0,
        "LearningRateSchedule": [
            {"Type": "Progress", "Initial": 5e-4, "Interval": 500, "Factor": 0.5},
            {"Type": "Warmup", "Initial": 1e-4, "Final": 1e-3, "Length": 7},
        ],
    }  # fmt: skip
    (tmp_path / "specs.json").write_text(json.dumps(specs))
    options = ["train", "deepsdf", str(data), "-o", str(tmp_path / "run"), "--no-progress"]
    assert main([*options, "--config", str(tmp_path / "specs.json")]) == 0
    assert "settings Description, NetworkArch have no meaning here" in capsys.readouterr().err
    config = isofield.load(tmp_path / "run").config
    plan = config.training
    assert (config.length, config.clamp, config.prior, plan.code_bound) == (3, 0.2, 1e-3, 1.0)
    assert plan.network_rate == Schedule(5e-4, "step", 500, 0.5)
    assert (plan.code_rate.kind, plan.code_rate.final, plan.code_rate.every) == ("warmup", 1e-3, 7)
    assert sorted(path.name for path in (tmp_path / "run" / "snapshots").iterdir()) == ["2", "4"]  # 2 steps an epoch


def test_what_to_infer_is_what_a_space_reads():
    kinds = (
        ("signed",),
        ("views",),
        ("image",),
        ("unsigned", "surface"),
        ("cloud",),
        ("surface",),
        ("occupancy", "surface"),
    )
    assert [observed(some) for some in kinds] == ["MESH", "PICTURE", "PICTURE", "SCAN", "CLOUD", "CLOUD", "MESH"]


def refused(capsys, options: list[str]) -> str:
    """The one sentence that a command ends with."""
    assert main(options) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ") and "\n" not in said, said
    return said


def copied(whole: Path, run: Path, *names: str) -> Path:
    run.mkdir()
    for name in names:
        (run / name).write_bytes((whole / name).read_bytes())
    return run


def test_a_run_is_not_overwritten_and_other_settings_are_named(data, whole, capsys):
    before = (whole / "space.safetensors").read_bytes()
    assert "resume it with --resume" in refused(capsys, command(data, whole, *LAST))
    said = refused(
        capsys, command(data, whole, *LAST, "--resume", "--clamp", "0.2", "--training.code-rate.factor", "0.1")
    )
    assert "clamp 0.1, not 0.2" in said and "training.code_rate.factor 0.5, not 0.1" in said
    assert "(seed 0, not 7)" in refused(capsys, command(data, whole, *LAST, "--resume", "--seed", "7"))
    said = refused(capsys, command(data, whole, *LAST, "--resume", "--config", "deepsdf-paper"))
    assert "code_std 0.1, not 1.0" in said and " more): give" in said
    assert (whole / "space.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ((), "is empty: there is nothing to resume"),
        (
            ("config.json", "space.safetensors", "log.jsonl"),
            "has no state.pt to resume from: train into another folder",
        ),
        (("state.pt",), "lacks log.jsonl"),
    ],
)
def test_half_a_run_is_not_resumed(data, whole, tmp_path, capsys, names, what):
    run = copied(whole, tmp_path / "run", *names)
    assert what in refused(capsys, command(data, run, *LAST, "--resume"))


def test_half_a_run_is_not_written_into(data, whole, tmp_path, capsys):
    for place, name in enumerate(("log.jsonl", "config.json", "space.safetensors")):
        run = copied(whole, tmp_path / str(place), name)
        assert "choose another folder" in refused(capsys, command(data, run, *LAST))


def test_damaged_files_of_a_run_are_told(data, whole, tmp_path, capsys):
    run = copied(whole, tmp_path / "run", "state.pt", "log.jsonl", "config.json", "space.safetensors")
    state = run / "state.pt"
    state.write_bytes(state.read_bytes()[:-3000])
    assert "state.pt is damaged" in refused(capsys, command(data, run, *LAST, "--resume"))
    tensors = run / "space.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-100])
    assert "cannot be read" in refused(capsys, ["infer", str(run), str(data), "-o", str(tmp_path / "out")])
    (run / "log.jsonl").write_text("{")
    assert "log.jsonl is damaged" in refused(capsys, ["plot", str(run)])
    assert "has no log.jsonl" in refused(capsys, ["plot", str(tmp_path)])


def test_data_that_cannot_be_learned_from_are_told(tmp_path, capsys):
    outside = balls.rows_of(0.5, 400)
    rows = {"good": balls.rows_of(0.6, 400), "hollow": outside[outside[:, 3] > 0]}
    data = balls.prepared(tmp_path / "hollow", rows)
    said = refused(capsys, command(data, tmp_path / "run", "--training.steps", "3"))
    assert "no samples inside or none outside (hollow)" in said
    unsigned = balls.prepared(tmp_path / "unsigned", rows, kind="unsigned")
    assert "has no 'signed' samples, but unsigned: prepare the shapes with --samples signed" in refused(
        capsys, command(unsigned, tmp_path / "run")
    )
    assert "has no manifest.json" in refused(capsys, command(tmp_path, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("lenght: 3", "deepsdf has no setting 'lenght', perhaps you meant 'length'"),
        ("training: {code_rate: {factr: 3}}", "no setting 'training.code_rate.factr', perhaps you meant 'factor'"),
        ("dims: 3", "dims 3 is not a list: give one, such as [128, 128"),
        ("training: {precision: fp8}", "the setting 'training.precision' cannot be 'fp8'"),
        ("training: {batch: 2.5}", "training.batch 2.5: 2.5 is not a whole number"),
        ("base: deepsdf-papr", "perhaps you meant 'deepsdf-paper'"),
        ("- 3", "must be a mapping"),
        ("a: [", "is not valid YAML"),
        ("dims: [8, 8]\nlatent_in: [1]", "make no network"),
        ("training: {batch: 0}", "batch 0 is out of range: give at least 1"),
        ("clamp: -1", "clamp -1 is out of range: give a number above 0"),
    ],
)
def test_settings_that_do_not_fit_are_told(data, tmp_path, capsys, text, what):
    (tmp_path / "f.yaml").write_text(text)
    options = ["train", "deepsdf", str(data), "-o", str(tmp_path / "run"), "--config", str(tmp_path / "f.yaml")]
    assert what in refused(capsys, options)
    assert not (tmp_path / "run").exists()


def test_settings_by_name_or_file_have_to_be_there(data, tmp_path, capsys):
    options = ["train", "deepsdf", str(data), "-o", str(tmp_path / "run"), "--config"]
    assert "perhaps you meant 'deepsdf-paper'" in refused(capsys, [*options, "deepsdf-papr"])
    assert "there is no file" in refused(capsys, [*options, str(tmp_path / "none.yaml")])
    queries = ["train", "neural-pull", str(data), "-o", str(tmp_path / "run"), "--queries", "released"]
    assert "'--queries' here: queries are drawn by `isofield prepare --samples cloud --queries paper|" in refused(
        capsys, queries
    )
    queries[-2:] = ["--normalize", "dataset"]
    assert "'--normalize' here: give it to `isofield prepare`" in refused(capsys, queries)
    solved = ["train", "linear", str(data), "-o", str(tmp_path / "run"), "--resume"]
    assert "a linear space is solved at once: there is nothing to resume" in refused(capsys, solved)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_nothing_remains_beside_the_files_of_a_run(whole):
    names = {path.name for path in whole.iterdir()}
    assert names - {"tensorboard", "curves.png"} == {
        "config.json", "space.safetensors", "state.pt", "log.jsonl", "snapshots",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("--cells", "5"), "cells 5 is out of range: give an even number"),
        (("--megabytes", "0"), "megabytes 0 is out of range: give a number above 0"),
        (("--mirror", "q"), "mirror 'q' is invalid: give auto, - for none, or letters of xyz"),
    ],
)
def test_settings_of_a_linear_space_out_of_range(tmp_path, capsys, wrong, sentence):
    assert main(["train", "linear", str(tmp_path / "data"), "-o", str(tmp_path / "run"), *wrong]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_help_of_a_method_lists_its_presets(capsys):
    with pytest.raises(SystemExit):
        train.options_of("metasdf", ["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "(the default)" in said
    assert all(name in said for name in find_method("metasdf", SPACES).presets)
    with pytest.raises(SystemExit):
        train.options_of("linear", ["--help"])
    assert "It has no presets." in capsys.readouterr().out
