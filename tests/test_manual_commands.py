"""Blocks of commands of the manual are run from their first line to the last, on small made data and with less work.

All others are parsed (`test_docs`).
"""

from __future__ import annotations

import glob
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

import isofield
import toys
from isofield import io, render
from isofield.cli.main import main
from isofield.types import Cloud
from manual import ROOT, Block, shell_blocks

LESS = {
    "fit": {"--quality": "fast", "--resolution": "24", "--noise": "0.001"},
    "mesh": {"--resolution": "24"},
    "make": {"--count": "3"},
    "prepare": {"--count": "2500", "--workers": "1"},
    "evaluate": {"--samples": "2000"},
    "infer": {"--resolution": "24"},
    "complete": {"--resolution": "24"},
    "interpolate": {"--resolution": "24"},
    "sample": {"--resolution": "24", "-n": "2"},
    "benchmark": {"--seeds": "1"},
}
"""Options that take the place of those shown."""
STEPS = ("--training.steps", "2", "--training.batch", "2")
SHORT = {
    "linear": ("--cells", "16", "--iterations", "2", "--length", "4"),
    "pca-mlp": ("--training.steps", "2", "--linear.cells", "16"),
    "deepsdf": (*STEPS, "--infer-polish", "2"),
}
"""Settings of short trainings, where two steps are not enough to say."""
IGR = ("--optim.steps", "3", "--warm-start.optim.steps", "3")
PARSED_ONLY = ("view", "fetch", "demo", "benchmark", "report", "photo.png")
"""Commands that serve a page, need a network, or are run by their own tests with more work than a page needs; a
picture, which a space of shapes does not read."""
PAGES = (
    "README.md", "complete.md", "evaluate.md", "infer.md", "interpolate.md", "make.md", "query.md", "train.md",
    "linear.md", "metasdf.md",
)  # fmt: skip
"""Pages whose blocks run in seconds."""


def shortened(words: list[str]) -> list[str]:
    """A command with less work."""
    command, *rest = words
    for option, value in LESS.get(command, {}).items():
        if option in rest:
            rest[rest.index(option) + 1] = value
        elif option not in ("-n", "--seeds"):
            rest += [option, value]
    if command == "train":
        rest += SHORT.get(rest[0], STEPS)
    if command == "fit" and "igr" in rest:
        rest += IGR
    if "--progress" not in rest and command in ("fit", "train", "infer", "complete", "prepare", "sample"):
        rest.append("--no-progress")
    return [command, *rest]


def runs(words: list[str]) -> bool:
    """Whether a command is run here: not those that serve a page, need a network, or take hours as published."""
    return not {*words} & {*PARSED_ONLY} and "--view" not in words and not any("-paper" in word for word in words)


def outputs(words: list[str]) -> list[str]:
    """What a command writes."""
    if words[0] in ("make", "prepare"):
        return words[2:3]
    return [words[k + 1] for k, word in enumerate(words) if word in ("-o", "--out")]


def distinct(blocks: list[Block]) -> list[Block]:
    """The blocks with commands to run, the longest first, without those whose commands are all in one before."""
    shown: set[tuple[str, ...]] = set()
    kept = []
    for block in sorted(blocks, key=lambda block: -len(block.commands())):
        if block.page.name not in PAGES or block.page.parent == ROOT:
            continue
        new = {tuple(words) for words in block.commands() if words and runs(words)} - shown
        if new:
            kept.append(block)
            shown |= new
    return kept


MADE = {
    "siren": "fit scan.ply -o siren --method siren --optim.steps 3 --warm-start.optim.steps 3",
    "split.json": "split shapes -o split.json",
    "train.json": "split scans -o train.json",
    "digits.json": "split digits -o digits.json",
    "data": "prepare shapes data",
    "data3d": "prepare shapes data3d",
    "clouds": "prepare scans clouds --samples cloud",
    "raw": "prepare scans raw --samples unsigned surface",
    "digits-data": "prepare digits digits-data --samples plane contour --size 16",
    "photos-data": "prepare photos photos-data --samples image --size 16",
    "runs/digits": "train metasdf-2d digits-data -o runs/digits",
    "runs/photos": "train metasdf-image photos-data -o runs/photos",
}
"""What a block reads and does not write, and the command that makes it."""


