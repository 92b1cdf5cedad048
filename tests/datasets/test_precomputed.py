"""Samples that others made: DeepSDF's surfaces, Occupancy Networks' points, clouds and pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield.cli.main import main
from isofield.configs import PrepareConfig
from isofield.datasets import (
    Prepared,
    prepare,
    read_occupancy,
    read_pointcloud,
    write_deepsdf,
    write_occupancy,
    write_views,
)
from isofield.datasets.manifest import Record
from isofield.errors import InputError

BOX = trimesh.creation.box((1.0, 0.5, 0.25))
LOC, SCALE = np.array([3.0, -1.0, 7.0]), 2.5
"""A box of sides 2.5, 1.25 and 0.625 about LOC: in Occupancy Networks' cube its longest side is 1."""
HALF = np.array([0.5, 0.25, 0.125])
RADIUS = float(np.linalg.norm(HALF))
"""Of the box in their cube: what becomes 1/1.03."""


def within(points: np.ndarray) -> np.ndarray:
    return (np.abs(points) < HALF).all(axis=1)


def publish(model: Path, packed: bool = True, kind: type = np.float16) -> None:
    """The box as their script samples it, in numbers of this kind; one point of each file is not finite."""
    random = np.random.default_rng(0)
    model.mkdir(parents=True)
    place = {"loc": LOC, "scale": np.array(SCALE)}
    space = (1.1 * (random.random((10_003, 3)) - 0.5)).astype(kind)
    bits = within(space.astype(np.float64))
    space[7] = np.nan
    np.savez(model / "points.npz", points=space, occupancies=np.packbits(bits) if packed else bits, **place)
    points, index = trimesh.sample.sample_surface(BOX, 8000, seed=0)
    points = np.concatenate([BOX.vertices, points])  # so that the box's box is exact
    normals = np.concatenate([BOX.vertices, BOX.face_normals[index]])
    points[100] = np.inf
    np.savez(model / "pointcloud.npz", points=points.astype(kind), normals=normals.astype(kind), **place)


@pytest.mark.parametrize("packed", [True, False])
def test_bits_are_unpacked(tmp_path, packed):
    publish(tmp_path / "m", packed)
    rows, lost, similarity = read_occupancy(tmp_path / "m/points.npz")
    assert (rows.shape, lost) == ((10_002, 4), 1)
    assert np.array_equal(rows[:, 3] > 0, within(rows[:, :3]))
    assert similarity.center == tuple(LOC)
    assert similarity.scale == pytest.approx(1 / SCALE)
    rows, lost, _ = read_pointcloud(tmp_path / "m/pointcloud.npz")
    assert (rows.shape, lost) == ((8007, 6), 1)
    assert np.abs(np.linalg.norm(rows[:, 3:], axis=1) - 1).max() < 1e-12


def test_occupancy_networks_data_come_into_our_space(tmp_path, capsys):
    """All samples, whatever count says; the box's corners at 1/1.03, and the record leads back to the box's place."""
    publish(tmp_path / "in/03001627/box")
    line = ["prepare", str(tmp_path / "in"), str(tmp_path / "out"), "--count", "100", "--no-progress"]
    assert main([*line, "--samples", "occupancy", "surface", "cloud", "unsigned"]) == 0
    data = Prepared(tmp_path / "out", "occupancy", count=20_000)
    (record,) = data.records
    assert (record.id, record.label, record.outcome) == ("03001627/box", "chair", "repair")
    assert record.reason == "2 samples that are not finite are left out"
    assert record.center == pytest.approx(LOC, abs=1e-3)
    assert record.scale == pytest.approx(1 / 1.03 / (RADIUS * SCALE), rel=1e-3)
    rows = data.slice(0, 0)
    assert rows.shape == (10_002, 4)
    units = rows[:, :3] / record.scale + record.center
    clear = np.abs(np.abs((units - LOC) / SCALE) - HALF).min(1) > 1e-3
    assert np.array_equal(rows[clear, 3] > 0, within((units - LOC) / SCALE)[clear])
    on = Prepared(tmp_path / "out", "surface", count=20_000).slice(0, 0)
    assert on.shape == (8007, 6)
    assert np.linalg.norm(on[:, :3], axis=1).max() == pytest.approx(1 / 1.03, abs=1e-6)
    for kind, width in (("cloud", 6), ("unsigned", 7)):  # about the points of the surface, as many as were asked for
        assert Prepared(tmp_path / "out", kind, count=20_000).slice(0, 0).shape == (100, width)
    assert (tmp_path / "out/report.html").read_text().count("data:image/png;base64") == 1


