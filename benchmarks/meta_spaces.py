"""A few gradient steps beside the optimization of codes: MetaSDF, an auto-decoder with the same network, steps from the
answer of a linear space, encoders, and DeepSDF with its fast inference, each trained for the same CPU time on one core.

    .venv/bin/python benchmarks/shared_data.py bodies WORK
    taskset -c 0 .venv/bin/python benchmarks/meta_spaces.py WORK TRUTH --minutes 15 --most 20

WORK has data/ and split.json; TRUTH are the true meshes. Runs are kept in WORK/spaces and not learned again. Prints the
table of `isofield benchmark`, and seconds a shape as ratios; --step prints the time of an outer step of MetaSDF, shapes
together and one after the other, for several sizes; --codes those of a code alone, one shape after the other, beside
the fast inference of DeepSDF (Levenberg-Marquardt) on the network of the auto-decoder.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from space_data import Data, chamfer, drawn, number
from torch import Tensor, nn

import isofield
from isofield.api.benchmark import benchmark
from isofield.api.training import training_shapes
from isofield.configs import FieldNetwork, MetaLinear, MetaSdf, Tasks
from isofield.configs.cnp import LOCAL
from isofield.configs.cnp import SMALL as CNP
from isofield.configs.concat import SMALL as CONCAT
from isofield.configs.deepsdf import SMALL as DEEPSDF
from isofield.configs.hypernet import SMALL as HYPERNET
from isofield.configs.metasdf import CODE_SMALL as CODE
from isofield.configs.metasdf import SINE_SMALL
from isofield.configs.metasdf import SMALL as METASDF
from isofield.configs.methods import SPACES, find_method
from isofield.datasets import Prepared, ids_of
from isofield.fields.decoder import Decoder
from isofield.methods import metasdf
from isofield.methods.deepsdf import DeepSdfSpace
from isofield.threads import deterministic
from isofield.training import Processes, Trainer
from isofield.types import IDENTITY, Batch, SdfSamples, Shape

CANDIDATES: dict[str, tuple[str, Any]] = {
    "metasdf": ("metasdf", METASDF),
    "metasdf-code": ("metasdf", CODE),
    "metasdf-sine": ("metasdf", SINE_SMALL),
    "auto-decoder, 800 steps": (
        "concat", replace(CONCAT, length=64, dims=METASDF.network.dims, frequencies=METASDF.network.frequencies,
                          infer_steps=800, infer_samples=2048, infer_rate=5e-3),
    ),
    "meta-linear": ("meta-linear", MetaLinear()),
    "hypernetwork": ("hypernet", HYPERNET),
    "neural process": ("cnp", CNP),
    "neural process, planes": ("cnp", LOCAL),
    "deepsdf, lm": ("deepsdf", DEEPSDF),
}  # fmt: skip
TRIED = 16
"""Steps whose time decides how many a training gets."""


def for_minutes(method: str, config: Any, shapes: list[Shape], minutes: float) -> Any:
    """The settings with as many steps as the CPU time allows, what solves before the descent included."""
    began = time.process_time()
    space = find_method(method, SPACES).method(config).start(shapes, 0, lambda stage, fraction: None)
    solving, seconds = time.process_time() - began, []
    began = time.process_time()
    for stats in Trainer(space, shapes, 0, Processes()).run():
        seconds.append(time.process_time() - began)
        began = time.process_time()
        if stats.step == TRIED:
            break
    steps = int((60 * minutes - solving) / float(np.median(seconds[TRIED // 4 :])))
    return replace(config, training=replace(config.training, steps=max(steps, 1)))


def step_times() -> None:
    """Prints the seconds of an outer step, together and one after the other."""
    print("| width | samples of a shape | shapes | together, s | one by one, s | ratio | largest difference |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for width, samples in ((64, 128), (64, 1024), (128, 512), (128, 4096), (256, 1024)):
        random, number = np.random.default_rng(0), 8
        x = random.uniform(-1, 1, (number, 2 * samples, 3)).astype(np.float32)
        s = np.linalg.norm(x, axis=2) - random.uniform(0.4, 0.8, (number, 1)).astype(np.float32)
        config = MetaSdf(
            FieldNetwork((width,) * 4, radius=0.5), METASDF.rates, steps=3, objective="l1",
            tasks=Tasks(context=samples, query=samples), training=METASDF.training,
        )  # fmt: skip
        shape = Shape(samples=SdfSamples(x[0], s[0]))
        space = metasdf.MetaSdfSpace(config).start([shape], 0, lambda stage, fraction: None)
        tensors = {"context": x[:, :samples], "context_value": s[:, :samples], "query": x[:, samples:]}
        batch = Batch({name: torch.from_numpy(v) for name, v in {**tensors, "query_value": s[:, samples:]}.items()})
        found, seconds = [], []
        with deterministic():
            for together in (2**40, 1):
                metasdf.TOGETHER, each = together, []
                for _ in range(5):
                    began = time.process_time()
                    loss = space.losses(space.init(batch), batch)["outer"]
                    (gradient,) = torch.autograd.grad(loss, [space.module.start])
                    each.append(time.process_time() - began)
                found.append(gradient)
                seconds.append(min(each))
        apart = float((found[0] - found[1]).abs().max() / found[1].abs().max())
        print(f"| {width} | {samples} | {number} | {seconds[0]:.3f} | {seconds[1]:.3f} | "
              f"{seconds[1] / seconds[0]:.2f} | {apart:.0e} |", flush=True)  # fmt: skip


class OneOutput(nn.Module):
    """The decoder of an auto-decoder with one output (b, n, 1), as DeepSDF takes it."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.condition, self.decode = decoder.condition, lambda x, added, random=None: decoder.decode(x, added)[..., 0]

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Distances (b, n) at x (b, n, 3)."""
        value: Tensor = self.decode(x, self.condition(z))
        return value


def code_times(work: Path, truth: Path, names: list[str], most: int) -> None:
    """Prints CPU seconds of the code of a shape, and the Chamfer distance x 1000 of its surface (`space_data`)."""
    data = Data(str(work / "data"), str(truth), str(work / "split.json"))
    ids = data.test[:most]
    prepared = Prepared(work / "data", "signed", ids=ids)
    shapes = training_shapes({"signed": prepared}, work / "data")
    ways: dict[str, tuple[Any, Any]] = {}
    for name in names:
        if (work / "spaces" / name / "config.json").is_file():
            space = isofield.load(work / "spaces" / name)
            ways[name] = space, space.space
            if name == "metasdf-sine":
                ways[f"{name}, then Adam"] = space, space.inferring("adam")
            if space.method == "concat":
                network = OneOutput(space.module.decoder)
                ways[f"{name.split(',')[0]}, DeepSDF's lm"] = (
                    replace(space, module=network), DeepSdfSpace(DEEPSDF, network, torch.from_numpy(space.codes)),
                )  # fmt: skip
    print("| space | CPU s of a code, median | Chamfer distance, median | mean | worst |\n" + "| --- " * 5 + "|")
    for name, (space, method) in ways.items():
        seconds, chamfers = [], []
        for id_, shape in zip(ids, shapes, strict=True):
            began = time.process_time()
            *_, found = method.infer([shape])
            seconds.append(time.process_time() - began)
            mesh = space.field_of(method.field(found.code[0]), IDENTITY, np.zeros((0, 3)), {}).mesh()
            chamfers.append(chamfer(drawn(mesh, 1), drawn(data.mesh(id_), 1000 + number(id_))))
        print(f"| {name} | {np.median(seconds):.3f} | {np.median(chamfers):.3f} | {np.mean(chamfers):.3f} | "
              f"{max(chamfers):.3f} |", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, nargs="?")
    parser.add_argument("truth", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--most", type=int, default=20, help="test shapes")
    parser.add_argument("--only", nargs="*", default=list(CANDIDATES), help="rows")
    parser.add_argument("--step", action="store_true")
    parser.add_argument("--codes", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.step:
        step_times()
        return
    if args.codes:
        code_times(args.work, args.truth, args.only, args.most)
        return
    data, split = args.work / "data", args.work / "split.json"
    shapes = list(training_shapes({"signed": Prepared(data, "signed", ids=ids_of(data, split, "train"))}, data))
    rows: list[dict[str, Any]] = []
    for name in args.only:
        method, config = CANDIDATES[name]
        run = args.work / "spaces" / name
        known = (run / "config.json").is_file()
        config = isofield.load(run).config if known else for_minutes(method, config, shapes, args.minutes)
        rows += benchmark({name: (method, config)}, data, args.truth, run.parent, split, refine=False, most=args.most)[
            : None if name == args.only[-1] else 1
        ]
    figures = ("training_seconds", "seconds_a_shape", "median", "mean", "worst", "better_than_retrieval")
    print(f"| {args.most} test shapes | " + " | ".join(figures) + " |")
    print("| --- " * (len(figures) + 1) + "|")
    for row in rows:
        print(
            f"| {row['name']} | "
            + " | ".join(f"{row[f]:.4g}" if row.get(f) is not None else "" for f in figures)
            + " |"
        )


if __name__ == "__main__":
    main()
