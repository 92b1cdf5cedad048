"""Ablations of DeepSDF's clamp, skip connection (`latent_in`) and norms.

    .venv/bin/python benchmarks/deepsdf_ablations.py DATA TRUTH SPLIT.json WORK [clamp,skip,norm] [--steps N] [--most N]
                                                     [--seeds K]

Park et al. 2019 study the clamp and the skip in their supplement, on networks of 512. Here the variants are those of
`deepsdf-mlp` (layers of 128, codes of 64), each trained for the same number of steps: 1 000 by default, a thirtieth
of that preset, so that the table shows which variant learns faster and not where each would end. Codes of unseen
shapes come from Levenberg-Marquardt.

`training loss` is the mean of |clamp(f) - clamp(s)| over the last tenth of the steps; losses with different clamps
cannot be compared. The published ones are of other shapes and networks, and were not reproduced here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from space_data import add_arguments

from isofield.api.benchmark import benchmark
from isofield.cli.benchmark import cell
from isofield.cli.progress import shown
from isofield.configs import DeepSdf
from isofield.configs.deepsdf import SMALL
from isofield.training import read_log

WIDTH = 128
NO_CLAMP = 10.0
"""Larger than any distance in the normalised cube."""
COLUMNS = ("training_seconds", "median", "mean", "better_than_retrieval", "accuracy", "cosine")


def base(steps: int) -> DeepSdf:
    """`deepsdf-mlp` in fewer steps."""
    return replace(SMALL, training=replace(SMALL.training, steps=steps))


def clamps(config: DeepSdf) -> dict[str, DeepSdf]:
    """Several clamps."""
    values = {"clamp 0.01": 0.01, "clamp 0.05": 0.05, "clamp 0.1": 0.1, "clamp 0.5": 0.5, "no clamp": NO_CLAMP}
    return {name: replace(config, clamp=value) for name, value in values.items()}


def skips(config: DeepSdf) -> dict[str, DeepSdf]:
    """With and without a skip to the middle layer, at several depths."""
    return {
        f"{depth} layers, {name}": replace(config, dims=(WIDTH,) * depth, latent_in=middle)
        for depth in (2, 4, 8, 16)
        for name, middle in (("skip", (depth // 2,)), ("no skip", ()))
    }


def norms(config: DeepSdf) -> dict[str, DeepSdf]:
    """Weight norm, layer norm, none, in all layers."""
    every = tuple(range(len(config.dims)))
    return {
        "no norm": config,
        "weight norm": replace(config, norm_layers=every, weight_norm=True),
        "layer norm": replace(config, norm_layers=every, weight_norm=False),
    }


STUDIES: dict[str, Callable[[DeepSdf], dict[str, DeepSdf]]] = {
    "clamp": clamps, "skip": skips, "norm": norms,
}  # fmt: skip


def last_loss(run: Path) -> float:
    """Mean of the data term over the last tenth of a training."""
    lines = read_log(run)
    return float(np.mean([line["distance"] for line in lines if line["step"] > 0.9 * lines[-1]["step"]]))


def main() -> None:
    """Prints a table for each study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("studies", nargs="?", default=",".join(STUDIES))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    for study in args.studies.split(","):
        folder = args.work / f"{study}-{args.steps}"
        variants = STUDIES[study](base(args.steps))
        with shown(study, True) as report:
            candidates = {name: ("deepsdf", config) for name, config in variants.items()}
            rows = benchmark(
                candidates, args.data, args.truth, folder, args.split, seeds=args.seeds, refine=False, most=args.most,
                progress=report,
            )  # fmt: skip
        print(f"\n| {study} | training loss | " + " | ".join(name.replace("_", " ") for name in COLUMNS) + " |")
        print("| --- " * (len(COLUMNS) + 2) + "|")
        for row in rows:
            run = folder / row["name"]
            loss = f"{last_loss(run):.5f}" if run.is_dir() else ""
            print(f"| {row['name']} | {loss} |", " | ".join(cell(row, name, "±") for name in COLUMNS), "|", flush=True)


if __name__ == "__main__":
    main()
