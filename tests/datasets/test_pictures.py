"""Pictures into samples through the command line: idx files, folders of pictures, crops, and broken ones."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isofield.cli.main import main
from isofield.datasets import Prepared, find, ids_of
from isofield.sampling.picture_samples import filled


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return tmp_path


def run(*options: str, samples: tuple[str, ...] = ("plane", "contour"), out: str = "out", source: str = "in") -> int:
    line = ["prepare", source, out, "--samples", *samples, "--count", "100", "--workers", "1", "--no-progress"]
    return main([*line, *options])


def report(out: str = "out") -> dict[str, dict[str, str]]:
    with Path(out, "report.csv").open() as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as an idx file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def digits(count: int, size: int = 28) -> np.ndarray:
    """(count, size, size) uint8: squares that move to the right."""
    images = np.zeros((count, size, size), np.uint8)
    for k in range(count):
        images[k, 6:20, 3 + k : 15 + k] = 255
    return images


def write_mnist(name: str = "train", count: int = 6, labels: int | None = None) -> None:
    Path(f"in/{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(digits(count))))
    Path(f"in/{name}-labels-idx1-ubyte").write_bytes(idx(np.arange(labels or count) % 3))


def save(name: str, values: np.ndarray, mode: str | None = None) -> Path:
    path = Path("in", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path)
    return path


def photo(height: int = 90, width: int = 120) -> np.ndarray:
    """(height, width, 3) uint8: gradients."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * x / width, 255 * y / height, 128 + 0 * x], axis=2).astype(np.uint8)


def test_mnists_own_files_become_planes_and_contours_with_classes(capsys):
    write_mnist()
    assert run("--size", "32", "--json") == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == 6
    data = {kind: Prepared("out", kind) for kind in ("plane", "contour")}
    records = data["plane"].records
    assert [(record.id, record.label) for record in records] == [(f"{k:05d}", str(k % 3)) for k in range(6)]
    assert (*records[0].center, records[0].scale) == (14, 14, 0, 2 / 28)
    for k in range(6):
        plane, contour = (np.asarray(data[kind].rows(k)) for kind in ("plane", "contour"))
        assert plane.shape == (32 * 32, 3) and contour.shape == (100, 2)
        middle = 2 * (9 + k) / 28 - 1
        assert plane[plane[:, 2] < 0, 0].mean() == pytest.approx(middle, abs=0.02)
        assert contour[:, 0].min() == pytest.approx(middle - 12 / 28, abs=0.03)
        assert np.abs(filled(plane, 32)[..., 0]).min() < 0.05 and np.isfinite(plane).all()
    assert run("--size", "32", "--classes", "1", out="ones") == 0
    assert [record.id for record in Prepared("ones", "plane").records] == ["00001", "00004"]
    before = np.asarray(data["plane"].rows(4))
    np.testing.assert_array_equal(np.asarray(Prepared("ones", "plane").rows(1)), before)


def test_two_files_of_digits_keep_their_names():
    write_mnist("train", 2)
    write_mnist("t10k", 3)
    layout, entries = find("in")
    assert layout == "idx"
    assert [entry.id for entry in entries] == ["t10k/00000", "t10k/00001", "t10k/00002", "train/00000", "train/00001"]


def test_some_of_the_digits_are_split_and_prepared(capsys):
    write_mnist(count=12)
    assert main(["split", "in", "-o", "split.json", "--most", "5", "--train", "0.6"]) == 0
    assert run("--size", "32", "--split", "split.json", "--json") == 0
    assert json.loads(capsys.readouterr().out)["shapes"] == 5
    train, test = (ids_of("out", "split.json", part) for part in ("train", "test"))
    assert train and test and len({*train, *test}) == 5
    assert main(["split", "in", "-o", "split.json", "--most", "1"]) == 2
    assert "--most must be at least 2" in capsys.readouterr().err


def test_a_truncated_file_and_labels_of_another_count_are_named(capsys):
    write_mnist(labels=5)
    assert run() == 2
    assert "in/train-images-idx3-ubyte.gz has 6 images, and there are 5 labels" in capsys.readouterr().err
    whole = idx(digits(6))
    path = Path("in/train-images-idx3-ubyte.gz")
    for broken, words in (
        (gzip.compress(whole[:-9]), "is cut short: its header promises 6 x 28 x 28 values, and 4695 are there"),
        (gzip.compress(whole)[:-20], "is cut short"),
        (whole[:11], "is cut short"),
        (b"hello, world", "is not an idx file"),
        (b"", "is not an idx file"),
        (idx(np.zeros(7)), r"holds an array (7,), not pictures of bytes"),
    ):
        path.write_bytes(broken)
        assert run() == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {path} {words}") and error.count("\n") == 1
    assert not Path("out").exists()


def test_a_folder_of_pictures_of_many_kinds():
    shape = np.zeros((20, 20), np.uint8)
    shape[5:12, 4:15] = 255
    save("a/grey.png", shape)
    save("a/deep.png", shape.astype(np.uint16) * 257)
    save("a/bits.png", shape > 0)
    save("a/palette.png", shape, "P")
    save("b/color.png", np.repeat(shape[..., None], 3, axis=2))
    save("b/both.png", np.dstack([np.zeros((20, 20, 3), np.uint8), shape]))  # black on transparent: alpha is the shape
    save("b/jpeg.jpg", shape)
    assert run("--size", "20") == 0
    assert {row["id"]: row["class"] for row in report().values()} == {
        "a/bits": "a", "a/deep": "a", "a/grey": "a", "a/palette": "a", "b/both": "b", "b/color": "b", "b/jpeg": "b"
    }  # fmt: skip
    data = Prepared("out", "plane")
    planes = {record.id: filled(data.rows(k), 20)[..., 0] for k, record in enumerate(data.records)}
    for id_, distance in planes.items():
        np.testing.assert_allclose(distance, planes["a/grey"], atol=0.02 if "jpeg" in id_ else 1e-6, err_msg=id_)
    assert ((planes["a/grey"] < 0) == (shape > 0)).all()


