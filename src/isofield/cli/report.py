"""`isofield report ANYTHING -o PAGE`: a self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isofield.cli.errors import say
from isofield.cli.parsing import Folder, Progress
from isofield.cli.progress import shown
from isofield.errors import InputError
from isofield.files import check_output


def report(
    what: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="WHAT ...", help_behavior_hint="")],
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="PAGE.html")],
    inputs: Folder = None,
    shapes: Annotated[int, tyro.conf.arg(metavar="N")] = 8,
    progress: Progress = True,
) -> int:
    """Write one page for a browser about runs, data, results and scores: settings, curves, tables, shapes in 3D.

    The page is one file and needs no network. The worst shapes come first. Meshes are decimated for display, and the
    page says so. What is given together says more: data show the samples of the shapes of a run, a table of
    `evaluate --novelty` and the run the nearest training shape beside each result.

    Args:
        what: Runs of `isofield train`, folders of `prepare`, `infer`, `sample` and `fit`, tables of `evaluate --csv` or
            --json, `fit --json` and `benchmark`, and files of meshes or points.
        out: The page to write (.html).
        inputs: A folder with what the results were made of, for example scans or photos, matched by name.
        shapes: Shapes in 3D in each section, at most, 1 to 100.
    """
    if not what:
        raise InputError("there is nothing to report; `isofield report --help` lists the options.")
    check_output(out, ("html",))
    from isofield import reports

    with shown(out.name, progress) as watch:
        reports.report(what, out, inputs=inputs, shapes=shapes, progress=watch)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB; open it in a browser")
    return 0
