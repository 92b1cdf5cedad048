"""Exact unsigned samples of a raw scan, beside a Python loop over single closest-point queries.

    python benchmarks/closest_points.py [SCAN.ply]

The loop asks Open3D's ray-casting scene and trimesh for one point at a time, 1 000 of them; isofield asks for all
queries of `prepare --samples unsigned` at once, and draws them, too. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import trimesh
from reconstruct_shapes import data

from isofield.configs import PrepareConfig
from isofield.datasets.prepare_shape import distance_of, samples
from isofield.datasets.quality_gate import faces_of, judge_file

SINGLE, MANY = 1000, 200_000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", nargs="?", type=Path)
    path = parser.parse_args().scan or data() / "scans/bodies/subject_00/walk/00000.ply"
    import open3d as o3d

    config = PrepareConfig(samples=("unsigned",), count=MANY)
    judged = judge_file(str(path), config)
    assert judged.solids is not None
    began = time.perf_counter()
    rows = samples(judged, config, [0, 0], distance_of(judged, config))["unsigned"]
    ours = (time.perf_counter() - began) / MANY
    vertices, faces = judged.solids.vertices, faces_of(judged.solids)
    queries = rows[:SINGLE, :3].astype(np.float32)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(vertices.astype(np.float32), faces.astype(np.uint32))
    proximity = trimesh.proximity.ProximityQuery(trimesh.Trimesh(vertices, faces, process=False))
    ways = {
        "Open3D, one point a call": lambda x: scene.compute_closest_points(x[None])["points"].numpy(),
        "trimesh, one point a call": lambda x: proximity.on_surface(x[None])[0],
    }
    print("| way | microseconds a query | times isofield's |\n| --- | --- | --- |")
    for name, ask in ways.items():
        ask(queries[0])
        began = time.perf_counter()
        for x in queries:
            ask(x)
        took = (time.perf_counter() - began) / SINGLE
        print(f"| {name} | {1e6 * took:.1f} | {took / ours:.0f} |")
    print(f"| isofield, {MANY} queries at once, drawing included | {1e6 * ours:.1f} | 1 |")


if __name__ == "__main__":
    main()
