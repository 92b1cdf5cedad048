"""Neural-Pull for many clouds beside fits one by one: one network for the first shapes of a data set, and its codes,
fine-tuning and both for unseen clouds.

    .venv/bin/python -m isofield prepare TRUTH WORK/data --samples cloud --count 100000
    .venv/bin/python benchmarks/neural_pull_spaces.py WORK TRUTH --shapes 64 --fits 4 --unseen 8

WORK has data/ and split.json (`isofield split`); TRUTH are the true meshes. The run is kept in WORK/neural-pull-N and
not trained again. Fits get the clouds that the space learned from, 20 000 points each. Prints the Chamfer distance
(x 1000, sum of both mean squares, normalised), the time of all shapes, and the ratios of the space to the fits.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import isofield
from isofield import io
from isofield.api import infer_all
from isofield.api.benchmark import CELLS, _samples, score
from isofield.api.observations import of_prepared
from isofield.configs import NeuralPullSpace
from isofield.configs.methods import changed
from isofield.configs.neural_pull_space import SMALL
from isofield.datasets import Prepared, ids_of
from isofield.evaluate import shapes_in
from isofield.types import Cloud

FITS: dict[str, dict[str, Any]] = {
    "fit": {"method": "neural-pull"}, "fit, --init paper": {"method": "neural-pull", "init": "paper"},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--shapes", type=int, default=64, help="training shapes")
    parser.add_argument("--fits", type=int, default=4, help="of them that are fitted one by one")
    parser.add_argument("--unseen", type=int, default=8)
    parser.add_argument("--settings", type=json.loads, default={}, help="changes of the settings, as JSON")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    data, files = args.work / "data", shapes_in(args.truth)
    train_ids = ids_of(data, args.work / "split.json", "train")[: args.shapes]
    test_ids = ids_of(data, args.work / "split.json", "test")[: args.unseen]
    config: NeuralPullSpace = changed(SMALL, args.settings)
    run = args.work / f"neural-pull-{args.shapes}"
    split = args.work / f"first_{args.shapes}.json"
    split.write_text(json.dumps({"train": {"all": train_ids}}))
    clock: Callable[[], float] = time.process_time
    if not (run / "config.json").is_file():
        began = clock()
        isofield.train("neural-pull", data, run, config, split=split)
        (args.work / f"{run.name}.seconds").write_text(str(clock() - began))
    seconds = float((args.work / f"{run.name}.seconds").read_text())
    space: Any = isofield.load(run)
    rows: list[tuple[str, int, float, float, float]] = []

    def add(name: str, ids: list[str], fields: Callable[[int, str], Any], cells: int | None) -> None:
        chamfers, took = [], 0.0
        for index, id_ in enumerate(ids):
            began = clock()
            sdf = fields(index, id_)
            took += clock() - began
            way = ways[id_]
            truth = _samples(io.read(files[id_]), way, id_, 2)
            mesh = sdf.mesh(cells)
            chamfers.append(score(_samples(mesh, way, id_, 1), truth)[0])
        rows.append((name, len(ids), float(np.median(chamfers)), float(np.max(chamfers)), took / len(ids)))
        print("| {} | {} | {:.4f} | {:.4f} | {:.2f} |".format(*rows[-1]), flush=True)

    prepared = Prepared(data, "cloud")
    ways = {record.id: record.similarity for record in prepared.records}
    row = {record.id: number for number, record in enumerate(prepared.records)}
    print("| | shapes | median | worst | CPU s a shape |\n| --- | --- | --- | --- | --- |")
    few = train_ids[:: max(len(train_ids) // args.fits, 1)][: args.fits]
    add("space, training shapes", few, lambda _, id_: space.sdf(space.code(id_), ways[id_]), CELLS)
    print(f"training: {seconds:.0f} CPU s, {seconds / len(train_ids):.1f} a shape")
    for name, options in FITS.items():

        def fitted(_: int, id_: str, options: dict[str, Any] = options) -> Any:
            points = np.unique(np.asarray(prepared.rows(row[id_])[:, 3:6], np.float64), axis=0)
            cloud = Cloud(ways[id_].invert(points))
            return isofield.fit(cloud, **options)

        add(name, few, fitted, CELLS)
    unseen = dict(
        zip(test_ids, of_prepared({"cloud": Prepared(data, "cloud", ids=test_ids)}, space.prepare), strict=True)
    )
    for name, by, refine in (
        ("code (Adam)", "code", False), ("code (lm)", "lm", False), ("fine-tuned from the mean", "mean", True),
        ("both (lm, fine-tuned)", "lm", True),
    ):  # fmt: skip
        add(
            f"unseen: {name}", test_ids,
            lambda _, id_, by=by, refine=refine: next(infer_all(space, [unseen[id_]], refine, by=by)).sdf, CELLS,
        )  # fmt: skip


if __name__ == "__main__":
    main()
