"""SAL beside SALD at equal steps: what the gradient of the unsigned distance adds.

    python benchmarks/sald_vs_sal.py gaps [--picture gaps.png]
    python benchmarks/sald_vs_sal.py samples [MESH ...]

gaps: curves in the plane with gaps (a square without its corners, a circle without four arcs). Both papers show that
the zero set closes a gap by a short line; printed is the mean |f| along the straight line over each gap, as a fraction
of its length. samples: closed meshes, each learned from a fixed number of samples of its unsigned distance (half of
them near the surface, half widely spread); printed are the error of the signed distance near the surface, the signs,
and the normals, medians over the seeds. Prints Markdown tables.

For curves the points are in the plane z = 0, and z is left out of the loss. One network for all: 8 layers of 128,
softplus with beta = 100, geometric initialisation, as in the papers but narrower.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from reconstruct_shapes import data
from scipy.spatial import cKDTree

from isofield import io
from isofield.adapt import descend_batches, rows, tensor
from isofield.configs import Network, Optim, Sald, Schedule
from isofield.fields.evaluation import value_and_gradient
from isofield.fields.mlp import Mlp
from isofield.methods.sald import losses
from isofield.sampling.training_samples import surface, unsigned
from isofield.solids.triangles import closest_on, inside_of, nearest_on
from isofield.types import normalization

WEIGHTS = {"SAL": 0.0, "SALD": 0.1, "SALD, weight 1": 1.0}
COUNTS = (100, 300, 1000, 10_000)
NEIGHBOUR, WIDE = 11, 0.3
BATCH, JUDGED = 1024, 20_000


def learned(samples: np.ndarray, direction: float, seed: int, steps: int) -> Mlp:
    """The network of samples (n, 7)."""
    field = Mlp((128,) * 8, (4,), "softplus", 0.5, torch.Generator().manual_seed(seed))
    config = Sald(Network("mlp", 128, 8), None, direction=direction)
    named = {"query": samples[:, :3], "distance": samples[:, 3], "direction": samples[:, 4:]}
    tensors = {name: tensor(some, "cpu") for name, some in named.items()}
    batches = rows(tensors, min(BATCH, len(samples)), np.random.default_rng(seed))
    optim = Optim(steps, BATCH, Schedule(1e-3, "cosine", final=1e-5))
    for _ in descend_batches(partial(losses, config, field), field.parameters(), batches, optim):
        pass
    return field


def curves() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Points (n, 2) on curves with gaps, and the ends (k, 2, 2) of the straight lines over the gaps."""
    along = np.linspace(-0.3, 0.3, 400)
    side = np.column_stack([along, np.full(400, 0.5)])
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in np.arange(4) * np.pi / 2]
    square = np.concatenate([side @ turn.T for turn in turns])
    corner = np.array([[0.3, 0.5], [0.5, 0.3]])
    angle = np.linspace(np.radians(20), np.radians(70), 400)
    arc = 0.6 * np.column_stack([np.cos(angle), np.sin(angle)])
    circle = np.concatenate([arc @ turn.T for turn in turns])
    gap = 0.6 * np.array([[np.cos(b), np.sin(b)] for b in np.radians([-20, 20])])
    return {
        "square without corners": (square, np.stack([corner @ turn.T for turn in turns])),
        "circle without four arcs": (circle, np.stack([gap @ turn.T for turn in turns])),
    }


