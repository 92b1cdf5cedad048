"""Where shapes lie in the normalised space: each by itself, a data set as one, or in their own units."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isofield.api import observe, observed_in
from isofield.cli.main import main
from isofield.configs import PrepareConfig
from isofield.datasets import Prepared, prepare, write_deepsdf
from isofield.datasets.normalization import similarity_for
from isofield.errors import InputError

RADIUS = 1 / 1.03
SCALE = RADIUS / np.sqrt(27)
"""Of the two boxes below: their common box goes from -1 to 5 along each axis, so its corners are sqrt(27) away."""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A box of side 2 in the origin, and one of side 4 around (3, 3, 3), which contains a corner of the first."""
    monkeypatch.chdir(tmp_path)
    for name, side, middle in (("a/small", 2, 0), ("b/large", 4, 3)):
        Path("in", name).parent.mkdir(parents=True)
        trimesh.creation.box((side,) * 3).apply_translation([middle] * 3).export(f"in/{name}.ply")
    return tmp_path


def run(*options: str, source: str = "in", out: str = "out") -> int:
    return main(["prepare", source, out, "--count", "3000", "--no-progress", *options])


def box_distance(x: np.ndarray, middle: np.ndarray, half: float) -> np.ndarray:
    """The signed distance (n,) of points (n, 3) to a box."""
    q = np.abs(x - middle) - half
    return np.linalg.norm(q.clip(0), axis=1) + np.minimum(q.max(1), 0)


def records(out: str = "out") -> dict[str, dict]:
    return {record["id"]: record for record in json.loads(Path(out, "manifest.json").read_text())["shapes"]}


def reasons(out: str = "out") -> dict[str, str]:
    with Path(out, "report.csv").open() as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file) if row["outcome"] == "reject"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_data_set_keeps_places_and_sizes(workers):
    assert run("--normalize", "dataset", "--workers", workers) == 0
    for record in records().values():
        assert record["center"] == pytest.approx([2, 2, 2])
        assert record["scale"] == pytest.approx(SCALE, rel=1e-6)
    data = Prepared("out", count=3000)
    for rows, middle, half in ((data[0], -2 * SCALE, SCALE), (data[1], SCALE, 2 * SCALE)):
        assert np.abs(box_distance(rows[:, :3], np.full(3, middle), half) - rows[:, 3]).max() < 1e-6
    assert data.settings["similarity"] == pytest.approx([2, 2, 2, SCALE])


def test_the_farthest_point_lies_on_the_radius():
    """A ball beside its box's corners, a broken file, which has no say, and a cloud, which has one."""
    trimesh.creation.icosphere(3, 9.0).export("in/ball.ply")
    Path("in/cut.ply").write_bytes(Path("in/ball.ply").read_bytes()[:2000])
    np.savetxt("in/cloud.xyz", np.random.default_rng(0).uniform(-1, 1, (200, 3)))
    assert run("--normalize", "dataset", "--samples", "unsigned") == 0
    found = records()
    assert {id_: record["outcome"] for id_, record in found.items()} == {
        "a/small": "accept", "b/large": "accept", "ball": "accept", "cloud": "accept", "cut": "reject",
    }  # fmt: skip
    assert found["ball"]["scale"] == pytest.approx(RADIUS / 9, rel=1e-6)
    Path("in/cloud.xyz").write_text("".join(f"{x} {x} {-x}\n{x} 0 0\n" for x in range(-50, 51)))
    assert run("--normalize", "dataset", "--samples", "unsigned", out="other") == 0
    assert records("other")["ball"]["scale"] == pytest.approx(RADIUS / np.sqrt(3) / 50, rel=1e-6)


def test_units_are_kept():
    trimesh.creation.box((1.0, 1, 1)).apply_translation([0.1, 0, 0]).export("in/unit.ply")
    trimesh.creation.icosphere(3).export("in/ball.ply")  # of radius 1, in 32 bits
    assert run("--normalize", "none") == 0
    assert records()["ball"]["outcome"] == "accept"
    (rows,) = (Prepared("out", count=3000, ids=["unit"])[k] for k in range(1))
    assert np.abs(box_distance(rows[:, :3], np.array([0.1, 0, 0]), 0.5) - rows[:, 3]).max() < 1e-6
    assert records()["unit"]["center"] == [0, 0, 0]
    assert records()["unit"]["scale"] == 1
    told = reasons()
    assert told.keys() == {"a/small", "b/large"}
    sentence = "outside: it reaches 8.66 from the origin, beyond the unit ball of the samples: use --normalize "
    assert told["b/large"] == f"{sentence}dataset or shape."