def test_without_a_cloud_their_cube_fits_our_ball(tmp_path):
    publish(tmp_path / "in/a/box", kind=np.float32)
    (tmp_path / "in/a/box/pointcloud.npz").unlink()
    (record,) = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig(("occupancy",)))
    assert record.center == pytest.approx(LOC)
    assert record.scale == pytest.approx(1 / 1.03 / np.sqrt(0.75) / SCALE)


def test_kinds_that_their_files_lack_are_named(tmp_path):
    publish(tmp_path / "in/a/box")
    (record,) = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig(("signed", "surface")))
    assert record.reason == "it has no signed samples: use --samples occupancy surface unsigned cloud"


BROKEN = {
    "no bits": ({"points": np.zeros((9, 3)), "loc": LOC, "scale": 1.0}, "occupancies is not a file in the archive"),
    "too few": ({"points": np.zeros((9, 3)), "occupancies": np.zeros(3, bool), "loc": LOC, "scale": 1.0}, "(3,)"),
    "no place": ({"points": np.ones((9, 3)), "occupancies": np.zeros(9, bool), "loc": LOC[:2], "scale": 1.0}, "centre"),
    "no scale": ({"points": np.zeros((9, 3)), "occupancies": np.zeros(9, bool), "loc": LOC, "scale": 0.0}, "scale 0.0"),
    "objects": ({"points": np.array([{}]), "occupancies": np.zeros(1, bool), "loc": LOC, "scale": 1.0}, "pickle"),
    "text": (
        {"points": np.array(["a"]), "occupancies": np.zeros(1, bool), "loc": LOC, "scale": 1.0},
        "does not hold numbers",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_damaged_files_are_one_sentence(tmp_path, name):
    arrays, part = BROKEN[name]
    np.savez(tmp_path / "points.npz", **arrays)
    with pytest.raises(InputError) as caught:
        read_occupancy(tmp_path / "points.npz")
    assert part in str(caught.value)


def test_cut_files_reject_their_shape_alone(tmp_path):
    for name in "ab":
        publish(tmp_path / f"in/c/{name}")
    content = (tmp_path / "in/c/a/points.npz").read_bytes()
    (tmp_path / "in/c/a/points.npz").write_bytes(content[:9000])
    one, two = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig(("occupancy",)))
    assert (one.outcome, two.outcome) == ("reject", "repair")
    assert "a/points.npz holds no samples of Occupancy Networks" in one.reason


def test_pictures_keep_seeing_the_shape(tmp_path):
    """Their cameras look at the shape in its own units; moved, they see the same pixel at the normalised place."""
    publish(tmp_path / "in/a/box", kind=np.float32)
    folder = tmp_path / "in/a/box/img_choy2016"
    folder.mkdir()
    camera, turn = np.array([[149.8, 0, 68.5], [0, 149.8, 68.5], [0, 0, 1]]), np.eye(4)
    arrays: dict[str, np.ndarray] = {}
    for number in range(3):
        Image.new("RGB", (137, 137), (number, 0, 0)).save(folder / f"{number:03d}.png")
        turn[:3, :3] = trimesh.transformations.rotation_matrix(number, [1, 2, 3])[:3, :3]
        turn[:3, 3] = [0, 0, 9]
        world = turn[:3] @ np.block([[np.eye(3), -LOC[:, None]], [np.zeros(3), 1]])
        arrays |= {f"camera_mat_{number}": camera, f"world_mat_{number}": world}
    np.savez(folder / "cameras.npz", **arrays)
    (record,) = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig(("views", "surface")))
    made = tmp_path / "out/shapes/a/box/views"
    assert [path.name for path in sorted(made.glob("*.png"))] == ["000.png", "001.png", "002.png"]
    here = BOX.vertices * SCALE + LOC
    there = (here - record.center) * record.scale
    with np.load(made / "cameras.npz") as held:
        for number in range(3):
            pixel = [
                (np.c_[x, np.ones(8)] @ w.T) @ camera.T
                for x, w in ((here, arrays[f"world_mat_{number}"]), (there, held[f"world_mat_{number}"]))
            ]
            assert np.abs(pixel[0][:, :2] / pixel[0][:, 2:] - pixel[1][:, :2] / pixel[1][:, 2:]).max() < 1e-6
            pose = np.array(json.loads((made / "camera.json").read_text())["poses"][f"{number:03d}"])
            assert np.abs(np.linalg.inv(pose)[:3] - held[f"world_mat_{number}"]).max() < 1e-9
    whole = (folder / "001.png").read_bytes()
    (folder / "001.png").write_bytes(whole[: len(whole) // 2])
    (record,) = prepare(tmp_path / "in", tmp_path / "cut", PrepareConfig(("views", "surface")))
    assert record.outcome == "reject" and record.reason.startswith(f"{folder / '001.png'} cannot be read as a picture")
    (folder / "cameras.npz").write_bytes(b"")
    (record,) = prepare(tmp_path / "in", tmp_path / "again", PrepareConfig(("views", "surface")))
    assert record.outcome == "reject"
    assert "cameras.npz holds no samples of Occupancy Networks' views" in record.reason
    (folder / "cameras.npz").unlink()
    (record,) = prepare(tmp_path / "in", tmp_path / "without", PrepareConfig(("views", "surface")))
    assert record.reason.startswith(
        "it has no views samples (pictures with their cameras.npz): use --samples occupancy"
    )


def test_our_samples_are_written_as_theirs_and_come_back(tmp_path):
    """Their loader's cube: longest side 1, samples of space within 0.55; and the same places, in the shape's units."""
    (tmp_path / "in/box").mkdir(parents=True)
    BOX.copy().apply_scale(SCALE).apply_translation(LOC).export(tmp_path / "in/box/one.ply")
    (record,) = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig(("occupancy", "surface"), 20_000))
    rows = {kind: Prepared(tmp_path / "out", kind, count=20_000).slice(0, 0) for kind in ("occupancy", "surface")}
    model = write_occupancy(rows["occupancy"], rows["surface"], record, tmp_path / "net")
    assert model == tmp_path / "net/box/one"
    with np.load(model / "points.npz", allow_pickle=False) as held:
        points, bits = held["points"], held["occupancies"]
        assert held["loc"] == pytest.approx(LOC, abs=0.01)
        assert held["scale"] == pytest.approx(SCALE, rel=0.01)
    assert bits.dtype == np.uint8
    assert len(bits) == -(-len(points) // 8)
    assert np.abs(points).max() <= 0.55
    inside = np.unpackbits(bits)[: len(points)] > 0
    assert (inside == within(points * held_scale(model))).mean() > 0.99
    (again,) = prepare(tmp_path / "net", tmp_path / "back", PrepareConfig(("occupancy", "surface")))
    assert again.center == pytest.approx(record.center, abs=0.02)
    for kind in rows:
        back = Prepared(tmp_path / "back", kind, count=20_000).slice(0, 0)
        units = [part[:, :3] / r.scale + r.center for part, r in ((rows[kind], record), (back, again))]
        known = {tuple(row) for row in np.round(units[0], 3)}
        assert np.mean([tuple(row) in known for row in np.round(units[1], 3)]) > 0.98  # but for what rounds otherwise


def held_scale(model: Path) -> float:
    """By how much their cube, whose box is that of the samples, is larger than that of the true box."""
    with np.load(model / "points.npz") as held:
        return float(held["scale"]) / SCALE


@pytest.fixture
def release(tmp_path):
    """A ball as DeepSDF's release has it: samples, surface points in its own units with faces of any three, place."""
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (4000, 3))
    rows = np.column_stack([x, np.linalg.norm(x, axis=1) - 0.5])
    record = Record("ball", "", "", "accept", "", center=(1.0, 2.0, 3.0), scale=0.25)
    write_deepsdf(rows, record, tmp_path / "in", "Mine/02691156")
    points = random.normal(size=(3000, 3))
    points *= 2 / np.linalg.norm(points, axis=1, keepdims=True)
    path = tmp_path / "in/SurfaceSamples/Mine/02691156/ball.ply"
    path.parent.mkdir(parents=True)
    faces = np.arange(3000).reshape(-1, 3)
    trimesh.Trimesh(points + record.center, faces, process=False).export(path, encoding="ascii")
    return tmp_path


def test_deepsdf_surfaces_are_points_without_normals(release, capsys):
    line = ["prepare", str(release / "in"), str(release / "out"), "--count", "800", "--no-progress"]
    assert main([*line, "--samples", "signed", "surface", "levelset", "unsigned"]) == 0
    (record,) = Prepared(release / "out", "signed").records
    assert (record.id, record.label) == ("Mine/02691156/ball", "airplane")
    rows = {kind: Prepared(release / "out", kind, count=9999).slice(0, 0) for kind in ("signed", "surface", "levelset")}
    assert {kind: part.shape for kind, part in rows.items()} == {
        "signed": (4000, 4), "surface": (3000, 3), "levelset": (800, 4),
    }  # fmt: skip
    assert np.abs(np.linalg.norm(rows["surface"], axis=1) - 0.5).max() < 1e-5
    level = rows["levelset"]
    assert np.abs(np.linalg.norm(level[:, :3], axis=1) - 0.5 - level[:, 3]).max() < 1e-5
    assert ((level[:, 3] == 0).sum(), (level[:, 3] > 0).sum(), (level[:, 3] < 0).sum()) == (400, 200, 200)


def test_a_surface_that_nothing_places_is_rejected(release):
    (release / "in/NormalizationParameters/Mine/02691156/ball.npz").unlink()
    (record,) = prepare(release / "in", release / "out", PrepareConfig(("surface",)))
    assert "has no NormalizationParameters: copy these, too." in record.reason
    (record,) = prepare(release / "in", release / "signed", PrepareConfig(("signed",)))
    assert record.outcome == "accept"


def test_a_surface_that_has_changed_is_read_again(release):
    path = release / "in/SurfaceSamples/Mine/02691156/ball.ply"
    finished: list[str] = []

    def run() -> int:
        config = PrepareConfig(("surface",))
        prepare(release / "in", release / "out", config, progress=lambda done, of, record: finished.append(record.id))
        return len(finished)

    assert [run(), run()] == [1, 1]
    path.write_text(path.read_text() + "\n")
    assert run() == 2


def test_published_aircraft_have_surfaces(data, tmp_path):
    """Of three real shapes: the signed distance near their surface is the distance to the points of it."""
    from scipy.spatial import cKDTree

    prepare(data / "deepsdf", tmp_path / "out", PrepareConfig(("signed", "surface", "levelset"), 20_000))
    surface = Prepared(tmp_path / "out", "surface", count=99_999)
    for index in range(3):
        points = surface.slice(index, 0)
        assert points.shape == (30_000, 3)
        assert 0.95 < np.linalg.norm(points, axis=1).max() < 0.98
        rows = Prepared(tmp_path / "out", "signed", count=300_000).slice(index, 0)
        near = rows[np.abs(rows[:, 3]) < 0.02]
        away = cKDTree(points).query(near[:, :3])[0]
        assert np.median(np.abs(away - np.abs(near[:, 3]))) < 0.002
        level = Prepared(tmp_path / "out", "levelset", count=20_000).slice(index, 0)
        assert (level[:, 3] == 0).mean() == 0.5
        assert (level[:, 3] < 0).mean() == 0.25


def test_our_views_are_written_as_theirs_and_come_back(tmp_path):
    """Pictures, and cameras that see the same of the shape."""
    (tmp_path / "in/box").mkdir(parents=True)
    BOX.copy().apply_scale(SCALE).apply_translation(LOC).export(tmp_path / "in/box/one.ply")
    kinds = ("views", "occupancy", "surface")
    (record,) = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig(kinds, 5000, views=3, size=48))
    rows = {kind: Prepared(tmp_path / "out", kind, count=5000).slice(0, 0) for kind in ("occupancy", "surface")}
    model = write_occupancy(rows["occupancy"], rows["surface"], record, tmp_path / "net")
    folder = write_views(tmp_path / "out/shapes/box/one/views", record, model)
    assert folder == model / "img_choy2016"
    assert [one.name for one in sorted(folder.glob("*.jpg"))] == ["000.jpg", "001.jpg", "002.jpg"]
    (again,) = prepare(tmp_path / "net", tmp_path / "again", PrepareConfig(("views", "surface"), 5000))
    pictures, cameras = ([Prepared(tmp_path / one, kind).rows(0) for one in ("out", "again")] for kind in
                         ("views", "cameras"))  # fmt: skip
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() < 6
    ours, theirs = np.array(record.center), np.array(again.center)
    for before, after in zip(*cameras, strict=True):
        x = BOX.vertices * SCALE + LOC
        seen = [(x - c) * s @ camera[:, :3].T + camera[:, 3] for camera, c, s in
                ((before, ours, record.scale), (after, theirs, again.scale))]  # fmt: skip
        assert np.allclose(seen[0][:, :2] / seen[0][:, 2:], seen[1][:, :2] / seen[1][:, 2:], atol=1e-5)
