"""Settings of a training over many shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isofield.configs.common import Schedule, check_fields, check_fraction, check_range
from isofield.errors import InputError

Frame = Literal["dataset", "camera"]
"""The axes of shapes in pictures: those of the data set, or those of the camera (right, up, toward the viewer)."""


@dataclass(frozen=True)
class Training:
    """A descent over many shapes, by Adam (`training.trainer`).

    Args:
        steps: Number of steps; 0: as many as `epochs` needs.
        epochs: Passes through all shapes, where steps is 0.
        batch: Shapes of a step.
        stages: A curriculum for the first steps: steps, shapes of a step, and n to take every n-th sample of each shape
            (500 16 4 1000 8 2: 500 steps of 16 shapes and a quarter of the samples, then 1000 of 8 and half of them).
        parts: Pieces of a batch that are computed one after the other, to save memory.
        network_rate: Learning rate of the network.
        code_rate: Learning rate of the codes; initial 0 leaves them as they are.
        code_bound: Longest code; 0 for no bound.
        clip: Largest norm of the network's gradient; 0 for no bound.
        beta2: Adam's decay rate of the squared gradients; 0.99 forgets the first steps sooner.
        snapshots: Epochs (steps, where those are given) after which a copy of the space is written.
        validate: Epochs (steps) between two comparisons with the occupancy (or else signed) samples of the shapes in
            the split's part "valid"; the IoU is logged, and the space with the highest one is kept as the snapshot
            "best". 0: none.
        keep: Epochs (steps) between two saved states to resume from.
        log_every: Steps between two lines of the log.
        precision: Precision of matrix products: fp32 or bf16.
        compile: Compile the decoder of `deepsdf` with torch.compile.
    """

    steps: int = 0
    epochs: int = 0
    batch: int = 64
    stages: tuple[tuple[int, int, int], ...] = ()
    parts: int = 1
    network_rate: Schedule = Schedule(5e-4, "step")
    code_rate: Schedule = Schedule(0.0)
    code_bound: float = 0.0
    clip: float = 0.0
    beta2: float = 0.999
    snapshots: tuple[int, ...] = ()
    validate: int = 0
    keep: int = 10
    log_every: int = 10
    precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False

    def __post_init__(self) -> None:
        check_range(self, "batch", "parts", "keep", "log_every", least=1)
        check_fraction(self, "beta2")
        check_fields(self)
        if not self.steps and not self.epochs:
            raise InputError("a training needs steps or epochs: give one of them.")
        if any(number < 1 for stage in self.stages for number in stage):
            raise InputError("a stage is three numbers above 0: steps, shapes of a step, and n for every n-th sample.")


def check_dims(dims: tuple[int, ...]) -> None:
    """Raises InputError where the widths name no hidden layers."""
    if not dims or min(dims) < 1:
        raise InputError("dims names no layers: give the width of each, such as --dims 96 96 96.")


def check_axes(frame: Frame, training: Training) -> None:
    """Raises InputError where shapes in the frames of their cameras would be validated by samples in another."""
    if frame == "camera" and training.validate:
        raise InputError(
            "training.validate compares shapes with samples in the axes of the data set: leave it at 0 in the camera's "
            "frame."
        )


def training_of(config: object) -> Training | None:
    """How a space with these settings is trained after `start`; None where `start` solves for everything."""
    return getattr(config, "training", None)