def test_samples_around_a_shape_end_with_the_cube_of_its_field():
    """A corner of a box may leave the unit ball, but no shape the cube; a stray point does not count."""
    around = PrepareConfig(samples=("unsigned",), normalize="none")
    box = trimesh.creation.box((1.9, 1.9, 1.9))
    assert similarity_for(box.vertices, around).scale == 1
    points = np.concatenate([np.tile(box.vertices, (20, 1)), [[0, 3, 0]]])
    assert similarity_for(points, around).scale == 1
    for config in (around, PrepareConfig(samples=("cloud", "surface"), normalize="none")):
        with pytest.raises(InputError, match=r"outside: it reaches 1\.835 from the origin"):
            similarity_for(box.vertices + [0, 0.3, 0], config)
    with pytest.raises(InputError, match=r"outside: it reaches 1\.645"):
        similarity_for(box.vertices, PrepareConfig(normalize="none"))


def test_what_is_begun_keeps_its_place():
    """A file that has grown does not move the others; it is told that it no longer fits."""
    assert run("--normalize", "dataset") == 0
    before = Path("out/shapes/a/small/signed.npy").read_bytes()
    trimesh.creation.box((4.0, 4, 4)).apply_translation([9, 3, 3]).export("in/b/large.ply")
    assert run("--normalize", "dataset") == 0
    assert Path("out/shapes/a/small/signed.npy").read_bytes() == before
    assert reasons().keys() == {"b/large"}
    assert reasons()["b/large"].startswith("outside: it reaches 1.859")
    trimesh.creation.box((4.0, 4, 4)).apply_translation([3, 3, 3]).export("in/b/large.ply")
    assert run("--normalize", "dataset", "--strict") == 0


def test_pictures_show_the_middle_of_a_shape():
    """Small and far from the origin, a box still fills the plane that is drawn of it."""
    from PIL import Image

    trimesh.creation.box((400.0, 1, 1)).export("in/long.ply")
    assert run("--normalize", "dataset") == 0
    plane = np.asarray(Image.open("out/shapes/a/small/picture.png"))[:, 160:]
    inside = float((plane[..., 0] < 150).mean())
    assert inside == pytest.approx((2 / np.sqrt(3) / 1.03 / 2) ** 2, abs=0.02)  # of a square that is two wide


def test_mistakes_are_one_sentence(capsys):
    rows = np.random.default_rng(0).standard_normal((400, 4)).astype(np.float32)
    record = prepare("in", "ready", PrepareConfig(count=200, points=200))[0]
    write_deepsdf(rows, record, "made")
    for line, said in (
        (("--normalize", "unit"), "--normalize cannot be 'unit'; choose among shape, dataset, none."),
        (("--normalize", "dataset", "--source"), "made has samples that are normalised shape by shape"),
        (("--normalize", "none", "--broken"), None),
    ):
        source = "made" if "--source" in line else "in"
        if said is None:
            for path in Path("in").rglob("*.ply"):
                path.write_text("ply\n")
            line, said = ("--normalize", "dataset"), "no shape can be read"
        assert run(*(word for word in line if word != "--source"), source=source) == 2
        told = capsys.readouterr().err.strip()
        assert said in told
        assert "\n" not in told
        assert not Path("out/manifest.json").exists()


def test_other_settings_are_told(capsys):
    assert run() == 0
    capsys.readouterr()
    assert run("--normalize", "dataset") == 2
    assert "was begun with other settings (normalize, similarity)" in capsys.readouterr().err


def test_what_a_space_is_told_lies_where_its_data_lie():
    """A mesh, a cloud, DeepSDF's samples and prepared ones of the small box: all where the data set has it."""
    assert run("--normalize", "dataset") == 0
    data = Prepared("out", count=3000)
    told = PrepareConfig(count=3000, points=3000, normalize="dataset", similarity=tuple(data.settings["similarity"]))
    mesh = trimesh.load("in/a/small.ply")
    points = trimesh.sample.sample_surface(mesh, 5000, seed=0)[0]
    np.savetxt("cloud.xyz", points)
    alone = prepare("in", "alone", PrepareConfig(count=3000, points=3000))
    made = write_deepsdf(Prepared("alone", ids=["a/small"], count=3000)[0], alone[0], "made")
    found = [observe("in/a/small.ply", told), observe(mesh, told), observe("cloud.xyz", told), observe(made, told)]
    found += [observed_in(["out"], told)[0][1]()]
    for one, bound in zip(found, (1e-6, 1e-6, 0.05, 1e-6, 1e-6), strict=True):
        samples = one.samples
        true = box_distance(samples.points, np.full(3, -2 * SCALE), SCALE)
        assert np.quantile(np.abs(true - samples.distance), 0.99) < bound
        assert one.similarity.scale == pytest.approx(SCALE)
    with pytest.raises(
        InputError, match="was prepared with --normalize shape, and the training data of the space with dataset"
    ):
        observed_in(["alone"], told)
    with pytest.raises(InputError, match="was rejected: outside: it reaches"):
        observe(trimesh.creation.box((50.0, 1, 1)), told)
