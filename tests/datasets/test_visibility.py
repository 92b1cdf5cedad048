"""Signs by what cameras see: exact on closed shapes, blind to how faces are wound and to what is hidden, and choosy."""

import csv
import json

import numpy as np
import pytest
import trimesh

from isofield import families
from isofield.cli.main import main
from isofield.configs import PrepareConfig
from isofield.datasets import prepare
from isofield.datasets.visibility import distance_to_seen, look
from isofield.errors import InputError
from isofield.solids.signed_distance import signed_distance
from isofield.solids.solid_parts import sort

PIXEL, CLOSE = 2 / 400, np.sqrt(0.005)


def near(mesh: trimesh.Trimesh, count: int = 4000) -> np.ndarray:
    """Points around a mesh, from very near to far, and anywhere."""
    random = np.random.default_rng(0)
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=1)
    offset = random.choice([0.01, 0.0224, 0.0707], (count, 1)) * random.standard_normal((count, 3))
    return np.concatenate([points + offset, random.uniform(-1, 1, (count // 8, 3))])


@pytest.mark.parametrize("name", ["ball", "box", "torus", "knot"])
def test_signs_and_distances_of_closed_shapes(name):
    mesh = {
        "ball": lambda: trimesh.creation.icosphere(3, 0.9),
        "box": lambda: trimesh.creation.box((1.2, 0.6, 0.5)),
        "torus": lambda: trimesh.creation.torus(0.7, 0.2),
        "knot": families.FAMILIES["knot"],
    }[name]()
    vertices = np.asarray(mesh.vertices) * 0.4 / np.abs(mesh.vertices).max()  # smaller than usual, and so quicker
    x = near(trimesh.Trimesh(vertices, mesh.faces, process=False))
    true = signed_distance(sort(vertices, np.asarray(mesh.faces)), 0)(x)
    seen = look(vertices, np.asarray(mesh.faces))
    assert seen.both == seen.bad == 0
    found = distance_to_seen(seen, CLOSE)(x)
    known = ~np.isnan(found)
    assert known.mean() > 0.97
    clear = known & (np.abs(true) > PIXEL)
    assert ((found < 0) == (true < 0))[clear].mean() >= 0.999
    assert np.quantile(np.abs(found - true)[clear], 0.9) < 1e-3  # short beside edges: it is that to a plane


def test_it_does_not_matter_how_faces_are_wound():
    ball = trimesh.creation.icosphere(3, 0.3)
    turned = np.random.default_rng(0).random(len(ball.faces)) < 0.4
    faces = np.where(turned[:, None], ball.faces[:, ::-1], ball.faces)
    x = near(ball, 800)
    one, two = (distance_to_seen(look(np.asarray(ball.vertices), f), CLOSE)(x) for f in (ball.faces, faces))
    np.testing.assert_allclose(one, two, atol=1e-9)


def test_what_no_camera_sees_is_no_surface():
    """Two boxes that overlap by half: their inner walls, and a ball inside, are nothing."""
    box = trimesh.creation.box((0.8, 0.8, 0.8)).apply_translation((-0.2, 0, 0))
    hidden = trimesh.creation.icosphere(2, 0.15)
    both = trimesh.util.concatenate([box, box.copy().apply_translation((0.4, 0, 0)), hidden])
    x = np.random.default_rng(0).uniform(-0.38, 0.38, (2000, 3)) * [1.5, 1, 1]
    whole = trimesh.creation.box((1.2, 0.8, 0.8))
    true = signed_distance(sort(np.asarray(whole.vertices), np.asarray(whole.faces)), 0)(x)
    raw = signed_distance(sort(np.asarray(both.vertices), np.asarray(both.faces)), 0)(x)
    found = distance_to_seen(look(np.asarray(both.vertices), np.asarray(both.faces)), CLOSE)(x)
    known = ~np.isnan(found)
    assert known.mean() > 0.97
    assert np.abs(found - true)[known].max() < PIXEL
    assert np.abs(raw - true).max() > 0.2  # the winding number knows the union, but the distance is to all walls


def test_a_face_with_both_sides_seen_is_counted():
    """One square in the middle: half of the views see its back, and after the first of these all count."""
    square = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    seen = look(square, np.array([[0, 1, 2], [0, 2, 3]]))
    assert seen.bad == 1
    assert 0.4 < seen.both < 1
    assert np.abs(seen.points[:, 2]).max() < 1e-9
    values = distance_to_seen(seen, CLOSE)(np.array([[0, 0, 0.3], [0.1, 0.1, -0.3]]))
    assert np.isnan(values).any() or (values > 0).all()


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
    assert "of the pixels see the back of a face" in rows["sheet"]["reason"]
    assert float(rows["sheet"]["bad"]) == 1
    assert 0 < float(rows["fin"]["bad"]) < 0.03
    assert float(rows["box"]["both"]) == 0
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
    with pytest.raises(InputError, match="sign 'odd' is unknown: take one of winding, visibility, parity"):
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
