"""Spaces of pictures through the command line: signed distances in the plane, and colours."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import balls
from isofield import api
from isofield.api.pictures import PictureResult
from isofield.cli.main import main
from isofield.errors import InputError
from isofield.fields.meta_network import MetaNetwork
from isofield.sampling.picture_samples import grid

SIZE = 32
SMALL = ["--network.dims", "32", "32", "--tasks.context", "256", "--training.batch", "4", "--no-progress"]


def disc(radius: float, x: float) -> Image.Image:
    """A bright disc."""
    away = radius - np.linalg.norm(grid(SIZE, SIZE) - [x, 0.0], axis=2)
    return Image.fromarray((255 * np.clip(0.5 + away * SIZE / 4, 0, 1)).astype(np.uint8))


def wave(number: int) -> Image.Image:
    """Smooth stripes in two colours."""
    x, y = np.moveaxis(grid(48, 64), 2, 0)
    red = 0.5 + 0.4 * np.sin(2 * x + 0.4 * number)
    return Image.fromarray((255 * np.stack([red, 1 - red, 0.5 + 0.3 * y], axis=2)).astype(np.uint8))


@pytest.fixture(scope="module")
def discs(tmp_path_factory) -> Path:
    """A folder with pictures of discs, their samples and a space of them."""
    folder = tmp_path_factory.mktemp("discs")
    (folder / "in").mkdir()
    for k in range(8):
        disc(0.3 + 0.05 * k, 0.05 * (k % 3)).save(folder / f"in/{k}.png")
    line = ["prepare", f"{folder}/in", f"{folder}/data", "--samples", "plane", "contour", "--size", str(SIZE)]
    assert main([*line, "--count", "200", "--workers", "1", "--no-progress"]) == 0
    line = [
        "train",
        "metasdf-2d",
        f"{folder}/data",
        "-o",
        f"{folder}/run",
        *SMALL,
        "--tasks.query",
        "256",
        "--steps",
        "3",
    ]
    assert main([*line, "--infer-steps", "3", "--training.steps", "60"]) == 0
    return folder


@pytest.fixture(scope="module")
def waves(tmp_path_factory) -> Path:
    """A folder with images, their samples and a space of them."""
    folder = tmp_path_factory.mktemp("waves")
    (folder / "in").mkdir()
    for k in range(4):
        wave(k).save(folder / f"in/{k}.png")
    line = ["prepare", f"{folder}/in", f"{folder}/data", "--samples", "image", "--size", "16", "--crops", "2"]
    assert main([*line, "--workers", "1", "--no-progress"]) == 0
    line = ["train", "metasdf-image", f"{folder}/data", "-o", f"{folder}/run", *SMALL, "--training.steps", "60"]
    line += ["--training.network-rate.initial", "1e-3"]
    assert main(line) == 0
    return folder


def table(path: Path) -> dict[str, dict[str, str]]:
    with path.open() as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_unseen_distances_are_inferred_and_drawn_beside_the_truth(discs, tmp_path, capsys):
    disc(0.52, 0.02).save(tmp_path / "new.png")
    Image.new("L", (20, 20)).save(tmp_path / "black.png")
    (tmp_path / "text.png").write_text("no picture")
    out, inputs = tmp_path / "out", [str(tmp_path / f"{name}.png") for name in ("new", "black", "text")]
    assert main(["infer", f"{discs}/run", *inputs, "-o", str(out), "--json", "--no-progress"]) == 1
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["failed"] == ["black", "text"] and "black was rejected: all its pixels are on one side" in said.err
    row = table(out / "report.csv")["new"]
    true = 0.52 - np.linalg.norm(grid(SIZE, SIZE) - [0.02, 0.0], axis=2)
    assert float(row["mse"]) < 0.2 * np.var(true) and float(row["wrong"]) < 0.1  # it learned something
    with np.load(out / "codes.npz") as codes:
        assert codes["ids"].tolist() == ["new"] and codes["codes"].shape[1] == figures_of(discs).length
        np.testing.assert_allclose(codes["center"], [[16, 16, 0]])
    assert Image.open(out / "new.png").size == (2 * 256 + 2, 256)
    assert main(["infer", f"{discs}/run", inputs[0], "-o", str(out), "--resolution", "64", "--no-progress"]) == 0
    assert Image.open(out / "new.png").size == (2 * 64 + 2, 64)


def figures_of(folder: Path) -> api.ShapeSpace:
    return api.load_run(folder / "run")


def test_a_prepared_data_set_gives_what_the_files_give(discs, waves, tmp_path):
    for folder, kind, name in ((discs, "mse", "3"), (waves, "psnr", "3/01")):
        out = tmp_path / folder.name
        assert main(["infer", f"{folder}/run", f"{folder}/data", "-o", str(out), "--no-progress"]) == 0
        rows = table(out / "report.csv")
        assert len(rows) == 8 and (out / f"{name}.png").is_file() and (out / "pictures.png").is_file()
        assert all(np.isfinite(float(row[kind])) for row in rows.values())
    space = figures_of(discs)
    ((_, read),) = api.pictures_in([discs / "in/3.png"], space)
    (result,) = api.infer_pictures(space, [read()])
    assert isinstance(result, PictureResult) and result.values.shape == (SIZE, SIZE)
    there = float(table(tmp_path / discs.name / "report.csv")["3"]["mse"])
    assert result.squared == pytest.approx(there, rel=1e-4)
    (tmp_path / "split.json").write_text('{"train": ["0"], "test": ["5", "6"]}')
    line = ["infer", f"{discs}/run", f"{discs}/data", "-o", f"{tmp_path}/part", "--split", f"{tmp_path}/split.json"]
    assert main([*line, "--no-progress"]) == 0
    assert [*table(tmp_path / "part/report.csv")] == ["5", "6"]


def test_steps_that_diverge_are_named_and_counted(discs, tmp_path, capsys, monkeypatch):
    """Steps of 1e30 leave no finite weights; pictures before and after are those of the start."""
    monkeypatch.setattr(MetaNetwork, "rates", lambda self, steps: [torch.tensor(1e30)] * steps)
    assert main(["infer", f"{discs}/run", f"{discs}/data", "-o", str(tmp_path), "--no-progress"]) == 0
    said = "0, 1, 2, 3, 4 and 3 more (8 of 8): the inner steps diverge, and the result of the first 0 of 3 is taken."
    assert said in capsys.readouterr().err
    assert all(row["note"] == said.split(": ")[1].rstrip(".") for row in table(tmp_path / "report.csv").values())


def test_every_picture_of_a_file_of_many_is_inferred(discs, tmp_path):
    """Files in the format of MNIST's own: alone, and beside another one."""
    pixels = np.stack([np.asarray(disc(radius, 0.0)) for radius in (0.4, 0.5, 0.6)])
    files = [tmp_path / f"{name}-images-idx3-ubyte" for name in ("t10k", "train")]
    for path in files:
        path.write_bytes(bytes([0, 0, 8, 3]) + np.array(pixels.shape, ">u4").tobytes() + pixels.tobytes())
    names = ["00000", "00001", "00002"]
    for some, found in (
        ([files[0]], names),
        (files, [f"{set_}/{name}" for set_ in ("t10k", "train") for name in names]),
    ):
        out = tmp_path / str(len(some))
        assert main(["infer", f"{discs}/run", *map(str, some), "-o", str(out), "--no-progress"]) == 0
        assert [*table(out / "report.csv")] == found and (out / f"{found[0]}.png").is_file()


