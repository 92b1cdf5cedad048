"""Settings of DeepSDF's auto-decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError


@dataclass(frozen=True)
class DeepSdf:
    """DeepSDF's auto-decoder (Park et al. 2019); the defaults are the published numbers. Lengths are normalised.

    Args:
        length: Length of a code.
        dims: Widths of the network's hidden layers.
        latent_in: Layers that get the code and the point again.
        norm_layers: Layers with weight norm or layer norm.
        weight_norm: Weight norm, not layer norm.
        dropout: Layers with dropout.
        dropout_prob: Probability of dropout.
        xyz_in_all: Every layer gets the point.
        latent_dropout: Dropout of codes, too.
        use_tanh: A second tanh at the end of the network.
        clamp: Distances beyond it count as this (delta of eq. 4).
        saturating: Values beyond the clamp have no gradient even where they are wrong, as published.
        code_std: Typical length of a code at first.
        prior: Weight of the codes' lengths in the loss.
        prior_warm_up: Epochs over which that weight rises; 0: at once.
        squared: The prior is on squared lengths.
        training: Batches and steps.
        samples: Samples of each shape of a batch, half of them inside.
        infer_steps: Adam steps on the code of an unseen shape.
        infer_samples: Samples of each of those steps.
        infer_rate: Their learning rate.
        infer_prior: Weight of the code's squared length.
        infer_std: Standard deviation of that code's entries at first.
        infer_by: adam, as published; lm: Levenberg-Marquardt, and a short Adam.
        infer_starts: Training codes that lm starts from.
        infer_rounds: Rounds of lm.
        infer_polish: Adam steps after lm.
    """

    length: int = 256
    dims: tuple[int, ...] = (512,) * 8
    latent_in: tuple[int, ...] = (4,)
    norm_layers: tuple[int, ...] = tuple(range(8))
    weight_norm: bool = True
    dropout: tuple[int, ...] = tuple(range(8))
    dropout_prob: float = 0.2
    xyz_in_all: bool = False
    latent_dropout: bool = False
    use_tanh: bool = False
    clamp: float = 0.1
    saturating: bool = True
    code_std: float = 1.0
    prior: float = 1e-4
    prior_warm_up: float = 100.0
    squared: bool = False
    training: Training = Training(
        epochs=2001, batch=64, snapshots=(100, 500, 1000, 2000), keep=10, code_rate=Schedule(1e-3, "step"),
        code_bound=1.0,
    )  # fmt: skip
    samples: int = 16_384
    infer_steps: int = 800
    infer_samples: int = 8000
    infer_rate: float = 5e-3
    infer_prior: float = 1e-4
    infer_std: float = 0.01
    infer_by: Literal["adam", "lm"] = "adam"
    infer_starts: int = 4
    infer_rounds: int = 6
    infer_polish: int = 100

    def __post_init__(self) -> None:
        check_range(self, "clamp", "infer_rate", above=0)
        check_range(self, "length", "samples", "infer_samples", "infer_starts", least=1)
        check_dims(self.dims)
        check_fields(self)
        if not 0 <= self.dropout_prob < 1:
            raise InputError(f"dropout_prob {self.dropout_prob:g} is out of range: give at least 0, and less than 1.")


PAPER = DeepSdf()
SMALL = DeepSdf(
    length=64, dims=(128,) * 8, weight_norm=False, norm_layers=(), dropout=(), saturating=False, code_std=0.1,
    squared=True, prior_warm_up=0.0, samples=320, infer_samples=2048, infer_by="lm",
    training=Training(
        steps=30_000, batch=32, keep=1000, network_rate=Schedule(2e-3, "cosine", final=4e-5, warm_up=0.02),
        code_rate=Schedule(5e-3, "cosine", final=1e-4, warm_up=0.02),
    ),
)  # fmt: skip
"""The network at 0.5 MB, for two CPU cores."""
DEEPSDF = MethodSpec(
    "one network and a code for each shape, by descent", "isofield.methods.deepsdf:DeepSdfSpace", lambda: SMALL,
    {"deepsdf-mlp": SMALL, "deepsdf-paper": PAPER}, reads="signed", compiles=True,
    translate="isofield.configs.specs:from_specs",
)  # fmt: skip
