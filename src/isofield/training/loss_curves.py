"""The curves of a training, out of its log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from isofield.render.charts import Chart
from isofield.training.log import HELD_OUT
from isofield.types import LOGGED

FIXED = {"step", "epoch", "seconds", "loss", "network_rate", "code_rate", "code_norm", "norms", HELD_OUT}
"""The names in a line of the log that are not terms of the loss."""
FEW = 6
"""Curves of single tensors, at most; of more, the largest and their total are shown."""


def curves(lines: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Charts over the steps: loss, its terms, IoU of held-out shapes, learning rates, norms of codes and weights,
    minutes; those that have curves. Norms of codes that are all 0, as without a table of codes, are left out.

    lines: of `read_log`, at least one.
    """
    steps = [line["step"] for line in lines]

    def of(*names: str) -> dict[str, list[float]]:
        return {name.removeprefix(LOGGED).replace("_", " "): [line[name] for line in lines] for name in names}

    judged = [line for line in lines if HELD_OUT in line]
    terms = [name for name in lines[0] if name not in FIXED and not name.startswith(LOGGED)]
    logged = [name for name in lines[0] if name.startswith(LOGGED)]
    weights = {_short(name): [line["norms"][name] for line in lines] for name in lines[0]["norms"] if "weight" in name}
    every = [
        Chart("loss", steps, of("loss"), log=True),
        Chart("loss terms", steps, of(*terms), log=True),
        Chart("also logged", steps, of(*logged)),
        Chart(
            "IoU of held-out shapes",
            [line["step"] for line in judged],
            {"IoU": [line[HELD_OUT] for line in judged]} if judged else {},
        ),
        Chart("learning rates", steps, of("network_rate", "code_rate"), log=True),
        Chart("mean norm of the codes", steps, of("code_norm") if any(line["code_norm"] for line in lines) else {}),
        Chart("norms of the weights", steps, _largest(weights)),
        Chart("minutes", steps, {"minutes": [line["seconds"] / 60 for line in lines]}),
    ]
    return [chart for chart in every if chart.curves]


def _largest(curves: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """All curves of norms, or of more than `FEW` those that end highest, and the norm of all together."""
    if len(curves) <= FEW:
        return dict(curves)
    total = [math.hypot(*values) for values in zip(*curves.values(), strict=True)]
    names = sorted(curves, key=lambda name: curves[name][-1], reverse=True)[:FEW]
    return {f"all {len(curves)} tensors": total, **{name: curves[name] for name in names}}


def _short(name: str) -> str:
    """lin3.weight_v as layer 3, v."""
    short = name.replace(".weight_", ", ").removesuffix(".weight")
    return f"layer {short.removeprefix('lin')}" if short.startswith("lin") else short
