"""`isofield plot RUN`: curves of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isofield.cli.errors import say
from isofield.cli.parsing import Argument
from isofield.errors import InputError
from isofield.files import check_output


def plot(
    run: Argument,
    *,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="PICTURE", help_behavior_hint="")] = None,
) -> int:
    """Draw the curves of a training: losses, learning rates, norms of the codes and weights, time.

    Needs matplotlib: pip install 'isofield[plot]'.

    Args:
        run: The folder that `isofield train` wrote; the training need not have finished.
        out: The picture to write: .png .pdf .svg (default: RUN/curves.png).
    """
    path = out or run / "curves.png"
    check_output(path, ("png", "pdf", "svg"))
    from isofield import render, training

    lines = training.read_log(run)
    if not lines:
        raise InputError(f"{run} has an empty log: train longer, or give a smaller --training.log-every.")
    render.charts(training.curves(lines), path)
    last = lines[-1]
    say(f"{path}: {last['step']} steps, {last['seconds'] / 60:.1f} min, loss {last['loss']:.5f}")
    return 0
