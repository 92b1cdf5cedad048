"""One training step of DeepSDF's auto-decoder, beside a bare loop of its matrix products.

    python benchmarks/deepsdf_step.py

For a network of the published size (8 layers of 512, code 256, weight norm, dropout) and for `deepsdf-mlp`: steps of
`training.Trainer` on samples in memory, with batches, gradients, gradient sums and Adam, and a loop that does nothing
but the products of the same layers, forward, back to the inputs and to the weights, of the same points, cut and dealt
out to threads alike. Their ratio is the share of the rate of the products that training reaches. Prints a table.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from isofield.configs import DeepSdf
from isofield.configs.deepsdf import PAPER, SMALL
from isofield.methods.deepsdf import DeepSdfSpace
from isofield.threads import SHARDS, deterministic, parallel_map
from isofield.training import Processes, Trainer
from isofield.types import SdfSamples, Shape

SHAPES, ROWS, REPEATS = 64, 20_000, 7


def course(config: DeepSdf) -> Callable[[], object]:
    """A step of a training on balls."""
    random, shapes = np.random.default_rng(0), []
    for radius in random.uniform(0.3, 0.8, SHAPES):
        x = random.uniform(-1, 1, (ROWS, 3)).astype(np.float32)
        distance = (np.linalg.norm(x, axis=1) - radius).astype(np.float32)
        shapes.append(Shape(samples=SdfSamples(x, distance, None, float((distance < 0).mean()))))
    space = DeepSdfSpace(config).start(shapes, 0, lambda stage, fraction: None)
    steps = Trainer(space, shapes, 0, Processes()).run()
    return lambda: next(steps)


def sizes_of(config: DeepSdf) -> list[tuple[int, int]]:
    """Inputs and outputs of the layers, as far as they are computed for every point: without the code's columns."""
    sizes = []
    for layer, (inputs, outputs) in enumerate(zip([3, *config.dims], [*config.dims, 1], strict=True)):
        less = config.length if layer in config.latent_in else 0
        sizes.append((inputs - less, outputs - (config.length + 3 if layer + 1 in config.latent_in else 0)))
    return sizes


def products(config: DeepSdf) -> Callable[[], object]:
    """The bare loop."""
    count, random = config.training.batch * config.samples // SHARDS, torch.Generator().manual_seed(0)
    layers = [
        tuple(torch.randn(shape, generator=random) for shape in ((count, a), (a, b), (count, b)))
        for a, b in sizes_of(config)
    ]

    def shard(_: int) -> list[Tensor]:
        return [part for x, w, y in layers for part in (x @ w, y @ w.T, x.T @ y)]

    def step() -> None:
        with deterministic():
            parallel_map(shard, range(SHARDS))

    return step


def in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of each, run by turns: other work on the machine slows both."""
    took: list[list[float]] = [[], []]
    for _ in range(REPEATS + 1):
        for times, run in zip(took, (first, second), strict=True):
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
    one, two = (float(np.median(times[1:])) for times in took)
    return one, two


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    torch.set_num_threads(parser.parse_args().threads)
    paper = replace(PAPER, training=replace(PAPER.training, batch=8), samples=2048)
    some = {
        "published, 8 x 2 048 points": paper,
        "the same without dropout and weight norm": replace(paper, dropout=(), weight_norm=False, norm_layers=()),
        "deepsdf-mlp, 32 x 320 points": SMALL,
    }
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {datetime.date.today()}\n"
    )
    print("| network | steps/s | GFLOP/s | bare products, GFLOP/s | share |\n| --- | --- | --- | --- | --- |")
    for name, config in some.items():
        took, bare = in_turns(course(config), products(config))
        flop = 6 * sum(a * b for a, b in sizes_of(config)) * config.training.batch * config.samples / 1e9
        print(f"| {name} | {1 / took:.2f} | {flop / took:.0f} | {flop / bare:.0f} | {bare / took:.0%} |")


if __name__ == "__main__":
    main()
