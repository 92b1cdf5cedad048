"""The commands of the manual are run, page by page, on small made data and with less work; a few are parsed alone."""

from __future__ import annotations

import glob
import gzip
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

import toys
from isofield import io, isolation, render
from isofield.cli.main import main
from isofield.types import Cloud
from manual import PAGES, SHELL, Block, blocks, shell_blocks

LESS = {
    "fit": {"--quality": "fast", "--resolution": "24", "--workers": "1"},
    "mesh": {"--resolution": "24"},
    "make": {"--count": "3"},
    "prepare": {"--count": "2000", "--crops": "2", "--views": "3"},
    "evaluate": {"--samples": "1000"},
    "infer": {"--resolution": "24"},
    "complete": {"--resolution": "24"},
    "interpolate": {"--resolution": "24"},
    "sample": {"--resolution": "24", "-n": "2"},
    "benchmark": {"--seeds": "1"},
    "view": {"--port": "0", "--resolution": "24"},
}
"""Options that take the place of those shown."""
ONLY_SHOWN = ("-n", "--seeds", "--crops", "--views", "--workers")
"""Options that are changed where they are shown, and not added."""
STEPS = ("--training.steps", "2", "--training.batch", "2")
CODE = ("--infer-starts", "1", "--infer-rounds", "1", "--infer-polish", "2")
SHORT = {
    "neural-pull": (*STEPS, *CODE, "--tuning.steps", "2"),
    "sald": (*STEPS, *CODE),
    "linear": ("--cells", "16", "--iterations", "2", "--length", "4"),
    "pca-mlp": ("--training.steps", "2", "--linear.cells", "16"),
    "image-codes": (*STEPS, "--linear.cells", "16"),
    "deepsdf": (*STEPS, "--infer-steps", "2", "--infer-rounds", "1", "--infer-polish", "2"),
    "occupancy": (
        "--training.steps",
        "40",
        "--training.batch",
        "3",
        "--dims",
        "32",
        "32",
        "--training.network-rate.initial",
        "0.01",
    ),
}
"""Settings of short trainings, where two steps are not enough to say."""
WARM = ("--warm-start.optim.steps", "3")
DESCENTS = {name: ("--optim.steps", "3", *WARM) for name in ("igr", "siren", "sald", "neural-pull")}
DESCENTS |= {name: DESCENTS["igr"][:2] for name in ("ssd-siren", "sdf-regression")}
DESCENTS["cap-udf"] = ("--optim.steps", "20")  # with fewer it has no surface
"""Settings of short fits, by method."""
PARSED_ONLY = {
    "fetch": "needs a network",
    "demo": "fits 30 000 points and scores the mesh, which takes half a minute; `make demo` runs it",
    "benchmark": "trains for minutes; runs in tests/cli/test_benchmark.py",
    "infer run photo.png -o results": "needs a space that reads pictures; runs on the page of such a space",
}
"""Commands, or their first words, that are parsed alone (`test_docs`), and why."""
PUBLISHED = "-paper"
"""Part of the names of settings as published, which take days: parsed alone."""


def shortened(words: list[str]) -> list[str]:
    """A command with less work."""
    command, *rest = words
    for option, value in LESS.get(command, {}).items():
        if option in rest:
            rest[rest.index(option) + 1] = value
        elif option not in ONLY_SHOWN:
            rest += [option, value]
    if command == "train":
        rest += SHORT.get(rest[0], STEPS)
    if "--thickness" in rest:
        rest[rest.index("--resolution") + 1] = "160"  # cells thinner than the sheet
    if command == "fit" and not any(word.endswith((".stl", ".obj")) for word in rest):
        rest += ["--noise", "0.001"]  # of meshes it would be that of their samples
    if command == "fit" and "--method" in rest:
        rest += DESCENTS.get(rest[rest.index("--method") + 1], ())
    if "--progress" not in rest and command in ("fit", "train", "infer", "complete", "prepare", "sample", "report"):
        rest.append("--no-progress")
    return [command, *rest]


def runs(words: list[str]) -> bool:
    """Whether a command is run here."""
    return not (words[0] in PARSED_ONLY or " ".join(words) in PARSED_ONLY or any(PUBLISHED in word for word in words))


def outputs(words: list[str]) -> list[str]:
    """What a command writes."""
    if words[0] in ("make", "prepare"):
        return words[2:3]
    return [words[k + 1] for k, word in enumerate(words) if word in ("-o", "--out")]


