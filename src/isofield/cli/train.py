"""`isofield train METHOD DATA -o RUN`: a space of shapes from a prepared data set."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import tyro

from isofield.cli import output
from isofield.cli.forming import forming
from isofield.cli.parsing import Argument, Flag, Folder, Json, JsonFile, Progress, parse, parse_part, wants_help
from isofield.cli.progress import shown
from isofield.configs.common import MethodSpec, check_seed
from isofield.configs.methods import SPACES, find_method, method_names, read_config
from isofield.configs.preparing import OF_PICTURES, PrepareConfig
from isofield.configs.training import training_of
from isofield.errors import InputError, with_article

if TYPE_CHECKING:
    from isofield.api import ShapeSpace

S = TypeVar("S")
PROGRAM = "isofield train"
OF_PREPARE = {
    f"--{one.name.replace('_', '-')}": "give it to `isofield prepare`, which draws the samples"
    for one in fields(PrepareConfig)
} | {"--queries": "queries are drawn by `isofield prepare --samples cloud --queries paper|released`"}
"""What to say of options of `isofield prepare`."""


@dataclass(frozen=True)
class Choice:
    """What decides on the settings of a method."""

    config: str | None = None


@dataclass(frozen=True, kw_only=True)
class Train(Generic[S]):
    """Learn a space of shapes: a field that they share, and a code for each of them.

    Ctrl-C ends a training after the current step; the same command with --resume resumes it. Under torchrun (`torchrun
    --nproc-per-node 2 -m isofield train ...`) several processes train the same model.

    Args:
        data: The folder that `isofield prepare` wrote.
        out: The folder to write: config.json, space.safetensors, and of a training log.jsonl, state.pt and snapshots.
        split: The ids to learn from, its part "train" where it has parts (default: all shapes).
        config: A preset of the method (NAME-paper: the paper's network and number of steps, which takes hours to days
            on a GPU), or a .yaml or .json file of settings (of deepsdf also the specs.json of its released code); the
            options below change them.
        resume: Continue a training that was stopped, with the same settings.
        seed: The same seed gives the same space.
        device: Where to compute: cpu or cuda.
        frames: A folder for pictures of the first training shapes while they form, at steps spaced by their logarithm,
            with a strip and an animation.
        view: Show them in a browser while they form, and after it until Ctrl-C.
        settings: Settings of the method.
    """

    data: Argument
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="RUN")]
    split: JsonFile = None
    config: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE", help_behavior_hint="")] = None
    resume: Flag = False
    seed: int = 0
    device: str = "cpu"
    frames: Folder = None
    view: Flag = False
    progress: Progress = True
    json: Json = False
    settings: Annotated[S, tyro.conf.arg(name="")]


def train(arguments: Sequence[str]) -> int:
    """Runs `isofield train` with these arguments: the exit status."""
    method, *rest = arguments or [""]
    if not method or method.startswith("-"):
        if not wants_help(arguments):
            names = ", ".join(method_names(SPACES))
            raise InputError(f"METHOD is missing: {PROGRAM} METHOD DATA -o RUN, where METHOD is one of {names}.")
        print(overview())
        return 0
    return run(method, options_of(method, rest))


def options_of(method: str, rest: Sequence[str]) -> Train[Any]:
    """The options after METHOD. Raises InputError for what is unknown or invalid, SystemExit after `--help`."""
    spec, program = find_method(method, SPACES), f"{PROGRAM} {method}"
    choice = parse_part(Choice, program, rest)
    settings: Any = spec.settings() if choice.config is None else read_config(method, choice.config, SPACES)
    default = Train(data=tyro.MISSING, out=tyro.MISSING, config=choice.config, settings=settings)
    try:
        return parse(Train[type(settings)], program, rest, default, OF_PREPARE)  # type: ignore[misc, arg-type]
    except SystemExit:
        print(presets_of(spec))
        raise


def presets_of(spec: MethodSpec) -> str:
    """What `isofield train METHOD --help` says of presets, below the options."""
    default = spec.settings()
    names = [f"{name} (the default)" if one == default else name for name, one in spec.presets.items()]
    if not names:
        return "It has no presets."
    return f"Presets for --config: {', '.join(names)}. With --config NAME, --help has the settings of one."


def overview() -> str:
    """What `isofield train --help` prints."""
    specs = {name: find_method(name, SPACES) for name in method_names(SPACES)}
    width = max(map(len, specs))
    lines = [
        f"  {name:<{width}}  {spec.summary}" + (f" (--config {', '.join(spec.presets)})" if spec.presets else "")
        for name, spec in specs.items()
    ]
    notes = [
        "A preset NAME-paper has the paper's network and number of steps, which takes hours to days on a GPU.",
        f"`{PROGRAM} METHOD --help` lists the options of a method.",
    ]
    return "\n".join([f"usage: {PROGRAM} METHOD DATA -o RUN ...", "", *lines, "", *notes])


def run(method: str, options: Train[Any]) -> int:
    """Trains: the exit status."""
    check_seed(options.seed)
    begun = time.perf_counter()
    from isofield import api

    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started
    if options.frames is not None or options.view:
        _check_forms(method, options.settings)
    with forming(options.out.name, options.frames, options.view and first) as watch:
        with shown(method, options.progress and first) as report:
            space = api.train(
                method, options.data, options.out, options.settings, split=options.split, seed=options.seed,
                resume=options.resume, device=options.device, progress=report, watch=watch,
            )  # fmt: skip
        if first:
            _tell(method, options, space, round(time.perf_counter() - begun, 2))
    return 0


def _check_forms(method: str, settings: Any) -> None:
    """Raises InputError for a space whose surfaces do not form step by step."""
    spec = find_method(method, SPACES)
    if {*spec.kinds(settings)} & {*OF_PICTURES}:
        raise InputError(
            f"{with_article(method)} space is of pictures, which have no surfaces: leave --frames and --view out."
        )
    if training_of(settings) is None:
        raise InputError(
            f"{with_article(method)} space is solved at once, and nothing forms: leave --frames and --view out."
        )


def observed(kinds: Sequence[str]) -> str:
    """The placeholder of an unseen shape in the next command, for a space that reads these kinds of samples."""
    if {*kinds} & {*OF_PICTURES, "views"}:
        return "PICTURE"
    if "unsigned" in kinds:
        return "SCAN"
    return "CLOUD" if {*kinds} <= {"cloud", "surface"} else "MESH"


def _tell(method: str, options: Train[Any], space: ShapeSpace, seconds: float) -> None:
    """Prints the results of a training, and the command that follows."""
    from isofield.datasets.splits import has_part

    out = options.out
    tensors = out / "space.safetensors"
    held_out: dict[str, Any] = {}
    if space.of_pictures and options.split is not None:
        from isofield.cli import picture_output

        held_out = picture_output.held_out(space, options.data, options.split)
    judged = {"best_iou": space.provenance["best_iou"]} if "best_iou" in space.provenance else {}
    figures = {
        "input": str(options.data), "method": method, "shapes": len(space.shapes), "code": space.length,
        "loss": space.provenance.get("loss"), **judged, **held_out, "megabytes": round(tensors.stat().st_size / 1e6, 2),
        "seconds": seconds, "files": [str(out / "config.json"), str(tensors)],
    }  # fmt: skip
    shapes = "pictures" if space.of_pictures else "shapes"
    unseen = observed(space.kinds)
    if options.split is not None and has_part(options.split, "test"):
        unseen = f"{output.quoted(options.data)} --split {output.quoted(options.split)}"
    unseen += " --checkpoint best" if judged else ""
    output.show(
        figures,
        options.json,
        f"isofield infer {output.quoted(out)} {unseen} -o {output.quoted(f'{out}-{shapes}')}",
    )
