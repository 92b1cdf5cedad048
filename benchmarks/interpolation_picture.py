"""Interpolation between two shapes in several spaces, in one picture.

    .venv/bin/python benchmarks/interpolation_picture.py OUT.png FIRST LAST RUN ... [--steps 7]

One row for each space; FIRST and LAST are training shapes of all of them.
"""

from __future__ import annotations

import argparse

import trimesh

from isofield import api, render


def main() -> None:
    """Interpolate, extract, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("first")
    parser.add_argument("last")
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--steps", type=int, default=7)
    args = parser.parse_args()
    panels = []
    for run in args.runs:
        space = api.load_run(run)
        codes = space.interpolate(space.code(args.first), space.code(args.last), args.steps)
        captions = [args.first, *[""] * (args.steps - 2), args.last]
        panels += [render.Panel(space.sdf(z).mesh(), text, run) for z, text in zip(codes, captions, strict=True)]
    everything = trimesh.util.concatenate([panel.shape for panel in panels])
    view = render.camera_for(everything, size=(260, 200))
    render.sheet(panels, args.out, view=view, columns=args.steps)


if __name__ == "__main__":
    main()
