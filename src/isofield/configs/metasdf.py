"""Settings of MetaSDF."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.conditioned import PLANE, SMALL_TRAINING, Objective, Tasks, in_plane
from isofield.configs.linear import Linear
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError


@dataclass(frozen=True)
class FieldNetwork:
    """A network whose weights are the code of a shape.

    Args:
        dims: Widths of its hidden layers.
        activation: relu, softplus (beta = 100) or sine.
        frequencies: It gets sin(2^k x) and cos(2^k x) for k below this beside x.
        w0: Frequency of sine.
        radius: relu and softplus start as about the distance to the sphere of this radius.
        length: Length of a code beside the point, which the steps adapt while all shapes share the weights (ReLU); 0:
            the steps adapt the weights.
    """

    dims: tuple[int, ...] = (512,) * 8
    activation: Literal["relu", "softplus", "sine"] = "relu"
    frequencies: int = 0
    w0: float = 30.0
    radius: float = 0.0
    length: int = 0

    def __post_init__(self) -> None:
        check_dims(self.dims)
        check_range(self, "w0", above=0)
        check_fields(self)
        if self.length and self.activation != "relu":
            raise InputError(
                f"activation must be relu where length is above 0 (a code beside the point), not {self.activation}."
            )


@dataclass(frozen=True)
class StepSizes:
    """The step sizes of the inner steps.

    Args:
        initial: All of them at first.
        per: One for the network, for each tensor of weights, or for each weight (Meta-SGD).
        per_step: Each step has its own.
        learned: They are learned with the first weights.
        positive: Their logarithms are learned, so that they stay above 0.
    """

    initial: float = 5e-3
    per: Literal["network", "tensor", "weight"] = "weight"
    per_step: bool = True
    learned: bool = True
    positive: bool = False

    def __post_init__(self) -> None:
        check_range(self, "initial", above=0)
        check_fields(self)


@dataclass(frozen=True)
class MetaSdf:
    """MetaSDF (Sitzmann et al. 2020): weights that become a new shape in a few steps. Lengths are normalised.

    Args:
        network: The network of a shape.
        rates: The step sizes.
        steps: Inner steps.
        first_order: The gradients of the inner steps count as constants.
        objective: l1 or mse of values, or composite: sign and distance as two outputs.
        inner: What the inner steps descend on: the objective; mse; or siren, SIREN's loss of points on the surface.
        tasks: What the inner steps learn from, and what the outer loss is on.
        training: Batches and steps.
        infer_by: The code of an unseen shape: steps, the inner steps; adam, Adam on all weights after these.
        infer_steps: Inner steps for an unseen shape; more than `steps` repeat the last step sizes.
        infer_polish: Steps of adam.
        infer_rate: Its learning rate.
    """

    network: FieldNetwork = FieldNetwork()
    rates: StepSizes = StepSizes()
    steps: int = 5
    first_order: bool = False
    objective: Objective = "composite"
    inner: Literal["objective", "mse", "siren"] = "objective"
    tasks: Tasks = Tasks(context=12_000, query=12_000, infer_context=50_000)
    training: Training = Training(
        epochs=3000, batch=32, keep=100, network_rate=Schedule(5e-4, "step", every=350, factor=0.5), clip=0.5
    )
    infer_by: Literal["steps", "adam"] = "steps"
    infer_steps: int = 5
    infer_polish: int = 200
    infer_rate: float = 1e-4

    def __post_init__(self) -> None:
        check_range(self, "steps", least=1)
        check_range(self, "infer_rate", above=0)
        check_fields(self)
        if self.training.code_rate.initial:
            raise InputError("MetaSDF has no table of codes: leave code_rate at 0.")
        if self.inner == "siren" and (self.tasks.context_from != "surface" or self.objective == "composite"):
            raise InputError(
                "SIREN's loss is that of points on the surface, and of one output: give context_from surface, and "
                "objective l1 or mse."
            )


@dataclass(frozen=True)
class MetaLinear:
    """A few steps from the answer of a linear space (`methods.meta_linear`). Lengths are normalised.

    Args:
        linear: The linear space.
        network: The network that corrects it; it starts as 0.
        rates: The step sizes of its weights.
        steps: Inner steps.
        first_order: The gradients of the inner steps count as constants.
        clamp: Distances beyond it count as this.
        tasks: What the inner steps learn from, samples of the distance, and what the outer loss is on.
        training: Batches and steps.
        infer_steps: Inner steps for an unseen shape.
        infer_evidence: Samples of an unseen shape that its linear code is solved from.
        infer_rounds: Rounds of reweighting in that.
    """

    linear: Linear = Linear(cells=32, megabytes=2.6)
    network: FieldNetwork = FieldNetwork(dims=(96,) * 3)
    rates: StepSizes = StepSizes(initial=1e-2, positive=True)
    steps: int = 5
    first_order: bool = True
    clamp: float = 0.1
    tasks: Tasks = Tasks()
    training: Training = SMALL_TRAINING
    infer_steps: int = 5
    infer_evidence: int = 2048
    infer_rounds: int = 3

    def __post_init__(self) -> None:
        check_range(self, "steps", "infer_evidence", "infer_rounds", least=1)
        check_range(self, "clamp", above=0)
        check_fields(self)
        if self.tasks.context_from == "surface" or not self.tasks.query:
            raise InputError(
                "a linear space solves from samples of the distance, and the weights learn from others: give "
                "context_from samples, and a query above 0."
            )


PAPER = MetaSdf()
PE = replace(
    PAPER, network=FieldNetwork(dims=(512,) * 6, frequencies=5), rates=StepSizes(per="tensor", per_step=False), steps=3,
    tasks=replace(PAPER.tasks, context=4000, query=4000), infer_steps=3, training=replace(PAPER.training, batch=28),
)  # fmt: skip
SMALL = MetaSdf(
    network=FieldNetwork(dims=(128,) * 4, frequencies=5, radius=0.5),
    rates=StepSizes(initial=1e-3, positive=True), first_order=True, objective="l1", tasks=Tasks(),
    training=replace(SMALL_TRAINING, batch=8),
)  # fmt: skip
"""A network of 60 000 weights, for two CPU cores."""
CODE_SMALL = replace(
    SMALL, network=FieldNetwork(dims=(128,) * 4, frequencies=5, length=64), steps=3, infer_steps=3, inner="mse",
    first_order=False, tasks=Tasks(context=256), rates=StepSizes(initial=20.0, positive=True),
    training=replace(SMALL.training, batch=16),
)  # fmt: skip
"""The steps adapt a code of 64 numbers."""
SINE_SMALL = replace(
    SMALL, network=FieldNetwork(dims=(128,) * 3, activation="sine"), rates=StepSizes(initial=1e-2), steps=3,
    infer_steps=5, inner="mse", first_order=False, tasks=Tasks(infer_context=4096), infer_polish=100, infer_rate=5e-4,
    training=replace(SMALL.training, batch=4, network_rate=replace(SMALL.training.network_rate, initial=5e-4)),
)  # fmt: skip
"""A sine network whose weights adapt; at inference, the third step's sizes are taken three times."""
SMALL_SURFACE = replace(SMALL, tasks=Tasks(context_from="surface"), objective="composite")
PAPER_SURFACE = replace(PAPER, tasks=replace(PAPER.tasks, context_from="surface", infer_context=10_000))
PLANE_PAPER = MetaSdf(
    network=FieldNetwork(dims=(256,) * 4), rates=StepSizes(initial=1e-1, per="network", per_step=False),
    objective="mse", tasks=replace(PLANE, context=2048, query=2048),
    training=Training(epochs=3, batch=16, keep=1, network_rate=Schedule(1e-4)),
)  # fmt: skip
PLANE_SMALL = MetaSdf(
    network=FieldNetwork(dims=(64,) * 3, frequencies=3, radius=0.5), rates=StepSizes(initial=1e-3, positive=True),
    first_order=True, objective="l1", tasks=replace(PLANE, context=256),
    training=replace(SMALL_TRAINING, network_rate=replace(SMALL_TRAINING.network_rate, initial=2e-3)),
)  # fmt: skip
PLANE_SINE = replace(
    PLANE_SMALL, network=FieldNetwork(dims=(128,) * 3, activation="sine", w0=10.0), rates=StepSizes(initial=3e-2),
    steps=3, infer_steps=3, first_order=False, inner="mse", tasks=PLANE,
    training=replace(
        SMALL_TRAINING, batch=4, network_rate=replace(SMALL_TRAINING.network_rate, initial=5e-4)
    ),
)  # fmt: skip
"""A sine network whose weights adapt, for dense samples."""
IMAGE_PAPER = MetaSdf(
    network=FieldNetwork(dims=(128,) * 4, activation="sine"), rates=StepSizes(initial=1e-5), steps=3, infer_steps=3,
    objective="mse", tasks=replace(PLANE, context=4096, query=0),
    training=Training(epochs=1, batch=32, network_rate=Schedule(5e-5)),
)  # fmt: skip
IMAGE_SMALL = replace(
    IMAGE_PAPER, tasks=replace(PLANE, context=1024, query=1024), rates=StepSizes(initial=1e-2),
    training=replace(
        SMALL_TRAINING, steps=2000, batch=3, network_rate=replace(SMALL_TRAINING.network_rate, initial=2e-4, final=1e-5)
    ),
)  # fmt: skip
"""The weights of a SIREN are small, and Adam's rate is, too; step sizes that are learned as they are grow in time."""
SPACE = "isofield.methods.metasdf:MetaSdfSpace"
METASDF = MethodSpec(
    "weights that become a shape in a few gradient steps", SPACE, lambda: SINE_SMALL,
    {
        "metasdf-sine-small": SINE_SMALL, "metasdf-code-small": CODE_SMALL, "metasdf-small": SMALL,
        "metasdf-paper": PAPER, "metasdf-pe": PE,
    },
    reads="signed",
)  # fmt: skip
METASDF_SURFACE = MethodSpec(
    "the same, from points on the surface alone", SPACE, lambda: SMALL_SURFACE,
    {"metasdf-surface-small": SMALL_SURFACE, "metasdf-surface-paper": PAPER_SURFACE}, reads=("signed", "surface"),
    observes=("surface",),
)  # fmt: skip
METASDF_2D = in_plane(
    METASDF, {"metasdf-2d-sine": PLANE_SINE, "metasdf-2d-small": PLANE_SMALL, "metasdf-2d-paper": PLANE_PAPER}
)
METASDF_IMAGE = MethodSpec(
    "the same for images", SPACE, lambda: IMAGE_SMALL,
    {"metasdf-image-small": IMAGE_SMALL, "metasdf-image-paper": IMAGE_PAPER}, reads="image",
)  # fmt: skip
META_LINEAR = MethodSpec(
    "a linear space, and weights that correct it in a few gradient steps",
    "isofield.methods.meta_linear:MetaLinearSpace", MetaLinear, reads="signed",
)  # fmt: skip
