"""Unseen pictures after each inner step, in one picture: the truth above, then 0, 1, 2 ... steps.

    .venv/bin/python benchmarks/metasdf_picture.py OUT.png RUN DATA [--split SPLIT.json] [--count 8] [--pixels 128]

RUN is a space of `isofield train metasdf-2d` or `metasdf-image`, DATA a prepared data set; of the part "test" of SPLIT.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

import isofield
from isofield.api.pictures import drawn
from isofield.render import planes, save


def main() -> None:
    """Infer with each number of steps, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("run")
    parser.add_argument("data")
    parser.add_argument("--split")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--pixels", type=int, default=128)
    args = parser.parse_args()
    space = isofield.load(args.run)
    named = isofield.pictures_in([args.data], space, args.split)
    pictures = [read() for _, read in np.random.default_rng(0).permutation(np.array(named, object))[: args.count]]
    tiles = [drawn(planes.resampled(one.values, args.pixels)) for one in pictures]
    for steps in range(space.config.infer_steps + 1):
        fewer = replace(space, config=replace(space.config, infer_steps=steps))
        tiles += [
            drawn(isofield.picture_of(fewer, result.code, args.pixels))
            for result in isofield.infer_pictures(fewer, pictures)
        ]
    save(planes.mosaic(tiles, len(pictures)), args.out)


if __name__ == "__main__":
    main()
