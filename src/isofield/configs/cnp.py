"""Settings of a conditional neural process."""

from __future__ import annotations

from dataclasses import dataclass, replace

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.conditioned import PLANE, SMALL_TRAINING, Objective, SetEncoder, Tasks, in_plane
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError


@dataclass(frozen=True)
class Cnp:
    """A conditional neural process (Garnelo et al. 2018): a set encoder, and a decoder of its code. Lengths are
    normalised.

    Args:
        encoder: What gives the latent of a set of samples.
        length: Length of that latent.
        local: Beside the latent a grid of features, which the decoder gets interpolated at its point; in space three
            planes of them.
        cells: Cells of that grid along each side.
        channels: Features of a cell.
        dims: Widths of the decoder's hidden layers.
        rejoin: Layers that get the latent and the point again.
        frequencies: The decoder gets sin(2^k x) and cos(2^k x) for k below this beside x.
        objective: l1 or mse of values, or composite: sign and distance as two outputs.
        prior: Weight of a code's mean square.
        tasks: Context and query.
        training: Batches and steps.
        infer_steps: Adam steps on the code of an unseen shape after the encoder.
        infer_samples: Samples of each of those steps.
        infer_rate: Their learning rate.
    """

    encoder: SetEncoder = SetEncoder()
    length: int = 256
    local: bool = False
    cells: int = 32
    channels: int = 16
    dims: tuple[int, ...] = (256,) * 4
    rejoin: tuple[int, ...] = ()
    frequencies: int = 0
    objective: Objective = "mse"
    prior: float = 0.0
    tasks: Tasks = Tasks(context=2048, query=2048)
    training: Training = Training(epochs=500, batch=128, keep=10, network_rate=Schedule(1e-4))
    infer_steps: int = 0
    infer_samples: int = 2048
    infer_rate: float = 1e-3

    def __post_init__(self) -> None:
        check_range(self, "length", "cells", "channels", "infer_samples", least=1)
        check_range(self, "infer_rate", above=0)
        check_dims(self.dims)
        check_fields(self)
        if self.training.code_rate.initial:
            raise InputError("a neural process has no table of codes: leave code_rate at 0.")


PAPER = Cnp()
PLANE_PAPER = replace(PAPER, tasks=replace(PLANE, context=2048, query=2048))
PLANE_SMALL = Cnp(
    encoder=SetEncoder(dims=(128,) * 3), length=128, dims=(128,) * 4, frequencies=3, objective="l1", tasks=PLANE,
    training=SMALL_TRAINING,
)  # fmt: skip
"""For two CPU cores."""
LOCAL = replace(PLANE_SMALL, local=True, tasks=Tasks())
SMALL = replace(
    PLANE_SMALL, encoder=SetEncoder(dims=(64,) * 3), dims=(64,) * 4, tasks=Tasks(),
    training=replace(SMALL_TRAINING, network_rate=replace(SMALL_TRAINING.network_rate, initial=3e-3)),
)  # fmt: skip
"""The best of the settings of benchmarks/encoders.py."""
PLANE_LOCAL = replace(
    PLANE_SMALL, local=True, encoder=SetEncoder(dims=(64,) * 3), tasks=replace(PLANE, context=2048, query=256),
    training=replace(SMALL_TRAINING, batch=4, network_rate=replace(SMALL_TRAINING.network_rate, initial=3e-3)),
)  # fmt: skip
"""As tuned by benchmarks/digits.py: as many samples as cells, so that few cells are empty."""
SPACE = "isofield.methods.cnp:method"
CNP = MethodSpec(
    "a conditional neural process: a set encoder and a decoder", SPACE, lambda: SMALL,
    {"cnp-small": SMALL, "cnp-local-small": LOCAL, "cnp-paper": PAPER}, reads="signed",
)  # fmt: skip
CNP_2D = in_plane(CNP, {"cnp-2d-small": PLANE_SMALL, "cnp-2d-local-small": PLANE_LOCAL, "cnp-2d-paper": PLANE_PAPER})