GIVEN = (
    "fit scan.ply -o statue",
    "fit scan.ply -o mesh.ply",
    "make vessel shapes --count 300",
    "split shapes -o split.json",
    "prepare shapes data",
    "prepare shapes data --count 150000",
    "train linear data -o run --split split.json",
)
"""Commands that several blocks show: run in the first one; the others find in the scene what they write."""
MADE = {
    "data": "prepare shapes data",
    "data3d": "prepare shapes data3d",
    "bare": "prepare clouds bare --samples cloud",
    "raw": "prepare scans raw --samples unsigned surface",
    "run": "train linear data -o run --split split.json",
    "statue": "fit scan.ply -o statue",
    "siren": "fit scan.ply -o siren --method siren",
    "digits-data": "prepare digits digits-data --samples plane contour --size 16",
    "photos-data": "prepare photos photos-data --samples image --size 16",
    "runs/digits": "train metasdf-2d digits-data -o runs/digits",
    "runs/photos": "train metasdf-image photos-data -o runs/photos",
    "results": "infer run data -o results",
    "scores.csv": "evaluate results truth --csv scores.csv",
    "novelty.csv": "evaluate results truth --novelty run --csv novelty.csv",
}
"""What a block reads and does not write, and the command that makes it."""
COUNT = 4
"""Shapes in each folder, all with the same ids, so that one split serves all of them."""
SPLIT = {"train": [f"toy/{k:03d}" for k in range(COUNT - 1)], "test": [f"toy/{COUNT - 1:03d}"]}
SHAPENET = "ShapeNetCore.v2"


def page_blocks(page: Path) -> list[Block]:
    """The blocks of a page with commands that are run."""
    shown = [block for block in blocks(page) if block.language in (*SHELL, "indented")]
    return [block for block in shown if any(map(runs, block.commands()))]


FIRST = {" ".join(words): block.name for block in reversed(shell_blocks()) for words in block.commands()}
"""The block that shows a command first."""


