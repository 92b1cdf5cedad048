"""Neural-Pull from pictures: learned end to end on small made data, and what goes wrong with pictures."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

import isofield
from isofield import io, render
from isofield.api import infer_all, observed_in
from isofield.cli.main import main
from isofield.configs import NeuralPullImage, PictureEncoder, PrepareConfig, Schedule, Training
from isofield.datasets import Prepared, prepare
from isofield.errors import InputError
from isofield.evaluate import compare
from isofield.methods.pictured import turn_of

BALL = trimesh.creation.icosphere(3, 0.9)
SHAPES = {"stick": BALL.copy().apply_scale([0.5, 1, 0.5]), "disc": BALL.copy().apply_scale([1, 0.5, 1])}
CONFIG = NeuralPullImage(
    length=8, dims=(48,) * 4, skip=(2,), encoder=PictureEncoder(8, 32), samples=256,
    training=Training(steps=300, batch=4, keep=1000, beta2=0.99, clip=5.0,
                      network_rate=Schedule(4e-3, "cosine", final=1e-4, warm_up=0.05)),
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """An upright and a flat ellipsoid, of two widths each."""
    folder = tmp_path_factory.mktemp("data")
    for name, mesh in SHAPES.items():
        for number in range(2):
            wide = mesh.copy().apply_scale([1 + 0.1 * number, 1, 1])
            io.write_mesh(wide, folder / "meshes" / name / f"{number}.ply")
    config = PrepareConfig(("views", "cloud", "signed"), count=4000, points=4000, views=16, size=48, queries="paper")
    prepare(folder / "meshes", folder / "prepared", config, workers=1)
    return folder / "prepared"


@pytest.fixture(scope="module")
def space(data, tmp_path_factory):
    return isofield.train("neural-pull-image", data, tmp_path_factory.mktemp("space") / "run", CONFIG)


def photo(mesh: trimesh.Trimesh, folder: Path, name: str, view=(20.0, 25.0)) -> Path:
    """A picture from a direction that no prepared view has, off its centre."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = np.pad(render.picture(mesh, size=(120, 90), view=view), ((0, 40), (60, 0), (0, 0)), mode="edge")
    render.save(picture, folder / name)
    return folder / name


def test_a_picture_gives_its_shape(space, tmp_path):
    """Of two kinds: in the truth's normalised space."""
    for name, mesh in SHAPES.items():
        ((_, read),) = observed_in([photo(mesh, tmp_path, f"{name}.png")], space.prepare, kinds=space.kinds)
        (result,) = infer_all(space, [read()])
        assert (result.id, result.loss, result.poor) == (name, None, False)
        assert result.nearest.startswith(name)
        truth = mesh.copy().apply_scale(1 / 1.03 / np.linalg.norm(mesh.vertices, axis=1).max())
        made = result.sdf.mesh(32)
        other = SHAPES["disc" if name == "stick" else "stick"]
        own, wrong = (compare(made, one, samples=2000, floor=False)["iou"] for one in (truth, other))
        assert own > 0.6 and own > wrong + 0.15


def test_several_pictures_of_one_shape_are_averaged(space, tmp_path):
    views = [(20.0, 25.0), (140.0, 10.0), (260.0, -15.0)]
    for number, view in enumerate(views):
        photo(SHAPES["stick"], tmp_path / "shapes" / "one", f"{number}.png", view)
    photo(SHAPES["disc"], tmp_path / "shapes" / "two", "0.png")
    together = observed_in([tmp_path / "shapes"], space.prepare, kinds=space.kinds)
    assert [name for name, _ in together] == ["one", "two"]
    files = sorted((tmp_path / "shapes/one").iterdir())
    apart = observed_in(files, space.prepare, kinds=space.kinds)
    codes = [one.code for one in infer_all(space, [read() for _, read in [*together, *apart]])]
    assert np.allclose(codes[0], np.mean(codes[2:], axis=0), atol=1e-5)
    assert np.abs(codes[2] - codes[3]).max() > 1e-4


def test_a_list_of_files_shows_one_shape_in_python(space, tmp_path):
    """As their folder does."""
    paths = [photo(SHAPES["stick"], tmp_path / "one", f"{k}.png", (20.0 + 60 * k, 10.0)) for k in range(2)]
    (together,) = infer_all(
        space, [read() for _, read in observed_in([tmp_path / "one"], space.prepare, kinds=space.kinds)]
    )
    x = np.random.default_rng(0).uniform(-1, 1, (100, 3))
    np.testing.assert_array_equal(space.infer(paths)(x), together.sdf(x))
    np.testing.assert_array_equal(isofield.infer(space, paths).code, together.code)
    for wrong in (np.zeros((32, 32, 3)), [], [3]):
        with pytest.raises(InputError, match="is not a picture, and this space reads pictures: give a file of one, or"):
            space.infer(wrong)


