"""Evaluations and time of the coarse-to-fine extraction.

    python benchmarks/extract.py [RESOLUTION ...] [FIELD_FOLDER ...]

Prints a Markdown table for two analytic bodies in the box from -1 to 1, and for fields of `isofield fit` (with
`--method neural-pull` for a network); `dense` is scikit-image on all nodes.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from skimage.measure import marching_cubes

from isofield import load
from isofield.surfaces import check, extract

Field = Callable[[np.ndarray], np.ndarray]


def sphere(points: np.ndarray) -> np.ndarray:
    """Signed distance of the sphere of radius 0.8."""
    return np.linalg.norm(points, axis=1) - 0.8


def torus(points: np.ndarray) -> np.ndarray:
    """Signed distance of the torus with radii 0.6 and 0.25."""
    return np.hypot(np.hypot(points[:, 0], points[:, 1]) - 0.6, points[:, 2]) - 0.25


def dense_seconds(field: Field, resolution: int) -> str:
    """Wall clock of a dense grid; none above 256 cells, where it needs too much memory."""
    if resolution > 256:
        return "-"
    began = time.perf_counter()
    axis = np.linspace(-1, 1, resolution + 1)
    planes = [np.stack(np.meshgrid([x], axis, axis, indexing="ij"), axis=-1).reshape(-1, 3) for x in axis]
    marching_cubes(np.stack([field(plane) for plane in planes]).reshape((resolution + 1,) * 3), 0.0)
    return f"{time.perf_counter() - began:.2f}"


def bodies(folders: list[str]) -> dict[str, tuple[Field, np.ndarray, np.ndarray]]:
    """By name: the field, and the lower and upper corner of its box.

    Fitted fields are evaluated in the box of `isofield mesh`, in the units of their input.
    """
    found: dict[str, tuple[Field, np.ndarray, np.ndarray]] = {
        field.__name__: (field, np.full(3, -1.0), np.full(3, 1.0)) for field in (sphere, torus)
    }
    for folder in folders:
        sdf = load(folder)
        lower, upper = (sdf.similarity.invert(np.array([corner]))[0] for corner in (sdf.lower, sdf.upper))
        found[f"{Path(folder).name} ({sdf.kind})"] = (lambda x, sdf=sdf: np.asarray(sdf(x)), lower, upper)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", metavar="RESOLUTION|FIELD_FOLDER")
    items = parser.parse_args().items
    resolutions = [int(text) for text in items if text.isdigit()] or [128, 256, 512]
    folders = [text for text in items if not text.isdigit()]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {datetime.date.today()}\n")
    print("| body | resolution | evaluations | dense / evaluations | seconds | dense, seconds | faces | problems |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (field, lower, upper) in bodies(folders).items():
        for resolution in resolutions:
            result = extract(field, lower, upper, resolution)
            dense = dense_seconds(field, resolution) if name in ("sphere", "torus") else "-"
            print(
                f"| {name} | {resolution} | {result.evaluations:,} | {result.nodes / result.evaluations:.1f} "
                f"| {result.seconds:.2f} | {dense} | {len(result.mesh.faces):,} "
                f"| {', '.join(check(result.mesh).problems) or 'none'} |",
                flush=True,
            )
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