def make(name: str, folder: Path) -> None:
    """Makes one of `MADE` in the folder, and what it needs."""
    words = MADE[name].split()
    for other in words:
        if other in MADE and other != name and not (folder / other).exists():
            make(other, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(shortened(words)) == 0, words


def write_pictures(folder: str, colours: bool) -> None:
    """Pictures of 32 x 32 pixels: discs, or colours that vary slowly."""
    x, y = np.meshgrid(*2 * [np.linspace(-1, 1, 32)])
    for k in range(COUNT):
        disc = 1 / (1 + np.exp(20 * (np.hypot(x - 0.1 * k, y) - 0.5)))
        picture = np.stack([disc, x * 0.5 + 0.5, y * 0.5 + 0.5], -1) if colours else disc
        path = Path(folder, "toy", f"{k:03d}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((255 * picture).astype(np.uint8)).save(path)


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Path:
    """A folder with everything that the manual's commands read."""
    folder = tmp_path_factory.mktemp("manual") / "scene"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_scene()
    return folder


def write_scene() -> None:
    """Its files, into the current folder."""
    meshes = [toys.toy(k).simplify_quadric_decimation(face_count=600) for k in range(COUNT)]
    points = np.asarray(meshes[0].sample(1200, seed=0))
    for folder in ("shapes", "meshes", "MESHES", "soups", "bodies", "truth", "registrations", "scans"):
        for k, mesh in enumerate(meshes):
            io.write_mesh(mesh, f"{folder}/toy/{k:03d}.ply")
    for k, mesh in enumerate(meshes[:2]):
        for model in ("02691156", "03001627"):
            io.write_mesh(mesh, f"{SHAPENET}/{model}/id{k}/models/model_normalized.obj")
    for name in ("mesh", "truth", "t", "pot", "unseen", "new-scan", "new", "second", "rotated"):
        io.write_mesh(meshes[1], f"{name}.ply")
    for name in ("part.stl", "soup.obj"):
        io.write_mesh(meshes[1], name)
    io.write_mesh(trimesh.Trimesh(*grid(9), process=False), "sheet.obj")
    for name, some in (
        ("scan", points), ("cloud", points), ("a", points[points[:, 1] < 0.2]),
        ("b", points[points[:, 1] > -0.2]), ("part", points[points[:, 0] < 0.1]),
        ("two/a", points), ("two/b", points[::2]),
        *((f"clouds/toy/{k:03d}", np.asarray(mesh.sample(1200, seed=k))) for k, mesh in enumerate(meshes)),
    ):  # fmt: skip
        io.write_cloud(Cloud(some), f"{name}.ply")
    Path("isofield-demo").mkdir()
    shutil.copy("scan.ply", "isofield-demo/scan.ply")
    shutil.copy("truth.ply", "isofield-demo/truth.ply")
    np.savetxt("points.xyz", np.random.default_rng(0).uniform(-1, 1, (20, 3)))
    trimesh.voxel.VoxelGrid(np.pad(np.ones((4, 4, 4), bool), 2)).export("model.binvox")
    write_depth(meshes[0])
    for name in ("photos", "PHOTOS", "digits", "mnist", "MNIST", "folder"):
        write_pictures(name, colours=name in ("photos", "PHOTOS", "folder"))
    shutil.copy("digits/toy/000.png", "seven.png")
    digit = np.asarray(Image.open("seven.png"))
    file = bytes([0, 0, 8, 3]) + np.array([1, *digit.shape], ">u4").tobytes() + digit.tobytes()
    Path("t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(file))
    for name in ("cat.png", "photo.png", "another.jpg"):
        Image.open("photos/toy/000.png").save(name)
    for name in ("split", "train", "digits"):
        Path(f"{name}.json").write_text(json.dumps(SPLIT))
    Path("test.json").write_text(json.dumps(SPLIT["test"]))
    Path("shapenet.json").write_text(json.dumps(["02691156/id0", "03001627/id1"]))
    Path("mine.yaml").write_text("base: deepsdf-mlp\ntraining:\n  steps: 2\n")


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a flat square sheet."""
    x, y = np.meshgrid(*2 * [np.linspace(-1, 1, side)])
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return np.stack([x.ravel(), y.ravel(), np.zeros(side * side)], 1), faces


def write_depth(mesh: trimesh.Trimesh) -> None:
    """Two depth images with their cameras, as .png and as .npy."""
    poses = {}
    for k, camera in enumerate(render.views(np.asarray(mesh.vertices), 2, size=(64, 64))):
        image = render.depth(mesh, camera).view()
        poses[f"d{k}"] = image.pose.tolist()
        Image.fromarray((1000 * image.depth).astype(np.uint16)).save(f"d{k}.png")
        np.save("depth.npy", image.depth)
        poses["depth"] = image.pose.tolist()
    Path("camera.json").write_text(json.dumps({"K": image.intrinsics.tolist(), "poses": poses}))
    Path("poses.json").write_text(json.dumps({"a": np.eye(4).tolist(), "b": np.eye(4).tolist()}))


def expanded(words: list[str]) -> list[str]:
    """Words with ids and the split of the shapes here, and with their stars replaced by files, as a shell does it."""
    names = {"first/id": "toy/000", "new/000.ply": "part.ply"}  # a part that is a mesh takes long
    if SHAPENET in words and words[0] == "prepare":
        names["split.json"] = "shapenet.json"
    if words[0] == "fit" or "--fit" in words:  # meshes take longer
        names |= {"scans/*.ply": "two/*.ply", "scans": "two", "soup.obj": "scan.ply"}
    if words[0] == "infer":
        names["new-scan.ply"] = "scans"  # all that are evaluated
    named = [names.get(word, word) for word in words]
    stars = {word: sorted(glob.glob(word)) for word in named if "*" in word}
    return [one for word in named for one in stars.get(word, [word])]


@pytest.fixture(scope="session")
def processes() -> Any:
    """Processes for `prepare` that begin in milliseconds: forked from one that has imported all they need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["isofield.datasets.prepare"])
    return context


def interrupted(seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """The clock's own sleep; who serves a page for an hour is told to end at once, as by Ctrl-C."""
    if seconds >= 3600:
        raise KeyboardInterrupt
    sleep(seconds)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page_blocks(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page: Path, scene: Path, processes: Any, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(time, "sleep", interrupted)
    monkeypatch.setattr(isolation, "get_context", lambda _: processes)
    for block in page_blocks(page):
        commands = [words for words in block.commands() if runs(words)]
        commands = [words for words in commands if not given(words) or FIRST[" ".join(words)] == block.name]
        written = {name for words in commands for name in outputs(words)}
        for name in MADE.keys() & {word for words in commands for word in words} - written:
            if not (scene / name).exists():
                make(name, scene)
        folder = tmp_path / str(block.line)
        shutil.copytree(scene, folder)
        monkeypatch.chdir(folder)
        for name in written:
            shutil.rmtree(name, ignore_errors=True)
            Path(name).unlink(missing_ok=True)
        for words in commands:
            status = main(expanded(shortened(words)))
            said = capsys.readouterr().err
            alone = words[0] == "evaluate" and "has no partner" in said  # the folders here have other files, too
            assert status == 0 or alone, f"{block.name}: isofield {' '.join(words)}: {said}"
            for name in outputs(words):
                assert Path(name).exists(), f"{block.name}: isofield {' '.join(words)} wrote no {name}"


def given(words: list[str]) -> bool:
    """Whether the scene has what a command writes."""
    return " ".join(words) in GIVEN


def test_what_is_parsed_only_is_shown():
    """No reason outlives its command."""
    for start in PARSED_ONLY:
        assert any(command.split()[0] == start or command == start for command in FIRST), start
