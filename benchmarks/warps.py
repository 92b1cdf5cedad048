"""Linear spaces with and without warped copies of the training shapes, in one table: code-only results.

    python benchmarks/warps.py OUT DATA TRUTH SPLIT [--warps 0 4] [--length 512 1024] [--megabytes 28] [--most 16]
        [--test]

Every second shape of the part "train" of SPLIT is learned, and the others are scored: settings are chosen without the
test shapes. With --test the space of all training shapes is scored on the part "test". Chamfer: x 1000, unit sphere,
10 000 points (`evaluate.retrieval`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from isofield.api.benchmark import benchmark
from isofield.configs import Linear
from isofield.datasets import ids_of

COLUMNS = {
    "megabytes": 1, "training_seconds": 0, "seconds_a_shape": 2, "median": 3, "mean": 3, "worst": 2,
    "better_than_retrieval": 0,
}  # fmt: skip
"""The figures of the table, and their decimals."""


def main() -> None:
    """Learn, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="a folder for the spaces; existing ones are not learned again")
    parser.add_argument("data", help="the folder that `isofield prepare` wrote")
    parser.add_argument("truth", help="the folder of the true meshes, named by the shapes' ids")
    parser.add_argument("split", help="the file that `isofield split` wrote")
    parser.add_argument("--warps", type=int, nargs="+", default=[0, 4], help="copies of each shape, one space each")
    parser.add_argument("--length", type=int, nargs="+", default=[512], help="length of a code, one space each")
    parser.add_argument("--megabytes", type=float, default=Linear().megabytes, help="most space for the components")
    parser.add_argument("--most", type=int, default=16, help="most shapes to score")
    parser.add_argument("--test", action="store_true", help="score the test shapes, not half of the training shapes")
    args = parser.parse_args()
    split = args.split
    if not args.test:
        args.out.mkdir(parents=True, exist_ok=True)
        split, ids = args.out / "half.json", ids_of(args.data, args.split, "train")
        halves = {"train": ids[::2], "test": ids[1::2][:: max(1, len(ids) // 2 // args.most)]}
        split.write_text(json.dumps(halves), encoding="utf-8")
    candidates = {
        f"warps {warps}, length {length}": ("linear", Linear(warps=warps, length=length, megabytes=args.megabytes))
        for warps in args.warps
        for length in args.length
    }
    rows = benchmark(candidates, args.data, args.truth, args.out, split, refine=False, most=args.most)
    print("| | " + " | ".join(name.replace("_", " ") for name in COLUMNS) + " |")
    print("| --- " * (len(COLUMNS) + 1) + "|")
    for row in rows:
        cells = (f"{row[name]:.{digits}f}" if name in row else "" for name, digits in COLUMNS.items())
        print(f"| {row['name']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
