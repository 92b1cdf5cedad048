"""The log of a training: log.jsonl, and the same figures for TensorBoard where that is installed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isofield.errors import InputError
from isofield.files import atomic_write
from isofield.folder_format import reason
from isofield.training.trainer import StepStats, Trainer
from isofield.types import LOGGED

LOG, BOARD = "log.jsonl", "tensorboard"
HELD_OUT = "iou_of_held_out"
"""The name of the IoU by validation in the lines of the steps at which it was taken."""


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a training's log. Raises InputError for a missing or damaged log."""
    path = folder / LOG
    if not path.is_file():
        raise InputError(
            f"{folder} has no {LOG}: give the folder of `isofield train`; a space that is solved at once, such as a "
            "linear one, has no curves."
        )
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({reason(error)}): copy the run again.") from None


def total(terms: Mapping[str, float]) -> float:
    """The objective: the sum of its terms, without those that are only logged."""
    return sum(value for name, value in terms.items() if not name.startswith(LOGGED))


class Log:
    """Lines with the means of the losses since the line before, and the state at the line."""

    def __init__(self, folder: Path, trainer: Trainer) -> None:
        self.trainer, self.path, self.lines = trainer, folder / LOG, list[str]()
        self.losses: list[dict[str, float]] = []
        before = [line for line in (read_log(folder) if self.path.is_file() else []) if line["step"] <= trainer.done]
        with atomic_write(self.path) as beside:  # lines after the state that is resumed will come again
            beside.write_text("".join(json.dumps(line) + "\n" for line in before), encoding="utf-8")
        self.board = _board(folder / BOARD, trainer.done)

    def add(self, stats: StepStats, iou: float | None = None) -> None:
        """A step. iou: of the held-out shapes after it, where they were looked at; the step has a line then."""
        self.losses.append(stats.losses)
        trainer = self.trainer
        due = stats.step % trainer.plan.log_every == 0 or stats.step == trainer.steps or iou is not None
        if not due and not stats.stopped:
            return
        terms = {name: sum(one[name] for one in self.losses) / len(self.losses) for name in stats.losses}
        self.losses.clear()
        named = [(name, weight) for name, weight in trainer.space.module.named_parameters() if weight.requires_grad]
        norms = {name: round(float(weight.detach().norm()), 6) for name, weight in named}
        line = {
            "step": stats.step, "epoch": stats.epoch, "seconds": round(trainer.seconds, 3),
            "loss": total(terms), **terms, "network_rate": stats.rates[0], "code_rate": stats.rates[1],
            "code_norm": float(trainer.table.detach().norm(dim=1).mean()), "norms": norms,
            **({} if iou is None else {HELD_OUT: iou}),
        }  # fmt: skip
        self.lines.append(json.dumps(line))
        if self.board is not None:
            flat = {name: value for name, value in line.items() if isinstance(value, float)}
            for name, value in {**flat, **{f"norms/{name}": value for name, value in norms.items()}}.items():
                self.board.add_scalar(name, value, stats.step)

    def flush(self) -> None:
        """Writes the lines that are not written yet."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in self.lines)
        self.lines.clear()
        if self.board is not None:
            self.board.flush()


def _board(folder: Path, done: int) -> Any:
    """A writer for TensorBoard, or None with a warning where that is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        warnings.warn(
            f"TensorBoard is not installed: the curves are in {LOG} alone, and `isofield plot` draws them (pip install "
            "'isofield[tensorboard]').",
            stacklevel=2,
        )
        return None
    return SummaryWriter(str(folder), purge_step=done + 1)