def test_images_have_their_peak_signal_to_noise_ratio_and_any_resolution(waves, tmp_path):
    line = ["infer", f"{waves}/run", f"{waves}/in/1.png", "-o", str(tmp_path), "--resolution", "40", "--no-progress"]
    assert main(line) == 0
    picture = Image.open(tmp_path / "1.png")
    assert picture.size == (40, 40)
    row = table(tmp_path / "report.csv")["1"]
    assert float(row["psnr"]) == pytest.approx(10 * np.log10(4 / float(row["mse"])), abs=1e-6)
    middle = wave(1).crop((8, 0, 56, 48)).resize((40, 40))
    error = np.square((np.asarray(picture, float) - np.asarray(middle, float)) / 127.5).mean()
    assert error < 0.5 * np.var(np.asarray(middle) / 127.5) and error == pytest.approx(float(row["mse"]), rel=0.3)


def test_arrays_are_pictures_from_0_to_1(discs):
    space, values = figures_of(discs), np.asarray(disc(0.5, 0.0)) / 255
    one = api.observe_picture(values, space.prepare, space.kinds)
    other = api.observe_picture(np.repeat(values[..., None], 3, axis=2), space.prepare, space.kinds)
    np.testing.assert_allclose(one.values, other.values, atol=1e-6)
    assert one.values.min() == pytest.approx(-0.5, abs=0.05)
    for wrong in (values * 255, values[0], np.full((8, 8), np.nan), np.zeros((0, 4)), values[..., None].repeat(5, 2)):
        with pytest.raises(InputError):
            api.observe_picture(wrong, space.prepare, space.kinds)


def test_interpolation_and_new_pictures(discs, waves, tmp_path):
    disc(0.6, 0.0).save(tmp_path / "new.png")
    line = ["interpolate", f"{discs}/run", "0", str(tmp_path / "new.png"), "--steps", "3", "--no-progress"]
    assert main([*line, "-o", f"{tmp_path}/way"]) == 0
    assert sorted(path.name for path in (tmp_path / "way").iterdir()) == [
        "000.png", "001.png", "002.png", "codes.npz", "report.csv", "way.gif"
    ]  # fmt: skip
    inside = [
        (api.picture_of(figures_of(discs), code) < 0).mean() for code in np.load(tmp_path / "way/codes.npz")["codes"]
    ]
    assert inside[0] < inside[1] < inside[2]
    assert main(["sample", f"{waves}/run", "-n", "3", "-o", f"{tmp_path}/new", "--no-progress"]) == 0
    assert Image.open(tmp_path / "new/shapes.png").size == (3 * 16 + 4, 16)


