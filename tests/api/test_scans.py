"""Scans that are fitted before samples are taken: signs as the truth has them, nothing where no point is near."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.api import observe, scans
from isofield.cli.main import main
from isofield.configs.preparing import prepare_config
from isofield.datasets import Prepared
from isofield.datasets.manifest import read
from isofield.types import Cloud

RADIUS, MIDDLE = 2.0, np.array([5.0, 1.0, -3.0])
CAP = 0.6
"""The ball is not scanned where its unit normal's third coordinate is above this: within 53 degrees of the pole."""
REACH = np.hypot(RADIUS * 0.8, RADIUS * (CAP + 1) / 2)
"""The farthest points of its scan from the middle of their box are those around the hole; strays lie twice as far."""
SCALE = 1 / (1.03 * REACH)
COUNT = 6000
GUESSED = 0.2
"""What closes the hole lies within this distance of a flat lid; the bulge of the ball would be 0.8 high."""


def ball_scan(random: np.random.Generator) -> Cloud:
    """A noisy scan of a ball without its cap, and a few strays."""
    normals = random.standard_normal((1500, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals[normals[:, 2] < CAP]
    points = MIDDLE + (RADIUS + 0.005 * random.standard_normal((len(normals), 1))) * normals
    strays = MIDDLE + np.array([[0, 4.0, 0], [0.1, 4.2, 0.1], [-4.0, 0, 0.5]])
    return Cloud(np.concatenate([points, strays]))


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Path:
    """The real command on an open scan, a closed mesh and a broken file."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "in/one").mkdir(parents=True)
    io.write_cloud(ball_scan(np.random.default_rng(0)), folder / "in/one/scan.ply")
    trimesh.creation.icosphere(3, 1.5).export(folder / "in/one/closed.ply")
    (folder / "in/one/cut.ply").write_bytes((folder / "in/one/closed.ply").read_bytes()[:3000])
    assert command(folder) == 1
    return folder


def command(folder: Path) -> int:
    """The exit status of `isofield prepare --fit`."""
    return main(
        ["prepare", str(folder / "in"), str(folder / "out"), "--fit", "--count", str(COUNT), "--samples", "signed",
         "surface", "--workers", "1", "--strict", "--no-progress"]
    )  # fmt: skip


def rows_of(folder: Path, kind: str = "signed") -> tuple[np.ndarray, float]:
    """The samples of the scan about the ball's middle and in its units, and the scale of its record."""
    data = Prepared(folder / "out", kind)
    (row,) = (row for row, record in enumerate(data.records) if record.id == "one/scan")
    record, rows = data.records[row], np.array(data.rows(row), np.float64)
    rows[:, :3] = rows[:, :3] / record.scale + record.center - MIDDLE
    if kind == "signed":
        rows[:, 3] /= record.scale
    return rows, record.scale


def distance_of(x: np.ndarray) -> np.ndarray:
    """The distances of x (n, 3) from the ball without its cap, near its surface: a fit closes a hole within the convex
    hull of the points."""
    return np.maximum(np.linalg.norm(x, axis=1) - RADIUS, x[:, 2] - CAP * RADIUS)


def up(x: np.ndarray) -> np.ndarray:
    """The third coordinate of the directions of x (n, 3)."""
    return x[:, 2] / np.linalg.norm(x, axis=1)


def test_signs_and_distances_are_those_of_the_ball(ready):
    rows, scale = rows_of(ready)
    truth = distance_of(rows[:, :3])
    assert len(rows) == COUNT
    measured = up(rows[:, :3]) < CAP - 0.05  # the others are where the fit closes the hole
    right = np.sign(rows[:, 3]) == np.sign(truth)
    assert right[np.abs(truth) > np.where(measured, 0.03, GUESSED)].all() and (np.abs(truth) > 0.08).mean() > 0.3
    assert np.abs(rows[:, 3] - truth)[measured].mean() < 0.01
    assert scale == pytest.approx(SCALE, rel=0.01)


def test_nothing_is_sampled_near_what_no_point_has_seen(ready):
    """In the middle of the cap there is no sample near its surface; opposite, they are as dense as ever."""
    rows, _ = rows_of(ready)
    near = np.abs(rows[:, 3]) < 0.2
    hidden = up(rows[:, :3]) > 0.9  # within 26 degrees of the pole
    below = (up(rows[:, :3]) < -0.9) & near
    assert not (near & hidden).any() and below.sum() > 100
    surface, _ = rows_of(ready, "surface")
    assert up(surface[:, :3]).max() < 0.9 and up(surface[:, :3]).min() < -0.99


def test_records_say_what_was_fitted(ready):
    settings, records = read(ready / "out")
    outcome = {record.id: record for record in records}
    assert {id_: record.outcome for id_, record in outcome.items()} == {
        "one/closed": "accept", "one/cut": "reject", "one/scan": "accept",
    }  # fmt: skip
    figures = outcome["one/scan"].figures
    lid = 1 - CAP**2  # of the area pi R^2; the rest of the sphere has 2 (1 + CAP)
    share = lid / (lid + 2 * (1 + CAP))
    assert 0.5 * share < figures["unseen"] < 1.1 * share
    assert 0.002 < figures["noise"] < 0.01 and figures["outliers"] >= 3
    assert "unseen" not in outcome["one/closed"].figures  # a mesh that encloses a volume is taken as it is
    assert settings["fit"] and "not measured" in (ready / "out/report.html").read_text()


def test_an_interrupted_run_fits_only_what_is_missing(ready):
    paths = [ready / f"out/shapes/one/{name}/signed.npy" for name in ("closed", "scan")]
    before = [(hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) for path in paths]
    paths[0].unlink()
    (ready / "out/manifest.json").unlink()
    assert command(ready) == 1
    after = [(hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) for path in paths]
    assert after[0][0] == before[0][0] and after[1] == before[1]


def test_unseen_scans_are_observed_in_the_same_way(ready):
    """`isofield infer` normalises and masks a scan as `prepare` did."""
    settings = json.loads((ready / "out/settings.json").read_text())
    observed = observe(ready / "in/one/scan.ply", prepare_config(settings))
    _, scale = rows_of(ready)
    x = observed.similarity.invert(observed.samples.points) - MIDDLE
    distance = observed.samples.distance / observed.similarity.scale
    assert observed.similarity.scale == scale
    assert not ((up(x) > 0.9) & (np.abs(distance) < 0.2)).any()
    guessed = up(x) > CAP - 0.05  # the fit closes the hole by what it guesses
    clear = np.abs(distance_of(x)) > np.where(guessed, GUESSED, 0.03)
    assert (np.sign(distance) == np.sign(distance_of(x)))[clear].all()


def test_one_frame_of_all_is_not_set_by_strays(ready):
    """What --normalize dataset takes the common box of."""
    points = scans.extent(str(ready / "in/one/scan.ply")) - MIDDLE
    assert np.abs(np.abs(points).max(0) - RADIUS).max() < 0.03
    assert points[:, 2].max() < RADIUS * CAP + 0.03


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--samples", "unsigned"], "unsigned samples need no inside: prepare them without --fit."),
        (["--sign", "parity"], "--sign parity is for meshes as they are: leave it out, or --fit."),
    ],
)
def test_what_does_not_go_together_is_a_sentence(ready, capsys, options, sentence):
    assert main(["prepare", str(ready / "in"), str(ready / "no"), "--fit", *options]) == 2
    assert sentence in capsys.readouterr().err and not (ready / "no").exists()
