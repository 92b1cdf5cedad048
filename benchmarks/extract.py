"""How few evaluations the coarse-to-fine extraction needs, and how long it takes beside them.

    python benchmarks/extract.py [RESOLUTION ...]

prints a Markdown table for two analytic bodies in the box from -1 to 1; `dense` is scikit-image on all nodes.
"""

from __future__ import annotations

import datetime
import os
import platform
import resource
import sys
import time

import numpy as np
from skimage.measure import marching_cubes

from isofield.surfaces import check, extract


def sphere(points: np.ndarray) -> np.ndarray:
    """Signed distance of the sphere of radius 0.8."""
    return np.linalg.norm(points, axis=1) - 0.8


def torus(points: np.ndarray) -> np.ndarray:
    """Signed distance of the torus with radii 0.6 and 0.25."""
    return np.hypot(np.hypot(points[:, 0], points[:, 1]) - 0.6, points[:, 2]) - 0.25


def dense_seconds(field, resolution: int) -> str:  # type: ignore[no-untyped-def]
    """Wall clock of the dense way; not where its memory would be out of proportion."""
    if resolution > 256:
        return "-"
    began = time.perf_counter()
    axis = np.linspace(-1, 1, resolution + 1)
    planes = [np.stack(np.meshgrid([x], axis, axis, indexing="ij"), axis=-1).reshape(-1, 3) for x in axis]
    marching_cubes(np.stack([field(plane) for plane in planes]).reshape((resolution + 1,) * 3), 0.0)
    return f"{time.perf_counter() - began:.2f}"


def main() -> None:
    """Print the table."""
    resolutions = [int(text) for text in sys.argv[1:]] or [128, 256, 512]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {datetime.date.today()}\n")
    print("| body | resolution | evaluations | dense / evaluations | seconds | dense, seconds | faces | problems |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for field in (sphere, torus):
        for resolution in resolutions:
            result = extract(field, np.full(3, -1.0), np.full(3, 1.0), resolution)
            print(
                f"| {field.__name__} | {resolution} | {result.evaluations:,} | {result.nodes / result.evaluations:.1f} "
                f"| {result.seconds:.2f} | {dense_seconds(field, resolution)} | {len(result.mesh.faces):,} "
                f"| {', '.join(check(result.mesh).problems) or 'none'} |",
                flush=True,
            )
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
