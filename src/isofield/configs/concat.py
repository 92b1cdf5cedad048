"""Settings of a concatenation auto-decoder."""

from __future__ import annotations

from dataclasses import dataclass, replace

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.conditioned import PLANE, SMALL_TRAINING, Objective, Tasks, in_plane
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError


@dataclass(frozen=True)
class Concat:
    """A concatenation auto-decoder (Park et al. 2019, as a baseline of Sitzmann et al. 2020): a table of codes, and a
    decoder of the point beside the code. Lengths are normalised.

    Args:
        length: Length of a code.
        dims: Widths of the decoder's hidden layers.
        rejoin: Layers that get the code and the point again.
        frequencies: The decoder gets sin(2^k x) and cos(2^k x) for k below this beside x.
        code_std: Standard deviation of the entries of the table at first.
        objective: l1 or mse of values, or composite: sign and distance as two outputs.
        prior: Weight of a code's mean square.
        tasks: Samples: a training code learns from the query, and that of an unseen shape is inferred from a context.
        training: Batches and steps.
        infer_steps: Adam steps on the code of an unseen shape, from 0.
        infer_samples: Samples of each of those steps.
        infer_rate: Their learning rate.
    """

    length: int = 256
    dims: tuple[int, ...] = (256,) * 4
    rejoin: tuple[int, ...] = ()
    frequencies: int = 0
    code_std: float = 1e-3
    objective: Objective = "mse"
    prior: float = 0.0
    tasks: Tasks = Tasks(context=4096, query=0)
    training: Training = Training(epochs=500, batch=128, keep=10, network_rate=Schedule(1e-4), code_rate=Schedule(1e-4))
    infer_steps: int = 800
    infer_samples: int = 2048
    infer_rate: float = 5e-3

    def __post_init__(self) -> None:
        check_range(self, "length", "infer_samples", least=1)
        check_range(self, "infer_rate", above=0)
        check_dims(self.dims)
        check_fields(self)
        if not self.training.code_rate.initial:
            raise InputError("the codes of an auto-decoder are learned: give a code_rate above 0.")


PAPER = Concat()
SMALL = Concat(
    length=256, dims=(128,) * 4, frequencies=3, code_std=1e-2, objective="l1", tasks=Tasks(context=512, query=0),
    prior=1e-4, training=replace(SMALL_TRAINING, code_rate=Schedule(3e-3, "cosine", final=1e-4, warm_up=0.02)),
    infer_steps=300, infer_samples=512, infer_rate=2e-2,
)  # fmt: skip
"""For two CPU cores; the best of the settings of benchmarks/encoders.py."""
PLANE_PAPER = replace(PAPER, tasks=replace(PLANE, context=4096, query=0))
PLANE_SMALL = replace(SMALL, length=64, tasks=replace(PLANE, query=0))
SPACE = "isofield.methods.concat:method"
CONCAT = MethodSpec(
    "a decoder of the point beside a code, and a table of codes", SPACE, lambda: SMALL,
    {"concat-small": SMALL, "concat-paper": PAPER}, reads="signed",
)  # fmt: skip
CONCAT_2D = in_plane(CONCAT, {"concat-2d-small": PLANE_SMALL, "concat-2d-paper": PLANE_PAPER})
