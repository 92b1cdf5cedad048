"""The codes of unseen shapes in a space of unsigned distances d, by descent on the code alone:

    argmin_z  a method's own terms of f(.; z)  +  infer_prior * mean z^2

by Adam, or by Levenberg-Marquardt on mean | |f(q; z)| - d(q) | + infer_prior * mean z^2 (SAL's objective, Atzmon and
Lipman 2020; `adapt.code_search`) and a short Adam on the former. With `infer_relative` the code counts from the mean of
the training codes, in units of their deviation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import Batches, CodeProblem, descend_code, rows, search_code, tensor
from isofield.adapt.posterior import SHARP
from isofield.configs import NeuralPullSpace, SaldSpace
from isofield.fields.geometric_decoder import Differentiable
from isofield.losses.sign_agnostic import unsigned_value
from isofield.methods.part_codes import Decode, code_of_part
from isofield.types import Batch, SdfSamples

VALUES = 65_536
"""Values that one pass of the network computes."""


@dataclass(frozen=True, eq=False)
class UnsignedCodes:
    """The descents. decoder: f(x; z). table: the training codes (n, l). terms: of the objective, scalars or (b,) by
    name, of codes (b, l) at a batch with "query", "distance" and "direction", without the prior."""

    config: SaldSpace | NeuralPullSpace
    decoder: Differentiable
    table: Tensor
    terms: Callable[[Tensor, Batch], Mapping[str, Tensor]]

    def by_adam(self, unsigned: np.ndarray, start: Tensor | None, seed: int) -> Tensor:
        """The code (l,) of a shape's unsigned samples (n, 7), from a start (l,), or from 0."""
        origin, unit = self._frame
        u = torch.zeros_like(origin) if start is None else (start - origin) / unit
        batches = self._queries(unsigned, self.config.infer_samples, np.random.default_rng(seed))
        return self._code(descend_code(self._objective, u, batches, self._rates()))

    def by_squares(self, unsigned: np.ndarray, start: Tensor | None, seed: int) -> Tensor:
        """The code (l,) by Levenberg-Marquardt from a start (l,) and the best training codes, and a short Adam."""
        config, random, (origin, unit) = self.config, np.random.default_rng(seed), self._frame
        cut = len(unsigned) * 3 // 4
        starts = self.table if start is None else torch.cat([start[None], self.table])
        problem = CodeProblem(self._residuals, self._errors, self._objective, config.infer_prior)
        u = search_code(
            problem, (starts - origin) / unit, lambda number: self._queries(unsigned[:cut], number, random),
            lambda number: self._queries(unsigned[cut:], number, random),
            self._queries(unsigned[:cut], config.infer_samples, random), samples=config.infer_samples,
            best=config.infer_starts, rounds=config.infer_rounds, rate=config.infer_rate, polish=config.infer_polish,
        )  # fmt: skip
        return self._code(u)

    def of_part(self, samples: SdfSamples) -> Tensor:
        """The code (l,) whose signed field agrees with the samples of a part of a shape, by Adam from 0."""
        decode: Decode = lambda x, u: self.decoder(x[None], self._code(u)[None])[0]  # noqa: E731
        start, config = torch.zeros_like(self.table[0]), self.config
        return self._code(code_of_part(decode, samples, start, self._rates(), config.infer_samples, config.infer_prior))

    @cached_property
    def _frame(self) -> tuple[Tensor, float]:
        """What a code u counts from (l,), and in: z = origin + unit u."""
        if not self.config.infer_relative or len(self.table) < 2:
            return torch.zeros_like(self.table[0]), 1.0
        return self.table.mean(0), float(self.table.std(0).square().mean().sqrt()) or 1.0

    def _code(self, u: Tensor) -> Tensor:
        origin, unit = self._frame
        return origin + unit * u

    def _queries(self, unsigned: np.ndarray, count: int, random: np.random.Generator) -> Batches:
        """Batches of random samples."""
        some = tensor(np.array(unsigned), str(self.table.device))
        return rows({"query": some[:, :3], "distance": some[:, 3], "direction": some[:, 4:]}, count, random)

    def _objective(self, u: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms of a code u (l,)."""
        one = Batch({name: value[None] for name, value in batch.tensors.items()})
        terms = {name: value.sum() for name, value in self.terms(self._code(u)[None], one).items()}
        return terms | {"prior": self.config.infer_prior * u.square().mean()}

    def _residuals(self, u: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """|f| - d (k, m) of codes (k, l) at m queries, Jacobians (k, m, l) and weights (k, m)."""
        values: list[Tensor] = []
        jacobians: list[Tensor] = []
        for one in u:  # one pass back through the network: every query has a code of its own
            own = one.expand(len(batch), -1).clone().requires_grad_()
            value = self.decoder(batch["query"][:, None], self._code(own))[:, 0].abs()
            jacobians += torch.autograd.grad(value.sum(), [own])
            values.append(value.detach() - batch["distance"])
        error = torch.stack(values)
        return error, torch.stack(jacobians), 1 / (error.abs() + SHARP) / len(batch)

    @torch.no_grad()
    def _errors(self, u: Tensor, batch: Batch) -> Tensor:
        """mean | |f| - d | (k,) of codes (k, l)."""
        x, distance = batch["query"], batch["distance"]
        parts = u.split(max(VALUES // len(x), 1))
        return torch.cat([
            unsigned_value(self.decoder(x.expand(len(part), -1, -1), self._code(part)), distance.expand(len(part), -1))
            for part in parts
        ])  # fmt: skip

    def _rates(self) -> list[float]:
        config = self.config
        return [config.infer_rate * (1 if 2 * step < config.infer_steps else 0.1) for step in range(config.infer_steps)]
