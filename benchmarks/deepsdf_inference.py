"""Inference of codes of unseen shapes: held-out loss against time, for several algorithms.

    .venv/bin/python benchmarks/deepsdf_inference.py RUN DATA --split SPLIT.json [--shapes 20] [--seed 0]

RUN is a space of `isofield train deepsdf` or `pca-mlp`, DATA the folder of `isofield prepare`; the shapes are the part
"test" of SPLIT. Every algorithm gets the same samples of a shape. The held-out loss is the mean over the shapes of mean
|clamp(f) - clamp(s)| at 16 384 other samples, clamped at 0.1, half of them inside. One shape at a time, on one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from isofield import api
from isofield.configs import DeepSdf
from isofield.methods.deepsdf import DeepSdfSpace
from isofield.methods.pca_mlp import PcaMlpSpace
from isofield.types import SdfSamples, Shape, Space

HELD_OUT = 16_384

Inference = Callable[[SdfSamples], Tensor]


def inferences(space: api.ShapeSpace) -> dict[str, Inference]:
    """Every algorithm by its name: from the samples of a shape to its code (l,)."""
    method, codes = space.space, torch.from_numpy(space.codes)
    config = space.config if isinstance(space.config, DeepSdf) else DeepSdf(length=space.length)

    def by(**changes: object) -> Inference:
        return code_by(DeepSdfSpace(replace(config, **({"infer_polish": 0} | changes)), space.module, codes))

    def nearest(observed: SdfSamples) -> Tensor:
        x = torch.tensor(observed.points[:512], dtype=torch.float32)
        s = torch.tensor(observed.distance[:512], dtype=torch.float32).clamp(-0.1, 0.1)
        with torch.no_grad():
            losses = [(space.module(x[None], z[None])[0].clamp(-0.1, 0.1) - s).abs().mean() for z in codes]
        return codes[int(torch.stack(losses).argmin())]

    adam = partial(by, infer_by="adam")
    first = {
        "Adam, 800 steps of 8 192 (published)": adam(infer_steps=800, infer_samples=8192),
        "the same at four times the rate": adam(infer_steps=800, infer_samples=8192, infer_rate=0.02),
        "Adam, 800 steps of 2 048": adam(infer_steps=800, infer_samples=2048),
        "Adam, 200 steps of 2 048": adam(infer_steps=200, infer_samples=2048),
        "best training code": nearest,
    }
    if isinstance(method, PcaMlpSpace):
        return first | {
            "code of the linear space": code_by(method.linear),
            "that, then Adam, 30 steps of 2 048": after_linear(method, 30, 2048),
            "that, then Adam, 100 steps of 2 048": after_linear(method, 100, 2048),
            "that, then Adam, 200 steps of 8 192": after_linear(method, 200, 8192),
        }
    squares = partial(by, infer_by="lm", infer_samples=2048)
    return first | {
        "Levenberg-Marquardt, 1 start, 6 rounds": squares(infer_starts=1),
        "Levenberg-Marquardt, 4 starts, 6 rounds": squares(),
        "Levenberg-Marquardt, 4 starts, 20 rounds": squares(infer_rounds=20),
        "4 starts, 6 rounds, then Adam, 100 steps of 2 048": squares(infer_polish=100),
        "4 starts, 6 rounds, then Adam, 300 steps of 2 048": squares(infer_polish=300),
    }


def code_by(method: Space) -> Inference:
    """Inference of one shape by a method."""

    def code(observed: SdfSamples) -> Tensor:
        *_, last = method.infer([Shape(samples=observed)], 0, "cpu")
        return last.code[0]

    return code


def after_linear(method: PcaMlpSpace, steps: int, samples: int) -> Inference:
    """The linear space's code, and a descent of this many steps."""
    return code_by(replace(method, config=replace(method.config, infer_steps=steps, infer_samples=samples)))


def held_out(module: torch.nn.Module, observed: SdfSamples, z: Tensor) -> float:
    """The loss of a code at samples, half of them inside."""
    x, s = torch.tensor(observed.points, dtype=torch.float32), torch.tensor(observed.distance, dtype=torch.float32)
    with torch.no_grad():
        error = (module(x[None], z[None])[0].clamp(-0.1, 0.1) - s.clamp(-0.1, 0.1)).abs()
    return float((error[s < 0].mean() + error[s >= 0].mean()) / 2)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("data")
    parser.add_argument("--split", required=True)
    parser.add_argument("--shapes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    space = api.load_run(args.run)
    inputs = api.observed_in([args.data], space.prepare, args.split)
    chosen = sorted(np.random.default_rng(args.seed).permutation(len(inputs))[: args.shapes].tolist())
    losses: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for row in chosen:
        shape = inputs[row][1]()
        count = len(shape.samples.points)
        observed, rest = shape.samples.part(0, count - HELD_OUT), shape.samples.part(count - HELD_OUT, count)
        for name, infer in inferences(space).items():
            began = time.perf_counter()
            z = infer(observed)
            seconds.setdefault(name, []).append(time.perf_counter() - began)
            losses.setdefault(name, []).append(held_out(space.module, rest, z))
    first = next(iter(losses))
    print(f"{len(chosen)} shapes of {args.data}, codes of {space.length}; torch {torch.__version__}, one thread\n")
    print("| inference | held-out loss | ratio to the first | seconds a shape | speed-up |")
    print("| --- | --- | --- | --- | --- |")
    for name, values in losses.items():
        loss, spent = np.mean(values), np.mean(seconds[name])
        print(
            f"| {name} | {loss:.5f} | {loss / np.mean(losses[first]):.3f} | {spent:.2f} | "
            f"{np.mean(seconds[first]) / spent:.1f} |"
        )


if __name__ == "__main__":
    main()