def planar(points: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Unsigned samples (count, 7) of a curve, in the plane z = 0."""
    tree = cKDTree(points)
    x = points[random.integers(len(points), size=count)]
    x = x + np.where(np.arange(count) % 2, WIDE, 0.02)[:, None] * random.standard_normal((count, 2))
    distance, nearest = tree.query(x)
    away = (x - points[nearest]) / np.maximum(distance, 1e-9)[:, None]
    zero = np.zeros(count)
    return np.column_stack([x, zero, distance, away, zero])


def gaps(steps: int, seeds: int, picture: Path | None) -> None:
    """Prints the table of gaps."""
    print("| curve | way | mean abs f over a gap, of its length | worst gap |\n| --- | --- | --- | --- |")
    shown = []
    for name, (points, ends) in curves().items():
        samples = planar(points, 20_000, np.random.default_rng(0))
        for way, weight in WEIGHTS.items():
            found = []
            for seed in range(seeds):
                field = learned(samples, weight, seed, steps)
                share = np.linspace(0, 1, 50)[:, None]
                for first, last in ends:
                    line = np.column_stack([first + share * (last - first), np.zeros(50)])
                    with torch.no_grad():
                        value = field(torch.tensor(line, dtype=torch.float32)).abs().mean()
                    found.append(float(value) / np.linalg.norm(last - first))
            shown.append((f"{name}, {way}", points, field))
            print(f"| {name} | {way} | {np.mean(found):.3f} | {max(found):.3f} |", flush=True)
    if picture:
        draw(shown, picture)


def draw(shown: list[tuple[str, np.ndarray, Mlp]], path: Path) -> None:
    """Level sets beside the points."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, len(shown) // 2, figsize=(4 * len(shown) // 2, 8))
    axis = np.linspace(-1, 1, 200)
    x, y = np.meshgrid(axis, axis)
    for (name, points, field), panel in zip(shown, axes.ravel(), strict=True):
        with torch.no_grad():
            plane = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
            value = field(torch.tensor(plane, dtype=torch.float32)).view(x.shape).numpy()
        panel.contour(x, y, value, np.arange(-0.5, 0.6, 0.1), colors="#b9c3cd", linewidths=0.7)
        panel.contour(x, y, value, [0.0], colors="#c0392b", linewidths=1.5)
        panel.plot(*points.T, ".", color="#33414f", markersize=2)
        panel.set_title(name, fontsize=9)
        panel.set_aspect("equal")
        panel.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def complexity(paths: list[Path], steps: int, seeds: int) -> None:
    """Prints the table of errors against the number of samples."""
    print("| shape | samples | way | error near, % of the radius | right signs, % | normals, degrees |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in paths:
        mesh = io.read(path)
        vertices, faces = normalization(mesh.vertices).apply(mesh.vertices), np.asarray(mesh.faces, np.int64)
        random = np.random.default_rng(0)
        on, normals = surface(vertices, faces, JUDGED, random)
        x = on + 0.03 * random.standard_normal(on.shape)
        truth = closest_on(vertices, faces)(x)[0] * np.where(inside_of(vertices, faces)(x), -1, 1)
        points = surface(vertices, faces, 250_000, random)[0]
        for count in COUNTS:
            for way, weight in WEIGHTS.items():
                found = []
                for seed in range(seeds):
                    own = np.random.default_rng([1, seed])
                    samples = unsigned(nearest_on(vertices[faces]), points, count, NEIGHBOUR, WIDE, own)
                    field = learned(samples, weight, seed, steps)
                    with torch.no_grad():
                        value = field(torch.tensor(x, dtype=torch.float32)).numpy()
                        gradient = value_and_gradient(field, torch.tensor(on, dtype=torch.float32))[1].numpy()
                    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
                    angle = np.degrees(np.arccos(np.clip((gradient * normals).sum(1), -1, 1)))
                    right = np.sign(value) == np.sign(truth)
                    found.append((100 * np.abs(value - truth).mean(), 100 * right.mean(), angle.mean()))
                error, right, angle = np.median(found, axis=0)
                print(f"| {path.stem} | {count} | {way} | {error:.2f} | {right:.1f} | {angle:.1f} |", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=("gaps", "samples"))
    parser.add_argument("meshes", nargs="*", type=Path, help="for samples (default: spot and rocker-arm)")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    if args.study == "gaps":
        gaps(args.steps, args.seeds, args.picture)
    else:
        paths = args.meshes or [data() / f"meshes/{name}.obj" for name in ("spot", "rocker-arm")]
        complexity(paths, args.steps, args.seeds)


if __name__ == "__main__":
    main()
