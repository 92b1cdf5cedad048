"""Settings of linear spaces with a network that corrects them."""

from __future__ import annotations

from dataclasses import dataclass

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.linear import Linear
from isofield.configs.training import Training, check_dims


@dataclass(frozen=True)
class PcaMlp:
    """Principal components on a coarse grid, and a small network that corrects them. Lengths are normalised.

    Args:
        linear: The linear space below the network.
        dims: Widths of the network's hidden layers.
        lead: Leading numbers of the code that the network gets as input.
        clamp: Distances beyond it count as this.
        training: Batches and steps.
        samples: Samples of each shape of a batch, half of them inside.
        infer_steps: Adam steps on the code of an unseen shape, after the linear space's solution.
        infer_samples: Samples of each of those steps.
        infer_rate: Their learning rate.
    """

    linear: Linear = Linear(cells=32, megabytes=2.6)
    dims: tuple[int, ...] = (96,) * 3
    lead: int = 32
    clamp: float = 0.1
    training: Training = Training(
        steps=6000, batch=32, keep=500, network_rate=Schedule(2e-3, "cosine", final=4e-5, warm_up=0.02)
    )
    samples: int = 512
    infer_steps: int = 100
    infer_samples: int = 2048
    infer_rate: float = 5e-3

    def __post_init__(self) -> None:
        check_range(self, "clamp", "samples", "infer_samples", "infer_rate", above=0)
        check_dims(self.dims)
        check_fields(self)


PCA_MLP = MethodSpec(
    "principal components on a coarse grid, and a small network that corrects them",
    "isofield.methods.pca_mlp:PcaMlpSpace", PcaMlp, reads="signed",
)  # fmt: skip
