r"""Shapes from pictures, beside retrieval by image features: unseen shapes from unseen views.

    .venv/bin/python benchmarks/shared_data.py bodies BODIES     # split.json and truth/
    isofield prepare BODIES/truth DATA --samples views signed cloud --count 40000 --views 24 --size 64
    isofield train image-codes DATA -o RUN1 --split BODIES/split.json --linear.mirror x --flip x
    isofield train neural-pull-image DATA -o RUN2 --split BODIES/split.json    # as it comes: prepare with --size 96
    isofield train occupancy DATA -o RUN3 --split BODIES/split.json --input image   # add samples: occupancy surface
    taskset -c 0 .venv/bin/python benchmarks/pictures.py DATA BODIES RUN1 RUN2 --out RESULTS

    .venv/bin/python benchmarks/shared_data.py objects OBJECTS   # split.json; TRUTH: ISOFIELD_DATA/objects_truth
    isofield prepare TRUTH DATA --samples views signed cloud --count 40000 --views 24 --size 64
    isofield train image-codes DATA -o RUN1 --split OBJECTS/split.json --config image-codes-camera
    isofield train neural-pull-image DATA -o RUN2 --split OBJECTS/split.json --config neural-pull-image-camera
    isofield train occupancy DATA -o RUN3 --split OBJECTS/split.json --input image --frame camera
    .venv/bin/python benchmarks/pictures.py DATA OBJECTS RUN1 RUN2 --truth TRUTH --frame camera --most 100 \
        --pictures 1 --out RESULTS

Every test shape is drawn from random directions all around. RESULTS gets the pictures (ID/0.png, ...), a strip of
results for some shapes (results.png), and table.json. A row is the mean over the test shapes of

    Chamfer-L1   (mean d(P, T) + mean d(T, P)) / 2 of points of both surfaces, in % of the truth's diagonal
    IoU          of volumes, by uniform points in the truth's box with a margin

of one picture (the first), and of all pictures of a shape. Retrieval takes the training shape whose view is nearest, or
the one with the least sum over the pictures of that distance: by 64 x 64 grey pixels, and by each run's own features.
With `--frame camera` shapes have the axes of the camera that took the first picture, and so have those of retrieval.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import igl
import numpy as np
import torch
import trimesh
from scipy.spatial import cKDTree

import isofield
from isofield import io, render
from isofield.api import infer_all
from isofield.api.observations import ShapeSamples
from isofield.datasets import Prepared, ids_of
from isofield.datasets.views import as_input
from isofield.errors import InputError
from isofield.io.pictures import LUMA
from isofield.methods.pictured import UPRIGHT, at_size, turn_of
from isofield.types import Similarity

POINTS, INSIDE, GREY, SHOWN, CELLS = 5000, 20_000, 64, 6, 64
STRAIGHT = np.eye(3)
IDENTITY = Similarity((0.0, 0.0, 0.0), 1.0)


class Truth:
    """A test shape, normalised: its mesh, and points that tell predictions from it."""

    def __init__(self, mesh: trimesh.Trimesh, seed: int) -> None:
        self.mesh, self.tree = mesh, cKDTree(trimesh.sample.sample_surface(mesh, POINTS, seed=seed)[0])
        low, high = mesh.bounds
        margin = 0.05 * (high - low)
        self.points = np.random.default_rng(seed).uniform(low - margin, high + margin, (INSIDE, 3))
        self.inside, self.diagonal = inside(mesh, self.points), float(np.linalg.norm(high - low))

    def scores(self, mesh: trimesh.Trimesh, within: np.ndarray) -> tuple[float, float]:
        """Chamfer-L1 in %, and the IoU."""
        points = trimesh.sample.sample_surface(mesh, POINTS, seed=1)[0]
        both = self.tree.query(points)[0].mean() + cKDTree(points).query(self.tree.data)[0].mean()
        return 50 * both / self.diagonal, float((within & self.inside).sum() / (within | self.inside).sum())


def inside(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    """(n,) bool, by winding numbers."""
    number = igl.fast_winding_number(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64), points)
    return np.asarray(number) > 0.5


def normalised(folder: Path, data: Prepared, row: int, turn: np.ndarray = STRAIGHT) -> trimesh.Trimesh:
    """The mesh of a prepared shape, turned."""
    record = data.records[row]
    mesh = io.read(folder / f"{record.id}.ply")
    assert isinstance(mesh, trimesh.Trimesh)
    return trimesh.Trimesh(record.similarity.apply(mesh.vertices) @ turn.T, mesh.faces, process=False)


def surface(sdf: isofield.SDF) -> trimesh.Trimesh:
    """The mesh of a field; a speck in the middle, where it has no surface."""
    try:
        return sdf.mesh(None if sdf.kind == "grid" else CELLS)
    except InputError:
        print("(a field without a surface)")
        return trimesh.creation.icosphere(1, 0.01)


def directions(count: int, seed: int) -> np.ndarray:
    """Random directions (count, 3) to the cameras of a test shape."""
    toward = np.random.default_rng([7, seed]).normal(size=(count, 3))
    return toward / np.linalg.norm(toward, axis=1, keepdims=True)


def drawn(mesh: trimesh.Trimesh, count: int, size: int, folder: Path, seed: int) -> np.ndarray:
    """Pictures (count, 3, size, size) from random directions, framed; as written into a folder."""
    (camera,) = render.views(np.asarray(mesh.vertices), 1, size=(size, size))
    center = (mesh.vertices.min(0) + mesh.vertices.max(0)) / 2
    distance, made = np.linalg.norm(camera.eye - center), []
    for number, unit in enumerate(directions(count, seed)):
        view = render.Camera(center + distance * unit, render.look(unit), camera.focal, size, size)
        picture = render.picture(mesh, view=view)
        folder.mkdir(parents=True, exist_ok=True)
        render.save(picture, folder / f"{number}.png")
        made.append(as_input(picture.astype(np.float32) / 255, size))
    return np.stack(made)


def retrieval(
    features: Callable[[np.ndarray], np.ndarray], views: list[np.ndarray], tests: list[np.ndarray]
) -> list[list[tuple[int, int]]]:
    """For each test shape the training shape, and its view, nearest to its first picture, and those of all pictures;
    the view of all pictures is that of the first."""
    known = [features(one) for one in views]
    found = []
    for test in tests:
        asked = features(test)
        apart = [np.linalg.norm(asked[:, None] - one[None], axis=2) for one in known]  # of each shape (pictures, views)
        least = np.array([one.min(1) for one in apart])  # (shapes, pictures)
        rows = int(least[:, 0].argmin()), int(least.sum(1).argmin())
        found.append([(row, int(apart[row][0].argmin())) for row in rows])
    return found


def grey(pictures: np.ndarray) -> np.ndarray:
    """(v, 64 * 64) of pictures (v, 3, s, s)."""
    return np.tensordot(at_size(pictures, GREY).astype(np.float32), LUMA, (1, 0)).reshape(len(pictures), -1)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("bodies", type=Path, help="split.json and truth/")
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("--truth", type=Path, help="the meshes, where they are not in BODIES/truth")
    parser.add_argument("--frame", choices=("dataset", "camera"), default="dataset")
    args = parser.parse_args()
    torch.set_num_threads(1)
    split, meshes, camera = args.bodies / "split.json", args.truth or args.bodies / "truth", args.frame == "camera"
    train, test = (Prepared(args.data, "views", ids=ids_of(args.data, split, part)) for part in ("train", "test"))
    count, size = min(args.most, len(test)), train.rows(0).shape[-1]
    tests, truths = [], []
    for row in range(count):
        mesh = normalised(meshes, test, row)
        tests.append(drawn(mesh, args.pictures, size, args.out / test.records[row].id, row))
        seen = UPRIGHT @ render.look(directions(1, row)[0]) if camera else STRAIGHT
        truths.append(Truth(normalised(meshes, test, row, seen), row))
    views = [np.asarray(train.rows(row)) for row in range(len(train))]
    some = np.linspace(0, count - 1, min(SHOWN, count)).astype(int)
    rows: list[dict[str, object]] = []
    shown: list[list[trimesh.Trimesh]] = []

    def add(name: str, scores: list[list[tuple[float, float]]]) -> None:
        one, several = np.array(scores).mean(0)
        better = np.array(scores)
        rows.append({
            "name": name, "chamfer": one[0], "iou": one[1], "chamfer_several": several[0], "iou_several": several[1],
            "each": better.tolist(),
        })  # fmt: skip
        print(f"| {name} | {one[0]:.2f} | {one[1]:.3f} | {several[0]:.2f} | {several[1]:.3f} |", flush=True)

    print(f"| {count} shapes | Chamfer-L1 %, one | IoU, one | Chamfer-L1 %, {args.pictures} | IoU, {args.pictures} |")
    print("| --- " * 5 + "|")
    cameras = Prepared(args.data, "cameras", ids=ids_of(args.data, split, "train")) if camera else None

    def of_row(row: int, view: int) -> trimesh.Trimesh:
        turn = STRAIGHT if cameras is None else turn_of(np.asarray(cameras.rows(row)[view]))
        return normalised(meshes, train, row, turn)

    def retrieved(name: str, features: Callable[[np.ndarray], np.ndarray]) -> None:
        found = retrieval(features, views, tests)
        add(name, [
            [truth.scores(mesh, inside(mesh, truth.points)) for mesh in (of_row(*one) for one in pair)]
            for truth, pair in zip(truths, found, strict=True)
        ])  # fmt: skip
        shown.append([of_row(*found[row][0]) for row in some])

    retrieved("retrieval, grey pixels", grey)
    for run in args.runs:
        space = isofield.load(run)
        assert isinstance(space, isofield.api.ShapeSpace)
        settings = getattr(space.config, "picture", None) or space.config.encoder
        encoder, pixels = space.module.encoder, settings.pixels

        def features(pictures: np.ndarray, encoder=encoder, pixels: int = pixels) -> np.ndarray:
            with torch.no_grad():
                return encoder.features(torch.from_numpy(at_size(pictures, pixels)).float() / 255).numpy()

        began, scores, first = time.process_time(), [], []
        for truth, pictures in zip(truths, tests, strict=True):
            asked = [ShapeSamples("", None, IDENTITY, {"views": part}) for part in (pictures[:1], pictures)]
            pair = []
            for result in infer_all(space, asked[: args.pictures]):
                mesh = surface(result.sdf)
                pair.append(truth.scores(mesh, np.asarray(result.sdf(truth.points)) < 0))
                first += [mesh] if len(pair) == 1 else []
            scores.append([pair[0], pair[-1]])
        add(run.name, scores)
        print(f"({run.name}: {(time.process_time() - began) / count / min(args.pictures, 2):.2f} s a shape)")
        shown.append([first[row] for row in some])
        retrieved(f"retrieval, features of {run.name}", features)
    (args.out / "table.json").write_text(json.dumps(rows, indent=1))
    strips = []
    for row, *made in zip(some, *shown, strict=True):
        tiles = [render.picture(mesh, size=(160, 160), view=(30.0, 10.0)) for mesh in (truths[row].mesh, *made)]
        strips.append(np.concatenate([at_size(tests[row][:1], 160)[0].transpose(1, 2, 0), *tiles], axis=1))
    render.save(np.concatenate(strips), args.out / "results.png")


if __name__ == "__main__":
    main()
