"""Settings of a hypernetwork."""

from __future__ import annotations

from dataclasses import dataclass, replace

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.conditioned import PLANE, SMALL_TRAINING, Objective, SetEncoder, Tasks, in_plane
from isofield.configs.metasdf import FieldNetwork
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError


@dataclass(frozen=True)
class Hypernet:
    """A set encoder and a hypernetwork, which give the weights of a shape's network (Sitzmann et al. 2020). Lengths are
    normalised.

    Args:
        network: The network of a shape.
        encoder: What gives the latent of a set of samples.
        length: Length of that latent.
        dims: Widths of the networks that map a latent to the weights of a shape's network, one for each tensor.
        scale: The weights of their last layers are this many times those that keep the size of features.
        start: A latent of 0 gives the distance to a sphere of the radius of `network`; otherwise, as published, 0.
        objective: l1 or mse of values, or composite: sign and distance as two outputs.
        prior: Weight of the mean square of a shape's weights.
        tasks: Context and query.
        training: Batches and steps.
        infer_steps: Adam steps on the weights of an unseen shape after the encoder.
        infer_samples: Samples of each of those steps.
        infer_rate: Their learning rate.
    """

    network: FieldNetwork = FieldNetwork(dims=(256,) * 3)
    encoder: SetEncoder = SetEncoder()
    length: int = 256
    dims: tuple[int, ...] = (256,) * 2
    scale: float = 0.1
    start: bool = False
    objective: Objective = "mse"
    prior: float = 0.0
    tasks: Tasks = Tasks(context=2048, query=2048)
    training: Training = Training(epochs=500, batch=128, keep=10, network_rate=Schedule(1e-4))
    infer_steps: int = 0
    infer_samples: int = 2048
    infer_rate: float = 1e-4

    def __post_init__(self) -> None:
        check_range(self, "length", "infer_samples", least=1)
        check_range(self, "infer_rate", above=0)
        check_dims(self.dims)
        check_fields(self)
        if self.training.code_rate.initial:
            raise InputError("a hypernetwork has no table of codes: leave code_rate at 0.")


PAPER = Hypernet()
SMALL = Hypernet(
    network=FieldNetwork(dims=(64,) * 3, frequencies=5, radius=0.5), encoder=SetEncoder(dims=(128,) * 3), length=128,
    dims=(64,), scale=0.01, start=True, objective="l1", tasks=Tasks(), training=SMALL_TRAINING,
)  # fmt: skip
"""For two CPU cores; the best of the settings of benchmarks/encoders.py."""
PLANE_PAPER = replace(PAPER, tasks=replace(PLANE, context=2048, query=2048))
PLANE_SMALL = replace(SMALL, network=replace(SMALL.network, frequencies=3), tasks=PLANE)
SPACE = "isofield.methods.hypernet:method"
HYPERNET = MethodSpec(
    "weights by a hypernetwork with a set encoder", SPACE, lambda: SMALL,
    {"hypernet-small": SMALL, "hypernet-paper": PAPER}, reads="signed",
)  # fmt: skip
HYPERNET_2D = in_plane(HYPERNET, {"hypernet-2d-small": PLANE_SMALL, "hypernet-2d-paper": PLANE_PAPER})
