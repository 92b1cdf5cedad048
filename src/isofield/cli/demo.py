"""`isofield demo`: a simulated scan, its fit, a picture and metrics."""

from __future__ import annotations

import sys
from pathlib import Path

from isofield.cli import output
from isofield.cli.fit import Fit, Job, check_job
from isofield.cli.fit_job import run
from isofield.cli.parsing import OutFolder, Progress
from isofield.configs.common import Quality
from isofield.configs.methods import choose

POINTS, NOISE, SEED = 30_000, 0.002, 0
"""The scan: points without normals from 16 cameras, with noise of 0.2 % of the diagonal."""
SCORES = {
    "f_score_0.5": "F-score at 0.5 %",
    "f_score_1": "F-score at 1 %",
    "chamfer_l1": "Chamfer-L1",
    "normal_consistency": "normal consistency",
    "iou": "IoU",
}
"""The metrics of `evaluate.compare` that are printed."""


def demo(
    *,
    out: OutFolder = Path("isofield-demo"),
    quality: Quality = "balanced",
    progress: Progress = True,
) -> int:
    """Make a sculpture and a noisy scan of it, fit the scan, and compare the mesh with the truth.

    Args:
        out: The folder for scan, truth, mesh, field and picture.
        quality: As in `isofield fit`.
    """
    from isofield import evaluate, families, io, render

    scan, truth = out / "scan.ply", out / "truth.ply"
    job = Job(scan, "scan", out / "mesh.ply", out / "field", out / "demo.png")
    check_job(job)
    print(f"Making a sculpture and scanning it: {POINTS} points, noise of {NOISE:.1%}.", file=sys.stderr, flush=True)
    sculpture = families.sculpture(SEED)
    io.write_mesh(sculpture, truth)
    io.write_cloud(render.scan(sculpture, POINTS, NOISE, seed=SEED), scan)

    options = Fit(inputs=(scan,), out=str(out), quality=quality, progress=progress, settings=choose("auto", quality))
    figures, _ = run(job, options)
    scores = evaluate.compare(io.read(job.mesh), sculpture, floor=False)
    for line in output.lines({name: value for name, value in figures.items() if name != "files"}):
        print(line)
    print("\nCompared with the truth (lengths relative to its diagonal):")
    for key, label in SCORES.items():
        print(f"  {label:<18}  {scores[key]:.5f}")
    print(f"\nThe scan:    {scan}\nThe truth:   {truth}\nThe mesh:    {job.mesh}\nThe field:   {job.field}/")
    print(f"The picture: {job.preview} (scan and mesh, side by side)")
    print(f"next: isofield evaluate {output.quoted(job.mesh)} {output.quoted(truth)}")
    return 0
