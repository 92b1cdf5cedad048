"""The scans of the shared data in Neural-Pull's own protocol: `isofield fit` with and without the paper's start.

    .venv/bin/python benchmarks/pull_scans.py [abc spot fandisk rocker-arm] [--samples 10000]   # a Markdown table

Every row is one fit with `--quality fast` and the same seed on one thread, measured as `isofield evaluate --protocol
occupancy-networks` does: Chamfer-L2 x 100 and Chamfer-L1 x 10 with a longest side of 1, normals, F-score at 1 %, IoU.
Seconds are those of the processor. The last row of a scan is its truth beside the truth with other samples.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from reconstruct_shapes import data

import isofield
from isofield import io
from isofield.configs.methods import choose
from isofield.evaluate import occupancy_networks

WAYS: dict[str, Any] = {
    "`neural-pull`": choose("neural-pull", "fast"),
    "`neural-pull --init paper`": choose("neural-pull", "fast", "paper"),
    "`auto`": choose("auto", "fast"),
}
KEYS = ("chamfer_l2", "chamfer_l1", "normal_consistency", "f_score", "iou")
SCANS = ("abc", "spot", "fandisk", "rocker-arm")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="*", choices=SCANS, default=SCANS)
    parser.add_argument("--samples", type=int, default=10_000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| | {' | '.join(KEYS)} | CPU seconds |\n" + "| --- " * (len(KEYS) + 2) + "|")
    for name in args.scans:
        if name == "abc":
            (truth,) = (data() / "scans" / "abc").glob("*.gt.ply")
            scan = truth.with_name(truth.name.replace(".gt.", ".scan."))
        else:
            scan, truth = data() / "scans" / "noisy" / f"{name}.scan.ply", data() / "meshes" / f"{name}.obj"
        right = io.read(truth)
        for way, config in [*WAYS.items(), ("the truth against itself", None)]:
            began = time.process_time()
            mesh = right if config is None else isofield.fit(scan, config=config, quality="fast").mesh()
            seconds = "" if config is None else f"{time.process_time() - began:.0f}"
            scores = occupancy_networks.compare(mesh, right, samples=args.samples)
            cells = ["" if scores[key] is None else f"{scores[key]:.4f}" for key in KEYS]
            print(f"| {name}: {way} | {' | '.join(cells)} | {seconds} |", flush=True)


if __name__ == "__main__":
    main()
