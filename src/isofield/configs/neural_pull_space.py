"""Settings of Neural-Pull's spaces of shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from isofield.configs.common import MethodSpec, Optim, Schedule, check_fields, check_range
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError


@dataclass(frozen=True)
class NeuralPullSpace:
    """Neural-Pull for many shapes (Ma et al. 2021). Lengths are normalised.

    Args:
        length: Length of a code; of one-hot codes, the number of shapes in place of it.
        one_hot: The code of the i-th shape is the i-th unit vector and stays so, as in the released code, so that the
            weights of the layers that it joins learn a row for each shape.
        dims: Widths of the network's hidden layers.
        skip: Layers that get the point and the code again.
        activation: relu, as published, or softplus with beta = 100.
        radius: Radius of the sphere that the network starts as, for every code.
        squared: Square the distance of the pulled queries, as eq. 2 has it; the released code does not.
        surface: Weight of |f| at the nearest points.
        prior: Weight of the mean squared entry of a code.
        training: Batches and steps.
        samples: Queries of each shape of a batch.
        infer_by: The code of an unseen shape: mean, that of the training codes; code, by Adam from the mean; lm, by
            Levenberg-Marquardt from the best training codes, and a short Adam. With --refine the network is fine-tuned
            from there.
        infer_steps: Adam steps on the code (code).
        infer_samples: Queries of each of those steps.
        infer_rate: Their learning rate; a tenth of it after half of the steps.
        infer_prior: Weight of the code's mean squared entry there.
        infer_relative: Codes count there from the mean of the training codes, in units of their deviation.
        infer_starts: Starts of lm.
        infer_rounds: Rounds of lm.
        infer_polish: Adam steps after lm.
        tuning: Descent of the network that --refine fine-tunes.
    """

    length: int = 64
    one_hot: bool = False
    dims: tuple[int, ...] = (128,) * 8
    skip: tuple[int, ...] = (4,)
    activation: Literal["relu", "softplus"] = "softplus"
    radius: float = 0.5
    squared: bool = False
    surface: float = 0.0
    prior: float = 1e-4
    training: Training = Training(
        steps=12_000, batch=8, keep=500, clip=5.0, beta2=0.99,
        network_rate=Schedule(2e-3, "cosine", final=4e-5, warm_up=0.02),
        code_rate=Schedule(5e-3, "cosine", final=1e-4, warm_up=0.02),
    )  # fmt: skip
    samples: int = 256
    infer_by: Literal["mean", "code", "lm"] = "lm"
    infer_steps: int = 200
    infer_samples: int = 2048
    infer_rate: float = 0.1
    infer_prior: float = 1e-5
    infer_relative: bool = True
    infer_starts: int = 4
    infer_rounds: int = 8
    infer_polish: int = 60
    tuning: Optim = Optim(300, 2048, Schedule(5e-4, "cosine", final=1e-5, warm_up=0.05))

    def __post_init__(self) -> None:
        check_range(self, "length", "radius", "infer_rate", above=0)
        check_range(self, "samples", "infer_samples", "infer_starts", least=1)
        check_dims(self.dims)
        check_fields(self)
        if self.one_hot and self.training.code_rate.initial:
            raise InputError("one-hot codes do not change: give training.code-rate.initial 0, or leave one-hot out.")


SMALL = NeuralPullSpace()
"""A network of 0.5 MB, for two CPU cores."""
PAPER = replace(
    SMALL, length=128, dims=(512,) * 9, skip=(1,), activation="relu", prior=0.0, samples=5000,
    training=Training(
        epochs=40_000, batch=1, keep=500, network_rate=Schedule(1e-4), code_rate=Schedule(1e-4),
    ),
    infer_by="code", infer_steps=800, infer_samples=5000, infer_relative=False, infer_rate=5e-3,
    tuning=Optim(40_000, 5000, Schedule(1e-4)),
)  # fmt: skip
"""The released code; the layer that its one-hot condition goes through is a table of codes."""
ONE_HOT = replace(SMALL, one_hot=True, skip=(), prior=0.0, training=replace(SMALL.training, code_rate=Schedule(0.0)))
"""Codes join the first layer alone: a layer before another one that they join would need more units than shapes."""
NEURAL_PULL = MethodSpec(
    "clouds: one network for all, learned by pulling queries onto them, with a table of codes",
    "isofield.methods.neural_pull_space:NeuralPullShapeSpace", lambda: SMALL,
    {"neural-pull-small": SMALL, "neural-pull-one-hot": ONE_HOT, "neural-pull-paper": PAPER}, reads="cloud",
)  # fmt: skip