def make(name: str, folder: Path) -> None:
    """Makes one of `MADE` in the folder, and what it needs."""
    words = MADE[name].split()
    for other in words:
        if other in MADE and other != name and not (folder / other).exists():
            make(other, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(shortened(words)) == 0, words


BLOCKS = distinct(shell_blocks())
IDS = {"first/id": "toy/000"}
"""Ids of the manual's own spaces, and those of the space here."""


def write_pictures(folder: Path, count: int, colours: bool) -> None:
    """Pictures of 24 x 24 pixels: discs, or colours that vary slowly."""
    folder.mkdir()
    x, y = np.meshgrid(*2 * [np.linspace(-1, 1, 24)])
    for k in range(count):
        disc = 1 / (1 + np.exp(20 * (np.hypot(x - 0.1 * k, y) - 0.5)))
        picture = np.stack([disc, x * 0.5 + 0.5, y * 0.5 + 0.5], -1) if colours else disc
        Image.fromarray((255 * picture).astype(np.uint8)).save(folder / f"{k:03d}.png")


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
    meshes = [toys.toy(k) for k in range(6)]
    for name in ("shapes", "meshes", "MESHES", "soups"):
        for k, mesh in enumerate(meshes):
            io.write_mesh(mesh, f"{name}/toy/{k:03d}.ply")
    for k, mesh in enumerate(meshes[:4]):
        for model in ("02691156", "03001627"):
            io.write_mesh(mesh, f"ShapeNetCore.v2/{model}/id{k}/models/model_normalized.obj")
    for name in ("results", "truth", "registrations", "scans"):
        for k, mesh in enumerate(meshes[:4]):
            io.write_mesh(mesh, f"{name}/{k:03d}.ply")
    for name in (
        "mesh",
        "truth",
        "t",
        "pot",
        "unseen",
        "new-scan",
        "second",
        "rotated",
        "part",
        "part.stl",
        "soup.obj",
    ):
        io.write_mesh(meshes[1], name if "." in name else f"{name}.ply")
    points = np.asarray(meshes[0].sample(1200, seed=0))
    for name, some in (("scan", points), ("a", points[points[:, 1] < 0.2]), ("b", points[points[:, 1] > -0.2])):
        io.write_cloud(Cloud(some), f"{name}.ply")
    Path("isofield-demo").mkdir()
    shutil.copy("scan.ply", "isofield-demo/scan.ply")
    shutil.copy("truth.ply", "isofield-demo/truth.ply")
    np.savetxt("points.xyz", np.random.default_rng(0).uniform(-1, 1, (20, 3)))
    write_depth(meshes[0])
    write_pictures(Path("photos"), 4, True)
    write_pictures(Path("PHOTOS"), 4, True)
    for name in ("digits", "mnist", "MNIST"):
        write_pictures(Path(name), 4, False)
    shutil.copy("digits/000.png", "seven.png")
    shutil.copy("photos/000.png", "cat.png")
    toys.space().save(Path("run"))
    sdf = isofield.fit(points, quality="fast", noise=0.001)
    sdf.save("statue")
    io.write_mesh(sdf.mesh(24), "statue/mesh.ply")
    Path("test.json").write_text(json.dumps([f"{k:03d}" for k in range(4)]))
    Path("mine.yaml").write_text("base: deepsdf-mlp\ntraining:\n  steps: 2\n")


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
    """Words with ids of the space here, and with their stars replaced by files, as a shell does it."""
    named = [IDS.get(word, word) for word in words]
    return [one for word in named for one in (sorted(glob.glob(word)) if "*" in word else [word])]


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_the_commands_of_a_block_run(block: Block, scene: Path, tmp_path: Path, monkeypatch, capsys):
    commands = [words for words in block.commands() if words and runs(words)]
    written = {name for words in commands for name in outputs(words)}
    for name in {word for words in commands for word in words} & MADE.keys() - written:
        if not (scene / name).exists():
            make(name, scene)
    folder = tmp_path / "here"
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