def test_a_background_that_stays_is_warned_of(space, tmp_path):
    """And one of few bits is not."""
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (60, 60, 3), np.uint8)).save(tmp_path / "carpet.png")
    with pytest.warns(UserWarning, match=r"carpet.png has no uniform background, so that the square in its middle"):
        space.infer(tmp_path / "carpet.png")
    dark = np.full((60, 60), 900, np.uint16)
    dark[20:40, 10:50] = 100
    Image.fromarray(dark).save(tmp_path / "low.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        space.infer(tmp_path / "low.png")


def test_a_prepared_data_set_is_inferred_in_its_own_units(data, space):
    results = list(infer_all(space, [read() for _, read in observed_in([data], space.prepare, kinds=space.kinds)]))
    assert [one.id for one in results] == space.ids
    assert np.allclose([one.code for one in results], space.codes, atol=1e-5)
    truth = io.read(data.parent / "meshes/stick/0.ply")
    assert compare(results[2].sdf.mesh(32), truth, samples=2000, floor=False)["iou"] > 0.6


def test_the_frame_of_the_camera(data):
    """Queries and points are turned as the camera sees them: a camera above sees the top of the stick toward it."""
    config = replace(CONFIG, frame="camera")
    views, cameras, cloud = (Prepared(data, kind) for kind in ("views", "cameras", "cloud"))
    shape = isofield.types.Shape(rows={"views": views.rows(0), "cameras": cameras.rows(0), "cloud": cloud.rows(0)})
    method = isofield.configs.methods.find_method("neural-pull-image", "isofield.spaces").method
    plain, turned = (method(one).draw(shape, np.random.default_rng(3)) for one in (CONFIG, config))
    assert np.array_equal(plain["picture"], turned["picture"])
    number = int(np.random.default_rng(3).integers(len(cameras.rows(0))))
    camera = cameras.rows(0)[number]
    seen = plain["nearest"] @ camera[:, :3].T + camera[:, 3]  # right, down, forward of the eye
    assert np.allclose(turned["nearest"], (seen - camera[:, 3]) * (1, -1, -1), atol=1e-5)
    assert np.allclose(turn_of(3 * camera), turn_of(camera))


def test_the_released_objective_falls(data):
    from trained import trained

    parts = {kind: Prepared(data, kind) for kind in ("views", "cameras", "cloud")}
    shapes = [isofield.types.Shape(rows={kind: part.rows(row) for kind, part in parts.items()}) for row in range(2)]
    config = replace(CONFIG, loss="chamfer", training=replace(CONFIG.training, steps=30), samples=64,
                     encoder=replace(CONFIG.encoder, crop=0.75))  # fmt: skip
    losses = [one["pull"] for one in trained(config, shapes)[1]]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])


def bad(folder: Path) -> dict[str, tuple[Path, str]]:
    from PIL import Image

    folder.mkdir()
    Image.new("RGB", (80, 80)).save(folder / "black.png")
    Image.new("RGB", (10, 10)).save(folder / "small.png")
    Image.new("L", (10_000, 10_000)).save(folder / "large.png")
    (folder / "text.png").write_text("not a picture")
    (folder / "mesh.ply").touch()
    (folder / "empty").mkdir()
    return {
        "black.png": (folder / "black.png", "shows nothing"),
        "small.png": (folder / "small.png", "10 x 10 pixels: give at least 32"),
        "large.png": (folder / "large.png", "more than 50 million pixels"),
        "text.png": (folder / "text.png", "cannot be read as a picture (it is not one): give a picture (.png .jpg)"),
        "mesh.ply": (folder / "mesh.ply", "this space reads pictures: give one"),
        "empty": (folder / "empty", "has no pictures"),
        "missing.png": (folder / "missing.png", "there is no file"),
    }


def test_bad_pictures_are_a_sentence_each(space, tmp_path, capsys):
    space.save(tmp_path / "run")
    for name, (path, reason) in bad(tmp_path / "in").items():
        assert main(["infer", str(tmp_path / "run"), str(path), "-o", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith("error:") and reason in said and name in said
    assert not (tmp_path / "out").exists()


def test_pictures_of_other_modes_work(space, tmp_path, capsys):
    """Four channels, 16 bits, grey, an animation: the first frame."""
    from PIL import Image

    space.save(tmp_path / "run")
    with Image.open(photo(SHAPES["stick"], tmp_path, "plain.png")) as image:
        plain = image.convert("RGB")
    grey = np.asarray(plain.convert("L"))
    alpha = Image.fromarray(np.where(grey < 225, 255, 0).astype(np.uint8))
    made = tmp_path / "modes"
    made.mkdir()
    plain.putalpha(alpha)
    plain.save(made / "alpha.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(made / "deep.png")
    Image.fromarray(grey).save(made / "grey.jpg")
    frames = [Image.fromarray(grey), Image.new("L", plain.size)]
    frames[0].save(made / "moving.gif", save_all=True, append_images=frames[1:])
    files = sorted(map(str, made.iterdir()))
    out = tmp_path / "out"
    assert main(["infer", str(tmp_path / "run"), *files, "-o", str(out), "--resolution", "24", "--json"]) == 0
    assert sorted(one.name for one in out.glob("*.ply")) == ["alpha.ply", "deep.ply", "grey.ply", "moving.ply"]
    each = json.loads(capsys.readouterr().out)["each"]
    assert all(one["nearest"].startswith("stick") for one in each)
    assert {one["poor"] for one in each} == {None}  # nothing is measured
    assert main(["infer", str(tmp_path / "run"), files[0], "-o", str(out), "--refine"]) == 2
    assert "leave --refine out" in capsys.readouterr().err


def test_a_data_set_without_pictures(tmp_path):
    io.write_mesh(SHAPES["stick"], tmp_path / "meshes/stick.ply")
    prepare(tmp_path / "meshes", tmp_path / "data", PrepareConfig(("cloud",), count=500, points=500), workers=1)
    with pytest.raises(InputError, match=r"has no 'views' samples, but cloud: prepare .* --samples cloud views"):
        isofield.train("neural-pull-image", tmp_path / "data", tmp_path / "run", CONFIG)
    everything = r"has no 'views' and 'signed' samples, but cloud: prepare .* --samples views signed cloud \(raw"
    with pytest.raises(InputError, match=everything):
        isofield.train("image-codes", tmp_path / "data", tmp_path / "run")


def test_the_field_is_stored_and_loaded(space, tmp_path):
    space.save(tmp_path / "run")
    again, x = isofield.load(tmp_path / "run"), torch.rand(50, 3).numpy()
    assert np.array_equal(again.sdf(again.codes[0])(x), space.sdf(space.codes[0])(x))
