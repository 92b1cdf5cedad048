"""`isofield plot RUN`: curves of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def plot(
    run: Annotated[Path, tyro.conf.Positional],
    *,
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="PICTURE", help_behavior_hint="")] = None,
) -> int:
    """Draw the curves of a training: losses, learning rates, norms of the codes and weights, time.

    Needs matplotlib: pip install 'isofield[plot]'.

    Args:
        run: The folder that `isofield train` wrote; the training need not have finished.
        out: The picture to write: .png .pdf .svg (default: RUN/curves.png).
    """
    from isofield import io
    from isofield.cli import output
    from isofield.errors import InputError

    path = out or run / "curves.png"
    io.check_output(path, ("png", "pdf", "svg"))
    from isofield import render, training

    lines = training.read_log(run)
    if not lines:
        raise InputError(f"{run} has an empty log: train longer, or give a smaller --log-every.")
    steps = [line["step"] for line in lines]

    def curves(*names: str) -> dict[str, list[float]]:
        return {name.replace("_", " "): [line[name] for line in lines] for name in names}

    fixed = {"step", "epoch", "seconds", "loss", "network_rate", "code_rate", "code_norm", "norms"}
    terms = [name for name in lines[0] if name not in fixed]
    weights = {name: [line["norms"][name] for line in lines] for name in lines[0]["norms"] if "weight" in name}
    panels = [
        render.Chart("loss", steps, curves("loss"), log=True),
        render.Chart("loss terms", steps, curves(*terms), log=True),
        render.Chart("learning rates", steps, curves("network_rate", "code_rate"), log=True),
        render.Chart("mean norm of the codes", steps, curves("code_norm")),
        render.Chart("norms of the weights", steps, {_short(name): values for name, values in weights.items()}),
        render.Chart("minutes", steps, {"minutes": [line["seconds"] / 60 for line in lines]}),
    ]
    render.charts(panels, path)
    last = lines[-1]
    output.note(f"{path}: {last['step']} steps, {last['seconds'] / 60:.1f} min, loss {last['loss']:.5f}")
    return 0


def _short(name: str) -> str:
    """lin3.weight_v as 3 v."""
    return name.removeprefix("lin").replace(".weight", " ").replace("_", "").strip()
