"""MetaSDF: Sitzmann, Chan, Tucker, Snavely and Wetzstein, "MetaSDF: Meta-learning Signed Distance Functions", NeurIPS
2020; an application of MAML (Finn et al. 2017) and Meta-SGD (Li et al. 2017).

The code of a shape is all the weights theta of a network. They start from learned weights theta_0, and take a few steps
with learned step sizes a_k towards samples of the shape, its context (algorithm 1):

    theta_{k+1} = theta_k - a_k * grad_theta L(theta_k; context),   k = 0, ..., K - 1.

Training differentiates through the steps: it descends on theta_0 and a_k, so that the loss of theta_K on other samples,
the query, becomes small:

    argmin_{theta_0, a}  mean_i L(theta_K(theta_0, a; context_i); query_i).

L is the mean of |f - s|, of (f - s)^2, or of the composite of sign and distance (`losses.outputs`), whose
weights are learned, for the steps and for the outer loss apart; of steps on surface points also SIREN's loss. A picture
is a shape, too: its samples are pixels.

Where the network has a code beside the point (`network.length`), the steps adapt that code alone, and the training
learns the weights, which all shapes share (Zintgraf et al. 2019, CAVIA; Dupont et al. 2022, "From data to functa").

What differs from the released code:

* context and query share no samples, unless `tasks.query` is 0: then the query is the context;
* the loss of the steps is a sum over the shapes: the step of a shape does not depend on the others in its batch;
* step sizes can be kept above 0 (`positive`); more steps than were trained repeat the last ones;
* a shape whose steps diverge (weights that are not finite) learns from the start alone, and is counted in the log;
* a field with sign and distance apart has the sign of the first output and the size of the second.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import cosine_rates, descend_code, noted_codes, rows, tensor, unroll, unroll_finite
from isofield.configs import FieldNetwork
from isofield.configs import MetaSdf as Config
from isofield.fields.decoder import Decoder, LatentField
from isofield.fields.meta_network import MetaNetwork, value_of
from isofield.fields.set_encoder import keep_scale
from isofield.fields.weight_network import WeightNetwork
from isofield.losses.outputs import misclassified, output_error, outputs_of, surface_error
from isofield.methods.grid_fit import refined_by_grid
from isofield.methods.part_codes import most_probable_code
from isofield.sampling.tasks import anywhere, drawn, note_of, observed, surface_points, with_kept_codes
from isofield.types import DIVERGED, LOGGED, Batch, FitProgress, ProgressCallback, SdfSamples, Shape

TOGETHER = 2**20
"""Activations of a layer up to which several shapes take their steps at once: with more, one after the other is as fast
and needs less memory."""


def network_of(
    config: FieldNetwork, inputs: int, outputs: int, generator: torch.Generator
) -> tuple[WeightNetwork | Decoder, Tensor]:
    """The network, and the weights (l,), or the code, that it starts from."""
    if not config.length:
        network = WeightNetwork(inputs, config.dims, outputs, config.activation, config.frequencies, config.w0)
        return network, network.first_weights(config.radius, generator)
    decoder = Decoder(
        config.length, config.dims, (), norm_layers=(), dropout=(), inputs=inputs, outputs=outputs,
        frequencies=config.frequencies, generator=generator,
    )  # fmt: skip
    keep_scale(decoder, generator)
    return decoder, torch.zeros(config.length)


@dataclass(frozen=True, eq=False)
class Adapted:
    """Weights (b, l) after the inner steps. diverged: how many shapes kept the first weights instead."""

    theta: Tensor
    diverged: int


@dataclass(frozen=True)
class MetaSdfSpace:
    """MetaSDF: a network of given weights with a start and step sizes (`MetaNetwork`); the table of codes is empty."""

    config: Config
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> MetaSdfSpace:
        """First weights, and equal step sizes."""
        config, generator = self.config, torch.Generator().manual_seed(seed)
        points, values = observed(shapes[0])
        outputs = outputs_of(config.objective, values.shape[1] if values.ndim == 2 else None)
        network, first = network_of(config.network, points.shape[1], outputs, generator)
        module = MetaNetwork.begun(
            network, first, config.rates.initial, config.rates.per, config.steps if config.rates.per_step else 1,
            config.rates.positive,
        )  # fmt: skip
        module.steps.requires_grad_(config.rates.learned)
        least = config.tasks.context
        few = sum(len(observed(shape)[0]) < least for shape in shapes)
        if few:
            warnings.warn(
                f"{few} of {len(shapes)} shapes have fewer than {least} samples, which repeat: prepare them with a "
                "higher --count.",
                stacklevel=2,
            )
        return replace(self, module=module, table=torch.zeros(len(shapes), 0))

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Context and query."""
        return self._drawn(shape, self.config.tasks.context, self.config.tasks.query, random)

    def _drawn(self, shape: Shape, context: int, query: int, random: np.random.Generator) -> dict[str, np.ndarray]:
        """Context and query; for SIREN's loss, the context is also points anywhere, with values of 1."""
        tasks, siren = self.config.tasks, self.config.inner == "siren"
        parts = drawn(shape, context, query, random, surface=tasks.context_from == "surface", inside=tasks.inside)
        if siren:
            parts["context"] = np.concatenate([parts["context"], anywhere(parts["context"], random)])
            parts["context_value"] = np.repeat(np.array([0, 1], np.float32), context)
        return parts

    def init(self, batch: Batch) -> Adapted:
        """The inner steps from the first weights."""
        points, value = batch["context"], batch["context_value"]
        at_once = max(TOGETHER // (points.shape[1] * max(self.config.network.dims)), 1)
        order = 1 if self.config.first_order else 2
        split = zip(points.split(at_once), value.split(at_once), strict=True)
        parts = [self._adapted(x, s, self.config.steps, order) for x, s in split]
        return Adapted(torch.cat([theta for theta, _ in parts]), sum(diverged for _, diverged in parts))

    def _adapted(self, points: Tensor, value: Tensor, steps: int, order: int) -> tuple[Tensor, int]:
        """The weights (b, l) after inner steps on samples (b, n, d) and their values; how many shapes diverged."""
        start = self._meta.start.expand(len(points), -1)
        return unroll_finite(self._inner(points, value), start, self._meta.rates(steps), order=order)

    def _inner(self, points: Tensor, value: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """L of weights (b, l) and the rows (b,) of their shapes among all, on samples (n, m, d) and their values."""
        meta = self._meta
        if self.config.inner != "siren":
            objective = self.config.objective if self.config.inner == "objective" else "mse"
            return lambda theta, rows: output_error(
                objective, meta.network(points[rows], theta), value[rows], meta.inner
            )

        def loss(theta: Tensor, rows: Tensor) -> Tensor:
            with torch.enable_grad():
                x = points[rows].requires_grad_()
                distance = value_of(meta.network(x, theta))
                (gradient,) = torch.autograd.grad(distance.sum(), [x], create_graph=True)
            return surface_error(distance, gradient, value[rows] == 0)

        return loss

    def losses(self, code: Adapted, batch: Batch) -> dict[str, Tensor]:
        """The outer loss of weights (b, l), summed over the shapes."""
        name = "query" if "query" in batch else "context"
        heads, value = self._meta.network(batch[name], code.theta), batch[f"{name}_value"]
        terms = {"outer": self._loss(heads, value, self._meta.outer).sum()}
        if value.ndim == 2:
            terms[f"{LOGGED}misclassified"] = misclassified(heads.detach(), value).sum()
        terms[DIVERGED] = heads.new_tensor(float(code.diverged))
        return terms

    def _loss(self, heads: Tensor, value: Tensor, log_deviations: Tensor) -> Tensor:
        """L (b,) of outputs (b, n, c) and values (b, n), of colours (b, n, c)."""
        return output_error(self.config.objective, heads, value, log_deviations)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The weights of the first training shapes, as many as are kept."""
        some = with_kept_codes(shapes, self._meta.network.length)
        *_, last = self.infer(some, device=str(self._meta.start.device))
        assert last.code is not None
        return last.code

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The weights (b, l) after the inner steps, and after a short Adam on them where `infer_by` is adam."""

        def theta(shape: Shape) -> tuple[Tensor, str]:
            config, random = self.config, np.random.default_rng(seed)
            context = self._drawn(shape, config.tasks.infer_context, 0, random)
            points, value = (tensor(context[name], device) for name in ("context", "context_value"))
            found, note = self._steps(points[None], value[None])
            if config.infer_by == "adam":
                batches = rows({"points": points, "value": value}, config.tasks.context, np.random.default_rng(seed))
                found = descend_code(
                    self._objective, found, batches, cosine_rates(config.infer_rate, config.infer_polish)
                )
            return found, "; ".join(filter(None, [note, note_of(shape, config.tasks)]))

        yield noted_codes(theta, shapes)

    def _steps(self, points: Tensor, value: Tensor) -> tuple[Tensor, str]:
        """The weights (l,) of a shape, without a graph, and a note where they are doubtful. Where the loss rises above
        that of the start, the steps diverge: then those before the least loss alone are taken."""
        inner, rates, rows = self._inner(points, value), self._meta.rates(self.config.infer_steps), torch.tensor([0])
        theta, losses = unroll(lambda z: inner(z, rows), self._meta.start[None], rates, order=0)
        if losses[-1] <= losses[0]:
            return theta[0], ""
        best = int(losses.nan_to_num(float("inf")).argmin())
        theta, _ = unroll(lambda z: inner(z, rows), self._meta.start[None], rates[:best], order=0)
        return theta[0], f"the inner steps diverge, and the result of the first {best} of {len(rates)} is taken"

    def _objective(self, theta: Tensor, batch: Batch) -> dict[str, Tensor]:
        """L of the weights (l,) of a shape."""
        inner = self._inner(batch["points"][None], batch["value"][None])
        return {"inner": inner(theta[None], torch.tensor([0])).sum()}

    def field(self, code: Tensor) -> nn.Module:
        """f(.; theta)."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The most probable weights (`methods.part_codes`): the inner steps are learned for whole shapes."""
        meta = self._meta
        return most_probable_code(meta.network, self.config.objective, meta.outer, self.table, shape.sdf)[None]

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent towards the samples on a grid."""
        points = surface_points(shape)
        return refined_by_grid(self.field(code), shape.samples or SdfSamples(points, np.zeros(len(points), np.float32)))

    @property
    def _meta(self) -> MetaNetwork:
        return cast(MetaNetwork, self.module)
