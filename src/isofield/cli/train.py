"""`isofield train METHOD DATA -o RUN`: a space of shapes out of a prepared data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import tyro

from isofield.configs import DEFAULTS, DeepSdfConfig, LinearConfig, SpaceConfig, method_of

Split = Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")]
Out = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="RUN")]
Config = Annotated[str | None, tyro.conf.arg(metavar="FILE.yaml", help_behavior_hint="")]
Named = Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE", help_behavior_hint="")]
Switch = Annotated[bool, tyro.conf.FlagCreatePairsOff]


def linear(
    data: Annotated[Path, tyro.conf.Positional],
    *,
    out: Out,
    split: Split = None,
    config: Config = None,
    settings: Annotated[LinearConfig, tyro.conf.arg(name="")] = DEFAULTS["linear"],  # type: ignore[assignment]
    progress: bool = True,
    json: Switch = False,
) -> int:
    """Learn a linear space of shapes: principal components of their distances, in about a minute.

    Args:
        data: The folder that `isofield prepare` wrote.
        out: The folder to write: config.json and space.safetensors.
        split: The ids to learn from, its part "train" where it has parts (default: all shapes).
        config: A file whose settings are the defaults of the options below.
        settings: Of the method.
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    return _run(data, out, settings, split, progress, json)


def deepsdf(
    data: Annotated[Path, tyro.conf.Positional],
    *,
    out: Out,
    split: Split = None,
    config: Named = None,
    resume: Switch = False,
    seed: int = 0,
    device: str = "cpu",
    settings: Annotated[DeepSdfConfig, tyro.conf.arg(name="")] = DEFAULTS["deepsdf"],  # type: ignore[assignment]
    progress: bool = True,
    json: Switch = False,
) -> int:
    """Learn DeepSDF's space of shapes: one network, and a code for each shape, by descent.

    Ctrl-C ends the training after the step that is under way; the same command with --resume goes on. Under torchrun
    (`torchrun --nproc-per-node 2 -m isofield train ...`) several processes learn the same model.

    Args:
        data: The folder that `isofield prepare` wrote.
        out: The folder to write: config.json, space.safetensors, log.jsonl, state.pt, snapshots.
        split: The ids to learn from, its part "train" where it has parts (default: all shapes).
        config: Settings that are the defaults of the options below: deepsdf-mlp (default), deepsdf-paper, deepsdf-small
            (a linear space with a small network on it: --config deepsdf-small --help has its options), a .yaml file
            of the options' names, or DeepSDF's specs.json.
        resume: Go on with a training that was stopped, with the same settings.
        seed: Of the first weights, codes, batches and samples.
        device: Where to compute: cpu, or cuda.
        settings: Of the method.
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    from isofield.cli.validation import check_seed

    check_seed(seed)
    return _run(data, out, settings, split, progress, json, seed=seed, resume=resume, device=device)


def _run(
    data: Path, out: Path, settings: SpaceConfig, split: Path | None, progress: bool, json: bool, **more: Any,
) -> int:  # fmt: skip
    import os
    import time

    from isofield.cli import output
    from isofield.cli.progress import shown
    from isofield.cli.signals import listen

    listen()
    begun = time.perf_counter()
    from isofield import api

    method = method_of(settings)
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started
    with shown(method, progress and first) as report:
        space = api.train(method, data, out, settings, split=split, progress=report, **more)
    if not first:
        return 0
    tensors = out / "space.safetensors"
    figures = {
        "input": str(data), "method": method, "shapes": len(space.shapes), "code": space.length,
        "megabytes": round(tensors.stat().st_size / 1e6, 2), "seconds": round(time.perf_counter() - begun, 2),
        "files": [str(out / "config.json"), str(tensors)],
    }  # fmt: skip
    output.show(figures, json, f"isofield infer {output.quoted(out)} MESH -o {output.quoted(f'{out}-shapes')}")
    return 0


CHOICES = {"linear": linear, "deepsdf": deepsdf}
"""The methods, by the names they have on the command line."""
