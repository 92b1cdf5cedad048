"""The folder of a training while it runs: the state to resume from, the log, snapshots.

RUN/state.pt               tensors, numbers and one text: the state, and the settings that it belongs to
RUN/log.jsonl              a line every `log_every` steps
RUN/snapshots/STEP/        the space after this many steps; RUN/snapshots/best/: the best by validation
RUN/tensorboard/           the same figures for TensorBoard, where it is installed
"""

from __future__ import annotations

import json
import math
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from isofield.errors import InputError, join_names
from isofield.files import atomic_write
from isofield.folder_format import CONFIG, SPACE, STATE, reason, unreadable
from isofield.training.log import LOG, Log, total
from isofield.training.trainer import Trainer
from isofield.types import DIVERGED, ProgressCallback

MOST_NAMES = 6
"""Settings that differ which a message names."""
STEADY, RISEN = 10, 3.0
"""A training has diverged where the mean loss of its last steps is this many times that of the first one."""
MUCH = 0.5
"""Beyond this fraction of shapes whose inner steps diverged, over as many last steps, a warning is given."""
SNAPSHOTS, BEST = "snapshots", "best"


def check_new(folder: Path) -> None:
    """Raises InputError where a folder holds a training, or any other space or field."""
    if (folder / STATE).exists():
        raise InputError(f"{folder} holds a training already: resume it with --resume, or choose another folder.")
    if any((folder / name).exists() for name in (CONFIG, f"{SPACE}.safetensors", LOG, SNAPSHOTS)):
        raise InputError(f"{folder} holds a space, a field or a part of one already: choose another folder.")


def resume(trainer: Trainer, folder: Path, settings: Mapping[str, Any]) -> None:
    """Restores the state of a training of these settings (JSON-plain) from its folder.

    Raises InputError where there is none, a part of the folder is missing, it is damaged, or settings differ.
    """
    path = folder / STATE
    if not path.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder} has no {STATE} to resume from: train into another folder, without --resume.")
        what = "is empty" if folder.is_dir() else "does not exist"
        raise InputError(f"{folder} {what}: there is nothing to resume; leave --resume out, or give the run's folder.")
    if not (folder / LOG).is_file():
        raise InputError(f"{folder} lacks {LOG}: copy the run again, or train into another folder.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        before = json.loads(state["settings"])
    except Exception as error:  # torch raises errors of many kinds for a file that is not its own
        raise unreadable(path, error, "copy it again, or train into another folder") from None
    differ = _differing(before, json.loads(json.dumps(settings)), "")
    if differ:
        raise InputError(
            f"{folder} was begun with other settings ({join_names(differ, MOST_NAMES)}): give those again to resume, "
            "or train into another folder."
        )
    try:
        trainer.restore(state)
    except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{folder} cannot be resumed ({reason(error)}): train into another folder.") from None


def _differing(before: Any, now: Any, name: str) -> list[str]:
    """What two plain data differ in: 'name: before, not now'."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            one
            for key in sorted({*before, *now})
            for one in _differing(before.get(key), now.get(key), f"{name}.{key}" if name else key)
        ]
    if before == now:
        return []
    short = all(not isinstance(value, (list, dict)) or len(value) < 12 for value in (before, now))
    return [f"{name} {_plain(before)}, not {_plain(now)}" if short else name]


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def run(
    trainer: Trainer,
    folder: Path,
    settings: Mapping[str, Any],
    save: Callable[[Path], object],
    report: ProgressCallback,
    score: Callable[[], float] = lambda: 0.0,
) -> None:
    """Trains from where the trainer stands to the end, and keeps what is needed to resume. save: writes the space as it
    is into a folder. score: how good it is by validation; larger is better.

    Ctrl-C ends it after the current step: the state and the space so far are written, and KeyboardInterrupt is raised
    with a sentence on how to resume. A second Ctrl-C ends it at once.
    """
    first, text = trainer.processes.rank == 0, json.dumps(dict(settings))
    log = Log(folder, trainer) if first else None

    def keep() -> None:
        if first:
            with atomic_write(folder / STATE) as beside:
                torch.save({**trainer.state(), "settings": text}, beside)

    def write(into: Path) -> None:
        if first:
            report("finding the codes of the training shapes", 0.0)  # by inner steps this takes minutes
            save(into)

    if trainer.done == 0:
        keep()
    elif first and trainer.done == trainer.steps:
        warnings.warn(f"{folder} has all of its {trainer.steps} steps already: nothing more is learned", stacklevel=2)
    losses: list[float] = []
    failed: list[float] = []  # fractions of the shapes whose inner steps diverged
    held = ""
    with stoppable() as asked:
        for stats in trainer.run(lambda: bool(asked)):
            due = trainer.validate and (stats.step % trainer.validate == 0 or stats.step == trainer.steps)
            reached = score() if first and due else None
            if log:
                log.add(stats, reached)
            losses.append(total(stats.losses))
            failed.append(stats.losses.get(DIVERGED, 0.0))
            if reached is not None:
                held = f", IoU {reached:.3f}"
                report(f"after {stats.step} steps the held-out shapes have{held[1:]}", stats.step / trainer.steps)
            if stats.step % 10 == 0 or stats.step == trainer.steps:
                report(f"learning: loss {total(stats.losses):.5f}{held}", stats.step / trainer.steps)
            if stats.step in trainer.snapshots:
                write(folder / SNAPSHOTS / str(stats.step))
            if reached is not None and reached > trainer.best:
                trainer.best = reached
                write(folder / SNAPSHOTS / BEST)
            if stats.stopped or stats.step == trainer.steps or stats.step % trainer.keep == 0:
                if log:
                    log.flush()
                keep()
            if stats.stopped and stats.step < trainer.steps:
                write(folder)
                raise KeyboardInterrupt(
                    f"interrupted: {folder} holds the space after {stats.step} of {trainer.steps} steps; the same "
                    "command with --resume resumes it."
                )
    try:
        write(folder)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted: {folder} has all steps, but no space yet; the same command with --resume writes it."
        ) from None
    ended = sum(losses[-STEADY:]) / max(len(losses[-STEADY:]), 1)
    risen = len(losses) > STEADY and ended > RISEN * losses[0]  # fewer losses are noise
    if first and (risen or not math.isfinite(ended)):
        warnings.warn(
            f"the loss rose from {losses[0]:.3g} to {ended:.3g}: the training has diverged; take smaller "
            "learning rates, and smaller step sizes where the method takes inner steps.",
            stacklevel=2,
        )
    elif first and failed and (share := sum(failed[-STEADY:]) / len(failed[-STEADY:])) > MUCH:
        warnings.warn(
            f"the inner steps diverged for {100 * share:.0f} % of the shapes of the last batches: take "
            "smaller first step sizes (--rates.initial).",
            stacklevel=2,
        )


@contextmanager
def stoppable() -> Iterator[list[int]]:
    """A list that the first SIGINT adds to; the second raises KeyboardInterrupt."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def first(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
