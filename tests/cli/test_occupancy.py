"""Occupancies by the command line: from meshes to a space, unseen clouds and voxels, new shapes, the protocol."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import toys
from isofield import io
from isofield.cli.main import main
from isofield.types import Cloud

SMALL = (
    "--length", "8", "--dims", "32", "32", "--width", "8", "--points", "64", "--cells", "8", "--channels", "8",
    "--samples", "64",
    "--training.steps", "60", "--training.batch", "4", "--infer-steps", "5", "--no-progress",
)  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """Prepared toys, and an unseen one as a mesh and as a cloud of 300 points."""
    work = tmp_path_factory.mktemp("work")
    for number in range(5):
        io.write_mesh(toys.toy(number), work / "meshes" / f"toy_{number}.ply")
    command = ["prepare", str(work / "meshes"), str(work / "data"), "--samples", "occupancy", "surface"]
    assert main([*command, "--count", "2000", "--points", "2000", "--workers", "1", "--no-progress"]) == 0
    mesh = toys.toy(20)
    io.write_mesh(mesh, work / "unseen" / "mesh.ply")
    random = np.random.default_rng(0)
    points = mesh.sample(300, seed=0) + random.normal(0, 0.005, (300, 3))
    io.write_cloud(Cloud(points), work / "unseen" / "cloud.ply")
    return work


def rows(path: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(path.open())]


@pytest.mark.parametrize("input_", ["cloud", "voxels"])
def test_unseen_shapes_come_with_meshes_and_seconds(work, input_, capsys):
    run, out = work / input_, work / f"{input_}-shapes"
    assert main(["train", "occupancy", str(work / "data"), "-o", str(run), "--input", input_, *SMALL]) == 0
    (bad := work / "bad.ply").write_text("ply")
    command = ["infer", str(run), str(work / "unseen"), str(bad), "-o", str(out), "--resolution", "24"]
    copies = ["--copies", str(out / "seen"), "--no-progress"]
    capsys.readouterr()
    assert main([*command, *copies]) == 1
    assert str(out / "timing.csv") in capsys.readouterr().err.replace("\n", "")
    copy, cloud = (io.read(path).points for path in (out / "seen" / "cloud.ply", work / "unseen" / "cloud.ply"))
    assert np.abs(copy.min(0) - cloud.min(0)).max() < 0.05 and np.abs(copy.max(0) - cloud.max(0)).max() < 0.05
    *timing, failed = rows(out / "timing.csv")
    assert [row["id"] for row in timing] == ["cloud", "mesh"] and failed["id"] == "bad"
    assert all(float(row[stage]) > 0 for row in timing for stage in ("read", "code", "mesh"))
    assert float(failed["read"]) >= 0 and (failed["code"], failed["mesh"]) == ("", "")


def test_a_table_of_codes_needs_a_closed_mesh_and_gives_new_shapes(work, capsys):
    run, out = work / "none", work / "none-shapes"
    assert main(["train", "occupancy", str(work / "data"), "-o", str(run), "--input", "none", *SMALL]) == 0
    mesh, cloud = (str(work / "unseen" / name) for name in ("mesh.ply", "cloud.ply"))
    assert main(["infer", str(run), mesh, "-o", str(out), "--resolution", "24", "--no-progress"]) in (0, 1)
    capsys.readouterr()
    assert main(["infer", str(run), cloud, "-o", str(out), "--no-progress"]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "cloud.ply has no faces, and this space reads occupancy samples, which need a closed mesh" in error
    new = ["sample", str(run), "-n", "2", "--resolution", "24", "--no-progress"]
    assert main([*new, "--normal", "-o", str(work / "new")]) in (0, 1)
    assert len(rows(work / "new" / "report.csv")) == 2
    codes = np.load(work / "new" / "codes.npz")["codes"]
    assert main([*new, "-o", str(work / "mixed")]) in (0, 1)
    assert not np.allclose(codes, np.load(work / "mixed" / "codes.npz")["codes"])


def test_an_unknown_input_and_too_few_kinds_are_named(work, tmp_path, capsys):
    train = ["train", "occupancy", str(work / "data"), "-o", str(tmp_path / "run"), *SMALL]
    assert main([*train, "--input", "imag"]) == 2
    assert "cloud" in capsys.readouterr().err
    command = ["prepare", str(work / "meshes"), str(tmp_path / "data"), "--samples", "surface", "--count", "200"]
    assert main([*command, "--points", "200", "--workers", "1", "--no-progress"]) == 0
    capsys.readouterr()
    assert main(["train", "occupancy", str(tmp_path / "data"), "-o", str(tmp_path / "run"), *SMALL]) == 2
    assert "occupancy" in capsys.readouterr().err
