"""`isofield train METHOD DATA -o RUN`: a space of shapes out of a prepared data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isofield.configs import LinearConfig, SpaceConfig

Split = Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")]
Out = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="RUN")]


def linear(
    data: Annotated[Path, tyro.conf.Positional],
    *,
    out: Out,
    split: Split = None,
    settings: Annotated[LinearConfig, tyro.conf.arg(name="")] = LinearConfig(),  # noqa: B008
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Learn a linear space of shapes: principal components of their distances, in about a minute.

    Args:
        data: The folder that `isofield prepare` wrote.
        out: The folder to write: config.json and space.safetensors.
        split: The ids to learn from, its part "train" where it has parts (default: all shapes).
        settings: Of the method.
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    return _run("linear", data, out, settings, split, progress, json)


def _run(
    method: str, data: Path, out: Path, settings: SpaceConfig, split: Path | None, progress: bool, json: bool
) -> int:
    import time

    from isofield.cli import reporting
    from isofield.cli.interrupts import listen
    from isofield.cli.progress import shown

    listen()
    begun = time.perf_counter()
    from isofield import api

    with shown(method, progress) as report:
        space = api.train(method, data, out, settings, split=split, progress=report)
    tensors = out / "space.safetensors"
    figures = {
        "input": str(data), "method": method, "shapes": len(space.shapes), "code": space.length,
        "megabytes": round(tensors.stat().st_size / 1e6, 2), "seconds": round(time.perf_counter() - begun, 2),
        "files": [str(out / "config.json"), str(tensors)],
    }  # fmt: skip
    reporting.show(figures, json, f"isofield infer {reporting.quoted(out)} MESH -o {reporting.quoted(f'{out}-shapes')}")
    return 0


CHOICES = {"linear": linear}
"""The methods, by the names they have on the command line."""
