"""DeepSDF: Park, Florence, Straub, Newcombe and Lovegrove, "DeepSDF: Learning Continuous Signed Distance Functions for
Shape Representation", CVPR 2019, sections 4 and 5.

One network f and a code z_i for each shape i are learned together (eq. 9); a code alone gives the distances:

    argmin_{theta, z}  mean_i ( mean_j | clamp(f(x_ij; z_i)) - clamp(s_ij) |  +  lambda ramp |z_i| ),
    clamp(v) = min(delta, max(-delta, v))

over samples x_ij with signed distances s_ij, half of them inside (eq. 4). The codes begin as N(0, (std^2 / l) I) and
are no longer than a bound. ramp = min(1, epoch / 100) and |z| without a square are the released code's; the paper has
|z|^2 / sigma^2 (`squared`). The code of an unseen shape is found by the same descent on z alone (eq. 10), from near 0:

    argmin_z  mean_j | clamp(f(x_j; z)) - clamp(s_j) |  +  lambda mean z^2

What differs from the released code:

* an epoch has all shapes; none is dropped where the batch does not divide their number;
* the samples of a shape are a window of its rows, which are in random order; rows repeat where a side has too few;
* both sums are means over the shapes of a batch, so that `parts` and several processes change nothing;
* without `saturating` a value beyond the clamp still gets a gradient where its target lies inside: with eq. 4 a small
  network that begins beyond the clamp would learn nothing;
* `infer_by` lm solves eq. 10 as nonlinear least squares: weights 1 / (|e_j| + c) make squares of absolute values
  (iteratively reweighted, Holland and Welsch 1977). It starts from the training codes that explain the shape best, and
  the result with the least error on held-out samples goes through a short Adam, which counts if it lowers that error;
* samples and first codes of unseen shapes are drawn from the same seed for every shape: a code does not depend on the
  shapes beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, CodeProblem, codes_of, descend_code, search_code
from isofield.adapt import balanced as balanced_batches
from isofield.adapt.posterior import SHARP
from isofield.configs import DeepSdf
from isofield.errors import InputError
from isofield.fields.decoder import Conditional, Decoder, LatentField
from isofield.losses.signed import clamped, lower_bounded, unsaturated_clamped_l1
from isofield.methods.grid_fit import refined_by_grid
from isofield.sampling.balanced import balanced
from isofield.types import Batch, FitProgress, ProgressCallback, SdfSamples, Shape

VALUES = 65_536
"""Values that one pass of the network computes."""


def decoder(config: DeepSdf, seed: int) -> Decoder:
    """The untrained network. Raises InputError for layers that do not fit together."""
    try:
        return Decoder(
            config.length, config.dims, config.latent_in, norm_layers=config.norm_layers,
            weight_norm=config.weight_norm, dropout=config.dropout, dropout_prob=config.dropout_prob,
            xyz_in_all=config.xyz_in_all, latent_dropout=config.latent_dropout, use_tanh=config.use_tanh,
            generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"these settings make no network ({error}): change dims, latent_in or length.") from None


@dataclass(frozen=True)
class DeepSdfSpace:
    """DeepSDF: a decoder (`Conditional`), and a table of codes."""

    config: DeepSdf
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = False

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> DeepSdfSpace:
        """The untrained decoder, and codes with |z| about `code_std`."""
        length, random = self.config.length, torch.Generator().manual_seed(seed + 1)
        codes = torch.randn(len(shapes), length, generator=random) * (self.config.code_std / math.sqrt(length))
        return replace(self, module=decoder(self.config, seed), table=codes)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table."""
        return self.table

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Fresh samples, half of them inside."""
        return balanced(shape.sdf, self.config.samples, random)

    def init(self, batch: Batch) -> Tensor:
        """Rows of the table."""
        return self.table[batch["row"]]

    def losses(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of eq. 9 of codes (b, l), summed over the shapes."""
        config, added = self.config, self._decoder.condition(code, batch.random)
        value = self._decode(batch["points"], added, batch.random)
        ramp = min(1.0, batch.epoch / config.prior_warm_up) if config.prior_warm_up else 1.0
        lengths = code.square().sum(1) if config.squared else code.norm(dim=1)
        return {
            "distance": len(code) * self._distance(value.float().flatten(), batch["distance"].flatten()),
            "prior": config.prior * ramp * lengths.sum(),
        }

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of eq. 10, by Adam or by Levenberg-Marquardt."""
        find = self._by_squares if self.config.infer_by == "lm" else self._by_adam
        yield FitProgress("inferring codes", 1.0, codes_of(lambda shape: find(shape.sdf, seed, device), shapes))

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z)."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The code of eq. 10 alone."""
        (found,) = self.infer([shape])
        assert found.code is not None
        return found.code

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent towards the samples on a grid."""
        return refined_by_grid(self.field(code), shape.sdf)

    @property
    def _decoder(self) -> Conditional:
        return cast(Conditional, self.module)

    @cached_property
    def _decode(self) -> Callable[[Tensor, Any, torch.Generator | None], Tensor]:
        decode = self._decoder.decode
        return torch.compile(decode) if self.config.training.compile else decode

    def _distance(self, value: Tensor, distance: Tensor) -> Tensor:
        """The clamped error, a mean."""
        loss = clamped if self.config.saturating else unsaturated_clamped_l1
        return loss(value, distance, self.config.clamp)

    def _objective(self, z: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of eq. 10 of a code z (l,)."""
        value = self._decoder.decode(batch["points"][None], self._decoder.condition(z[None]))[0]
        distance = lower_bounded(value.detach(), batch["distance"], batch.tensors.get("free"))
        return {"distance": self._distance(value, distance), "prior": self.config.infer_prior * z.square().mean()}

    def _by_adam(self, samples: SdfSamples, seed: int, device: str) -> Tensor:
        """The code (l,) by Adam from near 0; the rate falls to a tenth after half of the steps."""
        config = self.config
        z = torch.randn(config.length, generator=torch.Generator().manual_seed(seed)) * config.infer_std
        batches = balanced_batches(samples, config.infer_samples, np.random.default_rng(seed), device)
        steps = config.infer_steps
        rates = [config.infer_rate * (1.0 if step < steps // 2 else 0.1) for step in range(steps)]
        return descend_code(self._objective, z.to(device), batches, rates)

    def _by_squares(self, samples: SdfSamples, seed: int, device: str) -> Tensor:
        """The code (l,) by Levenberg-Marquardt from the best training codes, and a short Adam."""
        config, count = self.config, len(samples.points)
        random = np.random.default_rng(seed)

        def drawn(start: int, stop: int) -> Callable[[int], Batches]:
            return lambda number: balanced_batches(samples.part(start, stop), number, random, device)

        batches = balanced_batches(
            samples.part(0, count - count // 4), config.infer_samples, np.random.default_rng(seed), device
        )

        problem = CodeProblem(self._residuals, self._errors, self._objective, config.infer_prior)
        return search_code(
            problem, self.table, drawn(0, count - count // 4), drawn(count - count // 4, count), batches,
            samples=config.infer_samples, best=config.infer_starts, rounds=config.infer_rounds,
            rate=config.infer_rate, polish=config.infer_polish,
        )  # fmt: skip

    def _residuals(self, z: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Clamped errors (k, m) of codes (k, l) at m samples, their Jacobians (k, m, l) and weights (k, m)."""
        values: list[Tensor] = []
        jacobians: list[Tensor] = []
        for code in z:  # one pass back through the network: every point has a code of its own
            own = code.expand(len(batch), -1).clone().requires_grad_()
            value = self._decoder.decode(batch["points"][:, None], self._decoder.condition(own))[:, 0]
            jacobians += torch.autograd.grad(value.sum(), [own])
            values.append(value.detach())
        value = torch.stack(values)
        error, beyond = self._error(value, batch), value.abs() > self.config.clamp
        ignored = beyond if self.config.saturating else beyond & (error == 0)
        return error, torch.stack(jacobians), torch.where(ignored, 0.0, 1 / (error.abs() + SHARP)) / len(batch)

    @torch.no_grad()
    def _errors(self, z: Tensor, batch: Batch) -> Tensor:
        """Mean clamped errors (k,) of codes (k, l)."""
        parts, x = [], batch["points"]
        for some in z.split(max(VALUES // len(x), 1)):
            value = self._decoder.decode(x.expand(len(some), -1, -1), self._decoder.condition(some))
            parts.append(self._error(value, batch).abs().mean(1))
        return torch.cat(parts)

    def _error(self, value: Tensor, batch: Batch) -> Tensor:
        """clamp(f) - clamp(s), (k, m), of values (k, m)."""
        limit = self.config.clamp
        distance = lower_bounded(value, batch["distance"], batch.tensors.get("free"))
        return value.clamp(-limit, limit) - distance.clamp(-limit, limit)
