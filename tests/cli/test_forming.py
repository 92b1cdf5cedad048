"""`--frames` and `--view` of `fit` and `train`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace

import numpy as np
import pytest
import torch

import balls
from isofield import io
from isofield.api import SDF, fit
from isofield.api.fit import LOOKED
from isofield.cli.fit import options_of, plan
from isofield.cli.fit_job import run
from isofield.cli.forming import forming
from isofield.cli.main import main
from isofield.configs import Igr, Network, Optim, Ssd
from isofield.errors import InputError
from isofield.types import Cloud

TRAIN = [
    "--length", "4", "--dims", "24", "24", "24", "--latent-in", "2", "--training.batch", "4", "--samples", "32",
    "--training.steps", "20", "--no-progress",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rows = {f"ball-{k}": balls.rows_of(radius, 400) for k, radius in enumerate(balls.RADII)}
    return balls.prepared(tmp_path_factory.mktemp("data") / "data", rows)


def test_watching_a_fit_leaves_its_weights_alone(table):
    config = Igr(network=Network(width=16, layers=2), optim=Optim(steps=4, batch=64), warm_start=None)
    seen: list[tuple[int, SDF]] = []
    plain = fit(Cloud(table), method="igr", config=config)
    watched = fit(Cloud(table), method="igr", config=config, watch=lambda step, made: seen.append((step, made())))
    assert [step for step, _ in seen] == [1, 2, 3, 4]
    ends = [sdf.field.state_dict() for sdf in (plain, watched, seen[-1][1], seen[0][1])]
    for name, weight in ends[0].items():
        assert torch.equal(weight, ends[1][name]) and torch.equal(weight, ends[2][name])
    assert any(not torch.equal(weight, ends[3][name]) for name, weight in ends[0].items())


def torus(count: int) -> np.ndarray:
    """Points (count, 3) on a torus of radii 10 and 4."""
    u, v = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, count))
    ring = 10 + 4 * np.cos(v)
    return np.stack([ring * np.cos(u), ring * np.sin(u), 4 * np.sin(v)], axis=1)


def test_a_large_cloud_is_looked_at_before_its_fit():
    seen: list[tuple[int, SDF]] = []
    config = Ssd(cells=16, levels=1, further=0, iterations=(5,))
    fit(Cloud(torus(9000)), config=config, watch=lambda step, made: seen.append((step, made())))
    assert [step for step, _ in seen] == [0, 1]
    look = seen[0][1]
    assert len(look.points) <= LOOKED
    assert look.mesh(64).volume == pytest.approx(2 * np.pi**2 * 10 * 4**2, rel=0.05)


def test_a_picture_is_drawn_of_the_first_field_that_has_a_surface(ball):
    drawn = []

    def nothing() -> SDF:
        raise InputError("no surface")

    with forming("ball", None, False, lambda made, mesh: drawn.append((made, mesh))) as watch:
        assert watch is not None
        watch(0, nothing)
        assert not drawn
        sdf = fit(ball)
        watch(1, lambda: sdf)
    ((made, mesh),) = drawn
    assert made is sdf and mesh.is_watertight


def test_frames_of_a_training_leave_its_bytes_alone(tmp_path, data):
    for name, more in (("plain", []), ("framed", ["--frames", str(tmp_path / "frames")])):
        assert main(["train", "deepsdf", str(data), "-o", str(tmp_path / name), *TRAIN, *more]) == 0
    plain, framed = ((tmp_path / name / "space.safetensors").read_bytes() for name in ("plain", "framed"))
    assert plain == framed
    assert {"strip.png", "000010.png", "000020.png"} <= {path.name for path in (tmp_path / "frames").iterdir()}


@pytest.mark.parametrize("drawn", [False, True])
def test_an_early_ctrl_c_names_the_picture_only_if_it_was_drawn(tmp_path, monkeypatch, drawn):
    picture = tmp_path / "p.png"
    picture.write_text("of a run before")
    os.utime(picture, (0, 0))

    def stopped(*_, **__):
        if drawn:
            picture.write_text("of this run")
        raise KeyboardInterrupt

    monkeypatch.setattr("isofield.api.fit", stopped)
    (job,) = plan([tmp_path / "a.npy"], str(tmp_path / "out.ply"), None, picture)
    with pytest.raises(KeyboardInterrupt, match=r"nothing was written for it" + (" but what" if drawn else r"\.$")):
        run(job, replace(options_of(["a.npy", "-o", "out.ply"]), preview=picture, progress=False))


def test_what_does_not_form_is_a_sentence(tmp_path, ball, data, capsys):
    for name in ("a.ply", "b.ply"):
        io.write_mesh(ball, tmp_path / name)
    inputs = [str(tmp_path / "a.ply"), str(tmp_path / "b.ply")]
    assert main(["fit", *inputs, "-o", str(tmp_path / "out"), "--frames", str(tmp_path / "frames")]) == 2
    assert "--frames and --view show one shape, and there are 2" in capsys.readouterr().err
    assert main(["train", "linear", str(data), "-o", str(tmp_path / "run"), "--frames", str(tmp_path / "frames")]) == 2
    assert "solved at once, and nothing forms" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_fit_is_shown_until_ctrl_c_and_keeps_its_frames(tmp_path, ball):
    pytest.importorskip("viser", reason="viser is not installed")
    io.write_mesh(ball, tmp_path / "ball.ply")
    command = [sys.executable, "-m", "isofield", "fit", str(tmp_path / "ball.ply"), "-o", str(tmp_path / "out.ply")]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command += ["--view", "--frames", str(tmp_path / "frames"), "--no-progress", "--resolution", "32"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        link = process.stdout.readline().split()[-1]
        while "until Ctrl-C" not in (line := process.stderr.readline()):
            assert line
        with urllib.request.urlopen(link) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0 and (tmp_path / "out.ply").is_file()
    assert {path.name for path in (tmp_path / "frames").iterdir()} == {"strip.png", "forming.gif", "000001.png"}
