"""How often the pose of a body is found that was turned at random.

    .venv/bin/python benchmarks/poses.py RUN DATA DEGREES [COUNT]

RUN: a space that `isofield train` learned of the training bodies. DATA: what `isofield prepare` made of all bodies.
The samples of the first COUNT test bodies (all 40) are turned by a random angle up to DEGREES about a random axis
(180: by a random rotation), and shifted by up to 5 % of the radius along each axis.
"""

from __future__ import annotations

import sys
import time

import complete as one_view
import numpy as np
from scipy.spatial.transform import Rotation

from isofield import api
from isofield.api.inference import PoseSearch, poser
from isofield.datasets import Prepared
from isofield.types import SdfSamples

SAMPLES = 8192


def main() -> None:
    """A line a body, and how many were found."""
    space, degrees = api.load_run(sys.argv[1]), float(sys.argv[3])
    names = one_view.ids("test")[: int(sys.argv[4]) if len(sys.argv) > 4 else 1000]
    prepared = Prepared(sys.argv[2], "signed", ids=names)
    pose_of = poser(space, PoseSearch(turned=degrees))
    print("| body | turned | error, degrees | error of the shift, radii | s |\n| --- | --- | --- | --- | --- |")
    rows = []
    for row, record in enumerate(prepared.records):
        random = np.random.default_rng(row + 100)
        axis, shift = random.normal(size=3), random.uniform(-0.05, 0.05, 3)
        turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.radians(random.uniform(0, degrees)))
        if degrees >= 180:
            turn = Rotation.random(random_state=row + 100)
        rows_of = np.array(prepared.rows(row)[:SAMPLES], np.float32)
        standing = turn.inv().apply(rows_of[:, :3] - shift).astype(np.float32)
        begun = time.perf_counter()
        pose = pose_of(SdfSamples(standing, rows_of[:, 3]))
        seconds = time.perf_counter() - begun
        error = float(np.degrees((Rotation.from_matrix(pose.rotation) * turn.inv()).magnitude()))
        off = float(np.linalg.norm(pose.apply(turn.inv().apply(-shift)[None])))
        rows.append((error, off))
        angle = np.degrees(turn.magnitude())
        print(f"| {record.id} | {angle:.0f} | {error:.2f} | {off:.3f} | {seconds:.1f} |", flush=True)
    table = np.array(rows)
    good = ((table[:, 0] < 3) & (table[:, 1] < 0.03)).sum()
    print(f"\nwithin 3 degrees and 3 %: {good} of {len(table)}; within 10 degrees: {(table[:, 0] < 10).sum()}")


if __name__ == "__main__":
    main()
