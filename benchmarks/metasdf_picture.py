"""Unseen pictures in spaces of pictures, the truth above: after each inner step of one space, or a row for each space.

    .venv/bin/python benchmarks/metasdf_picture.py OUT.png DATA RUN [RUN ...] [--split SPLIT.json] [--count 8]

One RUN, of `isofield train metasdf-2d` or `metasdf-image`: rows of 0, 1, 2 ... steps. Several, of any spaces of
pictures: a row each. DATA is a prepared data set; its part "test" of SPLIT is taken.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

import isofield
from isofield.api.pictures import drawn
from isofield.render import planes, save


def main() -> None:
    """Infer, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("data")
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--split")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--pixels", type=int, default=128)
    args = parser.parse_args()
    spaces = [isofield.load(run) for run in args.runs]
    named = isofield.pictures_in([args.data], spaces[0], args.split)
    pictures = [read() for _, read in np.random.default_rng(0).permutation(np.array(named, object))[: args.count]]
    tiles = [drawn(planes.resampled(one.values, args.pixels)) for one in pictures]
    if len(spaces) == 1:
        (space,) = spaces
        steps = range(space.config.infer_steps + 1)
        spaces = [replace(space, config=replace(space.config, infer_steps=number)) for number in steps]
    for space in spaces:
        tiles += [
            drawn(isofield.picture_of(space, result.code, args.pixels))
            for result in isofield.infer_pictures(space, pictures)
        ]
    save(planes.mosaic(tiles, len(pictures)), args.out)


if __name__ == "__main__":
    main()
