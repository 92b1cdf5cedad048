"""The folder of a training while it runs: the state to go on from, the log, snapshots.

RUN/state.pt               tensors, numbers and one text: the state, and the settings that it belongs to
RUN/log.jsonl              a line every so many steps
RUN/snapshots/STEP/        the space after so many steps
RUN/tensorboard/           the same figures for TensorBoard, where it is installed
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from isofield.errors import InputError, join_names
from isofield.files import atomic_write
from isofield.folder_format import CONFIG, SPACE, reason, unreadable
from isofield.training.training import StepStats, Training
from isofield.types import ProgressCallback

TOLD = 6
"""So many settings that differ are told."""
STATE, LOG, SNAPSHOTS, BOARD = "state.pt", "log.jsonl", "snapshots", "tensorboard"
Save = Callable[[Path, Tensor], None]
"""Writes the space of all codes (n, l) into a folder."""


def check_new(folder: Path) -> None:
    """Raises InputError where a folder holds a training, or any other space or field."""
    if (folder / STATE).exists():
        raise InputError(f"{folder} holds a training already: go on with --resume, or choose another folder.")
    if any((folder / name).exists() for name in (CONFIG, f"{SPACE}.safetensors", LOG, SNAPSHOTS)):
        raise InputError(f"{folder} holds a space, a field or a part of one already: choose another folder.")


def read_state(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a training of these settings (JSON-plain) in a folder.

    Raises InputError where there is none, a part of the folder is missing, it is damaged, or settings differ.
    """
    path = folder / STATE
    if not path.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder} has no {STATE} to go on from: train into another folder, without --resume.")
        what = "is empty" if folder.is_dir() else "is not there"
        raise InputError(f"{folder} {what}: there is nothing to go on from; leave --resume out, or name the run.")
    if not (folder / LOG).is_file():
        raise InputError(f"{folder} lacks {LOG}, so that it is no whole run: copy it anew, or train into another one.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        before = json.loads(state["settings"])
    except Exception as error:  # torch raises errors of many kinds for what is no file of its own
        raise unreadable(path, error, "copy it again, or train into another folder") from None
    differ = _differing(before, json.loads(json.dumps(settings)), "")
    if differ:
        raise InputError(
            f"{folder} was begun with other settings ({join_names(differ, TOLD)}): give those again to resume, or "
            "train into another folder."
        )
    return state


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


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a training's log. Raises InputError where there is none, or it is no log."""
    path = folder / LOG
    if not path.is_file():
        raise InputError(
            f"{folder} has no {LOG}: give the folder of `isofield train deepsdf`; a linear space, solved for at once, "
            "has no curves."
        )
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({reason(error)}): copy the run anew.") from None


def run(training: Training, folder: Path, settings: Mapping[str, Any], save: Save, tell: ProgressCallback) -> None:
    """Trains to the end of the plan, from where `training` stands, and keeps what is needed to go on.

    Ctrl-C ends it after the step that is under way: the state and the space so far are written, and KeyboardInterrupt
    is raised with a sentence of how to go on; a second Ctrl-C ends it at once.
    """
    plan, first = training.plan, training.processes.rank == 0
    text = json.dumps(dict(settings))
    log = Log(folder, training) if first else None

    def keep() -> None:
        state = training.state()
        if first:
            with atomic_write(folder / STATE) as beside:
                torch.save({**state, "settings": text}, beside)

    def kept(where: Path) -> None:
        codes = training.all_codes()
        if first:
            save(where, codes)

    if training.done == 0:
        keep()
    with stoppable() as asked:
        while training.done < plan.steps:
            figures = training.step(bool(asked))
            if log:
                log.add(figures)
            if training.done % 10 == 0 or training.done == plan.steps:
                loss = sum(figures.losses.values())
                tell(f"learning: loss {loss:.5f}", training.done / plan.steps)
            if training.done in plan.snapshots:
                kept(folder / SNAPSHOTS / str(training.done))
            last = figures.stopped or training.done == plan.steps
            if last or training.done % plan.keep == 0:
                if log:
                    log.flush()
                keep()
            if figures.stopped and training.done < plan.steps:
                kept(folder)
                raise KeyboardInterrupt(
                    f"interrupted: {folder} holds the space after {training.done} of {plan.steps} steps; the same "
                    "command with --resume goes on."
                )
    kept(folder)


@contextmanager
def stoppable() -> Iterator[list[int]]:
    """A list that the first SIGINT puts something into; the second raises KeyboardInterrupt."""
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


class Log:
    """The log of a training: means of the losses between two lines, and what holds at the line."""

    def __init__(self, folder: Path, training: Training) -> None:
        self.training, self.path, self.lines = training, folder / LOG, list[str]()
        self.losses: list[dict[str, float]] = []
        known = [line for line in (read_log(folder) if self.path.is_file() else []) if line["step"] <= training.done]
        with atomic_write(self.path) as beside:  # what came after the state that is gone on from is told again
            beside.write_text("".join(json.dumps(line) + "\n" for line in known), encoding="utf-8")
        self.board = _board(folder / BOARD, training.done)

    def add(self, figures: StepStats) -> None:
        """A step."""
        self.losses.append(figures.losses)
        training = self.training
        if figures.step % training.plan.log_every and figures.step != training.plan.steps and not figures.stopped:
            return
        terms = {name: sum(one[name] for one in self.losses) / len(self.losses) for name in figures.losses}
        self.losses.clear()
        codes = torch.cat([code.detach().norm(dim=1) for code in training.codes.values()])
        named = [(n, w) for n, w in training.learner.module.named_parameters() if w.requires_grad]
        norms = {name: round(float(weight.detach().norm()), 6) for name, weight in named}
        line = {
            "step": figures.step, "epoch": figures.epoch, "seconds": round(training.seconds, 3),
            "loss": sum(terms.values()), **terms, "decoder_rate": figures.rates[0], "code_rate": figures.rates[1],
            "code_norm": float(codes.mean()),
            "norms": norms,
        }  # fmt: skip
        self.lines.append(json.dumps(line))
        if self.board is not None:
            flat = {k: v for k, v in line.items() if isinstance(v, float)}
            for name, value in {**flat, **{f"norms/{k}": v for k, v in norms.items()}}.items():
                self.board.add_scalar(name, value, figures.step)

    def flush(self) -> None:
        """Writes what is not written yet."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in self.lines)
        self.lines.clear()
        if self.board is not None:
            self.board.flush()


def _board(folder: Path, done: int) -> Any:
    """A writer for TensorBoard, or None where that is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=done + 1)
