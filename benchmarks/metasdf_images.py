"""Unseen images in a space of images: PSNR after each inner step, and the steps that a plain SIREN needs for the same.

    .venv/bin/python benchmarks/metasdf_images.py RUN DATA [--split SPLIT.json] [--images 100] [--plain 20]

RUN is a space of `isofield train metasdf-image`, DATA a folder of `isofield prepare --samples image`; the images are
the part "test" of SPLIT. PSNR is that of colours from -1 to 1 at all pixels. The plain SIREN is the same network from
SIREN's own start (Sitzmann et al. 2020), adapted to all pixels by Adam with each of several learning rates; its first
--plain images are fitted at once. For each image it counts the steps until its PSNR is that of the last inner step.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch

import isofield
from isofield.api import ShapeSpace
from isofield.api.pictures import ObservedPicture
from isofield.fields.weight_network import WeightNetwork

RATES = (1e-4, 3e-4, 1e-3, 3e-3)
"""Learning rates of Adam; the first is the published one."""
MOST = 1000
"""Most steps of the plain SIREN."""


def after_steps(space: ShapeSpace, images: list[ObservedPicture], steps: int) -> np.ndarray:
    """(n,) PSNR in dB after this many inner steps."""
    fewer = replace(space, config=replace(space.config, infer_steps=steps))
    return np.array([result.psnr for result in isofield.infer_pictures(fewer, images)])


def plain_steps(network: WeightNetwork, images: list[ObservedPicture], goal: np.ndarray, rate: float) -> np.ndarray:
    """(n,) steps of Adam from SIREN's start to the PSNR `goal` (n,); `MOST` where it takes more."""
    rows = np.stack([image.shape.rows["image"] for image in images])
    points, colors = (torch.from_numpy(part.astype(np.float32)) for part in (rows[..., :2], rows[..., 2:]))
    generator = torch.Generator().manual_seed(0)
    theta = torch.stack([network.first_weights(0.0, generator) for _ in images]).requires_grad_()
    optimizer, needed = torch.optim.Adam([theta], rate), np.full(len(images), MOST)
    for step in range(MOST + 1):
        squared = (network(points, theta) - colors).square().mean(dim=(1, 2))
        reached = 10 * np.log10(4 / squared.detach().numpy()) >= goal
        needed[reached] = np.minimum(needed[reached], step)
        if (needed < MOST).all():
            break
        optimizer.zero_grad()
        squared.sum().backward()
        optimizer.step()
    return needed


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("data")
    parser.add_argument("--split")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--plain", type=int, default=20)
    args = parser.parse_args()
    space = isofield.load(args.run)
    named = isofield.pictures_in([args.data], space, args.split)
    images = [read() for _, read in np.random.default_rng(0).permutation(np.array(named, object))[: args.images]]
    print(f"{len(images)} images of {images[0].pixels} x {images[0].pixels} pixels, {torch.get_num_threads()} threads")
    psnr = np.empty(0)
    for steps in range(space.config.infer_steps + 1):
        began = time.perf_counter()
        psnr = after_steps(space, images, steps)
        seconds = (time.perf_counter() - began) / len(images)
        print(f"{steps} steps: {psnr.mean():.2f} dB (deviation {psnr.std():.2f}), {seconds:.3f} s an image", flush=True)
    few, goal = images[: args.plain], psnr[: args.plain]
    for rate in RATES:
        began = time.perf_counter()
        needed = plain_steps(space.module.network, few, goal, rate)
        seconds = time.perf_counter() - began
        words = f"{np.median(needed):.0f} steps in the median, {(needed >= MOST).sum()} not in {MOST}"
        print(f"plain SIREN, Adam at {rate:g}: {words}; {seconds:.0f} s for {len(few)} images at once", flush=True)


if __name__ == "__main__":
    main()