def test_commands_that_make_meshes_say_that_there_are_none(discs, tmp_path, capsys):
    (tmp_path / "part.xyz").write_text("1 2 3\n4 5 6\n" * 100)
    assert main(["complete", f"{discs}/run", f"{tmp_path}/part.xyz", "-o", f"{tmp_path}/a.ply", "--no-progress"]) == 2
    assert "a metasdf-2d space is of pictures, which have no meshes" in capsys.readouterr().err
    assert main(["mesh", f"{discs}/run", "-o", f"{tmp_path}/a.ply"]) == 2
    assert "a metasdf-2d space is of pictures, which have no meshes" in capsys.readouterr().err
    line = ["infer", f"{discs}/run", f"{discs}/in/1.png", "-o", str(tmp_path / "out"), "--no-progress"]
    assert main([*line, "--refine"]) == 2
    assert "is of pictures: leave --refine, --pose, --field and --copies out" in capsys.readouterr().err
    assert main([*line[:2], f"{tmp_path}/part.xyz", *line[3:]]) == 2
    assert (
        "part.xyz is a shape in space, and a metasdf-2d space is of pictures: give pictures" in capsys.readouterr().err
    )
    (tmp_path / "empty").mkdir()
    assert main([*line[:2], f"{tmp_path}/empty", *line[3:]]) == 2
    assert "empty holds no shapes: give a folder with pictures (.png .jpg).\n" in capsys.readouterr().err
    assert main([*line, "--split", "nothing.json"]) == 2
    assert main([*line[:2], f"{tmp_path}/none.png", *line[3:]]) == 2
    assert "there is no file" in capsys.readouterr().err
    space = figures_of(discs)
    with pytest.raises(InputError, match="have no meshes"):
        space.sdf(space.mean)
    with pytest.raises(InputError, match="have no meshes"):
        api.infer(space, "part.xyz")
    assert main(["info", f"{discs}/run"]) == 0
    assert "space of pictures" in capsys.readouterr().out


def test_remedies_name_samples_that_the_data_can_have(discs, waves, tmp_path, capsys):
    solid = balls.prepared(tmp_path / "solid", {"ball": balls.rows_of(0.5, 400)})
    for method, data, said in (
        (
            "metasdf-2d",
            solid,
            "'plane' and 'contour' samples are of pictures: prepare pictures with --samples plane contour into",
        ),
        ("metasdf-image", solid, "'image' samples are of pictures: prepare pictures with --samples image into"),
        ("metasdf-2d", waves / "data", "prepare pictures of shapes, bright on dark, with --samples plane contour into"),
        ("metasdf-image", discs / "data", "prepare pictures with --samples image into another folder."),
        ("metasdf", discs / "data", "'signed' samples are of shapes in space: prepare meshes or clouds with --samples"),
        (
            "sald",
            waves / "data",
            "are of shapes in space: prepare meshes or clouds with --samples unsigned surface into",
        ),
    ):
        assert main(["train", method, str(data), "-o", str(tmp_path / "no"), "--no-progress"]) == 2
        assert said in capsys.readouterr().err
    space = api.load_run("aircraft")
    with pytest.raises(
        InputError, match=r"give a folder with meshes \(.ply .obj .off .stl .glb\) or clouds \(.xyz .npy\)\."
    ):
        (tmp_path / "empty").mkdir()
        api.observed_in([tmp_path / "empty"], space.prepare)


def test_a_training_prints_the_errors_of_held_out_pictures(discs, tmp_path, capsys):
    (tmp_path / "split.json").write_text('{"train": ["0", "1", "2", "4"], "test": ["3", "5"]}')
    line = ["train", "metasdf-2d", f"{discs}/data", *SMALL, "--training.steps", "3", "--json"]
    assert main([*line, "-o", f"{tmp_path}/run", "--split", f"{tmp_path}/split.json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    data = ["infer", f"{tmp_path}/run", f"{discs}/data", "-o", f"{tmp_path}/out", "--split", f"{tmp_path}/split.json"]
    assert main([*data, "--json", "--no-progress"]) == 0
    inferred = json.loads(capsys.readouterr().out)
    assert trained["held_out"] == 2 and all(trained[name] == inferred[name] for name in ("mse", "l1", "wrong"))
    assert 0 < inferred["code_seconds"] < inferred["seconds"]
    (tmp_path / "all.json").write_text('["0", "1", "2"]')  # without parts: nothing is held out
    assert main([*line, "-o", f"{tmp_path}/run2", "--split", f"{tmp_path}/all.json"]) == 0
    assert "held_out" not in json.loads(capsys.readouterr().out)


def test_the_viewer_shows_pictures(discs, waves):
    pytest.importorskip("viser", reason="viser is not installed")
    from isofield.viewer import open_viewer

    for folder in (discs, waves):
        viewer = open_viewer(folder / "run", port=0, resolution=32)
        assert viewer.workers[0].wait(60)
        viewer.stop()


def test_a_space_of_shapes_takes_no_pictures(discs):
    with pytest.raises(InputError, match="is of shapes in space, not of pictures"):
        api.pictures_in([discs / "in/1.png"], api.load_run("aircraft"))
