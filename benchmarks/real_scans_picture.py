"""Draws a case of benchmarks/real_scans.py: the scan and results, from one camera, side by side.

    .venv/bin/python benchmarks/real_scans_picture.py OUT.png mug "before=a.ply" "now=b.ply"

Of a room, what lies between the camera and its inside is left out.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from real_scans import REAL, made

from isofield import io, render
from isofield.types import Cloud

COLORS = 200


def main() -> None:
    """Draw, and compress."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("case")
    parser.add_argument("results", nargs="+", metavar="CAPTION=MESH")
    parser.add_argument("--side", type=int, default=480, help="pixels of each part")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    case = REAL[args.case]() if args.case in REAL else made(args.case, Path(tempfile.mkdtemp()))
    meshes = {caption: io.read(path) for caption, path in (each.split("=", 1) for each in args.results)}
    first: trimesh.Trimesh | Cloud = case.mesh if case.mesh is not None else case.cloud
    sensors = case.cloud.sensors
    if case.up:
        height = 1000 * float(np.ptp(case.cloud.points, axis=0).max())
        sensors = case.cloud.points + [0, 0, height]
    cloud, size = Cloud(case.cloud.points, sensors=sensors), (args.side, args.side)
    found = render.sensor_view(cloud, size) if case.mesh is None else None
    shapes = {caption: (mesh, first) for caption, mesh in meshes.items()}
    if found is None:
        up = render.up_axis(first.vertices if isinstance(first, trimesh.Trimesh) else first.points)
        view = render.camera_for(first, size=size, up=up)
    else:
        view, inside = found
        if inside:
            shapes = {caption: render.cut_away(mesh, cloud, view) for caption, mesh in meshes.items()}
            first = next(reversed(shapes.values()))[1]
    captions = {"mesh" if case.mesh is not None else "scan": first} | {name: pair[0] for name, pair in shapes.items()}
    panels = [render.Panel(shape, caption) for caption, shape in captions.items()]
    render.sheet(panels, args.out, view=view, columns=len(panels))
    picture = Image.open(args.out).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    picture.save(args.out, optimize=True)
    print(f"{args.out}: {args.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
