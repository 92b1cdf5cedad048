"""`isofield prepare --sign visibility`: complete samples with the right signs, and its rejected shapes."""

import csv
import json

import numpy as np
import pytest
import trimesh

from isofield.cli.main import main
from isofield.configs import PrepareConfig
from isofield.datasets import prepare
from isofield.errors import InputError

PIXEL = 2 / 400


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A box, a box with a small fin, and a sheet, by visibility."""
    folder = tmp_path_factory.mktemp("seen")
    source = folder / "in"
    source.mkdir()
    box = trimesh.creation.box((1, 0.2, 0.2)).subdivide().subdivide()
    box.export(source / "box.ply")
    sheet = trimesh.Trimesh(box.vertices, box.faces[box.triangles_center[:, 2] > 0.099])
    sheet.export(source / "sheet.ply")
    fin = trimesh.Trimesh([[-0.1, 0.1, 0.0], [0.1, 0.1, 0.0], [0, 0.15, 0.0]], [[0, 1, 2]])
    trimesh.util.concatenate([box, fin]).export(source / "fin.ply")
    line = ["prepare", str(source), str(folder / "out"), "--sign", "visibility", "--count", "6000", "--workers", "1"]
    assert main([*line, "--samples", "signed", "occupancy", "levelset", "--no-progress"]) == 0
    with (folder / "out/report.csv").open() as file:
        return folder, line, {row["id"]: row for row in csv.DictReader(file)}


def test_their_rejection_is_ours(ready):
    _, _, rows = ready
    assert {name: row["outcome"] for name, row in rows.items()} == {"box": "accept", "fin": "accept", "sheet": "reject"}
    assert "of the pixels show the back of a face" in rows["sheet"]["reason"]
    assert float(rows["sheet"]["two_sided"]) == 1
    assert 0 < float(rows["fin"]["two_sided"]) < 0.03
    assert float(rows["box"]["back_pixels"]) == 0
    assert {row["missing"] for name, row in rows.items() if name != "sheet"} == {"0"}


def test_samples_are_whole_and_right(ready):
    """As many as asked for, though some were left out; their distances are those of the box."""
    folder, _, _ = ready
    half = np.array([0.5, 0.1, 0.1]) / np.linalg.norm([0.5, 0.1, 0.1]) / 1.03
    for name in ("box", "fin"):
        for kind, width in (("signed", 4), ("occupancy", 4), ("levelset", 4)):
            rows = np.load(folder / f"out/shapes/{name}/{kind}.npy")
            assert rows.shape == (6000, width)
            assert np.isfinite(rows).all()
    rows = np.load(folder / "out/shapes/box/signed.npy").astype(float)
    q = np.abs(rows[:, :3]) - half
    true = np.linalg.norm(q.clip(0), axis=1) + np.minimum(q.max(1), 0)
    clear = np.abs(true) > PIXEL
    assert ((rows[:, 3] < 0) == (true < 0))[clear].mean() >= 0.999
    rows = np.load(folder / "out/shapes/box/occupancy.npy").astype(float)
    off = (np.abs(rows[:, :3]) - half).max(1)
    clear = np.abs(off) > PIXEL
    assert np.array_equal(rows[clear, 3] > 0.5, off[clear] < 0)


def test_the_choice_is_a_setting(ready):
    folder, line, _ = ready
    settings = json.loads((folder / "out/manifest.json").read_text())["settings"]
    assert settings["sign"] == "visibility"
    with pytest.raises(InputError, match=r"other settings \(.*sign"):
        prepare(folder / "in", folder / "out", PrepareConfig(count=6000))
    with pytest.raises(InputError, match="sign cannot be 'odd': choose among winding, visibility, parity"):
        prepare(folder / "in", folder / "none", PrepareConfig(sign="odd"))
    assert main([*line[:2], str(folder / "parity"), "--sign", "parity", "--count", "500", "--no-progress"]) == 0


def test_a_second_run_changes_no_byte(ready):
    folder, line, _ = ready
    (folder / "one.json").write_text('["fin"]')
    more = ["--split", str(folder / "one.json"), "--samples", "signed", "occupancy", "levelset", "--no-progress"]
    assert main([*line[:2], str(folder / "again"), *line[3:], *more]) == 0
    found = sorted((folder / "again").rglob("*.npy"))
    assert len(found) == 3
    for path in found:
        assert path.read_bytes() == (folder / "out" / path.relative_to(folder / "again")).read_bytes()
