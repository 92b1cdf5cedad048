"""MetaSDF beside its baselines on digits (table 1 of Sitzmann et al. 2020): errors and seconds, in one table.

    .venv/bin/python benchmarks/digits.py WORK [--minutes 1.5]

Digits of MNIST (ISOFIELD_DATA/mnist) at 64 x 64 pixels. Methods: hypernetwork, concatenation auto-decoder, conditional
neural process (global, and with a grid of features), MetaSDF, MetaSDF with 100 steps of Adam on the weights after its
own, and these steps alone, from random weights (plain); concat-few is the auto-decoder with as few steps of Adam on a
code as take the time of MetaSDF's own. Each is tuned first: at least eight settings for a short time, judged by
held-out digits. The best one is trained three times for the same processor time on one core: from all samples of all
digits; from boundary points (zero set); and on digits 0 to 5 and pairs of them. Rows of the table: dense
and zero set: unseen digits; unseen classes: digits 6 to 9 after 0 to 5; rotated: unseen digits, turned, after upright
ones; triples: three digits after single ones and pairs. Errors are over all pixels, in widths of the picture (l1) and
their squares (mse). Seconds are those of the processor to infer the code of one digit, alone on one core.

WORK gets tuning.csv, results.csv, tuning.md and table.md; what is in the former two is not computed again.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import rotate

from isofield.configs.metasdf import PLANE_SMALL
from isofield.configs.methods import SPACES, changed, find_method
from isofield.datasets.layouts import idx
from isofield.io.pictures import read_idx
from isofield.sampling import picture_samples
from isofield.training import Processes, Trainer
from isofield.types import Shape

SIZE, CONTOUR = 64, 512
"""Pixels along each side; boundary points."""
TRAIN, VALIDATION, TEST = 3000, 16, 50
"""Digits to train on, to choose settings by, and in each row of the table."""
PROBE = 12
"""Steps that measure the time of a step."""
WIDTH = 2.0
"""The width of a picture, in the unit of the samples."""
METHODS = {
    "hypernet": "hypernet-2d", "concat": "concat-2d", "concat-few": "concat-2d", "cnp": "cnp-2d", "cnp-local": "cnp-2d",
    "metasdf": "metasdf-2d", "metasdf-adam": "metasdf-2d", "plain": "metasdf-2d",
}  # fmt: skip
"""Columns, and the methods that they train."""
Table = dict[str, Any]
BASE: dict[str, Table] = {
    "concat-few": {"length": 256},
    "cnp-local": {"local": True},
    "metasdf": {"rates": {"initial": 2e-2}, "tasks": {"context": 512, "query": 512}, "first_order": False},
    "metasdf-adam": {"steps": 3, "infer_steps": 3, "infer_by": "adam", "infer_polish": 100, "infer_rate": 3e-3},
    "plain": {"infer_steps": 0, "infer_by": "adam", "infer_polish": 100, "infer_rate": 3e-3},
}
"""What all settings of a method have."""


def rates(network: float, code: float | None = None, batch: int = 16) -> Table:
    """The peaks of the learning rates, and the shapes of a step."""
    codes = {"code_rate": {"initial": code}} if code else {}
    return {"training": {"network_rate": {"initial": network}, "batch": batch, **codes}}


def code(length: int, rate: float) -> Table:
    """Steps that adapt a code, on squares."""
    network = {"length": length, "dims": [128] * 4}
    return {
        "network": network,
        "inner": "mse",
        "steps": 3,
        "infer_steps": 3,
        "tasks": {"context": 256},
        "rates": {"initial": rate},
    }


def changed_code(**changes: Any) -> Table:
    """Steps on a code of 256, a batch of 4, and these changes."""
    return {**code(256, 20.0), **rates(2e-3, batch=4), **changes}


def sine(w0: float, width: int, initial: float, rate: float) -> Table:
    """Three steps of second order on the weights of a sine network, on squares."""
    return {
        "network": {"activation": "sine", "frequencies": 0, "w0": w0, "dims": [width] * 3},
        "inner": "mse",
        "steps": 3,
        "infer_steps": 3,
        "tasks": {"context": 512, "query": 512},
        "rates": {"initial": initial, "positive": False},
        **rates(rate, batch=4),
    }


CODES: dict[str, Table] = {
    "rate 5e-3": {**code(256, 20.0), **rates(5e-3, batch=4)},
    "step size 60": {**code(256, 60.0), **rates(2e-3, batch=4)},
    "query of 256": changed_code(tasks={"context": 256, "query": 256}),
    "5 frequencies": changed_code(network={"length": 256, "dims": [128] * 4, "frequencies": 5}),
    "5 steps": changed_code(steps=5, infer_steps=5),
    "batch of 2": {**code(256, 20.0), **rates(2e-3, batch=2)},
}
"""Changes of three steps on a code."""
SETTINGS: dict[str, dict[str, Table]] = {
    "hypernet": {
        "preset": {},
        "rate 3e-3": rates(3e-3),
        "rate 3e-4": rates(3e-4),
        "scale 0.1": {"scale": 0.1},
        "no sphere (as published)": {"start": False, "scale": 0.1},
        "max pool": {"encoder": {"pool": "max"}},
        "network of 128": {"network": {"dims": [128] * 3}},
        "encoder of 64, rate 3e-3": {"encoder": {"dims": [64] * 3}, **rates(3e-3)},
        "encoder of 64, rate 3e-3, batch of 4": {"encoder": {"dims": [64] * 3}, **rates(3e-3, batch=4)},
    },
    "concat": {
        "preset": {},
        "rates 3e-3, 1e-2": rates(3e-3, 1e-2),
        "rates 1e-3, 1e-2": rates(1e-3, 1e-2),
        "decoder of 64, rates 3e-3, 1e-2": {"dims": [64] * 4, **rates(3e-3, 1e-2)},
        "code of 256": {"length": 256},
        "no prior (as published)": {"prior": 0.0},
        "rejoined": {"rejoin": [2], "dims": [256] * 4, "length": 64},
        "without frequencies (as published)": {"frequencies": 0},
        "code of 256, batch of 4": {"length": 256, **rates(1e-3, 3e-3, batch=4)},
    },
    "concat-few": {
        f"{steps} steps at {rate:g}": {"infer_steps": steps, "infer_rate": rate}
        for steps in (8, 15)
        for rate in (5e-3, 1e-2, 2e-2, 5e-2)
    },
    "cnp": {
        "preset": {},
        "rate 3e-3": rates(3e-3),
        "rate 3e-4": rates(3e-4),
        "max pool": {"encoder": {"pool": "max"}},
        "decoder of 256": {"dims": [256] * 4},
        "encoder of 64, rate 3e-3": {"encoder": {"dims": [64] * 3}, **rates(3e-3)},
        "encoder and decoder of 64, rate 3e-3": {"encoder": {"dims": [64] * 3}, "dims": [64] * 4, **rates(3e-3)},
        "encoder and decoder of 64, rate 3e-3, batch of 4": {
            "encoder": {"dims": [64] * 3},
            "dims": [64] * 4,
            **rates(3e-3, batch=4),
        },
        "without frequencies (as published)": {"frequencies": 0},
    },
    "cnp-local": {
        "preset": {},
        "rate 3e-3": rates(3e-3),
        "encoder of 64, rate 3e-3": {"encoder": {"dims": [64] * 3}, **rates(3e-3)},
        "16 cells": {"cells": 16},
        "32 channels": {"channels": 32},
        "decoder of 64": {"dims": [64] * 3},
        "without frequencies": {"frequencies": 0},
        "context of 2048": {"tasks": {"context": 2048, "query": 256}},
        "context of 2048, encoder of 64, rate 3e-3, batch of 4": {
            "tasks": {"context": 2048, "query": 256},
            "encoder": {"dims": [64] * 3},
            **rates(3e-3, batch=4),
        },
    },
    "metasdf": {
        "step size 2e-2": {},
        "rate 5e-3": rates(5e-3),
        "rate 1e-3": rates(1e-3),
        "3 steps": {"steps": 3, "infer_steps": 3},
        "step size 5e-3": {"rates": {"initial": 5e-3}},
        "step size 1e-1 for all (as published)": {"rates": {"initial": 1e-1, "per": "network", "per_step": False}},
        "network of 128": {"network": {"dims": [128] * 3}},
        "context of 256": {"tasks": {"context": 256, "query": 256}},
        "step size 5e-3, batch of 4": {"rates": {"initial": 5e-3}, **rates(2e-3, batch=4)},
        "step size 5e-3, context of 256, first order": {
            "rates": {"initial": 5e-3},
            "tasks": {"context": 256, "query": 256},
            "first_order": True,
        },
        "step size 1e-3, context of 256, first order": {
            "rates": {"initial": 1e-3},
            "tasks": {"context": 256, "query": 256},
            "first_order": True,
        },
        "3 steps on a code of 64": code(64, 20.0),
        "3 steps on a code of 64, step size 200": code(64, 200.0),
        "3 steps on a code of 256, batch of 4": {**code(256, 20.0), **rates(2e-3, batch=4)},
        "sine, w0 30": sine(30.0, 64, 1e-2, 2e-4),
        "sine, w0 30, network of 128": sine(30.0, 128, 1e-2, 2e-4),
        "sine, w0 10": sine(10.0, 64, 3e-2, 5e-4),
        "sine, w0 10, network of 128": sine(10.0, 128, 3e-2, 5e-4),
        **{f"3 steps on a code of 256, batch of 4, {name}": table for name, table in CODES.items()},
    },
    "metasdf-adam": {
        "preset": {},
        "5 frequencies": {"network": {"frequencies": 5}},
        "5 frequencies, network of 128": {"network": {"frequencies": 5, "dims": [128] * 3}},
        "sine, w0 10, second order": {
            "network": {"activation": "sine", "frequencies": 0, "w0": 10.0},
            "first_order": False,
        },
        "softplus": {"network": {"activation": "softplus"}},
        "5 frequencies, batch of 4": {"network": {"frequencies": 5}, **rates(2e-3, batch=4)},
        "5 frequencies, rate 5e-3": {"network": {"frequencies": 5}, **rates(5e-3)},
        "5 frequencies, network of 128, Adam at 1e-3": {
            "network": {"frequencies": 5, "dims": [128] * 3},
            "infer_rate": 1e-3,
        },
    },
    "plain": {
        "3 frequencies": {},
        "5 frequencies": {"network": {"frequencies": 5}},
        "5 frequencies, network of 128": {"network": {"frequencies": 5, "dims": [128] * 3}},
        "sine, w0 10": {"network": {"activation": "sine", "frequencies": 0, "w0": 10.0}},
        "softplus": {"network": {"activation": "softplus"}},
        "7 frequencies": {"network": {"frequencies": 7}},
        "5 frequencies, Adam at 1e-2": {"network": {"frequencies": 5}, "infer_rate": 1e-2},
        "5 frequencies, network of 128, Adam at 1e-3": {
            "network": {"frequencies": 5, "dims": [128] * 3},
            "infer_rate": 1e-3,
        },
    },
}
"""Settings that are tried: changes of the preset."""


@dataclass(frozen=True)
class Digits:
    """Shapes by the name of their set."""

    sets: Mapping[str, Sequence[Shape]]

    @classmethod
    def made(cls, folder: Path) -> Digits:
        """Of MNIST's test set, which is split here."""
        images = folder / "t10k-images-idx3-ubyte.gz"
        labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
        random = np.random.default_rng(0)
        order = random.permutation(len(labels))
        train, validation, test = np.split(order[: TRAIN + VALIDATION + 1500], [TRAIN, TRAIN + VALIDATION])

        def values(row: int) -> np.ndarray:
            return idx.picture(images, row)[..., 0]

        def parts(rows: np.ndarray, number: int, count: int) -> list[np.ndarray]:
            """Pictures of `number` of the digits 0 to 5 each, in different quarters."""
            rows, made = rows[labels[rows] < 6], []
            for _ in range(count):
                canvas = np.zeros((SIZE, SIZE), np.float32)
                for quarter in random.permutation(4)[:number]:
                    y, x = SIZE // 2 * (quarter // 2), SIZE // 2 * (quarter % 2)
                    part = picture_samples.resized(values(int(random.choice(rows))), SIZE // 2)
                    canvas[y : y + SIZE // 2, x : x + SIZE // 2] = part
                made.append(canvas)
            return made

        few = train[labels[train] < 6]
        pictures = {
            "train": [values(row) for row in train],
            "train-few": [*(values(row) for row in few), *parts(train, 2, len(few))],
            "validation": [values(row) for row in validation],
            "dense": [values(row) for row in test[:TEST]],
            "unseen classes": [values(row) for row in test[labels[test] > 5][:TEST]],
            "rotated": [
                rotate(values(row), random.uniform(-180, 180), reshape=False, order=1).clip(0, 1) for row in test[:TEST]
            ],
            "triples": parts(test, 3, TEST),
        }
        return cls({name: [shape(one, random) for one in some] for name, some in pictures.items()})


def shape(values: np.ndarray, random: np.random.Generator) -> Shape:
    """The samples of a picture (h, w), as `isofield prepare --samples plane contour` writes them."""
    values = picture_samples.resized(values, SIZE)
    segments = picture_samples.contour_of(values)
    plane = picture_samples.plane(picture_samples.signed_distance(values, segments), random)
    contour = picture_samples.contour(segments, CONTOUR, random)
    return Shape(rows={"plane": plane.astype(np.float32), "contour": contour.astype(np.float32)})


def from_boundary(config: Any) -> Any:
    """The settings for the row of the zero set."""
    query = config.tasks.query or config.tasks.context
    tasks = replace(config.tasks, context_from="surface", context=CONTOUR, query=query, infer_context=CONTOUR)
    return replace(config, tasks=tasks)


def settings(method: str, table: Table) -> Any:
    """The preset with these changes."""
    spec = find_method(METHODS[method], SPACES)
    preset = (
        PLANE_SMALL if METHODS[method] == "metasdf-2d" else spec.settings()
    )  # the sine network is one of the changes
    config = changed(preset, BASE.get(method, {}))
    return changed(config, table)


TRAINED: dict[str, tuple[Any, int]] = {}
"""Spaces and their steps by what they learn from."""


def trained(method: str, config: Any, shapes: Sequence[Shape], seconds: float) -> tuple[Any, int]:
    """A space trained for about so long on one core, and its steps: their number is chosen by the time of a few."""
    learning = {name: value for name, value in vars(config).items() if not name.startswith("infer_")}
    key = repr((METHODS[method], learning, id(shapes), seconds, method == "plain"))
    if key in TRAINED:  # the settings differ in how codes are inferred
        space, steps = TRAINED[key]
        return replace(space, config=config), steps
    build = find_method(METHODS[method], SPACES).method
    seconds = 0 if method == "plain" else seconds

    def course(steps: int) -> Iterator[Any]:
        training = replace(config.training, steps=steps, epochs=0, snapshots=())
        space = build(replace(config, training=training)).start(shapes, 0, lambda stage, fraction: None)
        made = Trainer(space, shapes, 0, Processes())
        yield from made.run()
        yield made.space

    began = time.process_time()
    for number, _ in enumerate(course(PROBE)):
        if number == 1:  # the first ones are slower
            began = time.process_time()
    steps = max(round(seconds * (PROBE - 2) / (time.process_time() - began)), 1)
    *_, space = course(steps)
    space.module.eval().requires_grad_(False)
    space.table.requires_grad_(False)
    TRAINED[key] = space, steps
    return space, steps


def judged(space: Any, shapes: Sequence[Shape]) -> dict[str, float]:
    """Mean errors over all pixels, and the seconds of a code."""
    began = time.process_time()
    *_, last = space.infer(shapes)
    seconds = (time.process_time() - began) / len(shapes)
    plane = torch.from_numpy(np.stack([one.rows["plane"] for one in shapes]))
    with torch.no_grad():
        error = (space.module(plane[..., :2], last.code) - plane[..., 2]) / WIDTH
    return {"l1": float(error.abs().mean()), "mse": float(error.square().mean()), "seconds": seconds}


class Log:
    """A CSV file that grows; rows that are in it are not computed again."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, list[dict[str, str]]()
        if path.exists():
            with path.open(newline="") as file:
                self.rows = list(csv.DictReader(file))

    def has(self, **keys: str) -> bool:
        """Whether a row has these values."""
        return any(all(row[name] == value for name, value in keys.items()) for row in self.rows)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row, and print it."""
        self.rows.append(
            {name: f"{value:.3e}" if isinstance(value, float) else str(value) for name, value in row.items()}
        )
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        print(", ".join(f"{name} {value}" for name, value in self.rows[-1].items()), flush=True)


def tune(digits: Digits, log: Log, methods: Sequence[str], seconds: float) -> None:
    """Every setting, for a short time."""
    for method in methods:
        for name, table in SETTINGS[method].items():
            if not log.has(method=method, setting=name):
                space, steps = trained(method, settings(method, table), digits.sets["train"], seconds)
                log.add({"method": method, "setting": name, "steps": steps, **judged(space, digits.sets["validation"])})


def best(log: Log, method: str) -> str:
    """The setting with the least error."""
    rows = [row for row in log.rows if row["method"] == method]
    return min(rows, key=lambda row: float(row["l1"]))["setting"]


def measure(digits: Digits, tuning: Log, log: Log, methods: Sequence[str], seconds: float) -> None:
    """The best setting of each method, trained three times; a table of codes learns from samples whatever the context,
    and needs no training of its own for the zero set."""
    for method in methods:
        name = best(tuning, method)
        config = settings(method, SETTINGS[method][name])
        boundary = from_boundary(config)
        trainings = {
            "dense": (config, "train", {"dense": config, "rotated": config}),
            "zero set": (boundary, "train", {"zero set": boundary}),
            "few": (config, "train-few", {"unseen classes": config, "triples": config}),
        }
        if METHODS[method] == "concat-2d":
            trainings["dense"][2].update(trainings.pop("zero set")[2])
        for training, (learns, data, rows) in trainings.items():
            if all(log.has(method=method, row=row) for row in rows):
                continue
            space, steps = trained(method, learns, digits.sets[data], seconds)
            for row, infers in rows.items():
                log.add({
                    "method": method, "row": row, "setting": name, "training": training, "steps": steps,
                    **judged(replace(space, config=infers), digits.sets["dense" if row == "zero set" else row]),
                })  # fmt: skip


def markdown(log: Log, methods: Sequence[str]) -> str:
    """The table: l1 / mse, both times 1000; the least of a row is bold."""
    rows = ["dense", "zero set", "unseen classes", "rotated", "triples"]
    lines = ["| 1e-3 | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    found = {(row["method"], row["row"]): row for row in log.rows}
    for row in rows:
        cells = [found.get((method, row)) for method in methods]
        least = {key: min(float(one[key]) for one in cells if one) for key in ("l1", "mse")}

        def cell(one: dict[str, str], key: str, least: dict[str, float] = least) -> str:
            text = f"{1e3 * float(one[key]):.3g}"
            return f"**{text}**" if float(one[key]) == least[key] else text

        texts = [f"{cell(one, 'l1')} / {cell(one, 'mse')}" if one else "" for one in cells]
        lines.append(f"| {row} | " + " | ".join(texts) + " |")
    dense = [found[method, "dense"] for method in methods]
    lines.append("| ms a digit | " + " | ".join(f"{1e3 * float(one['seconds']):.3g}" for one in dense) + " |")
    lines.append("| steps | " + " | ".join(one["steps"] for one in dense) + " |")
    lines.append("| setting | " + " | ".join(one["setting"] for one in dense) + " |")
    return "\n".join(lines) + "\n"


def tuning_table(log: Log) -> str:
    """All settings that were tried."""
    lines = ["| method | setting | steps | l1 | mse | ms a digit |", "|---" * 6 + "|"]
    for row in log.rows:
        chosen = "**" if best(log, row["method"]) == row["setting"] else ""
        numbers = " | ".join(f"{1e3 * float(row[name]):.3g}" for name in ("l1", "mse", "seconds"))
        lines.append(f"| {row['method']} | {chosen}{row['setting']}{chosen} | {row['steps']} | {numbers} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Tune, train, measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--minutes", type=float, default=1.5, help="processor minutes of each of the trainings")
    parser.add_argument("--tuning", type=float, default=0.33, help="processor minutes of each setting that is tried")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    digits = Digits.made(Path(os.environ.get("ISOFIELD_DATA", "../shared/data")) / "mnist")
    tuning, results = Log(args.work / "tuning.csv"), Log(args.work / "results.csv")
    tune(digits, tuning, args.methods, 60 * args.tuning)
    (args.work / "tuning.md").write_text(tuning_table(tuning))
    measure(digits, tuning, results, args.methods, 60 * args.minutes)
    (args.work / "table.md").write_text(markdown(results, args.methods))
    print((args.work / "table.md").read_text())


if __name__ == "__main__":
    main()
