"""How often the pose of a randomly rotated shape is found.

    .venv/bin/python benchmarks/poses.py RUN DATA SPLIT.json [--degrees 30] [--count N]

RUN is a space of `isofield train`, DATA the folder of `isofield prepare`. The samples of the test shapes of SPLIT are
rotated by a random angle of up to DEGREES about a random axis (180: by a random rotation), and shifted by up to 5 % of
the radius along each axis.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.spatial.transform import Rotation

from isofield import api
from isofield.api.inference import PoseSearch, pose_finder
from isofield.datasets import Prepared, ids_of
from isofield.types import SdfSamples

SAMPLES = 8192


def main() -> None:
    """Print one line a shape, and how many poses were found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("split", metavar="SPLIT.json")
    parser.add_argument("--degrees", type=float, default=30.0)
    parser.add_argument("--count", type=int, help="the first N test shapes (default: all)")
    args = parser.parse_args()
    space, ids = api.load_run(args.run), ids_of(args.data, args.split, "test")[: args.count]
    prepared = Prepared(args.data, "signed", ids=ids)
    pose_of = pose_finder(space, PoseSearch(max_rotation=args.degrees))
    print("| shape | rotated by | error, degrees | error of the shift, radii | s |\n| --- | --- | --- | --- | --- |")
    rows = []
    for row, record in enumerate(prepared.records):
        random = np.random.default_rng(row + 100)
        axis, shift = random.normal(size=3), random.uniform(-0.05, 0.05, 3)
        rotation = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.radians(random.uniform(0, args.degrees)))
        if args.degrees >= 180:
            rotation = Rotation.random(random_state=row + 100)
        samples = np.array(prepared.rows(row)[:SAMPLES], np.float32)
        rotated = rotation.inv().apply(samples[:, :3] - shift).astype(np.float32)
        began = time.perf_counter()
        pose = pose_of(SdfSamples(rotated, samples[:, 3]))
        seconds = time.perf_counter() - began
        error = float(np.degrees((Rotation.from_matrix(pose.rotation) * rotation.inv()).magnitude()))
        off = float(np.linalg.norm(pose.apply(rotation.inv().apply(-shift)[None])))
        rows.append((error, off))
        angle = np.degrees(rotation.magnitude())
        print(f"| {record.id} | {angle:.0f} | {error:.2f} | {off:.3f} | {seconds:.1f} |", flush=True)
    table = np.array(rows)
    good = ((table[:, 0] < 3) & (table[:, 1] < 0.03)).sum()
    print(f"\nwithin 3 degrees and 3 %: {good} of {len(table)}; within 10 degrees: {(table[:, 0] < 10).sum()}")


if __name__ == "__main__":
    main()
