"""Open clouds: CAP-UDF's unsigned distances beside signed fields that are cut where the points end.

    .venv/bin/python benchmarks/open_clouds.py [--out PICTURE.png] [--noise 0.005] [--shapes hemisphere cross]

20 000 points of a hemisphere, a curved sheet with a hole, two discs that cross, and a band of Moebius, with
`--quality fast`. In thousandths of the diagonal: Chamfer-L1 (of 20 000 points of both surfaces) less that of the truth
against itself, its two parts, and the mean distance from the true border to that of the mesh. Seconds are those of the
processor, with the mesh, on one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import trimesh
from scipy.spatial import cKDTree

import isofield
from isofield import render, topology

POINTS, CELLS, PLACES = 20_000, 128, 2000
WAYS = {
    "cap-udf": {"method": "cap-udf"},
    "neural-pull": {"method": "neural-pull", "surface": "open"},
    "auto": {"method": "auto", "surface": "open"},
}
Draw = Callable[[np.random.Generator, int], np.ndarray]
TURN = 2 * np.pi


def circle(angle: np.ndarray, radius: np.ndarray | float = 1.0) -> np.ndarray:
    """(n, 3) in the plane z = 0."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle], 1)


def hemisphere(random: np.random.Generator, count: int) -> np.ndarray:
    """z >= 0 of the unit sphere."""
    z = random.uniform(0, 1, count)
    return circle(random.uniform(0, TURN, count), np.sqrt(1 - z**2)) + z[:, None] * [0, 0, 1]


def sheet(random: np.random.Generator, count: int) -> np.ndarray:
    """A ring that is curved like a saddle."""
    return bent(circle(random.uniform(0, TURN, count), np.sqrt(random.uniform(0.09, 1, count))))


def bent(x: np.ndarray) -> np.ndarray:
    """Points of the plane on a saddle."""
    return x + 0.3 * (x[:, :1] ** 2 - x[:, 1:2] ** 2) * [0, 0, 1]


def cross(random: np.random.Generator, count: int) -> np.ndarray:
    """Two unit discs that cross along a diameter."""
    x = circle(random.uniform(0, TURN, count), np.sqrt(random.uniform(0, 1, count)))
    return np.where(random.random(count)[:, None] < 0.5, x, x[:, [0, 2, 1]])


def moebius(random: np.random.Generator, count: int) -> np.ndarray:
    """A band with half a turn: one side, and one border."""
    return band(random.uniform(0, TURN, count), random.uniform(-0.4, 0.4, count))


def band(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Points of the band at angles u and heights v."""
    return circle(u, 1 + v * np.cos(u / 2)) + (v * np.sin(u / 2))[:, None] * [0, 0, 1]


ANGLES = np.linspace(0, TURN, PLACES)
SHAPES: dict[str, tuple[Draw, np.ndarray]] = {
    "hemisphere": (hemisphere, circle(ANGLES)),
    "sheet": (sheet, bent(np.concatenate([circle(ANGLES), circle(ANGLES, 0.3)]))),
    "cross": (cross, np.concatenate([circle(ANGLES), circle(ANGLES)[:, [0, 2, 1]]])),
    "moebius": (moebius, band(2 * ANGLES, np.full(PLACES, 0.4))),
}
"""Points of a shape, and of its border."""


def mean_distances(points: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """From points to the truth, and from the truth to points."""
    return float(cKDTree(truth).query(points)[0].mean()), float(cKDTree(points).query(truth)[0].mean())


def border(mesh: trimesh.Trimesh) -> np.ndarray:
    """The vertices with an edge of one face only."""
    edges = topology.edges_of(np.asarray(mesh.faces))
    return np.asarray(mesh.vertices)[np.unique(edges.ends[edges.count == 1])]


def main() -> None:
    """Prints the table, and draws the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--noise", type=float, default=0.0, help="fraction of the diagonal")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| shape | method | Chamfer-L1 | to the truth | from the truth | border | seconds |")
    print("| --- " * 7 + "|")
    panels = []
    for name in args.shapes:
        draw, end = SHAPES[name]
        truth, points = draw(np.random.default_rng(1), POINTS), draw(np.random.default_rng(0), POINTS)
        unit = 1e3 / float(np.linalg.norm(np.ptp(truth, axis=0)))
        floor = sum(mean_distances(draw(np.random.default_rng(2), POINTS), truth)) / 2
        points = points + np.random.default_rng(3).normal(0, args.noise * 1e3 / unit, points.shape)
        panels.append(render.Panel(points, name, f"{POINTS} points"))
        for way, how in WAYS.items():
            began = time.process_time()
            mesh = isofield.fit(points, quality="fast", **how).mesh(CELLS)
            seconds = time.process_time() - began
            parts = [
                one - floor for one in mean_distances(trimesh.sample.sample_surface(mesh, POINTS, seed=4)[0], truth)
            ]
            ends = float(cKDTree(border(mesh)).query(end)[0].mean())
            chamfer, *others = (f"{unit * one:.2f}" for one in (sum(parts) / 2, *parts, ends))
            print(f"| {name} | `{way}` | {chamfer} | {' | '.join(others)} | {seconds:.0f} |", flush=True)
            panels.append(render.Panel(mesh, way, f"Chamfer-L1 {chamfer}"))
    if args.out:
        widest = np.concatenate([panel.shape for panel in panels[:: 1 + len(WAYS)]])
        render.sheet(
            panels,
            args.out,
            view=render.camera_for(widest, size=(300, 260), view=(30.0, 35.0)),
            columns=1 + len(WAYS),
        )


if __name__ == "__main__":
    main()
