"""Settings of the baselines of MetaSDF in space: hypernetwork, concatenation auto-decoder and conditional neural
process, each with at least eight settings for the same CPU time on one core.

    .venv/bin/python benchmarks/encoders.py WORK [--seconds 25] [--methods hypernet cnp]

WORK has data/ and split.json (`benchmarks/shared_data.py`). The last ten training shapes are left out, and judge the
settings: mean |f - s| (l1) and (f - s)^2 (mse) of their last 16 384 samples, both values clamped at 0.1, normalised.
Settings are changes of those in the plane with the samples of a shape in space. WORK gets encoders.csv, whose rows are
not computed again, and encoders.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from digits import SETTINGS as IN_PLANE
from digits import Log, Table, tuning_table
from meta_spaces import for_minutes

from isofield.api.training import training_shapes
from isofield.configs import Tasks, cnp, concat, hypernet
from isofield.configs.methods import SPACES, changed, find_method
from isofield.datasets import Prepared, ids_of
from isofield.training import Processes, Trainer
from isofield.types import Shape

HELD_OUT, SAMPLES, CLAMP = 10, 16_384, 0.1
"""Shapes that judge, their samples, and the largest distance."""
BASE: dict[str, Any] = {
    "hypernet": hypernet.PLANE_SMALL,
    "concat": concat.PLANE_SMALL,
    "cnp": cnp.PLANE_SMALL,
}
MORE: dict[str, dict[str, Table]] = {
    "hypernet": {"5 frequencies": {"network": {"frequencies": 5}}},
    "concat": {"5 frequencies": {"frequencies": 5}},
    "cnp": {"5 frequencies": {"frequencies": 5}},
}
LEFT_OUT = {"rate 3e-4", "rates 1e-3, 1e-2", "network of 128", "rejoined", "decoder of 256"}
"""Settings in the plane that were behind there, or take long."""
SETTINGS = {
    method: {name: table for name, table in IN_PLANE[method].items() if name not in LEFT_OUT} | more
    for method, more in MORE.items()
}


def settings(method: str, table: Table) -> Any:
    """Those in the plane, with the samples of a shape in space and these changes."""
    base = BASE[method]
    return changed(replace(base, tasks=Tasks(query=base.tasks.query)), table)


def judged(space: Any, shapes: Sequence[Shape]) -> dict[str, float]:
    """Errors of clamped distances, and the CPU seconds of a code."""
    began = time.process_time()
    *_, last = space.infer(shapes)
    seconds, errors = (time.process_time() - began) / len(shapes), []
    for code, shape in zip(last.code, shapes, strict=True):
        count = len(shape.sdf.points)
        some = shape.sdf.part(count - SAMPLES, count)
        with torch.no_grad():
            value = space.module(torch.from_numpy(np.array(some.points, np.float32))[None], code[None])[0].numpy()
        errors.append(np.clip(value, -CLAMP, CLAMP) - np.clip(some.distance, -CLAMP, CLAMP))
    error = np.concatenate(errors)
    return {"l1": float(np.abs(error).mean()), "mse": float((error**2).mean()), "seconds": seconds}


def main() -> None:
    """Train every setting, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--seconds", type=float, default=25, help="CPU seconds of a training")
    parser.add_argument("--methods", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    data, log = args.work / "data", Log(args.work / "encoders.csv")
    ids = ids_of(data, args.work / "split.json", "train")
    shapes = list(training_shapes({"signed": Prepared(data, "signed", ids=ids)}, data))
    for method in args.methods:
        for name, table in SETTINGS[method].items():
            if log.has(method=method, setting=name):
                continue
            config = for_minutes(method, settings(method, table), shapes[:-HELD_OUT], args.seconds / 60)
            space = find_method(method, SPACES).method(config).start(shapes[:-HELD_OUT], 0, lambda *_: None)
            trainer = Trainer(space, shapes[:-HELD_OUT], 0, Processes())
            for _ in trainer.run():
                pass
            log.add({"method": method, "setting": name, "steps": config.training.steps,
                     **judged(trainer.space, shapes[-HELD_OUT:])})  # fmt: skip
    (args.work / "encoders.md").write_text(tuning_table(log).replace("a digit", "a shape"))
    print((args.work / "encoders.md").read_text())


if __name__ == "__main__":
    main()