def test_dark_shapes_and_oblong_pictures():
    page = np.full((30, 60), 255, np.uint8)
    page[10:20, 10:40] = 0
    save("sheet.png", page)
    assert run("--size", "60", "--dark") == 0
    data = Prepared("out", "plane")
    plane = filled(data.rows(0), 60)[..., 0]
    assert (plane < 0).sum() == 300 and (plane[25:35, 10:40] < 0).all()
    assert (*data.records[0].center, data.records[0].scale) == (30, 15, 0, 2 / 60)


def test_pictures_that_cannot_be_used_are_rejected_in_one_sentence(capsys):
    save("black.png", np.zeros((20, 20), np.uint8))
    save("dot.png", np.full((2, 2), 255, np.uint8))
    Path("in/text.png").write_text("not a picture\n" * 20)
    Path("in/empty.png").write_bytes(b"")
    whole = save("good.png", digits(1)[0]).read_bytes()
    Path("in/cut.png").write_bytes(whole[: len(whole) // 2])
    assert run() == 0
    rows = report()
    assert rows["good"]["outcome"] == "accept"
    assert {id_ for id_, row in rows.items() if row["outcome"] == "reject"} == {"black", "dot", "text", "empty", "cut"}
    assert rows["black"]["reason"].startswith("all its pixels are on one side of 0.5")
    assert rows["dot"]["reason"].startswith("it has 2 x 2 pixels")
    assert (
        rows["text"]["reason"] == "in/text.png cannot be read as a picture (it is not one): give a picture (.png .jpg)."
    )
    assert "cannot be read as a picture" in rows["cut"]["reason"] and "rejected: black: all" in capsys.readouterr().err
    assert [record.id for record in Prepared("out", "contour").records] == ["good"]


def test_samples_and_folders_that_do_not_match(capsys):
    assert run() == 2
    assert "in holds no shapes: give a folder with" in capsys.readouterr().err
    save("a.png", digits(1)[0])
    assert run(samples=("signed",)) == 2
    assert "in holds pictures, which have no signed samples: use --samples plane" in capsys.readouterr().err
    assert run(samples=("plane", "signed")) == 2
    assert run(samples=("plane", "image")) == 2
    assert run("--normalize", "none") == 2
    assert "leave --normalize out" in capsys.readouterr().err
    assert run("--fit") == 2
    Path("in/ball.xyz").write_text("1 2 3\n" * 200)
    assert run() == 2
    assert "holds shapes in space, which have no plane and contour samples" in capsys.readouterr().err
    assert run("--layout", "pictures") == 0


def test_crops_of_pictures_and_their_split(capsys):
    for name in ("one", "two", "three", "four"):
        save(f"{name}.jpg", photo())
    save("tiny.png", photo(12, 10))
    save("grey.png", photo()[..., 0])
    save("glass.png", np.dstack([photo(), np.zeros((90, 120), np.uint8)]))
    save("deep.png", photo()[..., 0].astype(np.uint16) * 257)
    assert run("--size", "16", "--crops", "3", samples=("image",)) == 0
    data = Prepared("out", "image")
    assert len(data) == 8 * 3 and data.records[0].id == "deep/00"
    values = {record.id: filled(data.rows(k), 16) for k, record in enumerate(data.records)}
    assert all(value.shape == (16, 16, 3) and np.abs(value).max() <= 1 for value in values.values())
    assert (values["glass/01"] == 1).all()  # transparent pixels are white
    np.testing.assert_allclose(values["grey/02"][..., 0], values["grey/02"][..., 2])
    assert not np.allclose(values["one/00"], values["one/01"])
    record = next(record for record in data.records if record.id == "one/02")  # its place in the picture
    column = (values["one/02"][..., 0].mean() + 1) / 2 * 120
    assert column == pytest.approx(record.center[0], abs=1) and record.scale == pytest.approx(
        2 / record.figures["side"]
    )

    assert main(["split", "in", "-o", "split.json", "--train", "0.5"]) == 0
    assert run("--size", "16", "--crops", "3", "--split", "split.json", samples=("image",), out="all") == 0
    train, test = ids_of("out", "split.json", "train"), ids_of("out", "split.json", "test")
    assert len(train) == len(test) == 12 and not {id_.split("/")[0] for id_ in train} & {i.split("/")[0] for i in test}


def test_one_crop_is_the_middle_of_the_picture():
    picture = photo(20, 40)
    save("one.png", picture)
    assert run("--size", "20", samples=("image",)) == 0
    np.testing.assert_allclose(filled(Prepared("out", "image").rows(0), 20), picture[:, 10:30] / 127.5 - 1, atol=1e-6)


def test_a_huge_picture_is_rejected_before_it_is_decoded():
    Image.new("1", (9000, 6000)).save("in/huge.png")
    save("good.png", photo())
    assert run("--size", "8", samples=("image",)) == 0
    assert report()["huge"]["reason"] == "in/huge.png has more than 50 million pixels: scale it down."
